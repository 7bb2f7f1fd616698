//! A mail server that takes one mail, or refuses it, and tells what it heard.

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How it behaves.
#[derive(Clone, Copy)]
pub struct Manners {
    /// What it says first.
    pub greeting: &'static str,
    /// What it answers instead of agreeing, and to which command; `.` stands for the end of the mail.
    pub refuse: Option<(&'static str, &'static str)>,
}

impl Default for Manners {
    fn default() -> Self {
        Self { greeting: "220 sink.example ESMTP", refuse: None }
    }
}

/// What it heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Lines outside the mail.
    pub commands: Vec<String>,
    /// The mail, with the dots that SMTP adds taken away.
    pub mail: String,
}

/// The server. It serves one connection.
pub struct Sink {
    /// Where it listens.
    pub port: u16,
    serving: JoinHandle<Heard>,
}

impl Sink {
    /// Starts one on a free port.
    pub async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, manners).await
        });
        Self { port, serving }
    }

    /// What it heard, once its client has gone.
    pub async fn heard(self) -> Heard {
        self.serving.await.unwrap()
    }
}

async fn serve(stream: TcpStream, manners: Manners) -> Heard {
    let (mut heard, mut stream) = (Heard::default(), BufReader::new(stream));
    let mut in_mail = false;
    if say(&mut stream, manners.greeting).await.is_none() {
        return heard;
    }
    loop {
        let mut line = Vec::new();
        // A client that goes without a word has gone all the same.
        let read = stream.read_until(b'\n', &mut line).await.unwrap_or(0);
        if read == 0 {
            return heard;
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let command = line.trim_end_matches("\r\n");
        if in_mail && command != "." {
            heard.mail.push_str(line.strip_prefix('.').unwrap_or(&line));
            continue;
        }
        if !in_mail {
            heard.commands.push(command.to_owned());
        }
        let word = command.split(' ').next().unwrap_or_default();
        let refusal = manners.refuse.filter(|(at, _)| *at == word).map(|(_, answer)| answer);
        let answer = refusal.unwrap_or(match word {
            "EHLO" => "250-sink.example\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        });
        in_mail = word == "DATA" && refusal.is_none();
        if say(&mut stream, answer).await.is_none() {
            return heard;
        }
    }
}

/// `None` when nobody is there any more.
async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> Option<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}

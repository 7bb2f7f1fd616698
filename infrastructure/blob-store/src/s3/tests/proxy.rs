//! A proxy before the server that does what networks and servers do on bad days.

use scratch_s3::ScratchS3;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The server says this status instead of doing anything.
    Status(u16),
    /// The connection ends before an answer, without anything done.
    Hangup,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// The answer ends after so many bytes.
    Cut(usize),
    /// The answer stops after so many bytes, and the connection stays.
    Stall(usize),
    /// The byte of the answer at this place is another one.
    Flip(usize),
    /// Each piece of the answer takes so long.
    Slow(Duration),
    /// Each piece of the answer takes so long, and it ends after so many bytes.
    SlowCut(Duration, usize),
    /// Each piece of the request takes so long.
    SlowToTake(Duration),
}

#[derive(Debug)]
struct Rule {
    method: &'static str,
    fault: Fault,
    times: usize,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    /// The requests without their bodies.
    seen: Vec<String>,
}

/// The proxy. Dropped, it refuses connections and cuts those that are open.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn before(server: &ScratchS3) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What waits here was not taken yet, and the sender cannot tell: let it be little.
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let (address, to, state) = (listener.local_addr().unwrap(), server.address(), Arc::default());
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                open.spawn(async move {
                    // Ends that nobody asked for are what it is for.
                    let _ended = pass(client, to, &state).await;
                });
            }
        });
        Self { address, state, task }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next so many requests whose first line begins so go wrong.
    pub fn break_next(&self, times: usize, method: &'static str, fault: Fault) {
        self.state.lock().unwrap().rules.push(Rule { method, fault, times });
    }

    /// How many requests had a first line that begins so.
    pub fn count(&self, method: &str) -> usize {
        self.state.lock().unwrap().seen.iter().filter(|line| line.starts_with(method)).count()
    }

    /// How many requests that begin so ask for a part of the content.
    pub fn count_ranges(&self, method: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|head| head.starts_with(method) && head.contains("\r\nrange: ")).count()
    }

    /// Whether everything has gone wrong that was to.
    pub fn is_done(&self) -> bool {
        self.state.lock().unwrap().rules.iter().all(|rule| rule.times == 0)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes one request and its answer.
async fn pass(mut client: TcpStream, to: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let fault = {
        let mut state = state.lock().unwrap();
        state.seen.push(text.clone());
        let rule = state.rules.iter_mut().find(|rule| rule.times > 0 && text.starts_with(rule.method));
        rule.map(|rule| {
            rule.times -= 1;
            rule.fault
        })
    };
    if matches!(fault, Some(Fault::Hangup)) {
        return Ok(());
    }
    let length =
        text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = (&mut client).take(length.unwrap_or(0));
    if let Some(Fault::Status(status)) = fault {
        tokio::io::copy(&mut body, &mut tokio::io::sink()).await?;
        let answer = format!("HTTP/1.1 {status} Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return client.write_all(answer.as_bytes()).await;
    }
    let mut server = TcpStream::connect(to).await?;
    // One request for each connection: what is signed does not say otherwise.
    let head = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await?;
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = body.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        if let Some(Fault::SlowToTake(wait)) = fault {
            tokio::time::sleep(wait).await;
        }
        server.write_all(&piece[..read]).await?;
    }
    answer(client, server, fault).await
}

async fn answer(mut client: TcpStream, mut server: TcpStream, fault: Option<Fault>) -> io::Result<()> {
    let (mut piece, mut at) = (vec![0; 16 << 10], 0);
    loop {
        let read = server.read(&mut piece).await?;
        if read == 0 {
            return client.shutdown().await;
        }
        let piece = &mut piece[..read];
        match fault {
            Some(Fault::LostAnswer) => return Ok(()),
            Some(Fault::Cut(end)) if at + read >= end => return client.write_all(&piece[..end - at]).await,
            Some(Fault::Stall(end)) if at + read >= end => {
                client.write_all(&piece[..end - at]).await?;
                // Until the other side has enough.
                client.read_to_end(&mut Vec::new()).await?;
                return Ok(());
            }
            Some(Fault::Flip(place)) if (at..at + read).contains(&place) => piece[place - at] ^= 1,
            Some(Fault::Slow(wait)) => tokio::time::sleep(wait).await,
            Some(Fault::SlowCut(wait, end)) => {
                tokio::time::sleep(wait).await;
                if at + read >= end {
                    return client.write_all(&piece[..end - at]).await;
                }
            }
            _ => {}
        }
        client.write_all(piece).await?;
        at += read;
    }
}

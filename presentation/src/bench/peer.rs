//! What the server is compared with: a bare axum handler that answers with a small struct as JSON, in a process of its
//! own. No layers, no token, no cache: nothing that the server has to offer.

use super::server::Target;
use crate::exit::{Exit, Failure};
use axum::{Json, Router, response::IntoResponse, routing::get};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde::Serialize;
use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    process::Stdio,
    sync::Arc,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// Bytes of the document around its text: `{"text":""}`.
const AROUND: usize = 11;

#[derive(Serialize)]
struct Document {
    text: String,
}

/// The peer, killed when it is dropped.
pub struct Peer {
    _child: Child,
    /// Where it is.
    pub target: Target,
}

impl Peer {
    /// Starts it, with answers of so many bytes.
    pub async fn start(bytes: usize) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::internal(&error);
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["internal", "bench-peer", "--bytes", &bytes.to_string()]);
        // It ends when nobody holds its standard input any more.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
        let silent = || Failure::new(Exit::Internal, "the peer did not start");
        let stdout = child.stdout.take().ok_or_else(silent)?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await.map_err(failed)?;
        let address: SocketAddr = line.trim().parse().map_err(|_| silent())?;
        let pid = child.id().unwrap_or_default();
        Ok(Self { _child: child, target: Target { address, token: None, pid } })
    }
}

/// The peer itself: says where it listens, and serves until its standard input ends.
pub fn serve(bytes: usize, mut stdin: impl Read, mut stdout: impl Write) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    writeln!(stdout, "{}", listener.local_addr()?)?;
    stdout.flush()?;
    let router = router(bytes);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, router.clone()));
        }
    });
    io::copy(&mut stdin, &mut io::sink())?;
    runtime.shutdown_background();
    Ok(())
}

fn router(bytes: usize) -> Router {
    let document = Arc::new(Document { text: "x".repeat(bytes.saturating_sub(AROUND)) });
    Router::new().route("/", get(async move || Json(&*document).into_response()))
}

async fn answer(stream: TcpStream, router: Router) {
    if stream.set_nodelay(true).is_ok() {
        let service = TowerToHyperService::new(router);
        // A client that goes away is no fault.
        let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::client;
    use std::{
        io::{BufRead, PipeWriter, pipe},
        thread::JoinHandle,
    };

    fn started(bytes: usize) -> (PipeWriter, Target, JoinHandle<io::Result<()>>) {
        let (stdin, hold) = pipe().expect("a pipe");
        let (said, stdout) = pipe().expect("a pipe");
        let served = std::thread::spawn(move || serve(bytes, stdin, stdout));
        let mut line = String::new();
        io::BufReader::new(said).read_line(&mut line).expect("a line");
        let address = line.trim().parse().expect("an address");
        (hold, Target { address, token: None, pid: 0 }, served)
    }

    #[tokio::test]
    async fn the_peer_answers_so_many_bytes_until_its_input_ends() {
        let (hold, target, served) = started(1_000);
        let answer = client::get(&target, "/").await.expect("answered");
        assert_eq!((answer.body.len(), answer.header("content-type")), (1_000, Some("application/json")));
        assert_eq!(answer.json().expect("a document")["text"].as_str().map(str::len), Some(1_000 - AROUND));
        assert_eq!(client::get(&target, "/other").await.err().map(|failure| failure.exit), Some(Exit::Internal));
        drop(hold);
        served.join().expect("no panic").expect("ended in order");
    }
}

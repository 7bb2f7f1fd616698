//! A proxy before the server that does what networks and servers do on bad days.

use crate::{ScratchS3, error::ScratchError};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
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
    /// The answer's body ends after half of it.
    HalfAnswer,
    /// The connection ends after half of the request's body, which the server does not get to its end.
    HalfRequest,
}

/// The next requests that go wrong.
#[derive(Debug)]
struct Rule {
    method: &'static str,
    fault: Fault,
    times: usize,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    /// What goes wrong again and again, and with how many requests each one of it.
    routine: Option<(usize, Vec<Fault>)>,
    /// How many requests were made since, and how many went wrong.
    since: (usize, usize),
    /// The requests without their bodies.
    seen: Vec<String>,
}

/// The proxy. Dropped, it refuses connections and cuts those that are open.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Before this server. It lives in the runtime of its maker.
    pub async fn before(server: &ScratchS3) -> Result<Self, ScratchError> {
        let socket = TcpSocket::new_v4().map_err(ScratchError::Listen)?;
        // What waits here was not taken yet, and the sender cannot tell: let it be little.
        socket.set_recv_buffer_size(64 << 10).map_err(ScratchError::Listen)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(ScratchError::Listen)?;
        let listener = socket.listen(64).map_err(ScratchError::Listen)?;
        let address = listener.local_addr().map_err(ScratchError::Listen)?;
        let (to, state) = (server.address(), Arc::default());
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                open.spawn(async move {
                    // Ends that nobody asked for are what it is for.
                    let _ended = pass(client, to, &state).await;
                });
            }
        });
        Ok(Self { address, state, task })
    }

    /// Where it listens, as an address with scheme.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next so many requests whose first line begins so go wrong.
    pub fn break_next(&self, times: usize, method: &'static str, fault: Fault) {
        self.state().rules.push(Rule { method, fault, times });
    }

    /// Of so many requests, one goes wrong, in each of these ways in turn; none any more without a way.
    pub fn break_every(&self, requests: usize, ways: Vec<Fault>) {
        let mut state = self.state();
        state.routine = (requests > 0 && !ways.is_empty()).then_some((requests, ways));
        state.since = (0, 0);
    }

    /// How many requests went wrong since that was said.
    pub fn broken(&self) -> usize {
        self.state().since.1
    }

    /// How many requests had a first line that begins so.
    pub fn count(&self, method: &str) -> usize {
        self.state().seen.iter().filter(|line| line.starts_with(method)).count()
    }

    /// How many requests that begin so ask for a part of the content.
    pub fn count_ranges(&self, method: &str) -> usize {
        let state = self.state();
        state.seen.iter().filter(|head| head.starts_with(method) && head.contains("\r\nrange: ")).count()
    }

    /// Whether everything has gone wrong that was to.
    pub fn is_done(&self) -> bool {
        self.state().rules.iter().all(|rule| rule.times == 0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// What goes wrong with a request that begins so.
    fn fault(&mut self, head: &str) -> Option<Fault> {
        if let Some(rule) = self.rules.iter_mut().find(|rule| rule.times > 0 && head.starts_with(rule.method)) {
            rule.times -= 1;
            return Some(rule.fault);
        }
        let (requests, ways) = self.routine.as_ref()?;
        self.since.0 += 1;
        if !self.since.0.is_multiple_of(*requests) {
            return None;
        }
        let way = ways.get(self.since.1 % ways.len()).copied();
        self.since.1 += 1;
        way
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
        let mut state = lock(state);
        state.seen.push(text.clone());
        state.fault(&text)
    };
    if matches!(fault, Some(Fault::Hangup)) {
        return Ok(());
    }
    let length = length_of(&text) as u64;
    let is_half = matches!(fault, Some(Fault::HalfRequest));
    let mut body = (&mut client).take(if is_half { length / 2 } else { length });
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
        server.write_all(piece.get(..read).unwrap_or_default()).await?;
    }
    if is_half {
        return Ok(());
    }
    answer(client, server, fault).await
}

async fn answer(mut client: TcpStream, mut server: TcpStream, fault: Option<Fault>) -> io::Result<()> {
    let (mut piece, mut at, mut half) = (vec![0; 16 << 10], 0, None);
    loop {
        let read = server.read(&mut piece).await?;
        if read == 0 {
            return client.shutdown().await;
        }
        let piece = piece.get_mut(..read).unwrap_or_default();
        // So much of it is in this piece, if it ends there.
        let within = |end: usize| (at + read >= end).then(|| end.saturating_sub(at).min(read));
        match fault {
            Some(Fault::LostAnswer) => return Ok(()),
            Some(Fault::Cut(end)) => {
                if let Some(end) = within(end) {
                    return client.write_all(piece.get(..end).unwrap_or_default()).await;
                }
            }
            Some(Fault::HalfAnswer) => {
                let end = *half.get_or_insert_with(|| half_of(piece));
                if let Some(end) = within(end) {
                    return client.write_all(piece.get(..end).unwrap_or_default()).await;
                }
            }
            Some(Fault::Stall(end)) => {
                if let Some(end) = within(end) {
                    client.write_all(piece.get(..end).unwrap_or_default()).await?;
                    // Until the other side has enough.
                    client.read_to_end(&mut Vec::new()).await?;
                    return Ok(());
                }
            }
            Some(Fault::Flip(place)) => {
                if let Some(byte) = place.checked_sub(at).and_then(|place| piece.get_mut(place)) {
                    *byte ^= 1;
                }
            }
            Some(Fault::Slow(wait)) => tokio::time::sleep(wait).await,
            Some(Fault::SlowCut(wait, end)) => {
                tokio::time::sleep(wait).await;
                if let Some(end) = within(end) {
                    return client.write_all(piece.get(..end).unwrap_or_default()).await;
                }
            }
            Some(Fault::Status(_) | Fault::Hangup | Fault::SlowToTake(_) | Fault::HalfRequest) | None => {}
        }
        client.write_all(piece).await?;
        at += read;
    }
}

/// How many bytes of an answer there are to the middle of its body, by its beginning.
fn half_of(beginning: &[u8]) -> usize {
    let text = String::from_utf8_lossy(beginning);
    let head = text.find("\r\n\r\n").map_or(beginning.len(), |end| end + 4);
    head + length_of(text.get(..head).unwrap_or_default()) / 2
}

fn length_of(head: &str) -> usize {
    let mut lengths =
        head.lines().filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    lengths.next().unwrap_or(0)
}

//! Requests to a server in the test, by names that only the test knows.

use crate::{
    HttpOutbound,
    lookup::{CheckedResolver, Lookup},
};
use application::{
    causes::with_causes,
    ports::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundMethod, OutboundRequest, Reach},
};
use async_trait::async_trait;
use reqwest::dns::Resolve;
use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that gives every connection the same bytes, once it was asked something.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    heard: Arc<Mutex<String>>,
}

impl Server {
    /// Answers with these bytes and closes; with none, it keeps silent.
    async fn answering(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
        let server = Self { port, connections: Arc::clone(&connections), heard: Arc::clone(&heard) };
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let request = read_request(&mut connection).await;
                *heard.lock().unwrap() = request;
                if answer.is_empty() {
                    silent.push(connection);
                    continue;
                }
                // Whoever asked may have heard enough.
                let _gone = connection.write_all(answer).await;
                let _gone = connection.shutdown().await;
            }
        });
        server
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

/// Head and body of a request, as far as its `content-length` says.
async fn read_request(connection: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let read = connection.read(&mut bytes).await.unwrap_or(0);
        heard.extend_from_slice(&bytes[..read]);
        let text = String::from_utf8_lossy(&heard).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            // What begins so is no HTTP, but a greeting of TLS.
            if read == 0 || heard.first() == Some(&0x16) {
                return text;
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if read == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

/// Names that have other addresses each time they are asked for; the last answer stays.
struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(parsed).collect()), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(name, "hooks.example");
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.ok_or_else(|| io::Error::other("no such name"))
    }
}

fn outbound(names: Arc<Names>) -> HttpOutbound {
    HttpOutbound::with_lookup("dragoman-test/1", names).unwrap()
}

fn request(url: String, reach: Reach) -> OutboundRequest {
    OutboundRequest {
        method: OutboundMethod::Post,
        url,
        headers: vec![("content-type".into(), "application/json".into()), ("x-own".into(), "5".into())],
        body: b"{\"a\":1}".to_vec(),
        reach,
        timeout: Duration::from_secs(20),
        answer_bytes_max: 100,
    }
}

/// What is said of an outcome: its status or its kind of error.
fn said(outcome: &Result<OutboundAnswer, OutboundError>) -> String {
    match outcome {
        Ok(answer) => answer.status.to_string(),
        Err(OutboundError::Unreachable(_)) => "unreachable".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

#[tokio::test]
async fn a_request_is_sent_as_it_is_and_its_answer_read() {
    let server =
        Server::answering(b"HTTP/1.1 418 Tea\r\nX-Odd: one\r\nx-odd: two\r\ncontent-length: 5\r\n\r\nshort").await;
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    let url = format!("http://hooks.example:{}/in?q=1", server.port);
    let answer = outbound.send(request(url, Reach::Anywhere)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (418, b"short".as_slice()));
    assert_eq!(answer.header("x-odd"), Some("one"));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-odd").count(), 2);
    let heard = server.heard();
    assert!(heard.starts_with("POST /in?q=1 HTTP/1.1\r\n"), "{heard}");
    for part in ["content-type: application/json\r\n", "x-own: 5\r\n", "user-agent: dragoman-test/1\r\n", "{\"a\":1}"] {
        assert!(heard.contains(part), "{part} is missing in {heard}");
    }
    assert!(!heard.to_lowercase().contains("accept-encoding"), "{heard}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = b"HTTP/1.1 307 Elsewhere\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let server = Server::answering(elsewhere).await;
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    let url = format!("http://hooks.example:{}/", server.port);
    let answer = outbound.send(request(url, Reach::Anywhere)).await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (307, Some("http://169.254.169.254/")));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_in_every_spelling() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fc00::1]",
        "[fec0::1]",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
    ];
    for host in hosts {
        let outcome = outbound.send(request(format!("http://{host}:{}/", server.port), Reach::Public)).await;
        assert_eq!(said(&outcome), "Forbidden", "{host}");
    }
    assert_eq!(server.connections(), 0);
    let allowed = outbound.send(request(format!("http://127.1:{}/", server.port), Reach::Anywhere)).await;
    assert_eq!(said(&allowed), "200");
}

#[tokio::test]
async fn an_address_is_checked_without_anything_being_sent() {
    let check = async |names: &[&[&str]], url: &str, reach: Reach| {
        outbound(Names::new(names))
            .check(url, reach)
            .await
            .map_or_else(|error| format!("{error:?}"), |()| "fine".into())
    };
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let (name, own) = ("https://hooks.example/in", format!("http://127.0.0.1:{}/", server.port));
    assert_eq!(check(&[&["8.8.8.8", "2606:4700::1111"]], name, Reach::Public).await, "fine");
    assert_eq!(check(&[&["8.8.8.8", "10.0.0.1"]], name, Reach::Public).await, "Forbidden");
    assert_eq!(check(&[&["10.0.0.1"]], name, Reach::Anywhere).await, "fine");
    assert_eq!(check(&[], name, Reach::Public).await, "Unresolved");
    assert_eq!(check(&[], &own, Reach::Public).await, "Forbidden");
    assert_eq!(check(&[], &own, Reach::Anywhere).await, "fine");
    for wrong in ["ftp://hooks.example/", "https://ann:secret@hooks.example/", "hooks.example", "https://"] {
        assert_eq!(check(&[&["8.8.8.8"]], wrong, Reach::Anywhere).await, "InvalidUrl", "{wrong}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn names_are_refused_when_any_of_their_addresses_is_not_public() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let all: [&[&str]; 6] = [
        &["127.0.0.1"],
        &["8.8.8.8", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["2606:4700::1111", "169.254.169.254"],
    ];
    for addresses in all {
        let names = Names::new(&[addresses]);
        let url = format!("http://hooks.example:{}/", server.port);
        let outcome = outbound(Arc::clone(&names)).send(request(url, Reach::Public)).await;
        assert_eq!(said(&outcome), "Forbidden", "{addresses:?}");
        assert_eq!(names.asked.load(Ordering::SeqCst), 1, "{addresses:?}");
    }
    assert_eq!(server.connections(), 0);
}

/// DNS rebinding: a name that was harmless when somebody looked, and leads inside when it is used.
#[tokio::test]
async fn what_is_checked_is_what_is_connected_to() {
    let names = Names::new(&[&["8.8.8.8", "2606:4700::1111"], &["127.0.0.1"]]);
    let resolver = CheckedResolver { lookup: names, reach: Reach::Public };
    let found: Vec<_> = resolver.resolve("hooks.example".parse().unwrap()).await.unwrap().collect();
    assert_eq!(found, ["8.8.8.8:0".parse().unwrap(), "[2606:4700::1111]:0".parse().unwrap()]);
    assert!(resolver.resolve("hooks.example".parse().unwrap()).await.is_err(), "each connection is checked anew");
}

#[tokio::test]
async fn a_connection_of_one_reach_is_of_no_use_to_the_other() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    for (reach, expected) in [(Reach::Anywhere, "200"), (Reach::Public, "Forbidden"), (Reach::Anywhere, "200")] {
        let url = format!("http://hooks.example:{}/", server.port);
        assert_eq!(said(&outbound.send(request(url, reach)).await), expected);
    }
}

#[tokio::test]
async fn only_addresses_of_http_without_credentials_are_asked() {
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    let urls = [
        "",
        "hooks.example",
        "/path",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "unix:/run/x.sock",
        "gopher://hooks.example",
        "http://",
        "http://user@hooks.example/",
        "http://user:secret@hooks.example/",
        "http://:secret@hooks.example/",
        "http://hooks.example:99999/",
        "http://[::1/",
        "http://256.256.256.256/",
        "http://a b/",
        "javascript:alert(1)",
    ];
    for url in urls {
        for reach in [Reach::Public, Reach::Anywhere] {
            assert_eq!(said(&outbound.send(request(url.to_owned(), reach)).await), "InvalidUrl", "{url}");
        }
    }
}

#[tokio::test]
async fn no_more_is_read_than_was_asked_for() {
    async fn check(answer: &'static [u8], expected: &str) {
        let server = Server::answering(answer).await;
        let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
        let mut request = request(format!("http://hooks.example:{}/", server.port), Reach::Anywhere);
        request.answer_bytes_max = 4;
        assert_eq!(said(&outbound.send(request).await), expected, "{}", String::from_utf8_lossy(answer));
    }
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n1234", "200").await;
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345", "TooLarge").await;
    // Announced only; it is not waited for.
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", "TooLarge").await;
    check(b"HTTP/1.1 200 OK\r\n\r\n1234", "200").await;
    check(b"HTTP/1.1 200 OK\r\n\r\n12345", "TooLarge").await;
    check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n12\r\n3\r\n345\r\n0\r\n\r\n", "TooLarge").await;
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n12", "unreachable").await;
    check(b"this is not HTTP\r\n\r\n", "unreachable").await;
}

#[tokio::test]
async fn silence_ends_in_time_and_absence_at_once() {
    let server = Server::answering(b"").await;
    let known = outbound(Names::new(&[&["127.0.0.1"]]));
    let mut silent = request(format!("http://hooks.example:{}/", server.port), Reach::Anywhere);
    silent.timeout = Duration::from_millis(100);
    assert_eq!(said(&known.send(silent).await), "TimedOut");

    let unknown = outbound(Names::new(&[]));
    assert_eq!(said(&unknown.send(request("http://hooks.example/".into(), Reach::Public)).await), "Unresolved");
    let empty = outbound(Names::new(&[&[]]));
    assert_eq!(said(&empty.send(request("http://hooks.example/".into(), Reach::Anywhere)).await), "Unresolved");
}

#[tokio::test]
async fn who_cannot_prove_a_name_is_told_nothing() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    let url = format!("https://hooks.example:{}/", server.port);
    assert_eq!(said(&outbound.send(request(url, Reach::Anywhere)).await), "unreachable");
    assert!(server.connections() > 0 && !server.heard().contains("x-own"), "{}", server.heard());
}

#[tokio::test]
async fn nothing_that_is_said_names_the_address_or_holds_secrets() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let outbound = outbound(Names::new(&[&["127.0.0.1"]]));
    let mut asked = request(format!("http://hooks.example:{free}/planted-path"), Reach::Anywhere);
    asked.headers.push(("authorization".into(), "planted-secret".into()));
    let shown = format!("{asked:?}");
    let error = outbound.send(asked.clone()).await.unwrap_err();
    let said = format!("{shown} {} {error:?}", with_causes(&error));
    asked.headers.push(("x-injected".into(), "a\r\nplanted-secret: b".into()));
    let error = outbound.send(asked).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    for said in [said, format!("{} {error:?}", with_causes(&error))] {
        assert!(!said.contains("planted") && !said.contains("hooks.example"), "{said}");
    }
}

//! The same events over a WebSocket.

use crate::{
    bad_requests::problem,
    kit::{Options, Server, TOKEN},
    listener::{Listener, PATIENCE, Scribe, dropped, requested, withdrawn},
};
use futures::{SinkExt, StreamExt};
use http_api::HttpLimits;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::Response,
        http::{HeaderName, HeaderValue},
        protocol::CloseFrame,
    },
};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x0198_aaaa_0000_7000_8000_0000_0000_0001);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &Server, query: &str, header: (&'static str, &str)) -> Result<(Socket, Response), Error> {
    let mut request = format!("ws://{}/v1/ws{query}", server.address).into_client_request().expect("a request");
    let value = HeaderValue::from_str(header.1).expect("a header");
    request.headers_mut().insert(HeaderName::from_static(header.0), value);
    connect_async(request).await
}

async fn open(server: &Server, query: &str) -> Socket {
    connect(server, query, ("authorization", &format!("Bearer {TOKEN}"))).await.expect("a WebSocket").0
}

/// The next message, or how the server closes.
async fn next(socket: &mut Socket) -> Result<Value, CloseFrame> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("in time").expect("a message").expect("no error") {
            Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Message::Close(frame) => return Err(frame.expect("a reason")),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_websocket_tells_what_a_stream_tells() {
    let server = Server::start().await;
    let mut dubbing = Scribe::of_dubbing(&server, "local", ID);
    let mut track = dubbing.track("es");
    dubbing.write(vec![dropped(1), requested("es")]).await;
    Scribe::of_dubbing(&server, "other", Uuid::from_u128(9)).write_lines(3).await;
    let everything = [
        ("?after=0".to_owned(), "/v1/events?after=0".to_owned()),
        ("?after=0&types=track.*".to_owned(), "/v1/events?after=0&types=track.*".to_owned()),
        (format!("?dubbing={ID}"), format!("/v1/dubbings/{ID}/events")),
        (format!("?dubbing={ID}&after=1"), format!("/v1/dubbings/{ID}/events?after=1")),
        (String::new(), "/v1/events".to_owned()),
    ];
    let mut pairs = Vec::new();
    for (query, path) in &everything {
        pairs.push((open(&server, query).await, Listener::open(server.get(path)).await));
    }
    let last = track.write(vec![withdrawn()]).await;
    for (mut socket, mut listener) in pairs {
        loop {
            let (said, told) = (next(&mut socket).await.expect("a message"), listener.next().await.expect("one"));
            assert_eq!(said, told.data);
            if told.id == last {
                break;
            }
        }
    }
}

#[tokio::test]
async fn who_is_cut_off_before_the_first_event_misses_nothing() {
    let server = Server::start().await;
    let mut dubbing = Scribe::of_dubbing(&server, "local", ID);
    let head = dubbing.write_lines(3).await;
    let bearer = format!("Bearer {TOKEN}");
    let (socket, answer) = connect(&server, "", ("authorization", &bearer)).await.expect("a WebSocket");
    let began = answer.headers()["dragoman-position"].to_str().expect("a text");
    assert_eq!(began, head.to_string());
    drop(socket);
    let missed = dubbing.write_lines(1).await;
    let mut again = open(&server, &format!("?after={began}")).await;
    assert_eq!(next(&mut again).await.expect("a message")["position"], missed);
}

#[tokio::test]
async fn a_browser_shows_its_token_as_a_subprotocol() {
    let server = Server::start().await;
    let offer = format!("dragoman.events.v1, bearer.{TOKEN}");
    let (_, answer) = connect(&server, "", ("sec-websocket-protocol", &offer)).await.expect("a WebSocket");
    assert_eq!(answer.headers()["sec-websocket-protocol"], "dragoman.events.v1");
    let check =
        async |query: &str, name: &'static str, value: &str, status: u16| match connect(&server, query, (name, value))
            .await
        {
            Err(Error::Http(answer)) => assert_eq!(answer.status().as_u16(), status, "{query} {name}"),
            other => panic!("{other:?}"),
        };
    let (protocol, bearer) = ("sec-websocket-protocol", format!("Bearer {TOKEN}"));
    check("", protocol, "dragoman.events.v1, bearer.wrong", 401).await;
    check("", protocol, "dragoman.events.v1", 401).await;
    check(&format!("?token={TOKEN}"), "x-a", "b", 401).await;
    check("?after=1", "authorization", &bearer, 409).await;
    check(&format!("?dubbing={ID}"), "authorization", &bearer, 404).await;
    check("?dubbing=x", "authorization", &bearer, 400).await;
    // A subprotocol opens no other route.
    let answer = server.open(reqwest::Method::GET, "/v1/errors").header("sec-websocket-protocol", &offer);
    assert_eq!(answer.send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so() {
    let server = Server::start().await;
    let answer = server.get("/v1/ws").send().await.expect("an answer");
    assert_eq!(answer.headers()["upgrade"], "websocket");
    assert_eq!(problem(answer).await["code"], "upgrade-required");
}

#[tokio::test]
async fn clients_are_answered_and_bounded() {
    let server = Server::start().await;
    let mut socket = open(&server, "").await;
    socket.send(Message::Ping("are you there".into())).await.expect("sent");
    let pong = timeout(PATIENCE, socket.next()).await.expect("in time").expect("a message").expect("no error");
    assert_eq!(pong, Message::Pong("are you there".into()));
    socket.send(Message::text("hello")).await.expect("sent");
    let last = Scribe::of_dubbing(&server, "local", ID).write_lines(1).await;
    assert_eq!(next(&mut socket).await.expect("a message")["position"], last);
    socket.send(Message::text("a".repeat(2_000))).await.expect("sent");
    // It is closed without more words.
    let end = timeout(PATIENCE, socket.next()).await.expect("in time");
    assert!(matches!(end, None | Some(Err(_)) | Some(Ok(Message::Close(_)))), "{end:?}");
}

#[tokio::test]
async fn who_falls_behind_is_closed_with_1013() {
    let http = HttpLimits { live_events: 16, ..HttpLimits::default() };
    let server = Server::with(Options { http: Some(http), ..Options::default() }).await;
    let mut scribe = Scribe::of_dubbing(&server, "local", ID);
    scribe.write_lines(1).await;
    let mut socket = open(&server, "?after=0").await;
    assert_eq!(next(&mut socket).await.expect("a message")["position"], 1);
    let last = scribe.write_lines(200).await;
    let closed = loop {
        match next(&mut socket).await {
            Ok(message) => assert_ne!(message["position"], last),
            Err(frame) => break frame,
        }
    };
    assert_eq!(u16::from(closed.code), 1013);
}

#[tokio::test]
async fn the_end_of_the_server_is_said_with_1001_and_waited_for() {
    let server = Server::start().await;
    let mut socket = open(&server, "").await;
    server.stop.cancel();
    let closed = next(&mut socket).await.expect_err("closed");
    assert_eq!(u16::from(closed.code), 1001);
    assert!(!server.ended.is_finished(), "the client has not said goodbye yet");
    drop(socket);
    timeout(PATIENCE, server.ended).await.expect("the server ends").expect("no panic");
}

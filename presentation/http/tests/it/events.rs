//! Server-Sent Events: nothing is missed, nothing is repeated, nothing is seen that is another's.

use crate::{
    bad_requests::problem,
    kit::{Options, Server, TOKEN},
    listener::{Listener, PATIENCE, Scribe, dropped, private, requested, withdrawn},
};
use application::testing::story::Random;
use futures::future::join_all;
use http_api::{HttpLimits, server::ServerLimits};
use reqwest::RequestBuilder;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::timeout,
};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x0198_aaaa_0000_7000_8000_0000_0000_0001);
const OTHER: Uuid = Uuid::from_u128(0x0198_aaaa_0000_7000_8000_0000_0000_0002);

async fn check(request: RequestBuilder, status: u16, code: &str) {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(status.into()), Some(code)), "{body}");
}

/// A client that is cut off again and again, and goes on where it stopped, until a language is asked for.
async fn cut_client(server: &Server, seed: u64) -> Vec<u64> {
    let (mut random, mut heard) = (Random::new(seed), Vec::new());
    loop {
        let request = match heard.last() {
            None => server.get("/v1/events?after=0"),
            // The header wins over the query, which browsers send again as it was.
            Some(position) => server.get("/v1/events?after=0").header("last-event-id", u64::to_string(position)),
        };
        let mut listener = Listener::open(request).await;
        for _ in 0..=random.below(60) {
            let message = listener.next().await.expect("a message");
            heard.push(message.id);
            if message.event == "track.requested" {
                return heard;
            }
        }
    }
}

/// Writes lines of one dubbing, between events that are private or somebody else's. Returns where the lines are.
async fn write(server: &Server, number: u64) -> Vec<u64> {
    const WRITES: usize = 100;
    let id = |number: u64| Uuid::from_u128(ID.as_u128() + 10 + u128::from(number));
    let (mut ours, mut theirs) =
        (Scribe::of_dubbing(server, "local", id(number)), Scribe::of_dubbing(server, "other", id(number + 100)));
    let (mut hidden, mut random, mut positions) = (ours.track("es"), Random::new(number), Vec::new());
    for _ in 0..WRITES {
        let count = random.below(3) + 1;
        let last = ours.write_lines(count as u32).await;
        positions.extend(last + 1 - count..=last);
        if random.below(5) == 0 {
            theirs.write_lines(1).await;
            hidden.write(vec![private()]).await;
        }
        tokio::task::yield_now().await;
    }
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_clients_are_cut_and_miss_and_repeat_nothing() {
    const CLIENTS: u64 = 20;
    let server = Server::start().await;
    let write = async {
        let mut positions: Vec<u64> = join_all((0..4).map(|number| write(&server, number))).await.concat();
        positions.push(Scribe::of_dubbing(&server, "local", OTHER).write(vec![requested("es")]).await);
        positions.sort_unstable();
        positions
    };
    let clients = join_all((0..CLIENTS).map(|seed| cut_client(&server, seed)));
    let (expected, heard) = tokio::join!(write, clients);
    assert!(expected.len() > 400);
    for (client, heard) in heard.iter().enumerate() {
        assert_eq!(*heard, expected, "client {client}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_goes_over_into_news_while_others_write() {
    let server = Server::start().await;
    let mut scribe = Scribe::of_dubbing(&server, "local", ID);
    scribe.write_lines(500).await;
    let write = async {
        for _ in 0..300 {
            scribe.write_lines(3).await;
            tokio::task::yield_now().await;
        }
        1_400
    };
    let listen = (0..20_u64).map(async |number| {
        let after = number * 25;
        let mut listener = Listener::open(server.get(&format!("/v1/dubbings/{ID}/events?after={after}"))).await;
        assert_eq!(listener.up_to(1_400).await, (after + 1..=1_400).collect::<Vec<_>>());
    });
    let (last, _) = tokio::join!(write, join_all(listen));
    assert_eq!(last, 1_400);
}

#[tokio::test]
async fn one_dubbing_is_told_from_its_beginning_with_its_languages() {
    let server = Server::start().await;
    let mut dubbing = Scribe::of_dubbing(&server, "local", ID);
    let mut other = Scribe::of_dubbing(&server, "local", OTHER);
    let (mut spanish, mut catalan) = (dubbing.track("es"), dubbing.track("ca"));
    dubbing.write(vec![dropped(1), requested("es")]).await;
    other.write_lines(2).await;
    spanish.write(vec![private(), withdrawn()]).await;
    let path = format!("/v1/dubbings/{ID}/events");
    let mut all = Listener::open(server.get(&path)).await;
    let mut late = Listener::open(server.get(&format!("{path}?after=2"))).await;
    let mut news = Listener::open(server.get(&format!("{path}?after=now"))).await;
    assert_eq!(all.up_to(6).await, [1, 2, 6]);
    assert_eq!(late.up_to(6).await, [6]);
    other.write_lines(1).await;
    dubbing.write(vec![requested("ca"), dropped(2)]).await;
    catalan.write(vec![withdrawn()]).await;
    for listener in [&mut all, &mut late, &mut news] {
        assert_eq!(listener.up_to(10).await, [8, 9, 10]);
    }
    let mut again = Listener::open(server.get(&path)).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let message = again.next().await.expect("a message");
        assert_eq!(message.data["dubbing"], ID.to_string());
        assert!(!message.data.to_string().contains("secret") && message.data.get("tenant").is_none());
        seen.push((message.id, message.event, message.data["language"].as_str().map(ToOwned::to_owned)));
    }
    let (es, ca) = (Some("es".to_owned()), Some("ca".to_owned()));
    let event = |id, name: &str, language: &Option<String>| (id, name.to_owned(), language.clone());
    let expected = [
        event(1, "utterance.dropped", &None),
        event(2, "track.requested", &es),
        event(6, "track.withdrawn", &es),
        event(8, "track.requested", &ca),
        event(9, "utterance.dropped", &None),
        event(10, "track.withdrawn", &ca),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn types_are_chosen() {
    let server = Server::start().await;
    let mut dubbing = Scribe::of_dubbing(&server, "local", ID);
    let mut track = dubbing.track("es");
    dubbing.write(vec![dropped(1), requested("es")]).await;
    track.write(vec![withdrawn()]).await;
    let check = async |types: &str, expected: &[u64]| {
        let mut listener = Listener::open(server.get(&format!("/v1/events?after=0&types={types}"))).await;
        assert_eq!(listener.up_to(*expected.last().expect("one")).await, expected, "{types}");
    };
    check("track.*", &[2, 3]).await;
    check("track.withdrawn", &[3]).await;
    check("utterance.dropped,track.withdrawn", &[1, 3]).await;
    check("utterance.dropped%2Ctrack.*", &[1, 2, 3]).await;
}

#[tokio::test]
async fn who_is_cut_off_before_the_first_event_misses_nothing() {
    let server = Server::start().await;
    let mut dubbing = Scribe::of_dubbing(&server, "local", ID);
    let last = dubbing.write_lines(3).await;
    for path in
        ["/v1/events", "/v1/events?after=now", "/v1/events?types=track.*", &format!("/v1/dubbings/{ID}/events?after=2")]
    {
        let mut cut = Listener::open(server.get(path)).await;
        let began = cut.greeted().await;
        assert_eq!(began, if path.ends_with('2') { 2 } else { server.api.log.head().await.expect("read") }, "{path}");
        drop(cut);
        let missed = dubbing.write(vec![requested("es")]).await;
        let mut again = Listener::open(server.get(path).header("last-event-id", began.to_string())).await;
        assert!(again.up_to(missed).await.contains(&missed), "{path}");
    }
    assert!(last < server.api.log.head().await.expect("read"));
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let server = Server::start().await;
    let mut ours = Scribe::of_dubbing(&server, "local", ID);
    let mut theirs = Scribe::of_dubbing(&server, "other", OTHER);
    theirs.write_lines(3).await;
    let mut listener = Listener::open(server.get("/v1/events?after=0")).await;
    theirs.write_lines(3).await;
    let last = ours.write_lines(1).await;
    assert_eq!(listener.up_to(last).await, [last]);
    check(server.get(&format!("/v1/dubbings/{OTHER}/events")), 404, "not-found").await;
    check(server.get(&format!("/v1/dubbings/{}/events", Uuid::from_u128(3))), 404, "not-found").await;
    check(server.get("/v1/dubbings/none/events"), 404, "not-found").await;
}

#[tokio::test]
async fn what_cannot_be_begun_is_refused() {
    let server = Server::start().await;
    let last = Scribe::of_dubbing(&server, "local", ID).write_lines(5).await;
    for path in ["/v1/events", &format!("/v1/dubbings/{ID}/events")] {
        for value in ["", "x", "-1", "1.5", "99999999999999999999"] {
            check(server.get(path).header("last-event-id", value), 400, "invalid-header").await;
            check(server.get(&format!("{path}?after={value}")), 400, "invalid-query").await;
        }
        check(server.get(&format!("{path}?types=nothing.*")), 400, "invalid-query").await;
        check(server.get(&format!("{path}?token={TOKEN}")), 400, "invalid-query").await;
        check(server.get(&format!("{path}?after={}", last + 1)), 409, "position-unknown").await;
        check(server.get(path).header("last-event-id", "6"), 409, "position-unknown").await;
        check(server.open(reqwest::Method::GET, path), 401, "unauthenticated").await;
    }
}

#[tokio::test]
async fn the_end_of_the_server_ends_streams_in_order() {
    let server = Server::start().await;
    let mut scribe = Scribe::of_dubbing(&server, "local", ID);
    let last = scribe.write_lines(1).await;
    let mut listeners = Vec::new();
    for path in ["/v1/events?after=0", &format!("/v1/dubbings/{ID}/events")] {
        let mut listener = Listener::open(server.get(path)).await;
        assert_eq!(listener.up_to(last).await, [last]);
        listeners.push(listener);
    }
    server.stop.cancel();
    for mut listener in listeners {
        assert!(listener.next().await.is_none());
    }
    timeout(PATIENCE, server.ended).await.expect("the server ends").expect("no panic");
}

#[tokio::test]
async fn who_does_not_read_is_dropped() {
    // More than what the system keeps for a connection on both sides.
    const EVENTS: u32 = 40_000;
    let limits = ServerLimits { connections: 1, stall: Duration::from_millis(200), ..ServerLimits::default() };
    let server = Server::with(Options { server: Some(limits), ..Options::default() }).await;
    let mut scribe = Scribe::of_dubbing(&server, "local", ID);
    for _ in 0..EVENTS / 500 {
        scribe.write_lines(500).await;
    }
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small one");
    let mut stream = socket.connect(server.address).await.expect("a connection");
    let head = format!("GET /v1/events?after=0 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("written");
    // Answered only once the first connection is no more.
    let answer = timeout(PATIENCE, server.get("/livez").send()).await.expect("in time").expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut said = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("closed");
    // A connection that is reset is closed, too.
    drop(read);
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 200") && !said.contains(&format!("id: {EVENTS}\n")));
}

#[tokio::test]
async fn who_falls_behind_is_sent_away_and_can_come_again() {
    let http = HttpLimits { live_events: 16, ..HttpLimits::default() };
    let server = Server::with(Options { http: Some(http), ..Options::default() }).await;
    let mut scribe = Scribe::of_dubbing(&server, "local", ID);
    scribe.write_lines(1).await;
    let mut listener = Listener::open(server.get("/v1/events?after=0")).await;
    assert_eq!(listener.up_to(1).await, [1]);
    // More in one go than the ring holds.
    let last = scribe.write_lines(200).await;
    let mut heard = 1;
    while let Some(message) = listener.next().await {
        assert_eq!(message.id, heard + 1);
        heard = message.id;
    }
    assert!(heard < last, "the stream has ended early");
    let mut again = Listener::open(server.get("/v1/events").header("last-event-id", heard.to_string())).await;
    assert_eq!(again.up_to(last).await, (heard + 1..=last).collect::<Vec<_>>());
}

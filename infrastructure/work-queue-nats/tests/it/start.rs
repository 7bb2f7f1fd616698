//! What is wrong with a server, a login or a setting is told at start, in one sentence each; what is right works.

use super::{
    common::{at, settings, work},
    pulled,
};
use application::ports::work_queue::WorkQueue;
use domain::flow::Stage;
use nats_connection::NatsError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use scratch_nats::ScratchNats;
use std::{fs, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;
use work_queue_nats::{Login, NatsQueueError, NatsWorkQueue, Servers, Settings, Storage, Tls};

const LEASE: Duration = Duration::from_secs(10);
/// Keys and certificates of keys that are good for nothing else.
const CREDENTIALS: &str = include_str!("keys/user.creds");
const OPERATOR: &str = include_str!("keys/operator.conf");
const NKEY_SEED: &str = include_str!("keys/nkey.seed");
const NKEY_PUBLIC: &str = include_str!("keys/nkey.public");

fn plain() -> Settings {
    settings("dragoman", LEASE)
}

/// A server with JetStream and these settings.
fn server(more: &str) -> ScratchNats {
    ScratchNats::start_with(|folder| format!("jetstream {{ store_dir: \"{}/store\" }}\n{more}\n", folder.display()))
        .unwrap()
}

/// Work goes in and comes out.
async fn works(servers: &Servers, settings: Settings) {
    let queue = NatsWorkQueue::connect(servers, settings).await.unwrap();
    queue.publish(work(Stage::Ingest, 1)).await.unwrap();
    let delivery = pulled(&queue).await;
    assert_eq!(delivery.work, work(Stage::Ingest, 1));
    queue.complete(delivery.receipt).await.unwrap();
}

async fn refuses(servers: &Servers, settings: Settings, sentence: &str) -> NatsQueueError {
    let error = NatsWorkQueue::connect(servers, settings).await.expect_err(sentence);
    let said = error.to_string();
    assert!(said.contains(sentence), "said: {said}; not: {sentence}");
    assert!(!said.contains('\n') && !said.contains("secret"), "{said}");
    error
}

#[tokio::test]
async fn settings_that_make_no_sense() {
    let servers = at("nats://127.0.0.1:1");
    for prefix in ["", "a b", "a..b", "a.*", "a.>", "ä"] {
        refuses(&servers, settings(prefix, LEASE), "cannot be the prefix for NATS").await;
    }
    for lease in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(3_601)] {
        refuses(&servers, settings("dragoman", lease), "must be between 1 second and 1 hour").await;
    }
    refuses(&at("http://127.0.0.1:1"), plain(), "is not of the form nats://").await;
}

/// A server that is asked by two nodes at once may tell one of them that the stream was made in the year 1.
#[tokio::test]
async fn a_stream_that_another_node_is_making() {
    let server = server("");
    works(&at(&server.url()), plain()).await;
    works(&at(&telling_too_early(&server).await), plain()).await;
}

/// Where a client is told what a server says, but for the first moment at which a stream was made.
async fn telling_too_early(server: &ScratchNats) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("nats://{}", listener.local_addr().unwrap());
    let server = server.url().trim_start_matches("nats://").to_owned();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let (mut asked, mut told) = client.into_split();
        let (mut answers, mut asking) = TcpStream::connect(server).await.unwrap().into_split();
        tokio::spawn(async move { tokio::io::copy(&mut asked, &mut asking).await });
        let (mut buffer, mut is_done) = (vec![0; 1 << 16], false);
        while let Ok(length @ 1..) = answers.read(&mut buffer).await {
            let said = &mut buffer[..length];
            is_done = is_done || put_too_early(said);
            told.write_all(said).await.unwrap();
        }
    });
    address
}

/// Changes when a stream was made, if that is said here; the length stays.
fn put_too_early(said: &mut [u8]) -> bool {
    const CREATED: &[u8] = b"\"created\":";
    const NEVER: &[u8] = b"\"0001-01-01T00:00:00Z\"";
    let Some(at) = said.windows(CREATED.len()).position(|window| window == CREATED) else { return false };
    let moment = &mut said[at + CREATED.len()..];
    let end = moment.iter().skip(1).position(|byte| *byte == b'"').expect("a text ends") + 1;
    moment[..=end].fill(b' ');
    moment[..NEVER.len()].copy_from_slice(NEVER);
    true
}

#[tokio::test]
async fn servers_that_are_not_there() {
    let server = server("");
    let address = server.url();
    drop(server);
    let error = refuses(&at(&address), plain(), "no NATS server answers at 127.0.0.1:").await;
    assert!(matches!(error, NatsQueueError::Server(NatsError::Unreachable { .. })));
    let named = address.replace("//", "//someone:secret@");
    refuses(&at(&named), plain(), "no NATS server answers at 127.0.0.1:").await;
}

#[tokio::test]
async fn servers_without_jetstream() {
    let without = ScratchNats::start_with(|_| String::new()).unwrap();
    refuses(&at(&without.url()), plain(), "JetStream is not enabled on the NATS server").await;
    // Enabled, but not for this account.
    let accounts = "accounts { A { users: [{ user: a, password: a }] }, B { jetstream: enabled } }\nno_auth_user: a";
    refuses(&at(&server(accounts).url()), plain(), "JetStream is not enabled on the NATS server for this account")
        .await;
}

/// The oldest that has all that is asked for is 2.9.
#[tokio::test]
async fn servers_that_are_too_old() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("nats://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let info = "INFO {\"server_id\":\"X\",\"server_name\":\"X\",\"version\":\"2.8.4\",\"proto\":1,\"go\":\"go1\",\
                    \"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,\"max_payload\":1048576,\"client_id\":1}\r\n";
        stream.write_all(info.as_bytes()).await.unwrap();
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|bytes| bytes > 0) {
            if line.starts_with("PING") {
                stream.write_all(b"PONG\r\n").await.unwrap();
            }
            line.clear();
        }
    });
    refuses(&at(&address), plain(), "version 2.8.4, but must be 2.9 or newer").await;
}

#[tokio::test]
async fn servers_without_room() {
    let small = ScratchNats::start_with(|folder| {
        format!("jetstream {{ store_dir: \"{}/store\", max_file_store: 1000000 }}", folder.display())
    })
    .unwrap();
    refuses(&at(&small.url()), plain(), "has not the 67108864 bytes that the work queue may take").await;
    let settings = Settings { bytes_max: 500_000, ..plain() };
    works(&at(&small.url()), settings.clone()).await;
    // Full is told, and what is in stays.
    let queue = NatsWorkQueue::connect(&at(&small.url()), settings).await.unwrap();
    let mut published = 0;
    let full = loop {
        match queue.publish(work(Stage::Ingest, published + 1)).await {
            Ok(()) => published += 1,
            Err(full) => break full,
        }
    };
    assert!(published > 500, "{published}");
    assert_eq!(full.0.to_string(), "the work queue is full on the NATS server");
    queue.publish(work(Stage::Ingest, 1)).await.unwrap();
    assert_eq!(pulled(&queue).await.work, work(Stage::Ingest, 1));
}

#[tokio::test]
async fn another_installation_has_the_place() {
    let server = server("");
    works(&at(&server.url()), plain()).await;
    let other = Settings { installation: Uuid::from_u128(2), ..plain() };
    let sentence = "the prefix `dragoman` is in use on this NATS account";
    refuses(&at(&server.url()), other.clone(), sentence).await;
    // Subjects that overlap, too.
    let below = Settings { prefix: "dragoman.work".to_owned(), ..other.clone() };
    refuses(&at(&server.url()), below, "the prefix `dragoman.work` is in use on this NATS account").await;
    works(&at(&server.url()), Settings { prefix: "other".to_owned(), ..other }).await;
}

#[tokio::test]
async fn settings_that_change() {
    let server = server("");
    let address = at(&server.url());
    works(&address, plain()).await;
    works(&address, Settings { bytes_max: 32 << 20, lease: LEASE * 2, ..plain() }).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let info = client.request("$JS.API.STREAM.INFO.dragoman-work", "".into()).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
    assert_eq!(info["config"]["max_bytes"], 32 << 20);
    let error =
        refuses(&address, Settings { storage: Storage::Memory, ..plain() }, "refused the stream of the work").await;
    assert!(matches!(error, NatsQueueError::Server(NatsError::Refused { .. })));
    refuses(&address, Settings { replicas: 3, ..plain() }, "refused the stream of the work queue: ").await;
    works(&address, Settings { prefix: "memory".to_owned(), storage: Storage::Memory, ..plain() }).await;
}

#[tokio::test]
async fn logins() {
    let refused = "refuses the login";
    let password = |password: &str| Login::Password { user: "node".to_owned(), password: password.to_owned() };
    let cases = [
        ("authorization { user: node, password: secret1 }", password("secret1"), password("secret2")),
        ("authorization { token: secret1 }", Login::Token("secret1".into()), Login::Token("secret2".into())),
        (
            &*format!("authorization {{ users: [{{ nkey: {} }}] }}", NKEY_PUBLIC.trim()),
            Login::Nkey(NKEY_SEED.trim().to_owned()),
            Login::Nkey("secret".to_owned()),
        ),
        (OPERATOR, Login::Credentials(CREDENTIALS.to_owned()), Login::Anonymous),
    ];
    for (more, right, wrong) in cases {
        let server = server(more);
        let by = |login| Servers { login, ..at(&server.url()) };
        refuses(&by(wrong), plain(), refused).await;
        works(&by(right), plain()).await;
    }
    let server = server("authorization { user: node, password: \"secret/1\" }");
    let by = |who: &str| at(&server.url().replace("nats://", &format!("nats://{who}@")));
    works(&by("node:secret%2F1"), plain()).await;
    refuses(&by("node:secret"), plain(), refused).await;
    let garbled = Servers { login: Login::Credentials("secret".to_owned()), ..at("nats://127.0.0.1:1") };
    refuses(&garbled, plain(), "have not the form of what `nsc` writes").await;
}

/// A user needs what is under the prefix, and JetStream.
#[tokio::test]
async fn users_that_may_not_do_everything() {
    let server = server(
        "authorization { users: [\n\
         { user: enough, password: a, permissions: {\n\
           publish: [\"dragoman.>\", \"$JS.API.>\", \"$JS.ACK.>\"], subscribe: [\"dragoman.>\"] } }\n\
         { user: little, password: a, permissions: { publish: [\"dragoman.>\"], subscribe: [\"dragoman.>\"] } }\n\
         { user: deaf, password: a, permissions: { publish: [\">\"], subscribe: [\"other.>\"] } }\n] }",
    );
    let by = |user: &str| Servers {
        login: Login::Password { user: user.to_owned(), password: "a".to_owned() },
        ..at(&server.url())
    };
    works(&by("enough"), plain()).await;
    refuses(&by("little"), plain(), "forbids the user of the work queue what it needs: ").await;
    refuses(&by("deaf"), plain(), "forbids the user of the work queue what it needs: ").await;
}

#[test]
fn secrets_are_not_shown() {
    let secret = || "secret".to_owned();
    let logins = [
        Login::Password { user: "node".to_owned(), password: secret() },
        Login::Token(secret()),
        Login::Credentials(secret()),
        Login::Nkey(secret()),
    ];
    for login in logins {
        let tls = Tls { identity: Some((secret(), secret())), ..Tls::default() };
        let urls = vec!["nats://node:secret@127.0.0.1:4222".to_owned()];
        let shown = format!("{:?}", Servers { urls, login, tls });
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn tls_by_whom_one_trusts() {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (trusted, other) = (authority(), authority());
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &trusted).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (chain, key) = issue("127.0.0.1");
    let server = ScratchNats::start_with(|folder| {
        let file = |name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
            format!("\"{}/{name}\"", folder.display())
        };
        let (chain, key, authority) =
            (file("chain.pem", &chain), file("key.pem", &key), file("authority.pem", &trusted.pem()));
        format!(
            "jetstream {{ store_dir: \"{}/store\" }}\n\
             tls {{ cert_file: {chain}, key_file: {key}, ca_file: {authority}, verify: true }}",
            folder.display()
        )
    })
    .unwrap();
    let by = |authorities: Option<String>, identity| Servers {
        tls: Tls { is_required: true, authorities, identity },
        ..at(&server.url().replace("nats://", "tls://"))
    };
    let sentence = "there is no TLS connection to the NATS server at 127.0.0.1:";
    works(&by(Some(trusted.pem()), Some(issue("node"))), plain()).await;
    refuses(&by(Some(other.pem()), Some(issue("node"))), plain(), sentence).await;
    refuses(&by(None, Some(issue("node"))), plain(), sentence).await;
    refuses(&by(Some(trusted.pem()), None), plain(), sentence).await;
    refuses(&by(Some("secret".to_owned()), None), plain(), "the certificate of the authority for NATS cannot be used")
        .await;
    let swapped = (issue("node").1, issue("node").0);
    refuses(&by(None, Some(swapped)), plain(), "the client's certificate or key for NATS cannot be used").await;
}

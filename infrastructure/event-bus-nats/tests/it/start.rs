//! What is wrong with a server or a setting is told at start, in one sentence each. Logins and TLS are the connection's,
//! and tested with the queue.

use super::common::{at, settings};
use event_bus_nats::{Login, NatsEventBus, NatsNotices, Servers, Settings, Storage};
use scratch_nats::ScratchNats;
use std::time::Duration;
use uuid::Uuid;

async fn refuses(servers: &Servers, settings: Settings, sentence: &str) {
    let error = NatsEventBus::connect(servers, &settings).await.err().expect(sentence);
    let said = error.to_string();
    assert!(said.contains(sentence), "said: {said}; not: {sentence}");
    assert!(!said.contains('\n') && !said.contains("secret"), "{said}");
}

async fn works(servers: &Servers, settings: Settings) {
    NatsEventBus::connect(servers, &settings).await.unwrap();
}

#[tokio::test]
async fn settings_that_make_no_sense() {
    let nobody = at("nats://127.0.0.1:1");
    refuses(&nobody, Settings { prefix: "a b".to_owned(), ..settings() }, "cannot be the prefix for NATS").await;
    let within = Settings { events_prefix: "dragoman.log".to_owned(), ..settings() };
    refuses(&nobody, within, "what is under `dragoman.log` is something else").await;
    refuses(&nobody, Settings { age_max: Duration::from_secs(1), ..settings() }, "for a minute at least").await;
    refuses(&nobody, settings(), "no NATS server answers at 127.0.0.1:1").await;
}

#[tokio::test]
async fn servers_that_lack_something() {
    let without = ScratchNats::start_with(|_| String::new()).unwrap();
    refuses(&at(&without.url()), settings(), "JetStream is not enabled on the NATS server").await;
    let small = ScratchNats::start_with(|folder| {
        format!("jetstream {{ store_dir: \"{}/store\", max_file_store: 10000000 }}", folder.display())
    })
    .unwrap();
    refuses(&at(&small.url()), settings(), "has not the 67108864 bytes that the event bus may take").await;
    works(&at(&small.url()), Settings { bytes_max: 1_000_000, ..settings() }).await;
}

#[tokio::test]
async fn another_installation_has_the_place() {
    let server = ScratchNats::start().unwrap();
    let address = at(&server.url());
    works(&address, settings()).await;
    let other = Settings { installation: Uuid::from_u128(2), ..settings() };
    refuses(&address, other.clone(), "the prefix `dragoman.events` is in use on this NATS account").await;
    let below = Settings { prefix: "b".to_owned(), events_prefix: "dragoman.events.b".to_owned(), ..other.clone() };
    refuses(&address, below, "the prefix `dragoman.events.b` is in use on this NATS account").await;
    let notices = Settings { events_prefix: "b.events".to_owned(), ..other.clone() };
    refuses(&address, notices, "the prefix `dragoman` is in use on this NATS account").await;
    works(&address, Settings { prefix: "c".to_owned(), events_prefix: "c.events".to_owned(), ..other }).await;
}

#[tokio::test]
async fn settings_that_change() {
    let server = ScratchNats::start().unwrap();
    let address = at(&server.url());
    works(&address, settings()).await;
    works(&address, Settings { bytes_max: 1 << 20, age_max: Duration::ZERO, ..settings() }).await;
    works(&address, Settings { age_max: Duration::from_secs(60), ..settings() }).await;
    let refused = "refused the stream of events for outsiders";
    refuses(&address, Settings { storage: Storage::Memory, ..settings() }, refused).await;
    refuses(&address, Settings { replicas: 3, ..settings() }, refused).await;
}

/// A user needs what is under the prefixes, and JetStream; who only listens needs less.
#[tokio::test]
async fn users_that_may_not_do_everything() {
    let server = ScratchNats::start_with(|folder| {
        format!(
            "jetstream {{ store_dir: \"{}/store\" }}\n\
             authorization {{ users: [\n\
             {{ user: enough, password: secret, permissions: {{\n\
               publish: [\"dragoman.>\", \"$JS.API.>\"], subscribe: [\"dragoman.>\"] }} }}\n\
             {{ user: listener, password: secret, permissions: {{\n\
               publish: [\"$JS.API.STREAM.MSG.GET.dragoman-log\"],\n\
               subscribe: [\"dragoman.log.>\", \"dragoman.inbox.>\"] }} }}\n\
             {{ user: mute, password: secret, permissions: {{\n\
               publish: [\"dragoman.log.>\", \"$JS.API.>\"], subscribe: [\"dragoman.>\"] }} }}\n\
             {{ user: deaf, password: secret, permissions: {{\n\
               publish: [\"$JS.API.>\"], subscribe: [\"dragoman.inbox.>\"] }} }}\n] }}",
            folder.display()
        )
    })
    .unwrap();
    let by = |user: &str| Servers {
        login: Login::Password { user: user.to_owned(), password: "secret".to_owned() },
        ..at(&server.url())
    };
    works(&by("enough"), settings()).await;
    refuses(&by("listener"), settings(), "forbids the user of the event bus what it needs").await;
    refuses(&by("mute"), settings(), "Permissions Violation for Publish to \"dragoman.events.try\"").await;
    NatsNotices::connect(&by("listener"), "dragoman").await.unwrap();
    let error = NatsNotices::connect(&by("deaf"), "dragoman").await.err().unwrap().to_string();
    assert!(error.contains("forbids the user of the event bus what it needs"), "{error}");
}

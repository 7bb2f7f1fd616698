//! The server stops, connections are cut, locks are held, disks are full, a replica takes over: nothing that was
//! acknowledged is lost, and nothing is written twice.

use super::*;
use application::{ports::event_log::Appended, testing::event_log_kit::everything};
use postgres_schema::{connect, connect_options};
use scratch_postgres::Stop;
use std::{collections::BTreeMap, process::Command};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const WRITERS: u64 = 8;
const EACH: u64 = 60;
/// How long anything may take before it counts as hanging.
const HANGING: Duration = Duration::from_secs(120);

/// Appends by several writers, each to a stream of its own; gives what was acknowledged.
fn write(log: &Arc<PostgresEventLog>) -> JoinSet<Vec<(u64, Appended)>> {
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let log = Arc::clone(log);
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            for revision in 0..EACH {
                let one = append(number << 32 | revision, stream(number), revision, vec![plain(1)]);
                acknowledged.push((number, log.append(one).await.expect("it is written in the end")));
            }
            acknowledged
        });
    }
    writers
}

/// Waits until the log has so many events.
async fn reach(log: &PostgresEventLog, events: u64) {
    let mut wakeups = log.wakeups();
    tokio::time::timeout(HANGING, wakeups.wait_for(|head| *head >= events)).await.expect("in time").expect("open");
}

/// Everything acknowledged is in the log where it was said to be, and there is nothing else.
async fn judge(log: &PostgresEventLog, writers: JoinSet<Vec<(u64, Appended)>>) {
    let acknowledged = tokio::time::timeout(HANGING, writers.join_all()).await.expect("nobody hangs");
    let events: BTreeMap<u64, _> = everything(log).await.into_iter().map(|event| (event.position, event)).collect();
    for (number, appended) in acknowledged.into_iter().flatten() {
        let event = events.get(&appended.position).expect("what was acknowledged is there");
        assert_eq!((&event.stream, event.revision, event.hash), (&stream(number), appended.revision, appended.hash));
    }
    event_log_kit::assert_sound(log, WRITERS * EACH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_and_starts_loses_nothing() {
    let place = Place::new();
    for how in [Stop::Immediate, Stop::Fast] {
        let (log, _) = place.log().await;
        let log = Arc::new(log);
        let writers = write(&log);
        for round in 1..=3 {
            reach(&log, round * WRITERS * EACH / 8).await;
            place.server.stop(how).expect("stopped");
            place.server.start_again().expect("started");
        }
        judge(&log, writers).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_are_made_anew() {
    let place = Place::new();
    let (log, database) = place.log().await;
    let log = Arc::new(log);
    let writers = write(&log);
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 1..=20 {
        reach(&log, round * WRITERS * EACH / 25).await;
        place.server.sql(&database, cut).expect("cut");
    }
    judge(&log, writers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_idles_with_the_lock_holds_nobody_up_for_long() {
    let place = Place::new();
    let (log, database) = place.log().await;
    let log = Arc::new(log);
    // A session like ours, with a shorter limit for idling in a transaction.
    let options = connect_options(&place.server.url(&database)).expect("an address");
    let mut holder = connect(&options).await.expect("a connection");
    let hold = "SET idle_in_transaction_session_timeout = '2s'; BEGIN; SELECT pg_advisory_xact_lock(1147237229, 1)";
    sqlx::raw_sql(hold).execute(&mut holder).await.expect("held");
    let writers = write(&log);
    judge(&log, writers).await;
    assert!(sqlx::query("SELECT 1").execute(&mut holder).await.is_err(), "the server has ended it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_never_lets_go_is_told_of_and_harms_nothing() {
    let place = Place::with(&[("lock_timeout", "500ms")]);
    let database = place.database();
    let url = format!("{}?options=-c%20lock_timeout%3D300", place.server.url(&database));
    let patience = Patience { write_for: Duration::from_secs(1), ..Patience::default() };
    let clock = Arc::new(ManualClock::default());
    let log = PostgresEventLog::connect_with(&url, None, None, codec(), clock, patience).await.expect("the log opens");
    let mut holder = connect(&connect_options(&url).expect("an address")).await.expect("a connection");
    let hold = "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT pg_advisory_xact_lock(1147237229, 1)";
    sqlx::raw_sql(hold).execute(&mut holder).await.expect("held");
    let refused = tokio::time::timeout(HANGING, log.append(append(1, stream(1), 0, vec![plain(1)]))).await;
    assert!(matches!(refused.expect("it does not hang"), Err(AppendError::Unavailable(_))));
    assert_eq!(log.head().await.expect("reading goes on"), 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("let go");
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    event_log_kit::assert_sound(&log, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_takes_over_has_everything() {
    let place = Place::with(&[("wal_level", "replica")]);
    let database = place.database();
    // Acknowledged is only what the replica has, too.
    let replica = place.server.replica(&[("fsync", "off")]).expect("a replica");
    let strict = "ALTER SYSTEM SET synchronous_standby_names = 'replica'";
    place.server.sql("postgres", strict).expect("set");
    place.server.sql("postgres", "SELECT pg_reload_conf()").expect("reloaded");
    let (one, two) = (place.server.port(), replica.port());
    let url =
        place.server.url(&database).replace(&format!("127.0.0.1:{one}"), &format!("127.0.0.1:{one},127.0.0.1:{two}"));
    let log = Arc::new(open(&url).await);
    let writers = write(&log);
    reach(&log, WRITERS * EACH / 3).await;
    place.server.stop(Stop::Immediate).expect("it is gone");
    replica.promote().expect("promoted");
    replica.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''").expect("set");
    replica.sql("postgres", "SELECT pg_reload_conf()").expect("reloaded");
    judge(&log, writers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_serves_those_who_follow_the_log() {
    let place = Place::with(&[("wal_level", "replica")]);
    let database = place.database();
    let replica = place.server.replica(&[("fsync", "off")]).expect("a replica");
    let (url, replicas) = (place.server.url(&database), replica.url(&database));
    let clock = Arc::new(ManualClock::default());
    let log = PostgresEventLog::connect(&url, Some(&replicas), None, codec(), clock).await.expect("the log opens");
    for number in 1..=20 {
        log.append(append(number, stream(number), 0, vec![plain(1)])).await.expect("appended");
    }
    let mut after = 0;
    let followed = async {
        while after < 20 {
            let page = log.read_log(after, 7).await.expect("a page");
            assert!(page.events.iter().all(|event| {
                after += 1;
                event.position == after
            }));
        }
    };
    tokio::time::timeout(HANGING, followed).await.expect("it comes, sooner or later");
    replica.stop(Stop::Fast).expect("stopped");
    assert_eq!(log.read_stream(&stream(3), 1, 10).await.expect("a stream").len(), 1, "decisions ask the primary");
    assert_eq!(log.head().await.expect("a head"), 20);
    assert_eq!(log.read_log(12, 100).await.expect("a page").events.len(), 8, "the primary stands in for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_heard_of_even_after_the_listener_was_cut_off() {
    let place = Place::new();
    let (log, database) = place.log().await;
    let other = open(&place.server.url(&database)).await;
    other.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    reach(&log, 1).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    place.server.sql(&database, cut).expect("cut");
    other.append(append(2, stream(2), 0, vec![plain(1)])).await.expect("appended");
    reach(&log, 2).await;
}

/// A way to a server, and what blocks all connections made so far: their bytes are then neither passed on nor refused.
async fn blockable(port: u16) -> (u16, watch::Sender<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let here = listener.local_addr().expect("an address").port();
    let block = watch::Sender::new(());
    let blocks = block.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut blocked = blocks.subscribe();
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    _ = blocked.changed() => {}
                }
                // Both ends stay open, and nobody hears anything any more.
                std::future::pending::<()>().await;
            });
        }
    });
    (here, block)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_half_open_is_given_up() {
    let place = Place::new();
    let database = place.database();
    let (port, block) = blockable(place.server.port()).await;
    let url = place.server.url(&database).replace(&place.server.port().to_string(), &port.to_string());
    let try_for = Duration::from_secs(1);
    let patience = Patience { try_for, ..Patience::default() };
    let clock = Arc::new(ManualClock::default());
    let log = PostgresEventLog::connect_with(&url, None, None, codec(), clock, patience).await.expect("the log opens");
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    assert_eq!(log.head().await.expect("a head"), 1);
    // What was open is dead; what is opened from now on lives.
    block.send(()).expect("somebody listens");
    let both = async {
        log.append(append(2, stream(2), 0, vec![plain(1)])).await.expect("appended");
        assert_eq!(log.read_log(0, 10).await.expect("a page").events.len(), 2);
    };
    tokio::time::timeout(HANGING, both).await.expect("it does not hang");
    event_log_kit::assert_sound(&log, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_nothing_is_lost() {
    let folder = std::env::temp_dir().join(format!("full-disk-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=120m", "tmpfs"]).arg(&folder).status();
    if !mount.is_ok_and(|status| status.success()) {
        std::fs::remove_dir(&folder).expect("removed");
        #[expect(clippy::disallowed_methods, reason = "where everything can be tried, nothing is left out in silence")]
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!(is_ci && nix::unistd::geteuid().is_root()), "root can mount a small disk");
        return eprintln!("SKIPPED: nothing may be mounted here, so no disk can be full");
    }
    let settings = [("fsync", "off"), ("min_wal_size", "32MB"), ("max_wal_size", "32MB")];
    let server = ScratchPostgres::start_in(&folder, &settings).expect("a server");
    let url = server.database("films").expect("a database");
    let patience = Patience { write_for: Duration::from_secs(2), ..Patience::default() };
    let clock = Arc::new(ManualClock::default());
    let log = PostgresEventLog::connect_with(&url, None, None, codec(), clock, patience).await.expect("the log opens");
    log.append(append(0, stream(0), 0, vec![plain(1)])).await.expect("appended");
    let ballast = folder.join("ballast");
    let filled = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k", "status=none"])
        .arg(format!("of={}", ballast.display()))
        .status();
    assert!(!filled.expect("dd runs").success(), "the disk is full");
    let mut acknowledged = 1;
    let refusal = loop {
        let big = event_log_kit::speech(&"Good evening. ".repeat(2_000));
        match log.append(append(acknowledged, stream(acknowledged), 0, vec![big])).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 10_000, "the disk does not fill");
    };
    assert!(matches!(refusal, AppendError::OutOfRoom | AppendError::Unavailable(_)), "{refusal:?}");
    std::fs::remove_file(&ballast).expect("there is room again");
    // A server that could not even write its log ahead has ended itself.
    let _up_already = server.start_again();
    log.append(append(acknowledged, stream(acknowledged), 0, vec![plain(1)])).await.expect("appended");
    assert_eq!(everything(&log).await.len() as u64, acknowledged + 1);
    event_log_kit::assert_sound(&log, acknowledged + 1).await;
    log.close().await;
    drop(server);
    let ended = Command::new("umount").arg(&folder).status().expect("umount runs");
    assert!(ended.success(), "the small disk is taken away");
    std::fs::remove_dir_all(&folder).ok();
}

//! One server that does no work itself, two workers, PostgreSQL, NATS and S3: each of them fails while a film is dubbed.

use super::{
    installation::{Engines, Worker, undisturbed, until_begun},
    is_completed, is_the_same, order,
    rig::{Event, Server},
};
use crate::support::{User, clip};
use nix::sys::signal::Signal;
use scratch_nats::Stop as NatsStop;
use scratch_postgres::Stop;

fn lost(server: &Server, dubbing: &str, until: u64) -> usize {
    let events = server.events_until(dubbing, 0, |event| event.position == until);
    events.iter().filter(|event| event.kind == "stage.lost").count()
}

#[test]
fn each_part_of_a_cluster_fails_once_and_the_film_is_the_same() {
    let (undisturbed, reference) = undisturbed();
    let user = User::new();
    let mut engines = Engines::start(&user);
    let mut server = Server::start_slow_with(user, engines.of_server());
    let workers = ["one", "two"].map(|name| Worker::start(&server, &engines, name));
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, None, &["es", "ca"]);

    // Who decides is killed, and begins again.
    let seen = until_begun(&server, &dubbing, 0, "separate");
    server.kill();
    // Whoever works is killed: after its lease, others do it.
    let seen = until_begun(&server, &dubbing, seen, "transcribe");
    drop(workers);
    let workers = ["three", "four"].map(|name| Worker::start(&server, &engines, name));
    // The queue is lost, with all that was in it.
    let seen = until_begun(&server, &dubbing, seen, "translate");
    engines.nats.stop(NatsStop::Immediate).expect("stopped");
    engines.nats.wipe().expect("wiped");
    engines.nats.start_again().expect("started");
    // Who works stands still for longer than the lease: others do it, and what comes late changes nothing.
    let seen = until_begun(&server, &dubbing, seen, "synthesise");
    workers.iter().for_each(|worker| worker.signal(Signal::SIGSTOP));
    let other = Worker::start(&server, &engines, "five");
    let is_lost = |event: &Event| event.kind == "stage.lost" && event.data["stage"] == "synthesise";
    let seen = server.events_until(&dubbing, seen, is_lost).last().expect("an event").position;
    workers.iter().for_each(|worker| worker.signal(Signal::SIGCONT));
    // The log's server is started anew.
    let seen = until_begun(&server, &dubbing, seen, "fit");
    engines.postgres.stop(Stop::Immediate).expect("stopped");
    engines.postgres.start_again().expect("started");
    // The bucket is away.
    let seen = until_begun(&server, &dubbing, seen, "mix");
    engines.s3.stop();
    engines.s3.start_again().expect("started");

    let events = server.events_until(&dubbing, seen, is_completed);
    let end = events.last().expect("an event").position;
    assert!(lost(&server, &dubbing, end) > 0, "a worker was killed at work");
    is_the_same(&server, &dubbing, &undisturbed, &reference);
    let published = server.events_until(&dubbing, 0, |event| event.position == end);
    let published = published.iter().filter(|event| event.kind == "track.published").count();
    assert_eq!(published, 2, "each language once");
    assert!(engines.s3.keys().expect("keys").iter().all(|key| key.starts_with("one/")));
    for worker in workers.into_iter().chain([other]) {
        assert_eq!(worker.stop(), Some(0));
    }
    assert_eq!(server.stop(), Some(0));
    let alone = |args: &[&'static str]| engines.run(&server, args);
    let verified = alone(&["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    let listed = alone(&["account", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let refused = alone(&["resume"]);
    assert!(refused.code == 2 && refused.stderr.contains("queue.url"), "{}", refused.stderr);
}

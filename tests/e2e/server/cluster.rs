//! One server that does no work itself, two workers, PostgreSQL, NATS and S3: each of them fails while a film is dubbed.

use super::{
    is_completed, is_the_same, order,
    rig::{Event, Server},
};
use crate::support::{Said, User, clip};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use scratch_nats::{ScratchNats, Stop as NatsStop};
use scratch_postgres::{ScratchPostgres, Stop};
use scratch_s3::{ScratchS3, WRITER};
use std::{
    fs::File,
    process::{Child, Stdio},
};

/// What the processes of an installation share.
struct Engines {
    postgres: ScratchPostgres,
    nats: ScratchNats,
    s3: ScratchS3,
    variables: Vec<(&'static str, String)>,
}

impl Engines {
    fn start(user: &User) -> Self {
        let postgres = ScratchPostgres::start(&[]).expect("PostgreSQL");
        let database = postgres.database("films").expect("a database");
        let nats = ScratchNats::start().expect("NATS");
        let s3 = ScratchS3::start("media").expect("S3");
        let variables = vec![
            ("DRAGOMAN_LOG__URL", database.clone()),
            ("DRAGOMAN_READ__URL", database),
            ("DRAGOMAN_QUEUE__URL", nats.url()),
            ("DRAGOMAN_BLOBS__URL", format!("s3://{}/one", s3.bucket())),
            ("DRAGOMAN_BLOBS__ENDPOINT", s3.endpoint()),
            ("DRAGOMAN_BLOBS__ACCESS_KEY", WRITER.0.to_owned()),
            ("DRAGOMAN_BLOBS__SECRET_KEY", WRITER.1.to_owned()),
            ("DRAGOMAN_NODE__SHARED_DIR", user.folder().join("shared").display().to_string()),
        ];
        Self { postgres, nats, s3, variables }
    }

    /// The configuration of a server that leaves all work to others.
    fn of_server(&self) -> Vec<(&'static str, String)> {
        [&self.variables[..], &[("DRAGOMAN_NODE__SLOTS", "0".to_owned())]].concat()
    }
}

/// A worker with a data folder of its own.
struct Worker {
    child: Child,
}

impl Worker {
    fn start(server: &Server, engines: &Engines, name: &str) -> Self {
        let data = server.user.folder().join(name);
        let mut command = server.command(["worker", "--slots", "2"]);
        command.envs(engines.variables.iter().map(|(key, value)| (*key, value))).env("DRAGOMAN_DATA_DIR", data);
        let log = File::options().create(true).append(true).open(server.user.folder().join(format!("{name}.err")));
        command.env("DRAGOMAN_LOG", "warn").stderr(log.expect("a file")).stdout(Stdio::null());
        Self { child: command.spawn().expect("it starts") }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("a signal");
    }

    /// Asks it to stop; its exit code.
    fn stop(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.child.wait().expect("it has ended").code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Waits until a stage begins; the position at which it did.
fn until_begun(server: &Server, dubbing: &str, seen: u64, stage: &str) -> u64 {
    let begins = |event: &Event| event.kind == "stage.started" && event.data["stage"] == stage;
    let events = server.events_until(dubbing, seen, |event| begins(event) || is_completed(event));
    let last = events.last().expect("an event");
    assert!(!is_completed(last), "{stage} began before");
    last.position
}

fn lost(server: &Server, dubbing: &str, until: u64) -> usize {
    let events = server.events_until(dubbing, 0, |event| event.position == until);
    events.iter().filter(|event| event.kind == "stage.lost").count()
}

#[test]
fn each_part_of_a_cluster_fails_once_and_the_film_is_the_same() {
    let undisturbed = Server::start();
    let asset = undisturbed.upload(clip());
    let reference = order(&undisturbed, &asset, None, &["es", "ca"]);
    undisturbed.events_until(&reference, 0, is_completed);

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
    let alone = |args: &[&'static str]| {
        Said::from(server.command(args.iter().copied()).envs(engines.of_server()).output().expect("it runs"))
    };
    let verified = alone(&["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    let listed = alone(&["account", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let refused = alone(&["resume"]);
    assert!(refused.code == 2 && refused.stderr.contains("queue.url"), "{}", refused.stderr);
}

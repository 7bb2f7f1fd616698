//! What several processes of one installation share: the engines' servers, workers, and a film that was dubbed undisturbed.

use super::{
    is_completed, order,
    rig::{Event, Server, send},
};
use crate::support::{Said, User, clip};
use nix::sys::signal::Signal;
use scratch_nats::ScratchNats;
use scratch_postgres::ScratchPostgres;
use scratch_s3::{ScratchS3, WRITER};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::Child,
};

/// What the processes of an installation share.
pub struct Engines {
    /// The log, the read models and what else is kept in tables.
    pub postgres: ScratchPostgres,
    /// The queue.
    pub nats: ScratchNats,
    /// Media.
    pub s3: ScratchS3,
    /// The configuration by which processes find them.
    pub variables: Vec<(&'static str, String)>,
}

impl Engines {
    /// New ones; what all processes have in common is in this user's folder.
    pub fn start(user: &User) -> Self {
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
    pub fn of_server(&self) -> Vec<(&'static str, String)> {
        [&self.variables[..], &[("DRAGOMAN_NODE__SLOTS", "0".to_owned())]].concat()
    }

    /// Runs a command of the server's user, who does what the server did.
    pub fn run(&self, server: &Server, args: &[&'static str]) -> Said {
        Said::from(server.command(args.iter().copied()).envs(self.of_server()).output().expect("it runs"))
    }
}

/// A worker with a data folder of its own.
pub struct Worker {
    child: Child,
    said: PathBuf,
    data: PathBuf,
}

impl Worker {
    /// A new one of this name, with the engines of this server.
    pub fn start(server: &Server, engines: &Engines, name: &str) -> Self {
        Self::start_with(server, engines, name, &["--slots", "2"])
    }

    /// The same, told this.
    pub fn start_with(server: &Server, engines: &Engines, name: &str, args: &[&'static str]) -> Self {
        let data = server.user.folder().join(name);
        let mut command = server.command([&["worker"], args].concat());
        command.envs(engines.variables.iter().map(|(key, value)| (*key, value)));
        command.env("DRAGOMAN_DATA_DIR", &data).env("DRAGOMAN_NODE__NAME", name);
        let log = File::options().create(true).append(true).open(server.user.folder().join(format!("{name}.err")));
        let said = server.user.folder().join(format!("{name}.out"));
        let out = File::create(&said).expect("a file");
        command.env("DRAGOMAN_LOG", "warn").stderr(log.expect("a file")).stdout(out);
        Self { child: command.spawn().expect("it starts"), said, data }
    }

    /// Where it tells how it is. It has said so.
    pub fn place(&self) -> String {
        let said = fs::read_to_string(&self.said).expect("what it said");
        let place = said.split_once('(').and_then(|(_, rest)| rest.split_once("/health, token: "));
        place.unwrap_or_else(|| panic!("it says nothing of where: {said}")).0.to_owned()
    }

    /// What lets ask there.
    pub fn token(&self) -> String {
        fs::read_to_string(self.data.join("api-token")).expect("its token").trim().to_owned()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    /// Asks it to stop; its exit code.
    pub fn stop(mut self) -> Option<i32> {
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
pub fn until_begun(server: &Server, dubbing: &str, seen: u64, stage: &str) -> u64 {
    let begins = |event: &Event| event.kind == "stage.started" && event.data["stage"] == stage;
    let events = server.events_until(dubbing, seen, |event| begins(event) || is_completed(event));
    let last = events.last().expect("an event");
    assert!(!is_completed(last), "{stage} began before");
    last.position
}

/// One server alone that has dubbed the clip into Spanish and Catalan, and that dubbing.
pub fn undisturbed() -> (Server, String) {
    let server = Server::start();
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, None, &["es", "ca"]);
    server.events_until(&dubbing, 0, is_completed);
    (server, dubbing)
}

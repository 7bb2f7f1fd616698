//! Measures a running server from a second process, each figure beside its limit or beside a peer of the same run.
//!
//! What is deliberately absent: verdicts. A figure that misses its limit is printed, and is no failure of the command:
//! machines differ, and other work runs beside.

mod client;
mod commands;
mod figures;
pub mod flow;
mod history;
mod live;
mod load;
pub mod log;
mod memory;
mod noop;
pub mod peer;
mod people;
mod reads;
mod server;
mod start;
mod upload;

use crate::{
    cli::{ApiArgs, Part, complain},
    exit::Failure,
    open_files,
};
pub use figures::Figure;
use server::{OwnServer, Target};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// All parts, in the order in which they run.
const PARTS: [Part; 6] = [Part::Start, Part::Reads, Part::Commands, Part::People, Part::Sse, Part::Upload];

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Connections that ask at the same time.
    pub connections: usize,
    /// How often server and peer take turns.
    pub rounds: usize,
    /// How long a load runs before it is measured.
    pub warm_up: Duration,
    /// How long it is measured.
    pub measured: Duration,
    /// People who are signed in.
    pub people: usize,
    /// Clients that listen.
    pub listeners: usize,
    /// Events that they are told.
    pub told: usize,
    /// Bytes of an upload.
    pub upload_bytes: u64,
    /// Events that a long log has.
    pub events: u64,
    /// How often a start is measured.
    pub starts: usize,
}

impl Sizes {
    /// What the limits are meant for.
    const FULL: Self = Self {
        connections: 64,
        rounds: 7,
        warm_up: Duration::from_millis(500),
        measured: Duration::from_secs(3),
        people: 1_000,
        listeners: 1_000,
        told: 100,
        upload_bytes: 2 << 30,
        events: 1_000_000,
        starts: 5,
    };
    /// A first impression.
    const QUICK: Self = Self {
        rounds: 3,
        measured: Duration::from_secs(1),
        people: 100,
        listeners: 200,
        told: 20,
        upload_bytes: 128 << 20,
        events: 20_000,
        starts: 3,
        ..Self::FULL
    };
}

/// What measures run in.
struct Bench {
    sizes: Sizes,
    /// A server that somebody else runs.
    given: Option<Target>,
    scratch: Scratch,
}

/// Measures what was asked for.
pub async fn run(args: &ApiArgs) -> Result<Vec<Figure>, Failure> {
    // A thousand clients need a thousand sockets, here and in the server, which inherits this. Where that is refused,
    // connecting will say so.
    let _raised = open_files::raise();
    let sizes = if args.quick { Sizes::QUICK } else { Sizes::FULL };
    let bench = Bench { sizes, given: Target::given(args)?, scratch: Scratch::make(args.scratch.as_deref())? };
    let mut figures = Vec::new();
    for part in PARTS.into_iter().filter(|part| args.only.is_empty() || args.only.contains(part)) {
        complain(&format!("measuring: {}", part.name()));
        figures.extend(bench.measure(part).await?);
    }
    Ok(figures)
}

impl Bench {
    async fn measure(&self, part: Part) -> Result<Vec<Figure>, Failure> {
        let measure_start = part == Part::Start;
        match (&self.given, measure_start) {
            (Some(_), true) => {
                complain("a server that runs already does not start any more: that part is left out");
                Ok(vec![])
            }
            (None, true) => start::measure(&self.scratch, &self.sizes).await,
            (Some(target), false) => self.drive(part, target).await,
            (None, false) => {
                let folder = self.scratch.folder(part.name())?;
                let server = OwnServer::start(&folder).await?;
                let figures = self.drive(part, server.target()).await?;
                server.stop().await?;
                self.scratch.clear(&folder);
                Ok(figures)
            }
        }
    }

    async fn drive(&self, part: Part, target: &Target) -> Result<Vec<Figure>, Failure> {
        match part {
            Part::Reads => reads::measure(target, &self.sizes).await,
            Part::Commands => commands::measure(target, &self.sizes).await,
            Part::People => people::measure(target, &self.sizes).await,
            Part::Sse => live::measure(target, &self.sizes).await,
            Part::Upload => upload::measure(target, &self.sizes).await,
            Part::Start => Ok(vec![]),
        }
    }
}

/// A folder for servers of this measure, removed in the end.
struct Scratch {
    root: PathBuf,
}

impl Scratch {
    fn make(parent: Option<&Path>) -> Result<Self, Failure> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let root = parent.join(format!("dragoman-bench-{}", std::process::id()));
        let scratch = Self { root };
        scratch.folder("")?;
        Ok(scratch)
    }

    /// A new folder in it.
    fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| {
            let folder = folder.display();
            Failure::usage(format!("{folder} cannot be made ({}); choose another place with --scratch", error.kind()))
        })?;
        Ok(folder)
    }

    /// Gives the room back. What cannot be removed now goes with the whole.
    fn clear(&self, folder: &Path) {
        let _removed = fs::remove_dir_all(folder);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clear(&self.root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn scratch_folders_go_with_the_measure() {
        let parent = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::make(Some(parent.path())).expect("scratch");
        let folder = scratch.folder("reads").expect("a folder");
        fs::write(folder.join("log.db"), "x").expect("written");
        scratch.clear(&folder);
        assert!(!folder.exists() && scratch.root.exists());
        drop(scratch);
        assert_eq!(fs::read_dir(parent.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let failure = Scratch::make(Some(file.path())).err().expect("refused");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("--scratch"), "{}", failure.message);
    }
}

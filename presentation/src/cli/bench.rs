//! `dragoman bench`: figures of this machine beside their limits.

use super::{ApiArgs, BenchCommand, Part, print, print_json, table};
use crate::{
    bench::{self, Figure},
    exit::{Exit, Failure},
    interrupt::Interrupt,
};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

/// What helps somebody who measures a log.
pub const LOG_HELP: &str = "Makes a log of its own in a scratch folder, on PostgreSQL with a server of its own unless --url names \
a database, in which the events stay. Each writer appends one event after the other to a stream of its own. The last \
line is the ratio to INSERTs of the same rows in the same run: of 50 rows each (into a plain table, on SQLite into the \
log's own), or, for one writer, of one row into a plain table; in memory, to one writer.";

/// `bench log`.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// Where the log is kept.
    #[arg(long, value_enum, default_value_t = Backend::Sqlite)]
    pub backend: Backend,
    /// Who append at the same time.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub writers: u64,
    /// Events in all.
    #[arg(long, value_name = "M", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub events: u64,
    /// An empty database on PostgreSQL, instead of a server of its own.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Where scratch folders are made; the system's folder for temporary files otherwise.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub scratch: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What helps somebody who measures the flow.
pub const FLOW_HELP: &str = "Drives jobs whose stages do nothing through admission, process manager, queue and workers, all in this process, over a log and a queue of its own in a scratch folder. A stage transition is a change of a stage's phase that the log has: asked for, begun, finished. With --backend postgres the log is on a PostgreSQL server and the queue on a NATS server of its own. The last line is the ratio of stage transitions to the yardstick of the same run: plain inserts into SQLite, or bare publishes into JetStream.";

/// `bench flow`.
#[derive(Clone, Debug, Args)]
pub struct FlowArgs {
    /// Where log and queue are kept.
    #[arg(long, value_enum, default_value_t = Backend::Sqlite)]
    pub backend: Backend,
    /// Jobs in all.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub jobs: u64,
    /// Jobs at a time.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub at_once: usize,
    /// Workers.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub workers: usize,
    /// Where scratch folders are made; the system's folder for temporary files otherwise.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub scratch: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What the flow should reach.
pub struct FlowLimits {
    /// Stage transitions a second, at least.
    pub transitions: f64,
    /// Milliseconds for each stage of a job that is alone, where that is limited.
    pub lone_ms: Option<f64>,
    /// Milliseconds from the commit of a request to the worker that has it, in the middle.
    pub wait_ms: f64,
}

impl Backend {
    /// What the flow should reach on it.
    pub fn limits(self) -> FlowLimits {
        match self {
            Self::Sqlite | Self::Memory => FlowLimits { transitions: 5_000.0, lone_ms: Some(2.0), wait_ms: 5.0 },
            Self::Postgres => FlowLimits { transitions: 2_500.0, lone_ms: None, wait_ms: 15.0 },
        }
    }
}

/// Where what is measured is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// On PostgreSQL.
    Postgres,
    /// In an SQLite file, synced at every commit.
    Sqlite,
    /// In memory.
    Memory,
}

/// Runs the command.
pub async fn run(command: BenchCommand) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen()?;
    tokio::select! {
        done = measure(command) => done,
        () = interrupt.wanted() => Err(Failure::new(Exit::Interrupted, "interrupted; nothing is left behind")),
    }
}

async fn measure(command: BenchCommand) -> Result<Exit, Failure> {
    match command {
        BenchCommand::Api(args) => show(&args, &bench::run(&args).await?),
        BenchCommand::Log(args) => {
            let measured = bench::log::run(&args).await?;
            let (figures, ratio) = (&measured.figures, measured.ratio);
            let of = json!({ "writers": args.writers, "events": args.events, "figures": figures, "ratio": ratio });
            show_with_ratio(args.json, &of, figures, Some(ratio));
        }
        BenchCommand::Flow(args) => {
            let measured = bench::flow::run(&args).await?;
            let (figures, ratio) = (&measured.figures, measured.ratio);
            let of = json!({ "jobs": args.jobs, "at_once": args.at_once, "figures": figures, "ratio": ratio });
            show_with_ratio(args.json, &of, figures, ratio);
        }
    }
    Ok(Exit::Done)
}

fn show_with_ratio(as_json: bool, document: &serde_json::Value, figures: &[Figure], ratio: Option<f64>) {
    if as_json {
        print_json(document);
        return;
    }
    print_figures(figures);
    if let Some(ratio) = ratio {
        print(&format!("ratio {ratio:.2}"));
    }
}

fn show(args: &ApiArgs, figures: &[Figure]) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if args.json {
        print_json(&json!({ "cores": cores, "quick": args.quick, "figures": figures }));
        return;
    }
    print_figures(figures);
    print(&format!("{cores} cores for server and clients together; RATIO is the measured by the limit"));
}

fn print_figures(figures: &[Figure]) {
    let mut rows = vec![["WHAT", "MEASURED", "LIMIT", "RATIO", ""].map(str::to_owned).to_vec()];
    rows.extend(figures.iter().map(Figure::cells));
    print(&table(&rows));
}

impl Part {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Part::Reads => "reads",
            Part::Commands => "commands",
            Part::Sse => "sse",
            Part::Upload => "upload",
            Part::People => "people",
            Part::Start => "start",
        }
    }
}

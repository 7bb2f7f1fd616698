//! `dragoman bench`: figures of this machine beside their limits.

use super::{ApiArgs, BenchCommand, Part, print, print_json, table};
use crate::{
    bench::{self, Figure},
    exit::{Exit, Failure},
    interrupt::Interrupt,
};
use serde_json::json;

/// Runs the command.
pub async fn run(command: BenchCommand) -> Result<Exit, Failure> {
    let BenchCommand::Api(args) = command;
    let interrupt = Interrupt::listen()?;
    let figures = tokio::select! {
        figures = bench::run(&args) => figures?,
        () = interrupt.wanted() => return Err(Failure::new(Exit::Interrupted, "interrupted; nothing is left behind")),
    };
    show(&args, &figures);
    Ok(Exit::Done)
}

fn show(args: &ApiArgs, figures: &[Figure]) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if args.json {
        print_json(&json!({ "cores": cores, "quick": args.quick, "figures": figures }));
        return;
    }
    let mut rows = vec![["WHAT", "MEASURED", "LIMIT", "RATIO", ""].map(str::to_owned).to_vec()];
    rows.extend(figures.iter().map(Figure::cells));
    print(&table(&rows));
    print(&format!("{cores} cores for server and clients together; RATIO is the measured by the limit"));
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

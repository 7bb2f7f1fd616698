//! `dragoman log`: check the event log, move it elsewhere, put old events away.

use super::{print, print_json};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::{self, CopiedAll, Reader},
};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;

/// `log`.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Check that the log is dense, contiguous and untampered.
    Verify(super::JsonArgs),
    /// Copy the log to another place, as it is, with accounts and deliveries, and check the copy. Interrupted, it goes on
    /// where it was.
    #[command(after_help = COPY_HELP)]
    Copy(CopyArgs),
    /// Put old events away: on PostgreSQL, the newest become the next part of the archive. They stay readable.
    Archive {
        /// Only if there are at least so many.
        #[arg(long, value_name = "EVENTS", default_value_t = 1_000_000)]
        at_least: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

const COPY_HELP: &str = "Example: dragoman log copy --to postgres://dragoman@db/films\nStop what writes to the log first. \
Afterwards set log.url to the new place; the data folder stays where it is: media and the keys of what is personal are \
in it. Accounts and deliveries to webhooks go along, each whole or not at all; not so the answers to repeated requests, \
which are kept for a day. The target must be empty, or hold the beginning of the same log; on PostgreSQL, the user must own \
its schema.";

/// `log copy`.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// From here: sqlite:FOLDER, a data folder, or postgres://…; the log that is in use otherwise.
    #[arg(long, value_name = "PLACE")]
    pub from: Option<String>,
    /// To here: postgres://…, or sqlite:FOLDER.
    #[arg(long, value_name = "PLACE")]
    pub to: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn run(command: LogCommand, home: &Home) -> Result<Exit, Failure> {
    match command {
        LogCommand::Verify(args) => verify(args.json, home).await,
        LogCommand::Copy(args) => copy_to(args, home).await,
        LogCommand::Archive { at_least, json } => {
            let part = wiring::put_away(home, at_least).await?;
            match part {
                _ if json => print_json(&json!({ "part": part })),
                Some(part) => print(&format!("The newest events are part {part} of the archive now.")),
                None => {
                    print("There are not so many new events, or readers and writers were too busy: nothing was done.")
                }
            }
            Ok(Exit::Done)
        }
    }
}

/// Ends with 1 when anything is wrong.
async fn verify(as_json: bool, home: &Home) -> Result<Exit, Failure> {
    let found = Reader::open(home).await?.log.verify().await?;
    if as_json {
        print_json(&json!({ "events": found.events, "streams": found.streams, "faults": found.faults }));
    } else if found.faults.is_empty() {
        print(&format!(
            "The event log is whole: {} events in {} streams, positions dense, revisions contiguous, hash chains intact.",
            found.events, found.streams
        ));
    } else {
        print(&format!("The event log has been damaged or changed:\n  {}", found.faults.join("\n  ")));
    }
    Ok(if found.faults.is_empty() { Exit::Done } else { Exit::Internal })
}

async fn copy_to(args: CopyArgs, home: &Home) -> Result<Exit, Failure> {
    if args.from.as_ref() == Some(&args.to) {
        return Err(Failure::usage("--from and --to name the same log"));
    }
    let bar = bar();
    let progress = |at: u64, head: u64| {
        bar.set_length(head);
        bar.set_position(at);
    };
    let copied = wiring::copy_log(home, args.from.as_deref(), &args.to, &progress).await;
    bar.finish_and_clear();
    let CopiedAll { log, kept } = copied?;
    let added = log.events - log.before;
    let (events, streams) = (log.events, log.streams);
    if args.json {
        print_json(&json!({
            "copied": added, "events": events, "streams": streams,
            "account_rows": kept.accounts, "delivery_rows": kept.deliveries,
        }));
    } else {
        print(&format!(
            "Copied {added} events. The copy is whole: {events} events in {streams} streams, the same positions and hashes.\n\
             With it went what lets people in ({} rows) and deliveries to webhooks ({} rows).",
            kept.accounts, kept.deliveries
        ));
    }
    Ok(Exit::Done)
}

/// On a terminal only.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("copying {bar:30} {pos}/{len} events, {per_sec}, {eta} left");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

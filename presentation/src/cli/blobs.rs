//! `dragoman blobs`: the files of media that are kept by their content.

use super::{print, print_json};
use crate::{
    config::Config,
    exit::{Exit, Failure},
    home::Home,
    wiring,
};
use application::commands::collect_blobs::{CollectError, Collected, Removed};
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use serde_json::json;

/// `blobs`.
#[derive(Debug, Subcommand)]
pub enum BlobsCommand {
    /// Remove files that nobody needs any more: what was replaced or withdrawn, and what a killed worker left.
    #[command(after_help = COLLECT_HELP)]
    Collect(CollectArgs),
}

const COLLECT_HELP: &str = "Two kinds of files go:\n\n\
- Unreported: no event refers to them, since the worker that had made them was killed. They go blobs.collect_after after they \
came.\n\
- Replaced: a line was said anew, a film made anew or withdrawn, a job called off, a glossary's terms changed. They go \
blobs.replaced_after later.\n\n\
What a job, an asset or a glossary refers to now always stays. A server does this by itself, several times within \
blobs.collect_after; this command is for when none runs over this data folder.\n\n\
Example: dragoman blobs collect --dry-run";

/// `blobs collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// Only say what would go.
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn run(command: BlobsCommand, home: &Home, config: &Config) -> Result<Exit, Failure> {
    match command {
        BlobsCommand::Collect(args) => collect(&args, home, config).await,
    }
}

async fn collect(args: &CollectArgs, home: &Home, config: &Config) -> Result<Exit, Failure> {
    if !home.exists() {
        return Err(Failure::usage(format!("there are no jobs in {} yet, and so no files", home.root().display())));
    }
    let _owned = home.own()?;
    let collected = wiring::collector_alone(home, &config.blobs).await?.run(args.dry_run).await.map_err(failure)?;
    let Collected { seen, unreported, replaced } = collected;
    let Removed { blobs, bytes } = collected.removed();
    if args.json {
        let of_class = |class: Removed| json!({ "removed": class.blobs, "bytes": class.bytes });
        print_json(&json!({
            "seen": seen,
            "removed": blobs,
            "bytes": bytes,
            "unreported": of_class(unreported),
            "replaced": of_class(replaced),
            "dry_run": args.dry_run,
        }));
        return Ok(Exit::Done);
    }
    let done = if args.dry_run { "would be removed" } else { "were removed" };
    print(&format!("{blobs} of {seen} files, {}, {done}.", HumanBytes(bytes)));
    for (class, why) in [(unreported, "no event refers to them"), (replaced, "replaced or withdrawn since")] {
        if class.blobs > 0 {
            print(&format!("  {:>6}  {:>10}  {why}", class.blobs, HumanBytes(class.bytes).to_string()));
        }
    }
    Ok(Exit::Done)
}

fn failure(error: CollectError) -> Failure {
    match error {
        CollectError::OtherLog(_) => Failure::new(Exit::Internal, error.to_string()),
        CollectError::Read(error) => Failure::internal(&error),
        CollectError::Blob(error) => error.into(),
    }
}

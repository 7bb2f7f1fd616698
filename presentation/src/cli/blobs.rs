//! `dragoman blobs`: the files of media that are kept by their content.

use super::{print, print_json};
use crate::{
    config::Config,
    exit::{Exit, Failure},
    home::Home,
    wiring,
};
use application::commands::collect_blobs::{CollectError, Collected};
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use serde_json::json;

/// `blobs`.
#[derive(Debug, Subcommand)]
pub enum BlobsCommand {
    /// Remove files that no event refers to, such as what a worker had made when it was killed.
    #[command(after_help = COLLECT_HELP)]
    Collect(CollectArgs),
}

const COLLECT_HELP: &str = "A server does this by itself, several times within blobs.collect_after; this command is for when \
none runs over this data folder. Files that came, or were asked for, later than that ago stay.\n\n\
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
    let _owned = home.own()?;
    let collected = wiring::collector_alone(home, &config.blobs).await?.run(args.dry_run).await.map_err(failure)?;
    let Collected { seen, blobs, bytes } = collected;
    if args.json {
        print_json(&json!({ "seen": seen, "removed": blobs, "bytes": bytes, "dry_run": args.dry_run }));
        return Ok(Exit::Done);
    }
    let done = if args.dry_run { "would be removed" } else { "were removed" };
    let size = HumanBytes(bytes);
    print(&format!("{blobs} of {seen} files, {size}, {done}: no event refers to them."));
    Ok(Exit::Done)
}

fn failure(error: CollectError) -> Failure {
    match error {
        CollectError::OtherLog(_) => Failure::new(Exit::Internal, error.to_string()),
        CollectError::Read(error) => Failure::internal(&error),
        CollectError::Blob(error) => error.into(),
    }
}

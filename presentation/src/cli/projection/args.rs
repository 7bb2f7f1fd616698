//! What can be typed after `dragoman projection`.

use clap::{Args, Subcommand};

/// `projection`.
#[derive(Debug, Args)]
pub struct ProjectionArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ProjectionCommand,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

const REBUILD_HELP: &str = "Without --shadow the rows are emptied first, and fill up while queries read them. A shadow \
is folded beside them: nobody reads it, and nothing but its rows is written. Interrupted, it can be begun again; a \
server may be running meanwhile.\n\nExample: dragoman projection rebuild jobs --shadow";
const DIFF_HELP: &str = "Both are compared at the same event. Ends with 0 when all rows are the same, with 5 when some \
differ.\n\nExample: dragoman projection diff jobs --rows 50";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum ProjectionCommand {
    /// List the read models: how far each is, its shadow, and what of it stands still.
    List,
    /// Fold read models anew from the event log.
    #[command(after_help = REBUILD_HELP)]
    Rebuild {
        /// Which.
        #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
        names: Vec<String>,
        /// All of them.
        #[arg(long)]
        all: bool,
        /// As shadows, beside the live rows.
        #[arg(long)]
        shadow: bool,
    },
    /// Compare a shadow with the live rows.
    #[command(after_help = DIFF_HELP)]
    Diff {
        /// The read model.
        name: String,
        /// Show so many of the rows that differ.
        #[arg(long, value_name = "N", default_value_t = 10)]
        rows: usize,
    },
    /// Put a shadow in the live rows' place, at once for all who read.
    #[command(after_help = "The rows that were live are kept until the next swap: see `rollback`.")]
    Swap {
        /// The read model.
        name: String,
    },
    /// Undo the last swap.
    #[command(after_help = "The rows that were live meanwhile are dropped, and the others brought up to date.")]
    Rollback {
        /// The read model.
        name: String,
    },
    /// Drop a shadow.
    Discard {
        /// The read model.
        name: String,
    },
}

//! `dragoman migrate`: bring the schemas of databases up to date.

use super::{print, print_json, table};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring,
};
use clap::Args;
use serde_json::json;

/// `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Only say what is to be done; ends with 5 if anything is.
    #[arg(long, conflicts_with = "grant")]
    pub check: bool,
    /// Let this role of PostgreSQL use the log and the read models: it may append and read, and change no event.
    #[arg(long, value_name = "ROLE")]
    pub grant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What helps somebody who has never migrated.
pub const HELP: &str = "Migrations only add: the program before runs on with the schema after. Each is applied once, whole, \
and never by two programs at a time; one that was changed after it was applied, and a schema of a newer program, are \
refused. An empty database needs no step: the first start makes its schema. Files of a data folder are brought up to \
date whenever their owner opens them. KurrentDB has no schema.";

/// Runs the command.
pub async fn run(args: MigrateArgs, home: &Home) -> Result<Exit, Failure> {
    let steps = wiring::migrate(home, args.check).await?;
    if let Some(role) = &args.grant {
        wiring::admit(home, role).await?;
    }
    if args.json {
        let steps: Vec<_> = steps
            .iter()
            .map(|step| json!({ "schema": step.schema, "number": step.number, "name": step.name }))
            .collect();
        print_json(&json!({ if args.check { "pending" } else { "applied" }: steps }));
    } else if steps.is_empty() {
        print("Everything is up to date.");
    } else {
        let mut rows = vec![["SCHEMA", "NUMBER", "WHAT", ""].map(str::to_owned).to_vec()];
        let done = if args.check { "to be applied" } else { "applied" };
        rows.extend(steps.iter().map(|step| {
            vec![step.schema.to_owned(), format!("{:04}", step.number), step.name.replace('_', " "), done.to_owned()]
        }));
        print(&table(&rows));
    }
    if let (Some(role), false) = (&args.grant, args.json) {
        print(&format!("{role} may use them."));
    }
    Ok(if args.check && !steps.is_empty() { Exit::Attention } else { Exit::Done })
}

//! `dragoman log verify`: the event log is dense, contiguous and untampered.

use super::{LogCommand, print, print_json};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::Reader,
};
use serde_json::json;

/// Runs the command: exit 1 when anything is wrong.
pub async fn run(command: LogCommand, home: &Home) -> Result<Exit, Failure> {
    let LogCommand::Verify(args) = command;
    let found = Reader::open(home).await?.log.verify().await?;
    if args.json {
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

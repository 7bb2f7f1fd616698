//! `dragoman queue`: the work of each stage that waits, and whether any more of it is begun. For those who run the
//! installation.

use super::{
    account::text,
    complain, print, print_json,
    remote::{Ask, Remote, ServerArgs, with},
    table,
};
use crate::{
    config::Loaded,
    exit::{Exit, Failure},
    home::Home,
};
use clap::{Args, Subcommand};
use domain::flow::Stage;
use serde_json::{Value, json};

/// `queue`.
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: QueueCommand,
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

const PAUSE_HELP: &str = "What is under way comes to its end; jobs that need the stage wait, others go on. Nothing is lost, \
and no attempt is spent. It holds on all nodes and workers, over restarts, until it is resumed.\n\nExample: dragoman queue \
pause synthesise --reason 'a new voice is put in'";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List the queues: how much work of each stage there is, and whether it is paused.
    #[command(after_help = "Example: dragoman queue list --json")]
    List,
    /// Begin no more work of a stage, anywhere.
    #[command(after_help = PAUSE_HELP)]
    Pause {
        /// The stage; `dragoman queue list` names them.
        #[arg(value_parser = stage)]
        stage: Stage,
        /// Why, for those who look at it later.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Begin work of a stage again.
    #[command(after_help = "Example: dragoman queue resume synthesise")]
    Resume {
        /// The stage; `dragoman queue list` names those that are paused.
        #[arg(value_parser = stage)]
        stage: Stage,
    },
}

/// A stage, by its name.
pub fn stage(name: &str) -> Result<Stage, String> {
    let names = || Stage::all().map(Stage::name).collect::<Vec<_>>().join(", ");
    name.parse().map_err(|_| format!("there is no such stage; the stages are {}", names()))
}

/// What is counted of a queue.
const COUNTS: [&str; 3] = ["ready", "delayed", "leased"];

/// Runs the command.
pub async fn run(args: QueueArgs, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let QueueArgs { command, server } = args;
    let as_json = server.json;
    let is_elsewhere = home.queue().is_some();
    with(&server, home, loaded, async |remote| carry_out(remote, command, as_json, is_elsewhere).await).await?;
    Ok(Exit::Done)
}

/// `is_elsewhere`: the queue is on a server that this process does not ask.
async fn carry_out(remote: &Remote, command: QueueCommand, as_json: bool, is_elsewhere: bool) -> Result<(), Failure> {
    match command {
        QueueCommand::List => {
            let mut found = remote.ask(Ask::get("/v1/queues")).await?;
            let queues = found.get_mut("items").map(Value::take).unwrap_or_default();
            let mut queues: Vec<Value> = serde_json::from_value(queues).unwrap_or_default();
            if is_elsewhere && matches!(remote, Remote::Here(_)) {
                complain("how much work there is only a server tells: ask one with --server and --token-file");
                let counts = queues.iter_mut().filter_map(Value::as_object_mut);
                counts.for_each(|queue| COUNTS.iter().for_each(|key| drop(queue.remove(*key))));
            }
            if as_json {
                print_json(&queues);
            } else {
                print(&table(&rows(&queues)));
            }
        }
        QueueCommand::Pause { stage, reason } => {
            let body = json!({ "reason": reason });
            remote.ask(Ask::post(format!("/v1/queues/{stage}/pause"), Some(body))).await?;
            complain(&format!(
                "no more work of {stage} is begun; what is under way comes to its end. `dragoman queue resume {stage}` lets \
                 it go on"
            ));
        }
        QueueCommand::Resume { stage } => {
            remote.ask(Ask::post(format!("/v1/queues/{stage}/resume"), None)).await?;
            complain(&format!("work of {stage} is begun again"));
        }
    }
    Ok(())
}

fn rows(queues: &[Value]) -> Vec<Vec<String>> {
    let head = ["STAGE", "READY", "DELAYED", "LEASED", "STATE"].map(str::to_owned).to_vec();
    let row = |queue: &Value| {
        let count = |key: &str| queue[key].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
        let state = match queue.get("paused") {
            None => "open".to_owned(),
            Some(pause) => {
                let since: String = text(pause, "since").chars().take(19).collect();
                let why = Some(text(pause, "reason")).filter(|reason| !reason.is_empty()).unwrap_or("(erased)");
                format!("paused since {since} by {}: {why}", text(pause, "by"))
            }
        };
        [vec![text(queue, "stage").to_owned()], COUNTS.map(count).to_vec(), vec![state]].concat()
    };
    [head].into_iter().chain(queues.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_with_who_and_why() {
        let pause = json!({"since": "2026-11-30T08:00:00.000Z", "by": "account:1", "reason": "a new voice"});
        let queues = [
            json!({"stage": "mix", "ready": 2, "delayed": 0, "leased": 1}),
            json!({"stage": "mux", "ready": 0, "delayed": 3, "leased": 0, "paused": pause}),
            json!({"stage": "fit"}),
        ];
        let shown = rows(&queues);
        assert_eq!(shown[1], ["mix", "2", "0", "1", "open"]);
        assert_eq!(shown[3], ["fit", "-", "-", "-", "open"], "what nobody counts is not none");
        assert_eq!(shown[2][4], "paused since 2026-11-30T08:00:00 by account:1: a new voice");
    }

    #[test]
    fn a_stage_has_one_of_the_names() {
        assert_eq!(stage("sync-lips"), Ok(Stage::SyncLips));
        assert!(stage("synthesize").is_err_and(|said| said.contains("synthesise, fit")));
    }
}

//! `dragoman node`: the processes of this installation, servers and workers, and whether they are to do anything new. For
//! those who run it.

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
use domain::flow::TABLE;
use serde_json::Value;

/// `node`.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: NodeCommand,
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

const DRAIN_HELP: &str = "Within seconds others have taken over what only that node did; it still answers requests, and takes no \
new work. Once it has ended what it has, stop it at any time: nobody notices.\n\nExample: dragoman node drain flow-2";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// List the nodes, and what each holds.
    #[command(after_help = "Example: dragoman node list --json")]
    List,
    /// Let a node do nothing new.
    #[command(after_help = DRAIN_HELP)]
    Drain {
        /// The node, by its name, its id, or how its id begins.
        node: String,
    },
    /// Let a node take part again.
    #[command(after_help = "Example: dragoman node undrain flow-2")]
    Undrain {
        /// The node, by its name, its id, or how its id begins.
        node: String,
    },
}

/// Runs the command.
pub async fn run(args: NodeArgs, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let NodeArgs { command, server } = args;
    let as_json = server.json;
    with(&server, home, loaded, async |remote| carry_out(remote, command, as_json).await).await?;
    Ok(Exit::Done)
}

async fn carry_out(remote: &Remote, command: NodeCommand, as_json: bool) -> Result<(), Failure> {
    let nodes = nodes(remote).await?;
    match command {
        NodeCommand::List if as_json => print_json(&nodes),
        NodeCommand::List if nodes.is_empty() => {
            print("There are no nodes: nobody serves now, or one process alone, whose log is not on PostgreSQL.");
        }
        NodeCommand::List => print(&table(&rows(&nodes))),
        NodeCommand::Drain { node } => {
            let id = tell(remote, find(&nodes, &node)?, "drain").await?;
            complain(&format!("{id} takes nothing new from now on; `dragoman node list` shows what it still holds"));
        }
        NodeCommand::Undrain { node } => {
            let id = tell(remote, find(&nodes, &node)?, "undrain").await?;
            complain(&format!("{id} takes part again"));
        }
    }
    Ok(())
}

/// Tells a node to do so, and gives its id.
async fn tell<'a>(remote: &Remote, node: &'a Value, verb: &str) -> Result<&'a str, Failure> {
    let id = text(node, "id");
    remote.ask(Ask::post(format!("/v1/nodes/{id}/{verb}"), None)).await?;
    Ok(id)
}

async fn nodes(remote: &Remote) -> Result<Vec<Value>, Failure> {
    let mut found = remote.ask(Ask::get("/v1/nodes")).await?;
    let items = found.get_mut("items").map(Value::take);
    Ok(items.and_then(|items| serde_json::from_value(items).ok()).unwrap_or_default())
}

/// The node that a name, or the beginning of an id, means.
fn find<'a>(nodes: &'a [Value], wanted: &str) -> Result<&'a Value, Failure> {
    let id = wanted.to_lowercase();
    let is_it = |node: &&Value| text(node, "name") == wanted || text(node, "id").starts_with(&id);
    let mut matching = nodes.iter().filter(is_it);
    match (matching.next(), matching.count()) {
        (Some(node), 0) => Ok(node),
        (Some(_), more) => Err(Failure::usage(format!(
            "{} nodes are called {wanted}; give more of the id of the one you mean",
            more + 1
        ))),
        (None, _) => Err(Failure::usage(format!("there is no node {wanted}; `dragoman node list` lists them"))),
    }
}

fn rows(nodes: &[Value]) -> Vec<Vec<String>> {
    let head = ["NODE", "NAME", "ROLES", "VERSION", "STATE", "HOLDS", "WORK"].map(str::to_owned).to_vec();
    let list = |node: &Value, key: &str| {
        let items = node[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        items.map(str::to_owned).collect::<Vec<_>>()
    };
    let row = |node: &Value| {
        let (partitions, duties): (Vec<_>, Vec<_>) =
            list(node, "holds").into_iter().partition(|name| name.starts_with("flow/"));
        let parts = (!partitions.is_empty()).then(|| format!("{} partitions", partitions.len()));
        let holds = parts.into_iter().chain(duties).collect::<Vec<_>>().join(", ");
        let is_draining = node["draining"] == true;
        let state = if is_draining { "draining" } else { "at work" };
        let takes = if is_draining { "nothing new".to_owned() } else { work(&node["work"]) };
        let told = |key: &str| text(node, key).to_owned();
        let roles = list(node, "roles").join(",");
        vec![told("id"), told("name"), roles, told("version"), state.to_owned(), holds, takes]
    };
    [head].into_iter().chain(nodes.iter().map(row)).collect()
}

/// How much of what a node works on.
fn work(work: &Value) -> String {
    let Some(slots) = work["slots"].as_u64() else { return "-".to_owned() };
    let names = |key: &str| {
        let items = work[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        items.collect::<Vec<_>>().join(",")
    };
    let is_all = work["stages"].as_array().is_some_and(|stages| stages.len() + 1 >= TABLE.len());
    let stages = if is_all { "all stages".to_owned() } else { names("stages") };
    format!("{slots} at a time ({}) of {stages}", names("classes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_is_found_by_name_or_by_the_beginning_of_its_id() {
        let nodes =
            [json!({"id": "01a", "name": "a"}), json!({"id": "01b", "name": "b"}), json!({"id": "02", "name": "b"})];
        assert_eq!(find(&nodes, "a").map(|node| text(node, "id")).ok(), Some("01a"));
        assert_eq!(find(&nodes, "02").map(|node| text(node, "id")).ok(), Some("02"));
        for (wanted, said) in
            [("b", "2 nodes are called b"), ("01", "2 nodes are called 01"), ("c", "there is no node c")]
        {
            let failure = find(&nodes, wanted).expect_err("refused");
            assert!(failure.message.starts_with(said), "{}", failure.message);
        }
    }

    #[test]
    fn partitions_are_counted_and_duties_named() {
        let node = json!({"id": "01", "name": "-", "roles": ["api", "flow"], "version": "1", "draining": false,
            "holds": ["assets", "flow/00", "flow/01"]});
        let work = json!({"stages": ["transcribe", "mix"], "slots": 3, "classes": ["cpu"]});
        let worker = |is_draining: bool| {
            json!({"id": "02", "name": "w", "roles": ["worker"], "version": "1", "draining": is_draining, "holds": [],
                "work": work})
        };
        let shown = rows(&[node, worker(false), worker(true)]);
        assert_eq!(shown[1], ["01", "-", "api,flow", "1", "at work", "2 partitions, assets", "-"]);
        assert_eq!(shown[2], ["02", "w", "worker", "1", "at work", "", "3 at a time (cpu) of transcribe,mix"]);
        assert_eq!(shown[3], ["02", "w", "worker", "1", "draining", "", "nothing new"]);
    }
}

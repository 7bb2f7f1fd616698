//! `dragoman key`: keys for programs. Each belongs to an account and may do no more than it. A key is shown once, when it
//! is made, alone on standard output.

use super::{
    account::{find, known, moment, text},
    complain, print, print_json,
    remote::{Ask, Remote, ServerArgs, with},
    table,
};
use crate::{
    config::Loaded,
    exit::{Exit, Failure},
    home::Home,
};
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use domain::value::Scope;
use serde_json::{Value, json};

/// `key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
    /// Whose keys, by e-mail address or id. With the token of somebody who signed in, one's own otherwise.
    #[arg(long, global = true, value_name = "EMAIL|ID")]
    pub account: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

const CREATE_HELP: &str = "Prints the key, and nothing else, to standard output: it is shown this once.\n\nExample:\n  \
dragoman key create nightly --account ana@example.org --scopes work:read,work:write --expires-in-days 90 > nightly.key\n\n\
Programs send it with every request: `Authorization: Bearer KEY`.";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List an account's keys, revoked and expired ones too.
    #[command(after_help = "Example: dragoman key list --account ana@example.org")]
    List,
    /// Make a key.
    #[command(after_help = CREATE_HELP)]
    Create {
        /// What it is called.
        name: String,
        /// What it may be used for, separated by commas.
        #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPES", value_parser = scopes())]
        scopes: Vec<String>,
        /// After how many days it is not valid any more; never otherwise.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: Option<u32>,
    },
    /// Revoke a key: it is refused at once.
    #[command(after_help = "Example: dragoman key revoke nightly --account ana@example.org")]
    Revoke {
        /// The key, by its id, a part of it, or its name.
        key: String,
    },
}

fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(Scope::ALL.iter().map(|scope| scope.name()))
}

/// Runs the command.
pub async fn run(args: KeyArgs, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let KeyArgs { command, account, server } = args;
    let as_json = server.json;
    let work = async |remote: &Remote| {
        let whose = whose(remote, account.as_deref()).await?;
        carry_out(remote, command, &whose, as_json).await
    };
    with(&server, home, loaded, work).await?;
    Ok(Exit::Done)
}

/// The query that says whose keys are meant; empty for one's own.
async fn whose(remote: &Remote, account: Option<&str>) -> Result<String, Failure> {
    let Some(account) = account else { return Ok(String::new()) };
    Ok(format!("?account={}", text(&find(remote, account).await?, "id")))
}

async fn carry_out(remote: &Remote, command: KeyCommand, whose: &str, as_json: bool) -> Result<(), Failure> {
    match command {
        KeyCommand::List => {
            let keys = keys(remote, whose).await?;
            if as_json {
                print_json(&keys);
            } else if keys.is_empty() {
                print("There are no keys yet; `dragoman key create` makes one.");
            } else {
                print(&table(&rows(&keys)));
            }
        }
        KeyCommand::Create { name, scopes, expires_in_days } => {
            let mut body = json!({ "name": name, "scopes": scopes });
            if let Some(days) = expires_in_days {
                body["expires_in_days"] = days.into();
            }
            let made = remote.ask(Ask::post(format!("/v1/keys{whose}"), Some(body))).await?;
            complain(&format!("key {} is made; keep it now, it is shown this once", text(&made, "id")));
            if as_json { print_json(&made) } else { print(text(&made, "key")) }
        }
        KeyCommand::Revoke { key } => {
            let keys = keys(remote, whose).await?;
            let id = text(one(&keys, &key)?, "id").to_owned();
            remote.ask(Ask::delete(format!("/v1/keys/{id}{whose}"))).await?;
            complain(&format!("key {id} is revoked"));
            if as_json {
                print_json(&json!({ "id": id, "state": "revoked" }));
            }
        }
    }
    Ok(())
}

async fn keys(remote: &Remote, whose: &str) -> Result<Vec<Value>, Failure> {
    let mut found = remote.ask(Ask::get(format!("/v1/keys{whose}"))).await?;
    let items = found.get_mut("items").map(Value::take);
    Ok(items.and_then(|items| serde_json::from_value(items).ok()).unwrap_or_default())
}

/// The key that is meant: by its id, by its name, or by a part of the id that no other has.
fn one<'a>(keys: &'a [Value], wanted: &str) -> Result<&'a Value, Failure> {
    let part = wanted.to_lowercase();
    let is_named = |key: &&Value| text(key, "id") == part || text(key, "name") == wanted;
    let is_like = |key: &&Value| !part.is_empty() && text(key, "id").contains(&part);
    let named: Vec<&Value> = keys.iter().filter(is_named).collect();
    let matching = if named.is_empty() { keys.iter().filter(is_like).collect() } else { named };
    match matching.as_slice() {
        [key] => Ok(key),
        [] => Err(Failure::usage(format!("there is no key {wanted} of this account; `dragoman key list` lists them"))),
        several => Err(Failure::usage(format!("{wanted} could be any of {} keys; give more of the id", several.len()))),
    }
}

fn rows(keys: &[Value]) -> Vec<Vec<String>> {
    let head = ["KEY", "NAME", "STATE", "SCOPES", "MADE", "EXPIRES", "USED"].map(str::to_owned).to_vec();
    let row = |key: &Value| {
        let scopes = key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        vec![
            text(key, "id").to_owned(),
            known(key, "name", "(erased)"),
            text(key, "state").to_owned(),
            scopes.collect::<Vec<_>>().join(" "),
            moment(key, "created_at"),
            moment(key, "expires_at"),
            moment(key, "last_used_at"),
        ]
    };
    [head].into_iter().chain(keys.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, name: &str) -> Value {
        json!({ "id": id, "name": name, "scopes": ["work:read", "work:write"], "state": "valid",
            "created_at": "2026-11-28T10:00:00.123Z" })
    }

    #[test]
    fn keys_are_told_in_a_table() {
        let said = table(&rows(&[key("0198-a", "nightly")]));
        let line = said.lines().nth(1).expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words,
            ["0198-a", "nightly", "valid", "work:read", "work:write", "2026-11-28T10:00:00", "never", "never"]
        );
    }

    #[test]
    fn a_key_is_found_by_what_no_other_has() {
        let keys = [key("0198-a", "nightly"), key("0198-b", "mobile"), key("0198-c", "mobile")];
        let check = |wanted: &str, expected: Result<&str, &str>| match (one(&keys, wanted), expected) {
            (Ok(found), Ok(id)) => assert_eq!(text(found, "id"), id, "{wanted}"),
            (Err(failure), Err(said)) => assert!(failure.message.contains(said), "{}", failure.message),
            (found, _) => panic!("{wanted}: {found:?}"),
        };
        check("nightly", Ok("0198-a"));
        check("0198-b", Ok("0198-b"));
        check("-C", Ok("0198-c"));
        check("mobile", Err("2 keys"));
        check("0198", Err("3 keys"));
        check("gone", Err("no key gone"));
        check("", Err("no key"));
    }
}

//! `dragoman account`: who may sign in, and as what. Deliberately absent: passwords. People choose their own with a link.

use super::{
    complain, print, print_json,
    remote::{Ask, Remote, ServerArgs, with},
    table,
};
use crate::{
    config::Loaded,
    exit::{Exit, Failure},
    home::Home,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

/// `account`.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

const INVITE_HELP: &str = "Prints the link with which they choose a password, unless the server sent it by e-mail; it \
works once.\n\nExamples:\n  dragoman account invite ana@example.org --name Ana --role creator\n  dragoman account invite \
ana@example.org --again | wl-copy";
const ROLE_HELP: &str = "It holds at once, for tokens that are out there, too.\n\nExample: dragoman account role \
ana@example.org admin";
const OUT_HELP: &str = "Sessions end at once and keys are refused; what the account made stays. `dragoman account \
reactivate` takes it back.\n\nExample: dragoman account deactivate ana@example.org";
const RESET_HELP: &str = "Prints a link with which they choose another password, unless the server sent it by e-mail. The \
old password holds until then.\n\nExample: dragoman account reset-password ana@example.org";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// List all accounts.
    #[command(after_help = "Example: dragoman account list --json | jq -r '.[].email'")]
    List,
    /// Invite somebody: they choose a password with a link.
    #[command(after_help = INVITE_HELP)]
    Invite {
        /// Their e-mail address, with which they sign in.
        #[arg(value_hint = clap::ValueHint::EmailAddress)]
        email: String,
        /// What they are called; what stands before the @ otherwise.
        #[arg(long, conflicts_with = "again")]
        name: Option<String>,
        /// What they may do.
        #[arg(long, value_enum, default_value_t = RoleArg::Viewer, conflicts_with = "again")]
        role: RoleArg,
        /// They were invited before: make another link. Those before it are void.
        #[arg(long)]
        again: bool,
    },
    /// Show an account.
    #[command(after_help = "Example: dragoman account show ana@example.org")]
    Show {
        /// The account, by its e-mail address or its id.
        account: String,
    },
    /// Give an account another role.
    #[command(after_help = ROLE_HELP)]
    Role {
        /// The account, by its e-mail address or its id.
        account: String,
        /// What it is to be.
        #[arg(value_enum)]
        role: RoleArg,
    },
    /// Let nobody use an account any more.
    #[command(after_help = OUT_HELP)]
    Deactivate {
        /// The account, by its e-mail address or its id.
        account: String,
    },
    /// Let an account be used again.
    #[command(after_help = "Example: dragoman account reactivate ana@example.org")]
    Reactivate {
        /// The account, by its e-mail address or its id.
        account: String,
    },
    /// Help somebody who forgot their password: they choose another one with a link.
    #[command(after_help = RESET_HELP)]
    ResetPassword {
        /// The account, by its e-mail address or its id.
        account: String,
    },
    /// End all sessions of an account. Its keys stay.
    #[command(after_help = "Example: dragoman account sign-out ana@example.org")]
    SignOut {
        /// The account, by its e-mail address or its id.
        account: String,
    },
}

/// What somebody is in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Corrects what is said.
    Reviewer,
    /// Hands in and orders.
    Creator,
    /// Everything in the tenant.
    Admin,
}

impl RoleArg {
    /// As the API names it.
    fn name(self) -> &'static str {
        match self {
            RoleArg::Viewer => "viewer",
            RoleArg::Reviewer => "reviewer",
            RoleArg::Creator => "creator",
            RoleArg::Admin => "admin",
        }
    }
}

/// Runs the command.
pub async fn run(args: AccountArgs, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let AccountArgs { command, server } = args;
    let as_json = server.json;
    with(&server, home, loaded, async |remote| carry_out(remote, command, as_json).await).await?;
    Ok(Exit::Done)
}

async fn carry_out(remote: &Remote, command: AccountCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        AccountCommand::List => list(remote, as_json).await,
        AccountCommand::Invite { email, again: true, .. } => {
            hand_over(remote, &find(remote, &email).await?, "invite", as_json).await
        }
        AccountCommand::Invite { email, name, role, again: false } => {
            let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
            let body = json!({ "email": email, "name": name, "role": role.name() });
            let made = remote.ask(Ask::post("/v1/accounts", Some(body))).await?;
            complain(&format!("{email} is invited as {}", role.name()));
            tell_link(&made, &email, as_json);
            Ok(())
        }
        AccountCommand::Show { account } => {
            let found = find(remote, &account).await?;
            if as_json {
                print_json(&found)
            } else {
                print(&page(&found))
            }
            Ok(())
        }
        AccountCommand::Role { account, role } => {
            let found = find(remote, &account).await?;
            remote.ask(Ask::patch(path(&found), json!({ "role": role.name() }))).await?;
            settled(remote, &found, &format!("has the role {}", role.name()), as_json).await
        }
        AccountCommand::Deactivate { account } => act(remote, &account, "deactivate", "is deactivated", as_json).await,
        AccountCommand::Reactivate { account } => {
            act(remote, &account, "reactivate", "may be used again", as_json).await
        }
        AccountCommand::SignOut { account } => act(remote, &account, "sign-out", "is signed out", as_json).await,
        AccountCommand::ResetPassword { account } => {
            hand_over(remote, &find(remote, &account).await?, "reset-password", as_json).await
        }
    }
}

/// The account that an e-mail address or an id means.
pub async fn find(remote: &Remote, account: &str) -> Result<Value, Failure> {
    if let Ok(id) = Uuid::try_parse(account) {
        return remote.ask(Ask::get(format!("/v1/accounts/{id}"))).await;
    }
    if !account.contains('@') {
        let what = "is neither an e-mail address nor an id; `dragoman account list` lists both";
        return Err(Failure::usage(format!("{account} {what}")));
    }
    let is_it = |found: &Value| text(found, "email").to_lowercase() == account.to_lowercase();
    let found = remote.list("/v1/accounts").await?.into_iter().find(is_it);
    found.ok_or_else(|| {
        Failure::usage(format!("there is no account with the address {account}; `dragoman account list` lists all"))
    })
}

async fn list(remote: &Remote, as_json: bool) -> Result<(), Failure> {
    let accounts = remote.list("/v1/accounts").await?;
    if as_json {
        print_json(&accounts);
    } else if accounts.is_empty() {
        print("There are no accounts yet; begin with `dragoman account invite`.");
    } else {
        print(&table(&rows(&accounts)));
    }
    Ok(())
}

/// Does something to an account that takes no more words.
async fn act(remote: &Remote, account: &str, verb: &str, said: &str, as_json: bool) -> Result<(), Failure> {
    let found = find(remote, account).await?;
    remote.ask(Ask::post(format!("{}/{verb}", path(&found)), None)).await?;
    settled(remote, &found, said, as_json).await
}

/// Says how the account is now.
async fn settled(remote: &Remote, account: &Value, said: &str, as_json: bool) -> Result<(), Failure> {
    if as_json {
        print_json(&remote.ask(Ask::get(path(account))).await?);
    } else {
        complain(&format!("{} {said}", name(account)));
    }
    Ok(())
}

/// Has a link made for an account.
async fn hand_over(remote: &Remote, account: &Value, verb: &str, as_json: bool) -> Result<(), Failure> {
    let made = remote.ask(Ask::post(format!("{}/{verb}", path(account)), None)).await?;
    tell_link(&made, name(account), as_json);
    Ok(())
}

/// Tells where a link went: to the person, or to standard output, alone.
pub fn tell_link(made: &Value, email: &str, as_json: bool) {
    match made.get("link").and_then(Value::as_str) {
        None => complain(&format!("the link was sent to {email}")),
        Some(_) => complain(&format!("hand this link over to {email}; it works once")),
    }
    match made.get("link").and_then(Value::as_str) {
        _ if as_json => print_json(made),
        Some(link) => print(link),
        None => {}
    }
}

fn rows(accounts: &[Value]) -> Vec<Vec<String>> {
    let head = ["ACCOUNT", "E-MAIL", "NAME", "ROLE", "STATE", "2ND FACTOR", "KEYS", "SIGNED IN"];
    let row = |account: &Value| {
        vec![
            text(account, "id").to_owned(),
            known(account, "email", "(erased)"),
            known(account, "name", "(erased)"),
            text(account, "role").to_owned(),
            text(account, "state").to_owned(),
            if account["second_factor"] == true { "yes" } else { "no" }.to_owned(),
            account["keys"].as_u64().unwrap_or_default().to_string(),
            moment(account, "signed_in_at"),
        ]
    };
    [head.map(str::to_owned).to_vec()].into_iter().chain(accounts.iter().map(row)).collect()
}

fn page(account: &Value) -> String {
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    table(&[
        line("account", text(account, "id").to_owned()),
        line("e-mail", known(account, "email", "(erased)")),
        line("name", known(account, "name", "(erased)")),
        line("role", text(account, "role").to_owned()),
        line("state", text(account, "state").to_owned()),
        line("came by", text(account, "origin").to_owned()),
        line("second factor", if account["second_factor"] == true { "yes" } else { "no" }.to_owned()),
        line("keys", account["keys"].as_u64().unwrap_or_default().to_string()),
        line("made", moment(account, "created_at")),
        line("signed in", moment(account, "signed_in_at")),
    ])
}

fn path(account: &Value) -> String {
    format!("/v1/accounts/{}", text(account, "id"))
}

/// As messages name it.
fn name(account: &Value) -> &str {
    match text(account, "email") {
        "" => text(account, "id"),
        email => email,
    }
}

/// A text of a document; empty where it is absent.
pub fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A text of a document, or what stands for its absence.
pub fn known(document: &Value, name: &str, otherwise: &str) -> String {
    document.get(name).and_then(Value::as_str).unwrap_or(otherwise).to_owned()
}

/// A moment, to the second; `never` where it is absent.
pub fn moment(document: &Value, name: &str) -> String {
    match text(document, name) {
        "" => "never".to_owned(),
        moment => moment.chars().take(19).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_told_in_a_table_and_one_on_a_page() {
        let ana = json!({
            "id": "0198-1", "email": "ana@example.org", "name": "Ana", "role": "creator", "state": "active",
            "origin": "invitation", "second_factor": true, "keys": 2,
            "created_at": "2026-11-28T10:00:00.123Z", "signed_in_at": "2026-11-29T10:00:00.123Z",
        });
        let erased = json!({ "id": "0198-2", "role": "viewer", "state": "invited", "second_factor": false, "keys": 0 });
        let said = table(&rows(&[ana.clone(), erased]));
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("ACCOUNT  E-MAIL"));
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["0198-1", "ana@example.org", "Ana", "creator", "active", "yes", "2", "2026-11-29T10:00:00"]
        );
        assert!(lines[2].contains("(erased)") && lines[2].ends_with("never"), "{said}");
        let page = page(&ana);
        assert!(page.contains("came by        invitation") && !page.contains("123Z"), "{page}");
    }

    #[test]
    fn roles_have_the_names_of_the_api() {
        for role in RoleArg::value_variants() {
            let typed = role.to_possible_value().expect("a name").get_name().to_owned();
            assert_eq!(role.name(), typed);
            assert!(typed.parse::<domain::value::Role>().is_ok(), "{typed}");
        }
    }
}

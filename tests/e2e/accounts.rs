//! Accounts, keys and tenants from the command line: over a folder that nobody serves, and against a server.

use crate::{
    server::rig::Server,
    support::{Said, User},
};
use reqwest::{Method, StatusCode};
use scratch_postgres::ScratchPostgres;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

const ANA: &str = "ana@example.org";
const PASSWORD: &str = "seven crates of lemons";

/// The one line on standard output.
#[track_caller]
fn line(said: &Said) -> &str {
    let line = said.stdout.trim_end_matches('\n');
    assert!(!line.is_empty() && !line.contains('\n'), "not one line: {:?}", said.stdout);
    line
}

/// The ticket of the link that a command printed, alone.
#[track_caller]
fn ticket(said: &Said) -> String {
    let (page, ticket) = line(said).split_once('#').expect("a link");
    assert!(page.ends_with("/welcome") && ticket.starts_with("dgt_"), "{page}");
    assert!(!said.stderr.contains(ticket), "{}", said.stderr);
    ticket.to_owned()
}

/// Invites somebody; their ticket.
#[track_caller]
fn invite(user: &User, email: &str, role: &str) -> String {
    ticket(&user.expect(0, ["account", "invite", email, "--role", role]))
}

/// Uses a ticket.
fn redeem(server: &Server, ticket: &str) -> StatusCode {
    server.post("/v1/auth/tickets/redeem", &json!({ "ticket": ticket, "password": PASSWORD })).status
}

/// Signs somebody in: the status, and what was answered.
fn sign_in(server: &Server, email: &str) -> (StatusCode, Value) {
    let asked = json!({ "grant_type": "password", "username": email, "password": PASSWORD });
    let answer = server.post("/v1/auth/token", &asked);
    (answer.status, serde_json::from_slice(&answer.body).expect("a document"))
}

/// An access token of somebody who has a password.
#[track_caller]
fn token(server: &Server, email: &str) -> String {
    let (status, tokens) = sign_in(server, email);
    assert_eq!(status, StatusCode::OK, "{tokens}");
    tokens["access_token"].as_str().expect("a token").to_owned()
}

fn status(server: &Server, token: &str, path: &str) -> StatusCode {
    server.answer(server.ask_as(token, Method::GET, path)).status
}

/// The account, as `account show` tells it.
#[track_caller]
fn shown(user: &User, email: &str) -> Value {
    user.expect(0, ["account", "show", email, "--json"]).json()
}

#[test]
fn who_was_invited_before_the_first_start_signs_in_after_it() {
    let user = User::new();
    let first = invite(&user, ANA, "creator");
    let again = ticket(&user.expect(0, ["account", "invite", ANA, "--again"]));
    assert_ne!(first, again);
    let found = shown(&user, ANA);
    assert_eq!(
        (&found["role"], &found["state"], &found["name"]),
        (&json!("creator"), &json!("invited"), &json!("ana"))
    );
    assert!(user.expect(0, ["account", "list"]).stdout.contains(ANA));
    assert!(user.expect(0, ["tenant", "list"]).stdout.contains("no tenants yet"));

    let server = Server::start_for(user);
    assert_eq!(redeem(&server, &first), StatusCode::BAD_REQUEST, "links before the last one are void");
    assert_eq!(redeem(&server, &again), StatusCode::NO_CONTENT);
    assert_eq!(redeem(&server, &again), StatusCode::BAD_REQUEST, "it works once");
    let own = server.answer(server.ask_as(&token(&server, ANA), Method::GET, "/v1/account"));
    assert_eq!(own.json(StatusCode::OK)["email"], ANA);
    let listed = server.user.expect(0, ["account", "list", "--json"]).json();
    let emails: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|one| one["email"].as_str()).collect();
    assert!(emails.contains(&ANA) && emails.contains(&"admin@localhost"), "{emails:?}");
    assert!(server.user.expect(0, ["tenant", "list"]).stdout.contains("Main"));
}

/// With the log in a database, what lets people in is there as well, and outlives the process that was killed.
#[test]
fn people_sign_in_with_everything_in_a_database() {
    let database = ScratchPostgres::start(&[("fsync", "off")]).expect("a server");
    let url = database.database("films").expect("a database");
    let mut server = Server::start_with(vec![("DRAGOMAN_LOG__URL", url.clone()), ("DRAGOMAN_READ__URL", url)]);
    assert_eq!(redeem(&server, &invite(&server.user, ANA, "viewer")), StatusCode::NO_CONTENT);
    let (_, tokens) = sign_in(&server, ANA);
    server.kill();
    let asked = json!({ "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"] });
    let refreshed = server.post("/v1/auth/token", &asked).json(StatusCode::OK);
    let access = refreshed["access_token"].as_str().expect("a token");
    assert_eq!(status(&server, access, "/v1/account"), StatusCode::OK);
    for name in ["credentials.db", "requests.db", "webhooks.db", "memo.db"] {
        assert!(!server.user.data().join(name).exists(), "{name}");
    }
    assert_eq!(server.stop(), Some(0));
    let nodes = database.sql("films", "SELECT count(*) FROM dragoman_shared.nodes").expect("a number");
    assert_eq!(nodes, "1", "the killed one is found dead later; who ends orderly leaves");
}

#[test]
fn an_account_is_changed_while_the_server_runs() {
    let server = Server::start();
    let user = &server.user;
    assert_eq!(redeem(&server, &invite(user, ANA, "viewer")), StatusCode::NO_CONTENT);
    let taken = user.expect(2, ["account", "invite", ANA]);
    assert!(taken.stderr.contains("there is an account with this address already"), "{}", taken.stderr);
    assert_eq!(taken.stdout, "");

    let said = user.expect(0, ["account", "role", "ANA@example.org", "reviewer"]);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", "dragoman: ana@example.org has the role reviewer\n"));
    assert_eq!(shown(user, ANA)["role"], "reviewer");

    let before = token(&server, ANA);
    assert_eq!(status(&server, &before, "/v1/account"), StatusCode::OK);
    user.expect(0, ["account", "sign-out", ANA]);
    assert_eq!(status(&server, &before, "/v1/account"), StatusCode::UNAUTHORIZED);

    let gone = user.expect(0, ["account", "deactivate", ANA, "--json"]).json();
    assert_eq!(gone["state"], "deactivated");
    assert_eq!(sign_in(&server, ANA).0, StatusCode::BAD_REQUEST);
    user.expect(0, ["account", "reactivate", ANA]);
    let reset = ticket(&user.expect(0, ["account", "reset-password", ANA]));
    assert_eq!(redeem(&server, &reset), StatusCode::NO_CONTENT);
    token(&server, ANA);

    let last = user.expect(2, ["account", "deactivate", "admin@localhost"]);
    assert!(last.stderr.contains("without an admin"), "{}", last.stderr);
    let unknown = user.expect(2, ["account", "show", "nobody@example.org"]);
    assert!(unknown.stderr.contains("account list"), "{}", unknown.stderr);
    user.expect(2, ["account", "show", "nobody"]);
    let malformed = user.expect(2, ["account", "invite", "nobody"]);
    assert!(malformed.stderr.contains("email: an e-mail address is written like"), "{}", malformed.stderr);
    user.log_is_clean();
}

#[test]
fn a_key_is_made_used_and_revoked() {
    let server = Server::start();
    let user = &server.user;
    assert_eq!(redeem(&server, &invite(user, ANA, "creator")), StatusCode::NO_CONTENT);
    let create = ["key", "create", "nightly", "--account", ANA, "--scopes", "work:read,work:write"];
    let made = user.expect(0, create);
    let key = line(&made).to_owned();
    assert!(key.starts_with("dgk_") && !made.stderr.contains(&key), "{}", made.stderr);
    assert_eq!(status(&server, &key, "/v1/dubbings"), StatusCode::OK);
    assert_eq!(status(&server, &key, "/v1/account"), StatusCode::FORBIDDEN, "no scope for it");

    let listed = user.expect(0, ["key", "list", "--account", ANA]);
    assert!(listed.stdout.contains("nightly") && listed.stdout.contains("valid"), "{}", listed.stdout);
    user.expect(0, ["key", "revoke", "nightly", "--account", ANA]);
    assert_eq!(status(&server, &key, "/v1/dubbings"), StatusCode::UNAUTHORIZED);
    let listed = user.expect(0, ["key", "list", "--account", ANA, "--json"]).json();
    assert_eq!((&listed[0]["state"], &listed[0]["scopes"]), (&json!("revoked"), &json!(["work:read", "work:write"])));
    assert_eq!(shown(user, ANA)["keys"], 0);

    for (args, said) in [
        (&["key", "list"][..], "say whose they are with --account"),
        (&["key", "create", "k", "--account", ANA, "--scopes", "work:all"], "work:all"),
        (&["key", "create", "k", "--account", ANA, "--scopes", "work:read", "--expires-in-days", "0"], "0"),
        (&["key", "revoke", "mobile", "--account", ANA], "no key mobile"),
    ] {
        let refused = user.expect(2, args);
        assert!(refused.stderr.contains(said) && refused.stdout.is_empty(), "{args:?}: {}", refused.stderr);
    }
}

#[test]
fn a_server_elsewhere_is_asked_with_a_token_from_a_file() {
    let server = Server::start();
    let user = &server.user;
    assert_eq!(redeem(&server, &invite(user, ANA, "admin")), StatusCode::NO_CONTENT);
    let scopes = "accounts:read,accounts:write";
    let made = user.expect(0, ["key", "create", "desk", "--account", ANA, "--scopes", scopes]);
    let file = user.folder().join("desk.key");
    fs::write(&file, &made.stdout).expect("written");

    // Somebody else's machine: another data folder.
    let other = User::new();
    let (url, file) = (server.url(), file.display().to_string());
    let there = ["--server", url.as_str(), "--token-file", file.as_str()];
    let ask = |code: i32, args: &[&str], there: &[&str]| other.expect(code, [args, there].concat());
    let listed = ask(0, &["account", "list", "--json"], &there).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    ticket(&ask(0, &["account", "invite", "bob@example.org"], &there));
    let own = ask(0, &["key", "list"], &there);
    assert!(own.stdout.contains("desk"), "one's own, without --account: {}", own.stdout);
    assert_eq!(shown(user, "bob@example.org")["role"], "viewer");
    assert!(!other.data().join("log.db").exists(), "its own folder is not touched");

    let wrong = other.folder().join("wrong");
    fs::write(&wrong, "dgk_wrong\n").expect("written");
    let wrong = wrong.display().to_string();
    for (code, there, said) in [
        (2, &["--server", &url, "--token-file", &wrong][..], "it does not take the token in"),
        (2, &["--server", &url, "--token-file", "absent"], "cannot be read"),
        (2, &["--server", &url], "needs --token-file"),
        (2, &["--token-file", &file], "needs --server"),
        (2, &["--server", "http://192.0.2.1", "--token-file", &file], "in the clear"),
        (1, &["--server", "http://127.0.0.1:9", "--token-file", &file], "could not be reached"),
    ] {
        let refused = ask(code, &["account", "list"], there);
        assert!(refused.stderr.contains(said) && refused.stdout.is_empty(), "{there:?}: {}", refused.stderr);
        assert!(!refused.stderr.contains(made.stdout.trim()), "{}", refused.stderr);
    }
}

#[test]
fn a_tenant_is_made_and_told_how_much_it_may_use() {
    let server = Server::start();
    let user = &server.user;
    let made = user.expect(0, ["tenant", "create", "Film school", "--admin", ANA]);
    assert_eq!(redeem(&server, &ticket(&made)), StatusCode::NO_CONTENT);
    let (_, tokens) = sign_in(&server, ANA);
    assert_eq!(tokens["role"], "admin");
    let listed = user.expect(0, ["tenant", "list", "--json"]).json();
    let names: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["Main", "Film school"]);

    let quota = ["tenant", "quota", "Film school", "--running-jobs", "3", "--spend", "12.50", "--json"];
    let quotas = json!({ "running_jobs": 3, "spend_micros_a_month": 12_500_000 });
    assert_eq!(user.expect(0, quota).json()["quotas"], quotas);
    let changed = user.expect(0, ["tenant", "quota", "Film school", "--running-jobs", "unlimited", "--minutes", "60"]);
    for told in ["running jobs     unlimited", "minutes a month  60", "spend a month    12.50"] {
        assert!(changed.stdout.contains(told), "{}", changed.stdout);
    }
    user.expect(0, ["tenant", "rename", "Film school", "Film academy"]);
    assert!(user.expect(0, ["tenant", "show", "Film academy"]).stdout.contains("12.50"));

    for (args, said) in [
        (&["tenant", "show", "Film school"][..], "no tenant Film school"),
        (&["tenant", "create", "Another", "--admin", ANA], "this address already"),
        (&["tenant", "quota", "Main", "--running-jobs", "many"], "unlimited"),
    ] {
        let refused = user.expect(2, args);
        assert!(refused.stderr.contains(said) && refused.stdout.is_empty(), "{args:?}: {}", refused.stderr);
    }
}

#[test]
fn an_address_that_is_out_of_date_is_noticed() {
    let user = User::new();
    invite(&user, ANA, "viewer");
    let file = user.data().join("server-url");
    // As a server leaves it that was killed: nobody owns the folder.
    fs::write(&file, "http://127.0.0.1:9\n").expect("written");
    assert!(user.expect(0, ["account", "list"]).stdout.contains(ANA));
    assert!(!file.exists());

    let mut server = Server::start_for(user);
    let told = fs::read_to_string(&file).expect("an address");
    assert_eq!(told.trim(), server.url());
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    fs::write(&file, "http://127.0.0.1:9\n").expect("written");
    let stale = server.user.expect(1, ["account", "list"]);
    let said = "no server answers at http://127.0.0.1:9, which server-url in the data folder names";
    assert!(stale.stderr.contains(said) && stale.stderr.contains("is using"), "{}", stale.stderr);
    fs::remove_file(&file).expect("removed");
    let none = server.user.expect(1, ["account", "list"]);
    assert!(none.stderr.contains("another dragoman") && none.stderr.contains("is using"), "{}", none.stderr);

    fs::write(&file, &told).expect("written");
    let token = server.user.data().join("api-token");
    let kept = fs::read_to_string(&token).expect("a token");
    fs::write(&token, "0".repeat(64)).expect("written");
    let refused = server.user.expect(2, ["account", "list"]);
    assert!(refused.stderr.contains("restart the server"), "{}", refused.stderr);
    fs::write(&token, kept).expect("written");

    assert_eq!(server.stop(), Some(0));
    assert!(!file.exists(), "it is taken back at an orderly end");
    assert!(server.user.expect(0, ["account", "list"]).stdout.contains(ANA));
}

#[test]
fn help_teaches_by_examples() {
    let user = User::new();
    for command in [
        ["account", "list"],
        ["account", "invite"],
        ["account", "show"],
        ["account", "role"],
        ["account", "deactivate"],
        ["account", "reactivate"],
        ["account", "reset-password"],
        ["account", "sign-out"],
        ["key", "list"],
        ["key", "create"],
        ["key", "revoke"],
        ["tenant", "list"],
        ["tenant", "create"],
        ["tenant", "show"],
        ["tenant", "quota"],
        ["tenant", "rename"],
    ] {
        let help = user.expect(0, command.into_iter().chain(["--help"])).stdout;
        let example = format!("dragoman {}", command.join(" "));
        assert!(help.contains("Example") && help.contains(&example), "{help}");
        assert!(help.contains("--server") && help.contains("--json"), "{help}");
        assert!(!help.contains("--password"), "{help}");
    }
    let completions = user.expect(0, ["completions", "bash"]).stdout;
    assert!(completions.contains("reset-password") && completions.contains("work:read"));
}

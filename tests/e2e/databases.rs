//! The program with its log and read models on PostgreSQL: the same commands, the same results.

use crate::support::{Said, User, clip, clip_transcript, repository};
use scratch_postgres::ScratchPostgres;
use std::process::Command;

/// A user whose log and read models are in these databases.
struct Served {
    user: User,
    server: ScratchPostgres,
}

impl Served {
    fn new() -> Self {
        let server = ScratchPostgres::start(&[("fsync", "off")]).expect("a server");
        server.database("films").expect("a database");
        Self { user: User::new(), server }
    }

    fn run(&self, args: &[&str]) -> Said {
        let mut command = self.user.command(args);
        let url = self.server.url("films");
        command.env("DRAGOMAN_LOG__URL", &url).env("DRAGOMAN_READ__URL", &url);
        Said::from(command.output().expect("it runs"))
    }

    fn expect(&self, code: i32, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, code, "{args:?}: {}{}", said.stdout, said.stderr);
        assert!(!said.stderr.contains("scratch@") && !said.stdout.contains("scratch@"), "no password is shown");
        said
    }

    fn dub(&self) -> Said {
        let transcript = clip_transcript().to_str().expect("UTF-8");
        let (input, out) = (clip().to_str().expect("UTF-8"), self.user.out());
        let out = out.to_str().expect("UTF-8");
        self.expect(0, &["dub", input, "--to", "es", "--transcript", transcript, "--out", out, "--json"])
    }
}

#[test]
fn a_film_is_dubbed_with_everything_in_a_database() {
    let served = Served::new();
    let pending = served.expect(5, &["migrate", "--check", "--json"]).json();
    assert!(pending["pending"].as_array().expect("a list").len() >= 2, "{pending}");
    assert!(served.expect(0, &["migrate"]).stdout.contains("applied"));
    assert!(served.expect(0, &["migrate"]).stdout.contains("up to date"));
    let job = served.dub().json();
    assert_eq!(job["state"], "completed");
    assert!(!served.user.data().join("log.db").exists() && !served.user.data().join("read.db").exists());
    let verified = served.expect(0, &["log", "verify", "--json"]).json();
    assert!(verified["events"].as_u64().expect("a number") > 20, "{verified}");
    assert!(served.expect(0, &["jobs"]).stdout.contains("completed"));
    served.expect(0, &["projection", "rebuild", "tracks", "--shadow"]);
    served.expect(0, &["projection", "diff", "tracks"]);
    served.expect(0, &["projection", "swap", "tracks"]);
    assert!(served.expect(0, &["jobs"]).stdout.contains("completed"));
    served.expect(0, &["projection", "rollback", "tracks"]);
    assert!(served.expect(0, &["log", "archive", "--at-least", "1"]).stdout.contains("part 1"));
    assert_eq!(served.expect(0, &["log", "verify", "--json"]).json(), verified);
    assert_eq!(served.dub().json()["state"], "completed", "the same again changes nothing");
    assert_eq!(served.expect(0, &["log", "verify", "--json"]).json(), verified);
}

#[test]
fn an_installation_moves_from_its_folder_to_a_database() {
    let served = Served::new();
    let transcript = clip_transcript().to_str().expect("UTF-8");
    served.user.dub(0, clip(), &["--to", "es", "--transcript", transcript]);
    let before = served.user.expect(0, ["log", "verify", "--json"]).json();
    let (from, to) = (format!("sqlite:{}", served.user.data().display()), served.server.url("films"));
    let copied = served.user.expect(0, ["log", "copy", "--from", &from, "--to", &to, "--json"]).json();
    assert_eq!(copied["copied"], before["events"]);
    let again = served.user.expect(0, ["log", "copy", "--to", &to, "--json"]).json();
    assert_eq!((&again["copied"], &again["events"]), (&serde_json::json!(0), &before["events"]));
    assert_eq!(served.expect(0, &["log", "verify", "--json"]).json(), before);
    assert!(served.expect(0, &["jobs"]).stdout.contains("completed"));
    // Back into another folder.
    let back = served.user.folder().join("back");
    served.user.expect(0, ["log", "copy", "--from", &to, "--to", &format!("sqlite:{}", back.display())]);
    let there = served.user.expect(0, ["--data-dir", back.to_str().expect("UTF-8"), "log", "verify", "--json"]).json();
    assert_eq!(there, before);
}

/// What lets people in goes along with the log, and comes along later where the log has moved before.
#[test]
fn accounts_move_with_their_log() {
    const ANA: &str = "ana@example.org";
    let served = Served::new();
    served.user.expect(0, ["account", "invite", ANA]);
    let to = served.server.url("films");
    let copied = served.user.expect(0, ["log", "copy", "--to", &to, "--json"]).json();
    let rows = copied["account_rows"].as_u64().expect("a number");
    assert!(rows >= 2, "an address and a ticket: {copied}");
    let again = served.user.expect(0, ["log", "copy", "--to", &to, "--json"]).json();
    assert_eq!(again["account_rows"], rows, "done twice, it comes to the same");
    let emails = || served.server.sql("films", "SELECT count(*) FROM dragoman_shared.emails").expect("a number");
    assert_eq!(emails(), "1");

    // A program before this one had left them in the folder.
    served.server.sql("films", "DROP SCHEMA dragoman_shared CASCADE").expect("dropped");
    served.expect(0, &["account", "invite", ANA, "--again"]);
    assert_eq!(emails(), "1");
    let tickets = served.server.sql("films", "SELECT count(*) FROM dragoman_shared.tickets").expect("a number");
    assert_eq!(tickets, "1");
    let taken = served.expect(2, &["account", "invite", ANA]);
    assert!(taken.stderr.contains("there is an account with this address already"), "{}", taken.stderr);

    let back = format!("sqlite:{}", served.user.folder().join("back").display());
    let copied = served.user.expect(0, ["log", "copy", "--from", &to, "--to", &back, "--json"]).json();
    assert!(copied["account_rows"].as_u64().expect("a number") >= rows, "{copied}");
}

#[test]
fn another_data_folder_is_not_let_near_a_log() {
    let served = Served::new();
    served.dub();
    let before = served.expect(0, &["log", "verify", "--json"]).json();
    let other = served.user.folder().join("other");
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let dub = ["dub", clip().to_str().expect("UTF-8"), "--to", "ca", "--transcript", transcript];
    for command in [&["jobs"][..], &dub] {
        let said = served.expect(1, &[&["--data-dir", other.to_str().expect("UTF-8")][..], command].concat());
        assert!(said.stderr.contains("belongs to another data folder"), "{}", said.stderr);
    }
    assert_eq!(served.expect(0, &["log", "verify", "--json"]).json(), before, "nothing was written");
    assert!(served.expect(0, &["jobs"]).stdout.contains("completed"));
}

#[test]
fn each_wrong_address_is_one_sentence() {
    let served = Served::new();
    let check = |url: &str, code: i32, expected: &str| {
        let said = Said::from(served.user.command(["jobs"]).env("DRAGOMAN_LOG__URL", url).output().expect("it runs"));
        assert_eq!(said.code, code, "{url}: {}", said.stderr);
        assert!(said.stderr.contains(expected) && said.stderr.contains("log.url"), "{url}: {}", said.stderr);
        assert!(said.stderr.lines().count() == 1 && !said.stderr.contains("hush"), "{url}: {}", said.stderr);
    };
    check("mysql://me:hush@127.0.0.1/films", 2, "is not allowed");
    check("postgres://me:hush@127.0.0.1:1/films", 1, "no PostgreSQL server answers");
    check(&served.server.url_as("postgres", "hush", "films"), 1, "refuses user postgres");
    check(&served.server.url("nowhere"), 1, "has no database nowhere");
    check("kurrentdb://me:hush@127.0.0.1:1?tls=false", 1, "KurrentDB does not answer");
}

#[test]
fn the_drill_of_a_restore_ends_in_a_whole_log() {
    let mut drill = Command::new(repository().join("scripts/drill-postgres"));
    let said = Said::from(drill.env("PROGRAM", env!("CARGO_BIN_EXE_dragoman")).output().expect("it runs"));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("The event log is whole: 2000 events"), "{}", said.stdout);
}

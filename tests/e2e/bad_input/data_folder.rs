//! Data folders that are in use, unwritable, newer than the program, or damaged.

use super::{complains, file, leaves_nothing, refuses};
use crate::support::{User, clip, clip_transcript};
use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A user whose data folder holds one finished job.
fn finished() -> User {
    static FINISHED: OnceLock<User> = OnceLock::new();
    let first = FINISHED.get_or_init(|| {
        let user = User::new();
        user.dub(0, clip(), &arguments());
        gather(&user);
        user
    });
    let user = User::new();
    let copied = Command::new("cp").arg("-r").arg(first.data()).arg(user.data()).status();
    assert!(copied.expect("cp runs").success());
    user
}

/// Brings each database into its one file, as SQLite does in time: what stands in a write-ahead log would mend the
/// damage that tests do.
fn gather(user: &User) {
    for name in ["log.db", "read.db", "memo.db"] {
        tell_sqlite(&user.data().join(name), "PRAGMA wal_checkpoint(TRUNCATE)");
        for ending in ["-wal", "-shm"] {
            fs::remove_file(user.data().join(format!("{name}{ending}"))).ok();
        }
    }
}

/// Carries out one statement in a database.
fn tell_sqlite(database: &Path, statement: &str) {
    let python = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()";
    let run = Command::new("python3").args(["-c", python]).arg(database).arg(statement).status();
    assert!(run.expect("python3 runs").success());
}

fn arguments() -> [&'static str; 4] {
    ["--to", "es", "--transcript", clip_transcript().to_str().expect("UTF-8")]
}

fn dub_arguments() -> Vec<&'static str> {
    let mut args = vec!["dub", "--out", "out"];
    args.extend(arguments());
    args.push(clip().to_str().expect("UTF-8"));
    args
}

#[test]
fn a_folder_without_jobs_is_said_to_have_none_and_stays_as_it_is() {
    let user = User::new();
    let said = user.expect(2, ["blobs", "collect", "--dry-run"]);
    assert!(said.stderr.contains("there are no jobs in"), "{}", said.stderr);
    assert!(!user.data().exists(), "looking makes no folder");
}

#[test]
fn a_second_process_is_told_who_is_there() {
    let user = User::new();
    fs::create_dir_all(user.data()).expect("a folder");
    let lock = fs::File::create(user.data().join("lock")).expect("a lock");
    (&lock).write_all(b"4711").expect("written");
    lock.lock().expect("taken");
    refuses(&user, 1, dub_arguments(), &["another dragoman", "4711", "wait", "--data-dir"]);
    drop(lock);
    user.dub(0, clip(), &arguments());
}

#[test]
fn a_data_folder_that_cannot_be_one_is_refused() {
    let user = User::new();
    file(&user, "a-file", "x");
    for place in ["a-file", "a-file/below"] {
        let args = dub_arguments().into_iter().chain(["--data-dir", place]);
        refuses(&user, 1, args, &[place, "it is a file", "--data-dir"]);
    }
    fs::create_dir_all(user.data().join("lock")).expect("a folder in the way");
    let said = user.expect(1, dub_arguments());
    assert!(said.stderr.contains("--data-dir") && said.stderr.lines().count() == 1, "{}", said.stderr);
}

#[test]
fn a_log_of_a_newer_program_is_left_alone() {
    let user = finished();
    // The schema's number stands in bytes 60 to 63 of an SQLite file (sqlite.org/fileformat.html).
    overwrite(&user.data().join("log.db"), 60, &99_u32.to_be_bytes());
    let before = fs::read(user.data().join("log.db")).expect("the log");
    for args in [dub_arguments(), vec!["resume"], vec!["jobs"], vec!["log", "verify"]] {
        refuses(&user, 1, args, &["schema 99", "newer program"]);
    }
    assert_eq!(fs::read(user.data().join("log.db")).expect("the log"), before);
}

#[test]
fn a_log_of_an_older_program_is_brought_up_to_date_by_whoever_looks_first() {
    let user = finished();
    let events = user.expect(0, ["log", "verify", "--json"]).json()["events"].clone();
    gather(&user);
    let log = user.data().join("log.db");
    // As the first version left it: without traces.
    tell_sqlite(&log, "ALTER TABLE events DROP COLUMN traceparent");
    tell_sqlite(&log, "PRAGMA user_version = 1");
    let lock = fs::File::create(user.data().join("lock")).expect("a lock");
    lock.lock().expect("taken");
    refuses(&user, 1, ["jobs"], &["another dragoman", "wait"]);
    drop(lock);
    let jobs = user.expect(0, ["jobs", "--json"]).json();
    assert_eq!(jobs.as_array().map(Vec::len), Some(1), "{jobs}");
    assert_eq!(user.expect(0, ["log", "verify", "--json"]).json()["events"], events);
}

#[test]
fn a_damaged_log_is_an_error_and_no_panic() {
    for damage in [Damage::Noise, Damage::CutOff] {
        let user = finished();
        let log = user.data().join("log.db");
        let length = fs::metadata(&log).expect("the log").len();
        match damage {
            Damage::Noise => fs::write(&log, vec![0x5a; 30_000]).expect("overwritten"),
            Damage::CutOff => fs::OpenOptions::new()
                .write(true)
                .open(&log)
                .and_then(|file| file.set_len(length / 2 / 4_096 * 4_096))
                .expect("cut off"),
        }
        for args in [dub_arguments(), vec!["resume"], vec!["jobs"], vec!["log", "verify"]] {
            refuses(&user, 1, args, &["log.db", "backup", "--data-dir"]);
        }
    }
}

enum Damage {
    Noise,
    CutOff,
}

#[test]
fn lost_read_models_and_memos_are_made_anew_when_deleted() {
    for (name, what) in [("read.db", "read models"), ("memo.db", "memos")] {
        let user = finished();
        fs::write(user.data().join(name), vec![0x5a; 3_000]).expect("overwritten");
        refuses(&user, 1, dub_arguments(), &[name, what, "nothing is lost", "delete it"]);
        for ending in ["", "-wal", "-shm"] {
            fs::remove_file(user.data().join(format!("{name}{ending}"))).ok();
        }
        let document = user.dub(0, clip(), &[&arguments()[..], &["--force"]].concat());
        assert_eq!(document["state"], "completed", "{document}");
        user.log_is_clean();
    }
}

#[test]
fn a_result_that_rotted_on_the_disk_is_never_handed_out() {
    let user = finished();
    let blobs = blobs(&user);
    assert!(!blobs.is_empty());
    blobs.iter().for_each(|blob| flip(blob));
    let mut args = dub_arguments();
    args.push("--json");
    let said = user.expect(1, args);
    complains(&said, &["damaged", "another --data-dir", "dragoman resume"]);
    assert_eq!(said.json()["state"], "stopped");
    assert_eq!(super::names_in(&user.out()), Vec::<String>::new(), "no damaged file is handed out");
    user.log_is_clean();
    leaves_nothing(&user);
}

fn blobs(user: &User) -> Vec<PathBuf> {
    let folders = fs::read_dir(user.data().join("blobs")).expect("blobs").flatten();
    folders
        .flat_map(|folder| fs::read_dir(folder.path()).expect("a folder").flatten())
        .map(|blob| blob.path())
        .collect()
}

/// Flips the bits of a byte in the middle.
fn flip(blob: &Path) {
    fs::set_permissions(blob, fs::Permissions::from_mode(0o600)).expect("writable");
    let middle = fs::metadata(blob).expect("a blob").len() / 2;
    let mut byte = [0];
    let mut file = fs::File::open(blob).expect("a blob");
    file.seek(SeekFrom::Start(middle)).and_then(|_| file.read_exact(&mut byte)).expect("read");
    overwrite(blob, middle, &[!byte[0]]);
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).expect("a file");
    file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)).expect("written");
}

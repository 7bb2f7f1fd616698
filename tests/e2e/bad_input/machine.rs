//! A machine that is in the way: missing engines, a full disk, a media library that dies.

use super::{complains, leaves_nothing, still_works};
use crate::support::{Said, User, clip, clip_transcript};
use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Bound of every wait here.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_missing_engine_is_named_with_the_one_command_that_installs_it() {
    let user = User::new();
    let without = |args: &[&str]| Said::from(user.command(args).env("PATH", "/nowhere").output().expect("it runs"));
    let said = without(&["dub", "--json", "--to", "es", clip().to_str().expect("UTF-8")]);
    assert_eq!((said.code, &*said.stdout), (4, ""), "{}", said.stderr);
    complains(&said, &["pocketsphinx", "not installed", "apt-get install pocketsphinx pocketsphinx-en-us"]);
    let said = without(&["doctor"]);
    assert_eq!(said.code, 4, "{}", said.stdout);
    let command = "sudo apt-get install apertium apertium-eng-spa espeak-ng pocketsphinx pocketsphinx-en-us";
    assert_eq!(
        said.stdout.lines().filter(|line| line.contains("apt-get")).map(str::trim).collect::<Vec<_>>(),
        [command]
    );
    let said = without(&["doctor", "--json"]);
    assert_eq!((said.code, said.json()["command"].as_str()), (4, Some(command)));
    user.expect(0, ["doctor"]);
    let said = without(&["engines"]);
    assert!(said.code == 0 && said.stdout.contains("dragoman doctor"), "{}", said.stdout);
}

#[test]
fn with_a_transcript_no_recogniser_is_needed() {
    let user = User::new();
    let tools = user.folder().join("tools");
    fs::create_dir(&tools).expect("a folder");
    for tool in fs::read_dir("/usr/bin").expect("programs").flatten() {
        if !tool.file_name().to_string_lossy().starts_with("pocketsphinx") {
            std::os::unix::fs::symlink(tool.path(), tools.join(tool.file_name())).expect("a link");
        }
    }
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let out = user.out();
    let args = ["dub", "--to", "es", "--transcript", transcript, "--out", out.to_str().expect("UTF-8")];
    let mut command = user.command(args);
    let said = Said::from(command.arg(clip()).env("PATH", &tools).output().expect("it runs"));
    assert_eq!(said.code, 0, "{}", said.stderr);
}

/// Rooms in KiB in which the job ends at different steps, from making the data folder to putting results in place.
const ROOMS_KIB: [u32; 4] = [100, 500, 1_000, 1_600];

#[test]
fn a_full_disk_is_said_and_the_job_goes_on_when_there_is_room() {
    for room in ROOMS_KIB {
        let user = User::new();
        let transcript = clip_transcript();
        // A mount of its own, which ends with the shell.
        let script = r#"
            mount -t tmpfs -o "size=$1k" tmpfs "$2" || exit 99
            export DRAGOMAN_DATA_DIR="$2/data"
            "$3" dub "$4" --to es --transcript "$5" --out "$2/out" --json > "$2/../first.json" 2> "$2/../first.txt"
            echo "first $?"
            find "$2" -name '*.part' -o -path "$2/data/tmp/*" -o -path "$2/data/scratch/*"
            find "$2/out" -type f 2> /dev/null | wc -l
            mount -o remount,size=100m "$2"
            "$3" dub "$4" --to es --transcript "$5" --out "$2/out" --force > /dev/null 2> "$2/../second.txt"
            echo "second $?"
            "$3" log verify > /dev/null
            echo "verify $?"
            ls "$2/out" | wc -l
        "#;
        let mount = user.folder().join("disk");
        fs::create_dir(&mount).expect("a folder");
        let run = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh", &room.to_string()])
            .arg(&mount)
            .arg(env!("CARGO_BIN_EXE_dragoman"))
            .args([clip(), transcript])
            .output();
        let Ok(run) = run.map(Said::from) else {
            return eprintln!("SKIPPED: unshare, which makes a small disk, is not here");
        };
        if run.code == 99 || run.stderr.contains("Operation not permitted") {
            return eprintln!("SKIPPED: nothing may be mounted here, so no disk can be full");
        }
        let read = |name: &str| fs::read_to_string(user.folder().join(name)).unwrap_or_default();
        let first = Said { code: 1, stdout: read("first.json"), stderr: read("first.txt") };
        assert_eq!(
            run.stdout.split_whitespace().collect::<Vec<_>>(),
            ["first", "1", "0", "second", "0", "verify", "0", "4"],
            "{room} KiB: {} {} {}",
            run.stderr,
            first.stderr,
            read("second.txt")
        );
        complains(&first, &["full", "free some space"]);
        if !first.stdout.is_empty() {
            assert_eq!(first.json()["problem"]["code"], "disk-full");
            assert!(first.stderr.contains("dragoman resume"), "{}", first.stderr);
        }
    }
}

#[test]
fn a_media_library_that_dies_does_not_take_the_job_with_it() {
    // What GLib does to itself, and what the kernel does when memory runs out.
    for signal in ["ABRT", "KILL"] {
        let user = User::new();
        let transcript = clip_transcript().to_str().expect("UTF-8");
        let out = user.out();
        let args = ["dub", "--json", "--to", "es", "--transcript", transcript, "--out", out.to_str().expect("UTF-8")];
        let mut command = user.command(args);
        let job = command.arg(clip()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        kill_media_child(&user, signal);
        let said = Said::from(job.wait_with_output().expect("it ends"));
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert_eq!(said.json()["state"], "completed");
        leaves_nothing(&user);
        still_works(&user);
    }
}

/// Waits until a media child works on something in this user's data folder, and kills it.
fn kill_media_child(user: &User, signal: &str) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        for child in media_children() {
            // A stopped child cannot get away between the look and the blow.
            if opens_a_blob(child, user) && send(child, "STOP") && opens_a_blob(child, user) {
                assert!(send(child, signal), "the child is there");
                send(child, "CONT");
                return;
            }
        }
    }
    panic!("no media child was seen");
}

fn media_children() -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    let is_media = |id: &u32| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.ends_with(b"internal\0media\0")
    };
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_media).collect()
}

fn opens_a_blob(process: u32, user: &User) -> bool {
    let files = fs::read_dir(format!("/proc/{process}/fd")).map(Iterator::flatten).into_iter().flatten();
    let blobs = user.data().join("blobs");
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|path| path.starts_with(&blobs))
}

fn send(process: u32, signal: &str) -> bool {
    let sent = Command::new("kill").args([format!("-{signal}"), process.to_string()]).stderr(Stdio::null()).status();
    sent.is_ok_and(|status| status.success())
}

//! Engines that fail, vanish or refuse: what can be done is done, and nothing is lost.

use super::rig::{Rig, Track, names, undisturbed, until};
use serde_json::Value;
use std::fs;

/// Whether a line carries a flag.
fn has_flag(line: &Value, flag: &str) -> bool {
    line["flags"].as_array().is_some_and(|flags| flags.iter().any(|found| found == flag))
}

#[test]
fn a_line_that_cannot_be_spoken_is_flagged_and_the_others_are_done() {
    let undisturbed = undisturbed("es");
    let second = spoken_lines(&undisturbed.track("es").srt).remove(1);
    let mut rig = Rig::new("es");
    rig.wrap("espeak-ng", &listening(&format!("case \"$said\" in *'{second}'*) exit 1 ;; esac")));
    let said = rig.go_on().said();
    assert_eq!(said.code, 5, "{}\n{}", said.stdout, said.stderr);
    assert_eq!(said.json()["state"], "needs_attention");
    let made = Track::read(&rig.user.out(), "es");
    let (lines, expected) = (lines(&made), lines(undisturbed.track("es")));
    assert!(has_flag(&lines[1], "not-spoken") && lines[1]["start_ms"].is_null(), "{}", lines[1]);
    assert_eq!((&lines[0], &lines[2]), (&expected[0], &expected[2]));
    rig.is_tidy();
}

#[test]
fn an_engine_that_fails_now_and_then_is_asked_again() {
    let undisturbed = undisturbed("es");
    let mut rig = Rig::new("es");
    let failed = rig.user.folder().join("failed");
    fs::create_dir(&failed).expect("a folder");
    // Each line at each speed fails twice.
    let name = format!("failure={}/$(echo \"$* $said\" | cksum | tr -d ' ')", failed.display());
    let fail = "mkdir \"$failure-1\" 2>/dev/null && exit 1; mkdir \"$failure-2\" 2>/dev/null && exit 1";
    rig.wrap("espeak-ng", &listening(&format!("{name}; {fail}")));
    rig.ends_like(&undisturbed);
    let lines = lines(undisturbed.track("es")).len();
    assert!(names(&failed).len() >= 2 * lines, "{:?}", names(&failed));
}

#[test]
fn an_engine_that_always_fails_parks_the_job_until_it_is_mended() {
    let undisturbed = undisturbed("es");
    let mut rig = Rig::new("es");
    rig.wrap("espeak-ng", "case \"$*\" in *--stdin*) exit 1 ;; esac");
    let said = rig.go_on().said();
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    assert_eq!(said.json()["state"], "parked");
    rig.wrap("espeak-ng", "");
    rig.ends_like(&undisturbed);
}

#[test]
fn a_speed_that_cannot_be_spoken_is_not_asked_for_forever() {
    let mut rig = Rig::new("es");
    let srt = rig.user.folder().join("tight.srt");
    let text = "The river was wide and cold and nobody had ever crossed it in such a small boat";
    let cues = format!("1\n00:00:00,200 --> 00:00:02,800\n{text}\n\n2\n00:00:02,900 --> 00:00:06,000\nWe did.\n");
    fs::write(&srt, cues).expect("a transcript");
    // Each call with another speed than the first one fails.
    let first = rig.user.folder().join("speed");
    let remember = format!("mkdir {0} 2>/dev/null && echo \"$speed\" > {0}/first", first.display());
    let compare = format!("[ \"$speed\" = \"$(cat {0}/first)\" ] || exit 1", first.display());
    let speed = "speed=$(echo \"$*\" | sed 's/.*-s *\\([0-9]*\\).*/\\1/')";
    rig.wrap("espeak-ng", &format!("case \"$*\" in *--stdin*) {speed}; {remember}; {compare} ;; esac"));
    let said = rig.start_dub(&["--transcript", &srt.display().to_string()]).said();
    assert_eq!(said.code, 5, "{}\n{}", said.stdout, said.stderr);
    let made = lines(&Track::read(&rig.user.out(), "es"));
    assert!(made.iter().all(|line| line["rate"] == 100), "{made:?}");
    assert!(made.iter().any(|line| has_flag(line, "not-spoken")), "{made:?}");
    rig.is_tidy();
}

#[test]
fn an_engine_that_vanishes_parks_the_job_until_it_is_back() {
    let undisturbed = undisturbed("es");
    let rig = Rig::new("es").with_linked_programs();
    let (program, hidden) = (rig.bin().join("espeak-ng"), rig.bin().join("hidden"));
    let running = rig.start_dub(&[]);
    until("the recogniser", || rig.events().iter().any(|event| event["data"]["stage"] == "transcribe"));
    fs::rename(&program, &hidden).expect("it is hidden");
    let said = running.said();
    assert_eq!(said.code, 4, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("espeak-ng") && said.stderr.contains("dragoman resume"), "{}", said.stderr);
    let said = rig.start(&["resume"]).said();
    assert_eq!(said.code, 4, "still: {}\n{}", said.stdout, said.stderr);
    fs::rename(&hidden, &program).expect("it is back");
    rig.ends_like(&undisturbed);
}

/// A script that looks at the text to speak before the program itself reads it.
fn listening(script: &str) -> String {
    let look = "text=$(mktemp); cat > \"$text\"; exec < \"$text\"; said=$(cat \"$text\"); rm \"$text\"";
    format!("case \"$*\" in *--stdin*) {look}; {script} ;; esac")
}

fn lines(track: &Track) -> Vec<Value> {
    track.lines.as_array().cloned().expect("lines")
}

/// The texts of an SRT file, without numbers and times.
fn spoken_lines(srt: &str) -> Vec<String> {
    let cues = srt.split("\n\n").filter(|cue| !cue.trim().is_empty());
    cues.map(|cue| cue.lines().nth(2).unwrap_or_default().to_owned()).collect()
}

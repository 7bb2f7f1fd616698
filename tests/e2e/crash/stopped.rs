//! Stopped by signals, and two processes at one data folder.

use super::rig::{Rig, undisturbed, until};

#[test]
fn interrupted_it_says_so_and_goes_on_later() {
    let undisturbed = undisturbed("es");
    for (signal, stage) in [("INT", "transcribe"), ("TERM", "translate"), ("INT", "mux")] {
        let rig = Rig::new("es").with_slow_engines();
        let mut running = rig.start_dub(&[]);
        until(stage, || has_begun(&rig, stage) || running.has_ended());
        running.signal(signal);
        let said = running.said();
        assert_eq!(said.code, 130, "{stage}: {}\n{}", said.stdout, said.stderr);
        assert_eq!(said.json()["state"], "interrupted");
        assert!(said.stderr.contains("interrupted") && said.stderr.contains("dragoman resume"), "{}", said.stderr);
        rig.ends_like(&undisturbed);
    }
}

#[test]
fn a_data_folder_has_one_owner_and_many_readers() {
    let undisturbed = undisturbed("es");
    let rig = Rig::new("es").with_slow_engines();
    let running = rig.start_dub(&[]);
    until("the recogniser", || has_begun(&rig, "transcribe"));
    let pid = running.pid().to_string();
    for second in [rig.start_dub(&[]), rig.start(&["resume"])] {
        let said = second.said();
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stderr.contains(&pid) && said.stderr.contains("--data-dir"), "{}", said.stderr);
    }
    let job = rig.job().expect("a job");
    for reader in [vec!["jobs"], vec!["job", "show", &job], vec!["job", "events", &job], vec!["log", "verify"]] {
        rig.user.expect(0, reader);
    }
    running.kill();
    rig.ends_like(&undisturbed);
}

#[test]
fn of_a_finished_job_there_is_nothing_to_resume() {
    let undisturbed = undisturbed("es");
    let rig = Rig::new("es");
    rig.ends_like(&undisturbed);
    let (before, job) = (rig.events(), rig.job().expect("a job"));
    let said = rig.user.expect(0, ["resume"]);
    assert!(said.stdout.contains("Nothing to resume"), "{}", said.stdout);
    let said = rig.user.expect(undisturbed.code, ["resume", &job]);
    assert!(said.stdout.contains("Nothing to do"), "{}", said.stdout);
    assert_eq!(rig.events(), before, "nothing was written");
}

fn has_begun(rig: &Rig, stage: &str) -> bool {
    rig.events().iter().any(|event| event["event_type"] == "StageStarted" && event["data"]["stage"] == stage)
}

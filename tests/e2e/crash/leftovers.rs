//! What a crash can leave on disk, laid out by hand: each must be dealt with, and read-only commands must cope.

use super::rig::{Rig, clip, names, undisturbed};
use std::fs;

#[test]
fn lost_read_models_are_rebuilt() {
    let undisturbed = undisturbed("es");
    let rig = Rig::new("es");
    rig.ends_like(&undisturbed);
    let jobs = || rig.user.expect(0, ["jobs", "--json"]).stdout;
    let (before, data) = (jobs(), rig.user.data());
    let remove = |ending: &str| fs::remove_file(data.join(format!("read.db{ending}"))).ok();
    // With and without what a killed process leaves beside the file.
    for endings in [vec![""], vec!["", "-wal", "-shm"]] {
        for ending in endings {
            remove(ending);
        }
        assert_eq!(jobs(), before, "by looking");
    }
    remove("");
    rig.ends_like(&undisturbed);
    assert_eq!(jobs(), before, "by going on");
}

#[test]
fn half_written_files_are_in_nobodys_way() {
    let undisturbed = undisturbed("es");
    let rig = Rig::new("es");
    let (data, out) = (rig.user.data(), rig.user.out());
    for folder in ["scratch/attempt", "tmp"] {
        fs::create_dir_all(data.join(folder)).expect("a folder");
        fs::write(data.join(folder).join("7"), "half a bl").expect("a file");
    }
    fs::create_dir_all(&out).expect("a folder");
    for ending in ["mp4", "srt", "vtt", "report.json"] {
        fs::write(out.join(format!(".dragoman-4999999-{ending}.part")), "half a fi").expect("a file");
    }
    rig.ends_like(&undisturbed);
}

#[test]
fn a_data_folder_that_was_only_just_made_holds_no_jobs() {
    let rig = Rig::new("es");
    let data = rig.user.data();
    // As after a kill between the making of a file and the first row in it.
    for files in [vec!["lock"], vec!["log.db"], vec!["log.db", "read.db", "memo.db"]] {
        fs::remove_dir_all(&data).ok();
        fs::create_dir_all(&data).expect("a folder");
        for file in files {
            fs::write(data.join(file), "").expect("a file");
        }
        assert_eq!(rig.user.expect(0, ["jobs", "--json"]).stdout.trim(), "[]");
        rig.user.expect(2, ["job", "show", "1"]);
        rig.user.expect(2, ["log", "verify"]);
    }
    let said = rig.user.expect(0, ["resume"]);
    assert!(said.stdout.contains("Nothing to resume"), "{}", said.stdout);
    rig.user.log_is_clean();
    assert!(names(&data).contains("log.db"));
}

#[test]
fn cleaning_up_leaves_what_another_job_needs() {
    let undisturbed = undisturbed("es");
    let rig = Rig::new("es").with_slow_engines();
    // The first job needs its source still ...
    assert!(rig.kill_at("StageStarted", Some("ingest")));
    let first = rig.job().expect("a job");
    // ... when another one of the same source is done and cleans up.
    let clip = clip().display().to_string();
    let other = rig.run(&["dub", "--to", "es", "--from", "en-GB", "--out", "elsewhere", "--", &clip]);
    assert_eq!(other.code, undisturbed.code, "{}\n{}", other.stdout, other.stderr);
    let said = rig.run(&["resume", &first]);
    assert_eq!(said.code, undisturbed.code, "{}\n{}", said.stdout, said.stderr);
    assert!(names(&rig.user.out()).contains("clip.es.mp4"));
}

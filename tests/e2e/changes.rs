//! Asking again, and asking for something else: what is re-used, and what is made anew.

use crate::{
    clock::FastClock,
    support::{Said, User, clip, clip_transcript},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

/// A user, one job, and how much of its history has been looked at.
struct Story {
    user: User,
    job: String,
    seen: usize,
}

impl Story {
    /// Dubs the clip into Spanish.
    fn begin(more: &[&str]) -> Self {
        let user = User::new();
        let document = user.dub(0, clip(), &asked(&[&["--to", "es"], more].concat()));
        let job = document["job"].as_str().expect("a job").to_owned();
        let seen = user.events(&job).len();
        Self { user, job, seen }
    }

    /// Dubs again, and returns the document and what happened.
    fn again(&mut self, code: i32, more: &[&str]) -> (Value, Vec<Value>) {
        let document = self.user.dub(code, clip(), &asked(more));
        assert_eq!(document["job"], Value::from(self.job.as_str()), "the same job");
        (document, self.news())
    }

    /// Events since the last look.
    fn news(&mut self) -> Vec<Value> {
        let mut events = self.user.events(&self.job);
        let news = events.split_off(self.seen);
        self.seen += news.len();
        news
    }
}

fn asked<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--from", "en", "--transcript", clip_transcript().to_str().expect("UTF-8")], more].concat()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().expect("a type")).collect()
}

/// Stages that were started, per stream's ending.
fn started<'a>(events: &'a [Value], stream: &str) -> BTreeSet<&'a str> {
    let ours = |event: &&Value| event["stream"].as_str().is_some_and(|name| name.starts_with(stream));
    let begun = events.iter().filter(ours).filter(|event| event["event_type"] == "StageStarted");
    begun.map(|event| event["data"]["stage"].as_str().expect("a stage")).collect()
}

/// The lines that events of this type are about.
fn lines_of(events: &[Value], event_type: &str) -> BTreeSet<u64> {
    let ours = events.iter().filter(|event| event["event_type"] == event_type);
    ours.map(|event| event["data"]["utterance"].as_u64().expect("a line")).collect()
}

fn reused(document: &Value, language: &str) -> BTreeMap<String, bool> {
    let stages = document["stages"].as_array().expect("stages").iter();
    let ours = stages.filter(|stage| stage["language"].as_str().is_none_or(|of| of == language));
    ours.map(|stage| (stage["stage"].as_str().expect("a stage").to_owned(), stage["reused"] == true)).collect()
}

/// Every file in a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = crate::media::names(folder).into_iter();
    names.map(|name| (name.clone(), fs::read(folder.join(name)).expect("a file"))).collect()
}

#[test]
fn asking_again_changes_nothing_and_says_so() {
    let mut story = Story::begin(&[]);
    let before = contents(&story.user.out());
    let (document, news) = story.again(0, &["--to", "es"]);
    assert_eq!(types(&news), Vec::<&str>::new());
    let stages = reused(&document, "es");
    assert!(stages.len() == 15 && stages.values().all(|reused| *reused), "{stages:?}");
    let args = asked(&["--to", "es", "--out", "out", clip().to_str().expect("UTF-8")]);
    let said = story.user.expect(0, [&["dub"], &args[..]].concat());
    assert!(said.stdout.contains("Nothing to do"), "{}", said.stdout);
    assert_eq!(types(&story.news()), Vec::<&str>::new());
    assert!(contents(&story.user.out()) == before, "files changed");
    story.user.log_is_clean();
}

#[test]
fn deleted_results_come_back_and_foreign_files_are_safe() {
    let mut story = Story::begin(&[]);
    let before = contents(&story.user.out());
    for name in ["clip.es.mp4", "clip.es.report.json"] {
        fs::remove_file(story.user.out().join(name)).expect("a deleted file");
    }
    let (_, news) = story.again(0, &["--to", "es"]);
    assert_eq!(types(&news), Vec::<&str>::new());
    assert!(contents(&story.user.out()) == before, "not the same bytes came back");
    // Someone else's file lies where a result lay.
    let srt = story.user.out().join("clip.es.srt");
    fs::write(&srt, "my own words").expect("a foreign file");
    let args = asked(&["--to", "es", "--out", "out", clip().to_str().expect("UTF-8")]);
    let said = story.user.expect(2, [&["dub"], &args[..]].concat());
    assert!(said.stderr.contains("clip.es.srt") && said.stderr.contains("--force"), "{}", said.stderr);
    assert_eq!(fs::read(&srt).expect("a file"), b"my own words");
    assert_eq!(types(&story.news()), Vec::<&str>::new());
    story.again(0, &["--to", "es", "--force"]);
    assert!(contents(&story.user.out()) == before, "--force did not overwrite");
}

#[test]
fn another_folder_only_delivers() {
    let mut story = Story::begin(&[]);
    let elsewhere = story.user.folder().join("elsewhere");
    let args = asked(&["--to", "es", "--json", "--out", "elsewhere", clip().to_str().expect("UTF-8")]);
    story.user.expect(0, [&["dub"], &args[..]].concat());
    assert_eq!(types(&story.news()), ["DeliveryChosen", "TrackDelivered"]);
    assert!(contents(&elsewhere) == contents(&story.user.out()));
}

#[test]
fn another_language_re_uses_transcript_and_stems() {
    let mut story = Story::begin(&[]);
    let es = contents(&story.user.out());
    let (document, news) = story.again(0, &["--to", "ca"]);
    assert_eq!(started(&news, "dubbing-"), BTreeSet::from(["clean"]));
    let of_es = news.iter().filter(|event| event["stream"].as_str().is_some_and(|name| name.ends_with("-es")));
    assert_eq!(of_es.count(), 0);
    assert_eq!(started(&news, "track-").len(), 11);
    let stages = reused(&document, "ca");
    for (stage, is_reused) in [("ingest", true), ("separate", true), ("transcribe", true), ("translate", false)] {
        assert_eq!(stages[stage], is_reused, "{stage}");
    }
    assert!(reused(&document, "es")["mux"]);
    let now = contents(&story.user.out());
    assert!(es.iter().all(|(name, bytes)| now[name] == *bytes) && now.len() == 2 * es.len());
}

#[test]
fn a_changed_glossary_touches_only_its_lines() {
    let mut story = Story::begin(&[]);
    let glossary = story.user.folder().join("terms.csv");
    let with = ["--to", "es", "--glossary", glossary.to_str().expect("UTF-8")];
    fs::write(&glossary, "source,target\nboat,barcaza\n").expect("a glossary");
    let (document, news) = story.again(0, &with);
    assert_eq!(lines_of(&news, "UtteranceTranslated"), BTreeSet::from([2]));
    assert_eq!(lines_of(&news, "UtteranceSynthesised"), BTreeSet::from([2]));
    assert_eq!(started(&news, "dubbing-"), BTreeSet::from(["clean"]));
    assert!(reused(&document, "es")["transcribe"]);
    // A term that no line holds: everything is there already.
    fs::write(&glossary, "source,target\nboat,barcaza\nsubmarine,submarino\n").expect("a glossary");
    let video = contents(&story.user.out()).remove("clip.es.mp4");
    let (_, news) = story.again(0, &with);
    assert_eq!(lines_of(&news, "UtteranceTranslated"), BTreeSet::new());
    assert_eq!(lines_of(&news, "UtteranceSynthesised"), BTreeSet::new());
    assert!(!types(&news).contains(&"TrackMixed"), "{:?}", types(&news));
    assert!(video.is_some() && contents(&story.user.out()).contains_key("clip.es.mp4"));
    // And back: the first translation is remembered.
    let (_, news) = story.again(0, &["--to", "es"]);
    assert_eq!(lines_of(&news, "UtteranceTranslated"), BTreeSet::from([2]));
    let spoken = completed(&news, "synthesise");
    assert!(spoken.iter().all(|summary| summary["made"] == 0), "{spoken:?}");
    story.user.log_is_clean();
}

/// What finished attempts at a stage say that they did.
fn completed<'a>(events: &'a [Value], stage: &str) -> Vec<&'a Value> {
    let ended = |event: &&Value| event["event_type"] == "StageCompleted" && event["data"]["stage"] == stage;
    events.iter().filter(ended).map(|event| &event["data"]).collect()
}

#[test]
fn another_background_is_mixed_anew_and_nothing_before_it() {
    let mut story = Story::begin(&[]);
    let (document, news) = story.again(0, &["--to", "es", "--background", "off"]);
    let from_mix = BTreeSet::from(["mix", "mark", "mux", "assess", "sign", "publish"]);
    assert_eq!(started(&news, "track-"), from_mix);
    let stages = reused(&document, "es");
    for (stage, is_reused) in [("translate", true), ("synthesise", true), ("fit", true), ("mix", false), ("mux", false)]
    {
        assert_eq!(stages[stage], is_reused, "{stage}");
    }
    // The text track alone: from the muxer on.
    let (_, news) = story.again(0, &["--to", "es", "--background", "off", "--subtitles", "both"]);
    assert_eq!(started(&news, "track-"), BTreeSet::from(["mux", "assess", "sign", "publish"]));
    let verified = story.user.expect(0, [Path::new("verify"), &story.user.out().join("clip.es.mp4")]);
    assert!(verified.stdout.contains("Signed by this installation"), "{}", verified.stdout);
}

#[test]
fn another_voice_speaks_its_speakers_lines_anew() {
    let mut story = Story::begin(&[]);
    let (_, news) = story.again(0, &["--to", "es", "--voice", "bartholomew=es+f2"]);
    assert_eq!(lines_of(&news, "UtteranceTranslated"), BTreeSet::new());
    let assigned: Vec<_> = news.iter().filter(|event| event["event_type"] == "VoiceAssigned").collect();
    assert_eq!(assigned.len(), 1);
    assert_eq!(assigned[0]["data"]["voice"], "es+f2");
    // Line 2 is his. Others may be placed anew around it, with what was spoken before.
    let first = completed(&news, "synthesise");
    assert_eq!(first.first().map(|summary| &summary["made"]), Some(&Value::from(1)));
    assert!(!started(&news, "track-").contains("translate"));
    let unknown = asked(&["--to", "es", "--voice", "Bartholomew=no-such-voice", clip().to_str().expect("UTF-8")]);
    let said = story.user.expect(2, [&["dub"], &unknown[..]].concat());
    assert!(said.stderr.contains("no-such-voice"), "{}", said.stderr);
    assert_eq!(types(&story.news()), Vec::<&str>::new());
}

/// The digest of the last mix among these events.
fn mixed_sound(events: &[Value]) -> Value {
    let mixed = events.iter().rfind(|event| event["event_type"] == "TrackMixed").expect("a mix");
    mixed["data"]["sound"]["sha256"].clone()
}

#[test]
fn what_was_replaced_goes_after_its_time_and_is_made_again_when_asked_for() {
    let mut story = Story::begin(&[]);
    let first = mixed_sound(&story.user.events(&story.job));
    story.again(0, &["--to", "es", "--background", "off"]);
    let collect = |days: u64, args: &[&str]| {
        let clock = FastClock::ahead(Duration::from_secs(days * 24 * 3_600));
        let mut command = story.user.command(["blobs", "collect", "--json"].iter().chain(args));
        let said = Said::from(command.envs(clock.variables()).output().expect("it runs"));
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.json()
    };
    let none = json!({ "removed": 0, "bytes": 0 });
    let early = collect(29, &[]);
    assert_eq!([&early["unreported"], &early["replaced"]], [&none, &none], "it is not yet time");
    let trial = collect(31, &["--dry-run"]);
    // The sound, the film and its report; of the texts there is one version.
    assert_eq!(trial["replaced"]["removed"], 3, "{trial}");
    assert_eq!(trial["unreported"], none);
    assert_eq!(collect(31, &[])["replaced"], trial["replaced"]);
    assert_eq!(collect(31, &[])["removed"], 0);
    // What is in force is whole, and what went can be had again.
    let results = contents(&story.user.out());
    fs::remove_dir_all(story.user.out()).expect("no results");
    let (_, news) = story.again(0, &["--to", "es", "--background", "off"]);
    assert_eq!(types(&news), Vec::<&str>::new());
    assert!(contents(&story.user.out()) == results, "not the same bytes came back");
    let (_, news) = story.again(0, &["--to", "es"]);
    assert!(started(&news, "track-").contains("mix") && !started(&news, "track-").contains("synthesise"));
    assert_eq!(mixed_sound(&news), first, "the same sound as before");
    story.user.log_is_clean();
}

#[test]
fn a_replay_from_any_stage_comes_to_its_end() {
    let mut story = Story::begin(&[]);
    let first = mixed_sound(&story.user.events(&story.job));
    story.news();
    let stages = ["translate", "synthesise", "fit", "sync-lips", "mix", "mark", "mux", "assess", "sign", "publish"];
    for from in stages {
        let said = story.user.expect(0, ["job", "replay", &story.job, "--lang", "es", "--from", from]);
        assert!(said.stderr.contains("dragoman resume"), "nobody else does it: {}", said.stderr);
        story.user.expect(0, ["resume"]);
        let news = story.news();
        // The film that was to be assessed and signed is not kept: it is made again.
        let begins = if matches!(from, "assess" | "sign") { "mux" } else { from };
        assert!(started(&news, "track-").contains(begins), "{from}: {:?}", started(&news, "track-"));
        let published = types(&news).iter().filter(|kind| **kind == "TrackPublished").count();
        assert_eq!(published, 1, "{from}");
    }
    assert_eq!(mixed_sound(&story.user.events(&story.job)), first);
    story.user.log_is_clean();
}

#[test]
fn a_fork_is_another_job_and_cannot_begin_with_what_is_gone() {
    let mut story = Story::begin(&[]);
    let before = contents(&story.user.out());
    // The signed copy took the source's place.
    let refused = story.user.run(["job", "fork", &story.job, "--from", "ingest"]);
    assert!(refused.code != 0 && refused.stderr.contains("not kept any more"), "{}", refused.stderr);
    let forked = story.user.expect(0, ["job", "fork", &story.job, "--from", "sign"]);
    assert_ne!(forked.stdout.trim(), story.job);
    story.user.expect(0, ["resume"]);
    // Whoever dubs the file again means the job whose results lie there.
    fs::remove_file(story.user.out().join("clip.es.srt")).expect("a deleted file");
    let (_, news) = story.again(0, &["--to", "es"]);
    assert_eq!(types(&news), Vec::<&str>::new());
    assert!(contents(&story.user.out()) == before, "not the same bytes came back");
}

#[test]
fn what_was_called_off_is_given_back_and_said_so() {
    let story = Story::begin(&[]);
    story.user.expect(0, ["job", "replay", &story.job, "--lang", "es", "--from", "mix"]);
    let said = story.user.expect(0, ["job", "cancel", &story.job]);
    assert!(said.stderr.contains("dragoman resume"), "{}", said.stderr);
    let said = story.user.expect(0, ["resume", &story.job]);
    assert!(!said.stdout.contains("Nothing to do"), "{}", said.stdout);
    story.user.log_is_clean();
}

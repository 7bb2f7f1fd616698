//! Signed provenance of finished files, and what never leaks: into the file's manifest, into databases.

use crate::{
    media,
    support::{Said, User, clip, clip_transcript, gst},
};
use serde_json::{Value, json};
use std::{fs, io::ErrorKind, path::Path, sync::OnceLock};

/// A file name that stands nowhere else.
const STEM: &str = "Geheimnis-Zürich";
/// What only the speech, the speakers and the file's name say.
const PERSONAL: [&str; 7] =
    ["Geheimnis", "Zürich", "Aurelia", "Bartholomew", "crossed it", "small boat", "Nobody said"];

/// A dub whose source has a name and speakers to hide.
struct Dubbed {
    user: User,
    document: Value,
    events: Vec<Value>,
}

fn dubbed() -> &'static Dubbed {
    static DUBBED: OnceLock<Dubbed> = OnceLock::new();
    DUBBED.get_or_init(|| {
        let user = User::new();
        let source = user.folder().join(format!("{STEM}.mp4"));
        fs::copy(clip(), &source).expect("a copy");
        let document = dub(&user, &source);
        let events = user.events(document["job"].as_str().expect("a job"));
        Dubbed { user, document, events }
    })
}

fn dub(user: &User, source: &Path) -> Value {
    let transcript = clip_transcript().to_str().expect("UTF-8");
    user.dub(0, source, &["--from", "en", "--to", "es", "--transcript", transcript, "--voice", "Aurelia=es+f2"])
}

fn verify(user: &User, code: i32, file: &Path) -> Value {
    user.expect(code, [Path::new("verify"), Path::new("--json"), file]).json()
}

fn actions(verified: &Value) -> Vec<&str> {
    let actions = verified["actions"].as_array().expect("actions").iter();
    actions.map(|action| action["action"].as_str().expect("a name")).collect()
}

#[test]
fn a_dub_tells_who_made_it_and_how() {
    let Dubbed { user, document, events } = dubbed();
    let file = user.out().join(format!("{STEM}.es.mp4"));
    let verified = verify(user, 0, &file);
    assert_eq!(verified["verdict"], "signed-by-this-installation");
    assert_eq!(verified["failures"], json!([]));
    assert_eq!(actions(&verified), ["c2pa.opened", "c2pa.translated", "c2pa.dubbed"]);
    let [_, translated, spoken] = verified["actions"].as_array().expect("actions").as_slice() else {
        panic!("three actions");
    };
    assert_eq!(translated["parameters"]["sourceLanguage"], "en");
    assert_eq!(translated["parameters"]["targetLanguage"], "es");
    assert!(translated["software_agent"].as_str().is_some_and(|agent| agent.starts_with("apertium ")));
    assert!(spoken["software_agent"].as_str().is_some_and(|agent| agent.starts_with("espeak-ng ")));
    // Speech by rules: nothing was trained.
    assert!(spoken["digital_source_type"].as_str().is_some_and(|kind| !kind.contains("rained")), "{spoken}");
    assert_eq!(verified["ingredients"], json!([{ "relationship": "parentOf", "signed": true }]));
    let facts = &verified["dubbing"];
    assert_eq!(facts["dubbing"], document["job"]);
    assert_eq!(facts["source_sha256"], media::sha256sum(clip()));
    let at_revision =
        |event: &&Value| event["stream"] == facts["track_stream"] && event["revision"] == facts["revision"];
    let event = events.iter().find(at_revision).expect("the event that the assertion names");
    assert_eq!(facts["revision_hash"], event["hash"]);
    let page = user.expect(0, [Path::new("verify"), &file]).stdout;
    assert!(page.to_lowercase().contains("signed by this installation"), "{page}");
    assert!(page.contains("en → es"), "{page}");
}

#[test]
fn one_flipped_byte_breaks_it() {
    let user = User::new();
    let file = dubbed().user.out().join(format!("{STEM}.es.mp4"));
    let sound = fs::read(&file).expect("the dub");
    let flipped = user.folder().join("flipped.mp4");
    // C2PA leaves out the kind of file and padding (its specification, “BMFF-based hash”): there the
    // log of the installation that signed knows better.
    let boxes = media::boxes(&file);
    assert!(["moov", "mdat", "uuid"].iter().all(|name| boxes.iter().any(|(found, ..)| found == name)), "{boxes:?}");
    for (name, at, length) in &boxes {
        for place in [1, 2, 3].map(|quarter| at + length * quarter / 4) {
            let mut bytes = sound.clone();
            bytes[place] ^= 1;
            fs::write(&flipped, bytes).expect("a file");
            assert_eq!(verify(&dubbed().user, 3, &flipped)["verdict"], "broken", "byte {place}, in {name}");
        }
    }
    assert_eq!(verify(&dubbed().user, 0, &file)["log"], "same");
}

#[test]
fn another_installation_does_not_vouch_for_it() {
    let file = dubbed().user.out().join(format!("{STEM}.es.mp4"));
    let verified = verify(&User::new(), 0, &file);
    assert_eq!(verified["verdict"], "unknown-signer");
}

#[test]
fn a_file_without_provenance_says_so() {
    let verified = verify(&User::new(), 3, clip());
    assert_eq!(verified["verdict"], "unsigned");
    assert_eq!((&verified["actions"], &verified["dubbing"]), (&json!([]), &Value::Null));
}

#[test]
fn a_source_that_cannot_be_signed_is_named_by_its_digest() {
    let user = User::new();
    let mkv = user.folder().join("clip.mkv");
    gst(&[
        "filesrc",
        &format!("location={}", clip().display()),
        "!",
        "qtdemux",
        "name=demux",
        "matroskamux",
        "name=mux",
        "!",
        "filesink",
        &format!("location={}", mkv.display()),
        "demux.video_0",
        "!",
        "queue",
        "!",
        "h264parse",
        "!",
        "mux.",
        "demux.audio_0",
        "!",
        "queue",
        "!",
        "aacparse",
        "!",
        "mux.",
    ]);
    dub(&user, &mkv);
    let file = user.out().join("clip.es.mp4");
    let verified = verify(&user, 0, &file);
    assert_eq!(verified["verdict"], "signed-by-this-installation");
    assert_eq!(verified["ingredients"], json!([{ "relationship": "parentOf", "signed": false }]));
    assert_eq!(verified["dubbing"]["source_sha256"], media::sha256sum(&mkv));
    assert_eq!(actions(&verified), ["c2pa.opened", "c2pa.translated", "c2pa.dubbed"]);
    assert!(media::h264_packets(&file, 0) == media::h264_packets(clip(), 0));
}

/// Everything of these bytes that may not be there.
fn leaks(bytes: &[u8], personal: &[String]) -> Vec<String> {
    let holds = |text: &&String| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    personal.iter().filter(holds).cloned().collect()
}

/// What is personal in the job: names, words, and their translations.
fn personal() -> Vec<String> {
    let mut personal: Vec<String> = PERSONAL.map(str::to_owned).to_vec();
    let translated = dubbed().events.iter().filter(|event| event["event_type"] == "UtteranceTranslated");
    let texts = translated.filter_map(|event| event["data"]["text"]["$personal"].as_str());
    let long = texts.flat_map(|text| text.split([' ', '.', ','])).filter(|word| word.len() > 6);
    personal.extend(long.map(str::to_owned));
    assert!(personal.len() > PERSONAL.len(), "translations hold long words");
    personal
}

#[test]
fn nothing_personal_is_in_the_manifest() {
    let file = dubbed().user.out().join(format!("{STEM}.es.mp4"));
    let bytes = fs::read(&file).expect("the dub");
    for (name, at, length) in media::boxes(&file) {
        if name != "mdat" {
            assert_eq!(leaks(&bytes[at..at + length], &personal()), Vec::<String>::new(), "in the box {name}");
        }
    }
    // And the search finds what is there.
    let srt = fs::read(file.with_extension("srt")).expect("subtitles");
    assert!(!leaks(&srt, &personal()).is_empty());
}

#[test]
fn personal_data_is_sealed_wherever_it_is_kept() {
    let Dubbed { user, events, .. } = dubbed();
    let personal = personal();
    let mut searched = 0;
    for file in media::files_below(&user.data()) {
        let name = file.strip_prefix(user.data()).expect("below").display().to_string();
        assert_eq!(leaks(name.as_bytes(), &personal), Vec::<String>::new(), "in the name of a file");
        // Media and its texts are the blobs' business; all else is sealed.
        if name.starts_with("blobs/") {
            continue;
        }
        match fs::read(&file) {
            Ok(bytes) => {
                searched += 1;
                assert_eq!(leaks(&bytes, &personal), Vec::<String>::new(), "in {name}");
            }
            // A journal goes with the command of another test that had the database open.
            Err(gone) if gone.kind() == ErrorKind::NotFound => {}
            Err(failure) => panic!("{name}: {failure}"),
        }
    }
    for database in ["log.db", "read.db", "memo.db"] {
        assert!(user.data().join(database).is_file(), "{database}");
    }
    assert!(searched > 3);
    // Who holds the key reads all of it, and who does not ask sees none of it.
    let revealed = events.iter().map(Value::to_string).collect::<String>();
    for text in ["Geheimnis", "Aurelia", "Nobody said a word."] {
        assert!(revealed.contains(text), "{text}");
    }
    let job = dubbed().document["job"].as_str().expect("a job");
    let Said { stdout, stderr, .. } = user.expect(0, ["job", "events", job, "--json"]);
    assert_eq!(leaks((stdout + &stderr).as_bytes(), &personal), Vec::<String>::new());
}

#[test]
fn without_its_key_a_job_has_no_personal_data_left() {
    let user = User::new();
    let source = user.folder().join(format!("{STEM}.mp4"));
    fs::copy(clip(), &source).expect("a copy");
    let document = dub(&user, &source);
    let job = document["job"].as_str().expect("a job");
    for key in media::files_below(&user.data().join("keys")) {
        fs::remove_file(key).expect("a key");
    }
    let told = user.events(job).iter().map(Value::to_string).collect::<String>();
    assert_eq!(leaks(told.as_bytes(), &PERSONAL.map(str::to_owned)), Vec::<String>::new());
    user.log_is_clean();
}

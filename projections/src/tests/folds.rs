//! What rows say.

use super::{Models, all, folded, tables};
use application::{
    ports::{
        event_log::StreamId,
        read_store::{Row, RowKey},
    },
    testing::story::{Random, SECRET, Story},
};
use domain::{
    dubbing::{Dubbing, DubbingEvent, Outcome, Phase as Life},
    flow::{Cell, Flow, Phase},
    track::Track,
    value::{DubbingId, Personal, TrackId},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: std::ops::Range<u64> = 0..12;

#[test]
fn tables_name_each_column_once_and_the_key_first() {
    let mut names = BTreeSet::new();
    for table in tables() {
        assert!(names.insert(table.name), "{} is owned twice", table.name);
        assert_eq!(&table.columns[..table.key.len()], table.key, "{}", table.name);
        assert_eq!(table.columns.iter().collect::<BTreeSet<_>>().len(), table.columns.len(), "{}", table.name);
    }
}

#[tokio::test]
async fn rows_say_what_the_aggregates_say() {
    let mut seen = BTreeSet::new();
    for seed in SEEDS {
        let mut story = Story::begin(seed, 2);
        for events in [4, 12, 40, 100, 250, 600, 1_500] {
            story.go_on_to(events);
            check_all(&story, &mut seen).await;
        }
    }
    // The stories went everywhere.
    for state in ["queued", "preparing", "processing", "parked", "paused", "completed", "needs_attention", "failed"] {
        assert!(seen.contains(&format!("job {state}")), "no story has a job that is {state}: {seen:?}");
    }
    for state in ["requested", "processing", "parked", "paused", "completed", "needs_attention"] {
        assert!(seen.contains(&format!("track {state}")), "no story has a track that is {state}: {seen:?}");
    }
    assert!(seen.contains("parked stage"), "no story has a stage that is parked");
    for state in ["requested", "started", "completed", "failed", "lost", "skipped", "released"] {
        assert!(seen.contains(&format!("run {state}")), "no story has a run that is {state}: {seen:?}");
    }
}

async fn check_all(story: &Story, seen: &mut BTreeSet<String>) {
    let models = folded(story.events()).await;
    for (id, dubbing) in story.dubbings() {
        let row = find(&models, "jobs", &[json!(id.to_string())]);
        seen.insert(format!("job {}", check_job(row, dubbing, story)));
        for language in dubbing.tracks.keys() {
            let row = find(&models, "tracks", &[json!(id.to_string()), json!(language.as_str())]);
            let track = story.tracks().get(&TrackId { dubbing: *id, language: language.clone() });
            seen.insert(format!("track {}", check_track(row, dubbing, language.as_str(), track)));
        }
    }
    check_parked(&models, story, seen);
    check_counts(&models, story);
    check_runs(&models, story, seen);
}

fn find<'a>(models: &'a Models, model: &str, key: &[Value]) -> &'a Row {
    let table = tables().into_iter().find(|table| table.name == model).unwrap();
    let is_it = |row: &&Row| table.key.iter().zip(key).all(|(column, value)| row.get(*column) == Some(value));
    models[model].iter().find(is_it).unwrap_or_else(|| panic!("{model} {key:?} has no row"))
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

fn check_job<'a>(row: &'a Row, dubbing: &Dubbing, story: &Story) -> &'a str {
    let request = dubbing.request.as_ref().unwrap();
    assert_eq!(row["identity"], json!(request.identity.to_string()));
    assert_eq!(row["source_sha256"], json!(request.source.sha256.to_string()));
    assert_eq!(row["project_id"], json!(request.order.project.map(|project| project.to_string())));
    assert_eq!(row["client_reference"], json!(request.order.client_reference));
    assert_eq!(row["priority"], json!(request.order.priority.name()));
    assert_eq!(row["duration_ms"], json!(dubbing.source.as_ref().map(|source| source.duration_ms)));
    let languages: Vec<_> = dubbing.tracks.keys().map(|language| language.as_str()).collect();
    assert_eq!(text(row, "languages"), languages.join(","));
    let of_job =
        |id: &&TrackId| dubbing.tracks.contains_key(&id.language) && text(row, "job_id") == id.dubbing.to_string();
    let mut flows: Vec<_> = story.tracks().iter().filter(|(id, _)| of_job(id)).map(|(_, track)| &track.flow).collect();
    flows.push(&dubbing.flow);
    let is_parked = flows.iter().any(|flow| is_parked(flow));
    let is_paused = flows.iter().any(|flow| flow.paused.is_some());
    let attend = dubbing.tracks.values().any(|track| track.outcome == Some(Outcome::NeedsAttention));
    let expected: &[&str] = match dubbing.phase {
        Life::Processing if is_parked => &["parked"],
        // Whoever reopens a stage that parked does not resume.
        Life::Processing if is_paused => &["paused", "parked"],
        Life::Processing => &["queued", "preparing", "processing"],
        Life::Completed if attend => &["needs_attention"],
        Life::Completed => &["completed"],
        Life::Failed => &["failed"],
        Life::Cancelled => &["cancelled"],
        Life::NotStarted => &[],
    };
    let state = text(row, "state");
    assert!(expected.contains(&state), "{state} is none of {expected:?}");
    assert_eq!(row["ended_at"].is_null(), dubbing.phase == Life::Processing);
    assert_eq!(row["failure_code"].is_null(), dubbing.phase != Life::Failed);
    state
}

/// Somebody must see to it: a stage is out of attempts, or the flow stands still and no user said so.
fn is_parked(flow: &Flow) -> bool {
    flow.has_parked() || (flow.paused.is_some() && !flow.is_held())
}

fn check_track<'a>(row: &'a Row, dubbing: &Dubbing, language: &str, track: Option<&Track>) -> &'a str {
    let asked = dubbing.tracks.iter().find(|(tag, _)| tag.as_str() == language).map(|(_, track)| track).unwrap();
    assert_eq!(row["requests"], json!(asked.requests));
    let is_parked = track.is_some_and(|track| is_parked(&track.flow));
    let is_held = track.is_some_and(|track| track.flow.is_held());
    let expected = match (asked.outcome, dubbing.phase) {
        (Some(Outcome::Completed), _) => "completed",
        (Some(Outcome::NeedsAttention), _) => "needs_attention",
        (Some(Outcome::Cancelled), _) | (None, Life::Cancelled) => "cancelled",
        (None, Life::Failed) => "failed",
        (None, _) if is_parked => "parked",
        (None, _) if is_held => "paused",
        (None, _) if track.is_some() => "processing",
        (None, _) => "requested",
    };
    assert_eq!(text(row, "state"), expected);
    let Some(track) = track else {
        assert!(row["started_at"].is_null());
        return text(row, "state");
    };
    let count = |column: &str| row[column].as_u64().unwrap();
    let lines = |is: &dyn Fn(&domain::track::Line) -> bool| track.lines.values().filter(|line| is(line)).count() as u64;
    assert_eq!(count("lines"), track.lines.len() as u64);
    assert_eq!(count("translated"), lines(&|line| line.translation.is_some()));
    assert_eq!(count("flagged"), lines(&|line| !line.flags.is_empty()));
    assert_eq!(count("to_attend"), track.lines_to_attend() as u64);
    // A line whose words changed counts as spoken and placed all the same: it was once.
    assert!(count("synthesised") >= lines(&|line| !line.speech.is_empty()));
    assert!(count("fitted") >= lines(&|line| line.placement.is_some()));
    assert!(count("fitted") <= count("lines") && count("synthesised") <= count("lines"));
    let published = track.published.as_ref();
    assert_eq!(row["published"], json!(published.is_some()));
    assert_eq!(row["media_sha256"], json!(published.map(|result| result.media.sha256.to_string())));
    assert_eq!(row["report_sha256"], json!(published.map(|result| result.report.sha256.to_string())));
    assert_eq!(row["loudness_lufs_centi"], json!(track.assessed.as_ref().map(|_| -2_345)));
    assert_eq!(row["true_peak_dbtp_centi"], json!(track.assessed.as_ref().map(|_| -107)));
    text(row, "state")
}

/// The rows of lines agree with the counts of tracks, and with the transcript.
fn check_counts(models: &Models, story: &Story) {
    for row in models["tracks"].iter().filter(|row| crate::tracks::is_track(row)) {
        let same = |line: &&Row| line["job_id"] == row["job_id"] && line["language"] == row["language"];
        let lines: Vec<&Row> = models["utterances"].iter().filter(same).collect();
        let count = |is: &dyn Fn(&Row) -> bool| json!(lines.iter().filter(|line| is(line)).count());
        assert_eq!(row["lines"], json!(lines.len()));
        assert_eq!(row["flagged"], count(&|line| !text(line, "flags").is_empty()));
        assert_eq!(row["to_attend"], count(&|line| line["needs_attention"] == json!(true)));
        assert_eq!(row["fitted"], count(&|line| text(line, "state") == "fitted"));
    }
    for (id, dubbing) in story.dubbings() {
        for (utterance, line) in &dubbing.utterances {
            let row = find(models, "utterances", &[json!(id.to_string()), json!(""), json!(utterance.0)]);
            assert_eq!((&row["start_ms"], &row["end_ms"]), (&json!(line.span.start_ms()), &json!(line.span.end_ms())));
            assert_eq!(row["speaker"], json!(dubbing.speaker_of(*utterance).map(|speaker| speaker.0)));
            assert_eq!(row["confidence"], json!(line.confidence.map(|percent| percent.get())));
        }
    }
    for (id, track) in story.tracks() {
        for (utterance, line) in &track.lines {
            let key = [json!(id.dubbing.to_string()), json!(id.language.as_str()), json!(utterance.0)];
            let row = find(models, "utterances", &key);
            let Some(place) = line.placement else { continue };
            assert_eq!((&row["start_ms"], &row["shift_ms"]), (&json!(place.start_ms), &json!(place.shift_ms)));
            assert_eq!(row["duration_ms"], json!(place.duration_ms));
        }
    }
}

/// What is parked has a row, and nothing else has one. Of a job that has ended nothing waits for anybody, once its tracks
/// have heard of that.
fn check_parked(models: &Models, story: &Story, seen: &mut BTreeSet<String>) {
    let mut flows: Vec<(DubbingId, &str, &Flow)> =
        story.dubbings().iter().map(|(id, dubbing)| (*id, "", &dubbing.flow)).collect();
    let tracks = story.tracks().iter().filter(|(_, track)| !track.cancelled);
    flows.extend(tracks.map(|(id, track)| (id.dubbing, id.language.as_str(), &track.flow)));
    let ended = |dubbing: &&Dubbing| matches!(dubbing.phase, Life::Failed | Life::Cancelled);
    let is_live = |id: &DubbingId| story.dubbings().get(id).filter(ended).is_none();
    let parked = flows.into_iter().filter(|(id, _, _)| is_live(id)).flat_map(|(id, language, flow)| {
        let cells = flow.cells.iter().filter(|(_, cell)| cell.phase == Phase::Parked);
        cells.map(move |(stage, _)| (id, language.to_owned(), stage.name().to_owned()))
    });
    let owned = |row: &Row, column: &str| text(row, column).to_owned();
    let rows = models["parked_stages"].iter();
    let rows = rows.map(|row| (owned(row, "job_id").parse().unwrap(), owned(row, "language"), owned(row, "stage")));
    let found: BTreeSet<_> = rows.filter(|(id, _, _)| is_live(id)).collect();
    assert_eq!(found, parked.collect::<BTreeSet<_>>());
    assert!(models["parked_stages"].iter().all(|row| !text(row, "code").is_empty() && !row["parked_at"].is_null()));
    seen.extend((!found.is_empty()).then(|| "parked stage".to_owned()));
}

/// The newest attempt at each stage stands where the flow says.
fn check_runs(models: &Models, story: &Story, seen: &mut BTreeSet<String>) {
    let mut flows: BTreeMap<String, _> = BTreeMap::new();
    flows.extend(story.dubbings().iter().map(|(id, dubbing)| (StreamId::Dubbing(*id).to_string(), &dubbing.flow)));
    flows.extend(story.tracks().iter().map(|(id, track)| (StreamId::Track(id.clone()).to_string(), &track.flow)));
    for (stream, flow) in flows {
        for (stage, Cell { run, attempt, phase, .. }) in &flow.cells {
            if *attempt == 0 {
                continue;
            }
            let key = [json!(stream), json!(stage.name()), json!(run), json!(attempt)];
            let state = text(find(models, "engine_runs", &key), "state");
            let expected: &[&str] = match phase {
                Phase::Requested(_) => &["requested"],
                Phase::Started(_) => &["started"],
                Phase::Done | Phase::Undone => &["completed"],
                // An operator may have passed over what came to nothing.
                Phase::Skipped => &["skipped", "failed", "lost"],
                Phase::RetryAt(_) => &["failed"],
                Phase::Waiting | Phase::Parked => &["failed", "lost", "released"],
            };
            assert!(expected.contains(&state), "{stream} {stage} is {phase:?}, and its run {state}");
        }
    }
    seen.extend(models["engine_runs"].iter().map(|row| format!("run {}", text(row, "state"))));
}

#[tokio::test]
async fn nothing_personal_stands_in_rows() {
    let story = Story::of_events(5, 2, 1_500);
    let told = story.events().iter().filter_map(|event| match &event.event {
        application::ports::event_log::DomainEvent::Dubbing(DubbingEvent::UtteranceTranscribed(line)) => {
            line.text.reveal().cloned()
        }
        _ => None,
    });
    assert!(told.into_iter().any(|text| text == SECRET), "the story tells what must not be told on");
    for (model, rows) in folded(Story::up_to_parked(story.events())).await {
        assert!(!rows.is_empty(), "{model}");
        assert!(!serde_json::to_string(&rows).unwrap().contains(SECRET), "{model}");
    }
}

#[tokio::test]
async fn rows_do_not_depend_on_what_is_personal() {
    use application::ports::event_log::DomainEvent;
    let story = Story::of_events(6, 2, 1_200);
    let mut erased = story.events().to_vec();
    for event in &mut erased {
        match &mut event.event {
            DomainEvent::Dubbing(DubbingEvent::UtteranceTranscribed(line)) => {
                line.text = Personal::erased();
                line.words = Personal::erased();
                line.speaker_name = Some(Personal::erased());
            }
            DomainEvent::Dubbing(DubbingEvent::VideoGenerationStarted { name, .. }) => *name = Personal::erased(),
            DomainEvent::Dubbing(DubbingEvent::SpeakerIdentified { name, .. }) => *name = Some(Personal::erased()),
            DomainEvent::Track(domain::track::TrackEvent::UtteranceTranslated(line)) => {
                line.text = Personal::erased();
                line.spoken = Personal::erased();
            }
            _ => {}
        }
    }
    assert_ne!(erased, story.events());
    assert_eq!(folded(&erased).await, folded(story.events()).await);
}

/// Events in an order in which they never happen, and for keys that are not theirs: no fold minds.
#[test]
fn folds_take_any_event_for_any_row() {
    let mut events = Story::of_events(7, 3, 1_000).events().to_vec();
    let mut random = Random::new(7);
    for place in (1..events.len()).rev() {
        events.swap(place, usize::try_from(random.below(place as u64 + 1)).unwrap());
    }
    for projection in all() {
        let nothing = |_: &RowKey| None;
        let table = projection.table();
        let columns: BTreeSet<&str> = table.columns.iter().copied().collect();
        let mut rows: BTreeMap<String, Option<Row>> = BTreeMap::new();
        let odd: Vec<Value> = table.key.iter().map(|_| json!("odd")).collect();
        for event in &events {
            let touched = projection.touches(event);
            for key in touched.keys.iter().chain([&odd]) {
                let row = rows.entry(json!(key).to_string()).or_default();
                *row = projection.apply(row.take(), key, event, &nothing);
                // Lines can go.
                let Some(row) = row.as_ref() else { continue };
                assert_eq!(row.keys().map(String::as_str).collect::<BTreeSet<_>>(), columns, "{}", table.name);
                assert!(row.values().all(|value| !value.is_array() && !value.is_object() && !value.is_f64()));
            }
        }
        // And rows that hold nonsense.
        for (number, event) in events.iter().enumerate() {
            let nonsense = |column: &&str| ((*column).to_owned(), json!(format!("{number}-;=,:")));
            let row: Row = table.columns.iter().map(nonsense).collect();
            if let Some(row) = projection.apply(Some(row), &odd, event, &nothing) {
                assert_eq!(row.keys().map(String::as_str).collect::<BTreeSet<_>>(), columns, "{}", table.name);
            }
        }
    }
}

//! Rows say at every position which lines are stale, as the aggregates do.

use super::{Models, models, runner};
use application::{
    ports::event_log::{DomainEvent, StreamId},
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use domain::{dubbing::Dubbing, track::Track, value::DubbingId};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What a log comes to, event by event.
#[derive(Default)]
struct Truth {
    dubbings: BTreeMap<DubbingId, Dubbing>,
    tracks: BTreeMap<StreamId, Track>,
}

/// What the stories came by.
#[derive(Default)]
struct Seen {
    stale: usize,
    published_stale: usize,
    removed: usize,
    added: usize,
    fresh: usize,
}

#[tokio::test]
async fn rows_say_at_every_position_which_lines_are_stale() {
    let mut seen = Seen::default();
    for seed in 30..36 {
        let story = Story::of_events(seed, 1, 1_500);
        let (log, store) = (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryReadStore::new()));
        let (runner, mut truth) = (runner(&log, &store), Truth::default());
        for event in story.events() {
            match (&event.stream, &event.event) {
                (StreamId::Dubbing(id), DomainEvent::Dubbing(event)) => {
                    truth.dubbings.entry(*id).or_default().evolve(event);
                }
                (stream, DomainEvent::Track(event)) => {
                    truth.tracks.entry(stream.clone()).or_default().evolve(event);
                }
                _ => {}
            }
            log.push([event.clone()]);
            runner.catch_up().await.unwrap();
            check(&models(&*store).await, &truth, &mut seen);
        }
    }
    let Seen { stale, published_stale, removed, added, fresh } = seen;
    assert!(stale.min(published_stale).min(removed).min(added).min(fresh) > 0, "the stories went everywhere");
}

fn check(models: &Models, truth: &Truth, seen: &mut Seen) {
    for (id, dubbing) in &truth.dubbings {
        check_transcript(models, *id, dubbing);
    }
    for (stream, track) in &truth.tracks {
        let StreamId::Track(id) = stream else { continue };
        let dubbing = &truth.dubbings[&id.dubbing];
        let transcript = dubbing.source_lines();
        let stale = track.stale_lines(&transcript);
        let (job, language) = (json!(id.dubbing.to_string()), json!(id.language.as_str()));
        let of_track = |row: &&_| is(row, "job_id", &job) && is(row, "language", &language);
        let row = models["tracks"].iter().find(of_track).unwrap();
        assert_eq!(row["stale"], json!(stale.len()), "{stream}");
        let said = row["stale_lines"].as_str().unwrap();
        let said: Vec<u32> = crate::lines::LineSet::read(said).into_lines().collect();
        assert_eq!(said, stale.iter().map(|line| line.0).collect::<Vec<_>>(), "{stream}");

        let rows: Vec<_> = models["utterances"].iter().filter(of_track).collect();
        let known: BTreeSet<u64> = rows.iter().map(|row| row["utterance"].as_u64().unwrap()).collect();
        assert_eq!(known, track.lines.keys().map(|line| u64::from(line.0)).collect(), "{stream}");
        for row in rows {
            let utterance = row["utterance"].as_u64().unwrap();
            let (line, known) = track.lines.iter().find(|(line, _)| u64::from(line.0) == utterance).unwrap();
            assert_eq!(row["output_revision"], json!(known.output_revision), "{stream} {line}");
            let source = transcript.iter().find(|source| source.utterance == *line);
            assert_eq!(row["removed"], json!(source.is_none()), "{stream} {line}");
            seen.removed += usize::from(source.is_none());
            let Some(source) = source else { continue };
            assert_eq!(row["revision"], json!(known.revision(source.revision)), "{stream} {line}");
            assert_eq!(row["stale"], json!(known.is_stale(source.revision)), "{stream} {line}");
            seen.published_stale += usize::from(known.is_stale(source.revision));
        }
        seen.stale += stale.len();
        seen.fresh += usize::from(stale.is_empty());
        seen.added += stale.iter().filter(|line| !track.lines.contains_key(line)).count();
    }
}

fn check_transcript(models: &Models, id: DubbingId, dubbing: &Dubbing) {
    let job = json!(id.to_string());
    let of_transcript = |row: &&_| is(row, "job_id", &job) && is(row, "language", &json!(""));
    let rows = models["utterances"].iter().filter(of_transcript).filter(|row| !row["revision"].is_null());
    let said: BTreeMap<u64, u64> =
        rows.map(|row| (row["utterance"].as_u64().unwrap(), row["revision"].as_u64().unwrap())).collect();
    let lines = dubbing.source_lines();
    let known = lines.iter().map(|line| (u64::from(line.utterance.0), u64::from(line.revision))).collect();
    assert_eq!(said, known, "{id}");
}

fn is(row: &application::ports::read_store::Row, column: &str, value: &Value) -> bool {
    row[column] == *value
}

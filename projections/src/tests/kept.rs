//! Rows of assets, projects and glossaries say what the aggregates say; usage says what was done.

use super::{Models, folded};
use application::{
    ports::{
        event_log::{DomainEvent, Recorded},
        read_store::Row,
    },
    testing::story::Story,
};
use domain::{
    asset::{Asset, Phase},
    dubbing::DubbingEvent,
    flow::FlowEvent,
    track::TrackEvent,
};
use serde_json::json;
use std::collections::BTreeSet;

fn find<'a>(models: &'a Models, model: &str, column: &str, id: &str) -> &'a Row {
    let row = models[model].iter().find(|row| row[column] == json!(id));
    row.unwrap_or_else(|| panic!("{model} {id} has no row"))
}

#[tokio::test]
async fn rows_say_what_the_aggregates_say() {
    let mut seen = BTreeSet::new();
    for seed in 0..12 {
        let story = Story::of_events(seed, 2, 900);
        let models = folded(story.events()).await;
        for (id, asset) in story.assets() {
            let row = find(&models, "assets", "asset_id", &id.to_string());
            check_asset(row, asset);
            seen.insert(row["state"].as_str().unwrap().to_owned());
        }
        for (id, project) in story.projects() {
            let row = find(&models, "projects", "project_id", &id.to_string());
            assert_eq!(row["state"], json!(if project.is_removed { "removed" } else { "active" }));
            let is_in = |dubbing: &&domain::dubbing::Dubbing| {
                dubbing.request.as_ref().is_some_and(|request| request.order.project == Some(*id))
            };
            assert_eq!(row["dubbings"], json!(story.dubbings().values().filter(is_in).count()));
        }
        for (id, glossary) in story.glossaries() {
            let row = find(&models, "glossaries", "glossary_id", &id.to_string());
            let content = glossary.content.as_ref();
            assert_eq!(row["state"], json!(if glossary.is_removed { "removed" } else { "active" }));
            assert_eq!(row["terms"], json!(content.map(|content| content.count)));
            assert_eq!(row["sha256"], json!(content.map(|content| content.terms.sha256.to_string())));
            let language = content.and_then(|content| content.language.as_ref()).map(|language| language.as_str());
            assert_eq!(row["language"], json!(language));
        }
        seen.extend(models["projects"].iter().map(|row| format!("project {}", row["state"])));
        seen.extend(models["glossaries"].iter().map(|row| format!("glossary {}", row["state"])));
    }
    for state in ["uploaded", "ready", "quarantined", "erased"] {
        assert!(seen.contains(state), "no asset is {state}: {seen:?}");
    }
    for state in ["project \"active\"", "project \"removed\"", "glossary \"active\"", "glossary \"removed\""] {
        assert!(seen.contains(state), "no {state}: {seen:?}");
    }
}

fn check_asset(row: &Row, asset: &Asset) {
    let sha256 = asset.uploaded.as_ref().map(|uploaded| uploaded.media.sha256.to_string());
    assert_eq!(row["sha256"], json!(sha256));
    assert_eq!(row["bytes"], json!(asset.uploaded.as_ref().map(|uploaded| uploaded.media.bytes)));
    let state = match &asset.phase {
        Phase::Absent => unreachable!("it is there"),
        Phase::Uploaded { scanned } => {
            assert_eq!(row["scanned"], json!(scanned));
            "uploaded"
        }
        Phase::Ready(found) => {
            assert_eq!(row["duration_ms"], json!(found.duration_ms));
            assert_eq!(row["width"], json!(found.video.first().map(|video| video.width)));
            assert_eq!(row["loudness_lufs_centi"], json!(-2_345));
            "ready"
        }
        Phase::Quarantined(why) => {
            assert_eq!(row["code"], json!(why.code));
            "quarantined"
        }
        Phase::Erased => "erased",
    };
    assert_eq!(row["state"], json!(state));
    assert_eq!(row["checked_at"].is_null(), !matches!(state, "ready" | "quarantined"));
}

#[tokio::test]
async fn usage_counts_what_was_done() {
    let story = Story::of_events(40, 3, 3_000);
    let models = folded(story.events()).await;
    let [row] = &models["usage"][..] else { panic!("one tenant, one month") };
    assert_eq!((&row["tenant"], &row["month"]), (&json!("local"), &json!("2026-01")));
    let sum = |of: &dyn Fn(&Recorded) -> u64| json!(story.events().iter().map(of).sum::<u64>());
    let is = |is: bool| u64::from(is);
    assert_eq!(row["dubbings_started"], json!(3));
    let published = |event: &Recorded| is(matches!(event.event, DomainEvent::Track(TrackEvent::TrackPublished(_))));
    assert_eq!(row["tracks_published"], sum(&published));
    let wall_ms = |event: &Recorded| match &event.event {
        DomainEvent::Dubbing(DubbingEvent::Flow(FlowEvent::StageCompleted { summary, .. }))
        | DomainEvent::Track(TrackEvent::Flow(FlowEvent::StageCompleted { summary, .. })) => summary.wall_ms,
        _ => 0,
    };
    assert_eq!(row["engine_ms"], sum(&wall_ms));
    for column in ["source_ms", "bytes_uploaded", "lines_spoken", "lines_reused", "tracks_published"] {
        assert!(row[column].as_u64().unwrap() > 0, "{column}");
    }
}

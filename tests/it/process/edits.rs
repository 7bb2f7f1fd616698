//! Corrections of the transcript that come while a language is being made: it ends well whenever they come, and what they
//! changed is put right by making it anew.

use super::{
    house::{House, JOB},
    request::{language, otherwise},
    toys::{Meanwhile, handlers},
};
use application::{
    commands::regenerate_track::{RegenerateError, RegenerateTrack},
    process_manager::Ending,
};
use domain::{
    dubbing::{DubbingCommand, Edit, Outcome, Phase as Life},
    flow::{Phase, Scope, Stage, rows},
    value::{Personal, SpeakerId, TrackId, UtteranceId},
};
use serde_json::Value;

/// Lines are cut, joined, or said by somebody new.
fn edits() -> [(Edit, &'static [&'static str]); 3] {
    let texts = Box::new(["Two.", "Too."].map(|text| Personal::new(text.to_owned())));
    let split = Edit::Split { utterance: UtteranceId(2), at_ms: 2_000, texts };
    let merge = Edit::Merge { utterance: UtteranceId(3), with: UtteranceId(4) };
    [
        (split, &["ann: ONE.", "bob: TWO.", "bob: TOO.", "ann: THREE.", "ann: FOUR."]),
        (merge, &["ann: ONE.", "bob: TWO, TOO.", "ann: THREE. FOUR."]),
        (new_speaker(), &["ann: ONE.", "cem: TWO, TOO.", "ann: THREE.", "ann: FOUR."]),
    ]
}

fn new_speaker() -> Edit {
    Edit::Change { utterance: UtteranceId(2), text: None, start_ms: None, end_ms: None, speaker: Some(SpeakerId(3)) }
}

fn reworded() -> Edit {
    let text = Some(Personal::new("Second.".to_owned()));
    Edit::Change { utterance: UtteranceId(2), text, start_ms: None, end_ms: None, speaker: None }
}

async fn house(at: Stage, meanwhile: Meanwhile) -> House {
    House::begin(&["es"]).await.with_handlers(handlers(at, meanwhile))
}

fn track() -> TrackId {
    TrackId { dubbing: JOB, language: language("es") }
}

fn regeneration(house: &House) -> RegenerateTrack {
    RegenerateTrack { aggregates: house.control().aggregates }
}

/// The published sound, a line a line.
async fn sound(house: &House) -> Vec<String> {
    let with = house.track("es").await.published_with.unwrap_or_default();
    let text = house.text_of(&with.sound.unwrap_or_else(|| panic!("a sound"))).await;
    text.lines().map(str::to_owned).collect()
}

/// How many lines the report tells of.
async fn reported(house: &House) -> usize {
    let published = house.track("es").await.published.unwrap_or_else(|| panic!("a result"));
    let report: Value =
        serde_json::from_str(&house.text_of(&published.report).await).unwrap_or_else(|error| panic!("{error}"));
    report["lines"].as_array().map_or(0, Vec::len)
}

async fn is_finished(house: &House) -> bool {
    let dubbing = house.dubbing().await;
    let outcome = dubbing.tracks.values().next().and_then(|track| track.outcome);
    (dubbing.phase, outcome) == (Life::Completed, Some(Outcome::Completed))
}

#[tokio::test(start_paused = true)]
async fn a_correction_at_any_row_lets_the_track_end_well_and_is_put_right_by_making_it_anew() {
    for (row, (edit, expected)) in rows(Scope::Track).flat_map(|row| edits().map(|edit| (row, edit))) {
        let what = format!("{edit:?} at {}", row.stage);
        let house = house(row.stage, Meanwhile::Edit(edit)).await;
        assert_eq!(house.drive().await, Ending::Settled, "{what}");
        assert!(is_finished(&house).await, "{what}");
        let plan = regeneration(&house).run(&track(), None, &house.by_user()).await;
        assert!(!plan.unwrap_or_else(|error| panic!("{what}: {error}")).0.lines.is_empty(), "{what}");
        assert_eq!(house.drive().await, Ending::Settled, "{what}");
        assert!(is_finished(&house).await, "{what}");
        assert_eq!(sound(&house).await, expected, "{what}");
        assert_eq!(reported(&house).await, expected.len(), "{what}");
        let again = regeneration(&house).plan(&track(), None, &house.by_user()).await;
        assert!(matches!(again, Err(RegenerateError::NothingStale)), "{what}: {again:?}");
        assert_eq!(house.faults_of_log().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_gone_is_in_no_result_that_is_made_after_it_went() {
    let [_, (merge, _), _] = edits();
    for (stage, sounds, lines) in
        [(Stage::AssignVoices, 3, 3), (Stage::Fit, 3, 3), (Stage::Mix, 4, 3), (Stage::Sign, 4, 4)]
    {
        let house = house(stage, Meanwhile::Edit(merge.clone())).await;
        assert_eq!(house.drive().await, Ending::Settled, "{stage}");
        assert_eq!((sound(&house).await.len(), reported(&house).await), (sounds, lines), "{stage}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_speaker_who_comes_before_speech_is_made_has_a_voice_at_once() {
    for stage in [Stage::Translate, Stage::AssignVoices] {
        let house = house(stage, Meanwhile::Edit(new_speaker())).await;
        assert_eq!(house.drive().await, Ending::Settled, "{stage}");
        assert_eq!(sound(&house).await[1], "cem: TWO, TOO.", "{stage}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_language_that_is_asked_for_otherwise_after_lines_were_joined_is_made() {
    let [_, (merge, expected), _] = edits();
    let house = house(Stage::Publish, Meanwhile::Edit(merge)).await;
    house.drive().await;
    house.give(DubbingCommand::RequestTracks { tracks: otherwise("es"), delivery: None }).await;
    assert_eq!(house.drive().await, Ending::Settled);
    assert!(is_finished(&house).await);
    assert_eq!(sound(&house).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_parked_track_stays_so_while_nothing_has_changed_or_a_user_paused_it() {
    for row in rows(Scope::Track) {
        let house = house(row.stage, Meanwhile::Missing).await;
        assert_eq!(house.drive().await, Ending::Parked, "{}", row.stage);
        let plan = || async { regeneration(&house).plan(&track(), None, &house.by_user()).await };
        let unchanged = plan().await;
        assert!(matches!(unchanged, Err(RegenerateError::StandsStill)), "{}: {unchanged:?}", row.stage);
        house.give(DubbingCommand::Edit(reworded())).await;
        house.pause().await;
        assert!(matches!(plan().await, Err(RegenerateError::StandsStill)), "a user paused it");
        house.go_on().await;
        // Going on means all of it.
        let flow = house.track("es").await.flow;
        assert!(!flow.has_parked() && flow.phase(row.stage) == Phase::Waiting, "{}", row.stage);
    }
}

#[tokio::test(start_paused = true)]
async fn making_anew_takes_a_track_out_of_its_parking() {
    for row in rows(Scope::Track) {
        let house = house(row.stage, Meanwhile::Missing).await;
        assert_eq!(house.drive().await, Ending::Parked, "{}", row.stage);
        house.give(DubbingCommand::Edit(reworded())).await;
        let asked = house.by_user();
        let (plan, first) = regeneration(&house)
            .run(&track(), None, &asked)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", row.stage));
        assert_eq!(plan.lines, [UtteranceId(2)], "{}", row.stage);
        let again = regeneration(&house).run(&track(), None, &asked).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.1.position, first.position, "the same command is carried out once");
        assert_eq!(house.drive().await, Ending::Settled, "{}", row.stage);
        assert!(is_finished(&house).await, "{}", row.stage);
        assert_eq!(sound(&house).await[1], "bob: SECOND.", "{}", row.stage);
    }
}

#[tokio::test(start_paused = true)]
async fn other_settings_take_a_track_out_of_its_parking() {
    let house = house(Stage::Mix, Meanwhile::Missing).await;
    assert_eq!(house.drive().await, Ending::Parked);
    house.give(DubbingCommand::RequestTracks { tracks: otherwise("es"), delivery: None }).await;
    assert_eq!(house.drive().await, Ending::Settled);
    assert!(is_finished(&house).await);
}

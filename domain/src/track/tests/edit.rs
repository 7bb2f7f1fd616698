//! Corrections of a track's lines, regenerations and forks: accepted, refused, silent, and what they make of the state.

use super::{lines, settings, started};
use crate::{
    decider::fold,
    flow::{FlowEvent, PAUSED_BY_USER, Stage, StageSummary},
    spec::given,
    track::{
        Background, PublishedTrack, SourceLine, Track, TrackCommand, TrackEvent, TrackRejection, TrackSettings,
        TranslatedUtterance,
    },
    value::{Artefact, Percent, Personal, Sha256, UtteranceId},
};

fn text(words: &str) -> Personal<String> {
    Personal::new(words.to_owned())
}

fn word(id: u32, words: Option<&str>) -> TrackCommand {
    TrackCommand::EditTranslation { utterance: UtteranceId(id), text: words.map(text), source_revision: 1 }
}

fn worded(id: u32, words: &str, source_revision: u32) -> TrackEvent {
    TrackEvent::TranslationEdited { utterance: UtteranceId(id), text: Some(text(words)), source_revision }
}

fn directed(id: u32, voice: &str) -> TrackEvent {
    let rate = Some(Percent::new(110));
    TrackEvent::LineDirected { utterance: UtteranceId(id), voice: Some(voice.to_owned()), rate }
}

fn translated(id: u32) -> TrackEvent {
    TrackEvent::UtteranceTranslated(TranslatedUtterance {
        utterance: UtteranceId(id),
        key: Sha256::new([3; 32]),
        text: text("Hola."),
        spoken: text("Hola."),
        kept: vec![],
        unknown_words: 0,
        terms: 0,
        terms_missing: 0,
    })
}

fn inherited(stage: Stage) -> TrackEvent {
    TrackEvent::Flow(FlowEvent::StageInherited { stage, summary: StageSummary::default() })
}

fn published() -> TrackEvent {
    let file = Artefact { sha256: Sha256::new([4; 32]), media_type: "video/mp4".to_owned(), bytes: 1 };
    let (srt, vtt, report) = (file.clone(), file.clone(), file.clone());
    TrackEvent::TrackPublished(PublishedTrack { media: file, srt, vtt, report })
}

/// A track that was made once, from lines at their first revision.
fn made() -> Vec<TrackEvent> {
    vec![started(), translated(1), translated(2), inherited(Stage::Translate), published()]
}

fn with(events: &[TrackEvent]) -> Vec<TrackEvent> {
    made().into_iter().chain(events.iter().cloned()).collect()
}

#[test]
fn a_line_is_worded_and_directed() {
    given::<Track>(made()).when(word(1, Some("Buenas."))).then([worded(1, "Buenas.", 1)]);
    given::<Track>(with(&[worded(1, "Buenas.", 1)])).when(word(1, Some("Buenas."))).then_silent();
    given::<Track>(made()).when(word(1, None)).then_silent();
    given::<Track>(made()).when(word(9, Some("Buenas."))).then_refused(&TrackRejection::UnknownUtterance);
    given::<Track>([]).when(word(1, Some("Buenas."))).then_refused(&TrackRejection::NotStarted);
    let direct = |id| TrackCommand::Direct {
        utterance: UtteranceId(id),
        voice: Some("es+f4".to_owned()),
        rate: Some(Percent::new(110)),
    };
    given::<Track>(made()).when(direct(2)).then([directed(2, "es+f4")]);
    given::<Track>(with(&[directed(2, "es+f4")])).when(direct(2)).then_silent();
    given::<Track>(made()).when(direct(9)).then_refused(&TrackRejection::UnknownUtterance);
}

#[test]
fn a_line_is_stale_from_its_edit_to_the_next_publication() {
    let stale = |events: &[TrackEvent], transcript: &[(u32, u32)]| {
        let stale = fold::<Track>(&with(events)).stale_lines(&lines(transcript));
        stale.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(stale(&[], &[(1, 1), (2, 1)]), [0; 0]);
    assert_eq!(stale(&[], &[(1, 1), (2, 2)]), [2], "the transcript has changed");
    assert_eq!(stale(&[worded(1, "Buenas.", 1)], &[(1, 1), (2, 1)]), [1], "the track has changed");
    assert_eq!(stale(&[], &[(1, 1), (3, 1)]), [2, 3], "one line is gone and one is new");
    let anew = TrackEvent::RegenerationStarted { request: 1, lines: lines(&[(1, 1), (2, 2)]) };
    let edit = worded(1, "Buenas.", 1);
    assert_eq!(stale(&[edit.clone(), anew.clone()], &[(1, 1), (2, 2)]), [1, 2], "the old result is still there");
    assert_eq!(stale(&[edit.clone(), anew.clone(), published()], &[(1, 1), (2, 2)]), [0; 0]);
    assert_eq!(stale(&[anew, edit, published()], &[(1, 1), (2, 2)]), [1], "edited while it was made");
}

#[test]
fn what_is_being_made_is_not_owed_anew() {
    let owed = |events: &[TrackEvent]| fold::<Track>(&with(events)).lines_owed_anew(&lines(&[(1, 1), (2, 2)]));
    let anew = TrackEvent::RegenerationStarted { request: 1, lines: lines(&[(1, 1), (2, 2)]) };
    assert_eq!(owed(&[]), [UtteranceId(2)]);
    assert_eq!(owed(std::slice::from_ref(&anew)), [UtteranceId(0); 0]);
    assert_eq!(owed(&[anew.clone(), worded(1, "Buenas.", 1)]), [UtteranceId(1)]);
    let other = TrackEvent::RegenerationStarted { request: 1, lines: lines(&[(1, 1), (3, 1)]) };
    assert_eq!(owed(&[other]), [UtteranceId(2), UtteranceId(3)], "one line is new and one is gone");
}

#[test]
fn a_regeneration_begins_once_at_the_first_stage() {
    let lines = lines(&[(1, 1), (2, 2)]);
    let regenerate = || TrackCommand::Regenerate { request: 1, lines: lines.clone() };
    let begun = TrackEvent::RegenerationStarted { request: 1, lines: lines.clone() };
    let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage: Stage::Translate });
    given::<Track>(made()).when(regenerate()).then([begun.clone(), reopened]);
    given::<Track>(with(&[begun])).when(regenerate()).then_silent();
}

#[test]
fn a_track_that_is_parked_goes_on_with_its_lines_as_they_are_now_and_one_that_a_user_paused_stays_so() {
    let regenerate = || TrackCommand::Regenerate { request: 1, lines: lines(&[(1, 1), (2, 2)]) };
    let begun = TrackEvent::RegenerationStarted { request: 1, lines: lines(&[(1, 1), (2, 2)]) };
    let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage: Stage::Translate });
    let parked = TrackEvent::Flow(FlowEvent::StageParked { stage: Stage::Mix, code: "disk-full".to_owned() });
    let paused = |code: &str| TrackEvent::Flow(FlowEvent::FlowPaused { code: code.to_owned() });
    let events = with(&[parked, paused("disk-full")]);
    let resumed = TrackEvent::Flow(FlowEvent::FlowResumed);
    given::<Track>(events.clone()).when(regenerate()).then([begun.clone(), reopened.clone(), resumed]);
    let held: Vec<_> = events.into_iter().chain([paused(PAUSED_BY_USER)]).collect();
    given::<Track>(held).when(regenerate()).then([begun, reopened]);
}

#[test]
fn a_wording_is_void_once_the_transcript_has_changed() {
    let anew = |revision| TrackEvent::RegenerationStarted {
        request: 1,
        lines: vec![SourceLine { utterance: UtteranceId(1), revision }],
    };
    let wording = |events: &[TrackEvent]| fold::<Track>(&with(events)).lines[&UtteranceId(1)].wording().cloned();
    assert_eq!(wording(&[worded(1, "Buenas.", 1), anew(1)]), Some(text("Buenas.")));
    assert_eq!(wording(&[worded(1, "Buenas.", 1), anew(2)]), None);
    assert_eq!(wording(&[worded(1, "Buenas.", 2), anew(2)]), Some(text("Buenas.")));
}

#[test]
fn a_fork_takes_over_what_people_said_and_what_comes_before_a_stage() {
    let origin = fold::<Track>(&with(&[worded(1, "Buenas.", 1), directed(2, "es+f4")]));
    let stages = |from, background| {
        let events = origin.inheritance(from, &TrackSettings { background, ..settings() });
        let said = events
            .iter()
            .filter(|event| matches!(event, TrackEvent::TranslationEdited { .. } | TrackEvent::LineDirected { .. }));
        assert_eq!(said.count(), 2);
        events.contains(&inherited(Stage::Translate))
    };
    assert!(!stages(Stage::Translate, Background::Duck));
    assert!(stages(Stage::Synthesise, Background::Duck));
    assert!(stages(Stage::Synthesise, Background::Off), "the translation does not depend on the background");
}

#[test]
fn a_fork_of_a_withdrawn_track_makes_anew_what_was_undone_and_all_after_it() {
    use Stage::*;
    let done = [Translate, AssignVoices, Synthesise, Fit, SyncLips, Mix, Mark, Mux].map(inherited);
    // What left nothing behind, such as the mark, still counts as done.
    let undone = [Mux, Mix, Synthesise].map(|stage| TrackEvent::Flow(FlowEvent::StageUndone { stage }));
    let origin = fold::<Track>(&[vec![started()], done.to_vec(), undone.to_vec()].concat());
    assert_eq!(origin.inheritance(Publish, &settings()), [Translate, AssignVoices].map(inherited));
}

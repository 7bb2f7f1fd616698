//! Corrections of a track's lines, regenerations and forks: accepted, refused, silent, and what they make of the state.

use super::{lines, settings, started};
use crate::{
    decider::fold,
    flow::{FlowEvent, PAUSED_BY_USER, Stage, StageSummary},
    spec::given,
    track::{
        Background, ForkedLines, LineChange, PublishedTrack, SourceLine, Track, TrackCommand, TrackEvent,
        TrackRejection, TrackSettings, TranslatedUtterance,
    },
    value::{Artefact, Percent, Personal, Sha256, UtteranceId},
};

fn text(words: &str) -> Personal<String> {
    Personal::new(words.to_owned())
}

fn correct(id: u32, change: LineChange) -> TrackCommand {
    TrackCommand::Correct { utterance: UtteranceId(id), change, source_revision: 1 }
}

fn word(id: u32, words: Option<&str>) -> TrackCommand {
    correct(id, LineChange { translation: Some(words.map(text)), ..LineChange::default() })
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
    let spoken = || {
        let (voice, rate) = (Some(Some("es+f4".to_owned())), Some(Some(Percent::new(110))));
        LineChange { translation: None, voice, rate }
    };
    let direct = |id| correct(id, spoken());
    given::<Track>(made()).when(direct(2)).then([directed(2, "es+f4")]);
    given::<Track>(with(&[directed(2, "es+f4")])).when(direct(2)).then_silent();
    given::<Track>(made()).when(direct(9)).then_refused(&TrackRejection::UnknownUtterance);
    let both = LineChange { translation: Some(Some(text("Buenas."))), ..spoken() };
    let events = [worded(1, "Buenas.", 1), directed(1, "es+f4")];
    given::<Track>(made()).when(correct(1, both.clone())).then(events.clone());
    given::<Track>(with(&events)).when(correct(1, both)).then_silent();
}

#[test]
fn what_a_correction_does_not_name_stays_as_it_is_by_then() {
    let directed = |voice: Option<&str>, rate: u16| {
        let (voice, rate) = (voice.map(str::to_owned), Some(Percent::new(rate)));
        TrackEvent::LineDirected { utterance: UtteranceId(1), voice, rate }
    };
    let rate = |rate| LineChange { rate: Some(Some(Percent::new(rate))), ..LineChange::default() };
    let before = with(&[directed(Some("es+f4"), 110)]);
    given::<Track>(before.clone()).when(correct(1, rate(90))).then([directed(Some("es+f4"), 90)]);
    let without_voice = LineChange { voice: Some(None), ..LineChange::default() };
    given::<Track>(before).when(correct(1, without_voice)).then([directed(None, 110)]);
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
fn a_line_is_made_with_the_voice_that_was_chosen_before_it_is_made() {
    let made_with = |events: &[TrackEvent]| fold::<Track>(events).lines[&UtteranceId(1)].direction.made_with.clone();
    let voice = |name: &str| Some(name.to_owned());
    assert_eq!(made_with(&[started(), directed(1, "es+f4")]), voice("es+f4"));
    let edited = with(&[directed(1, "es+f4")]);
    assert_eq!(made_with(&edited), None, "it is made already");
    let anew = TrackEvent::RegenerationStarted { request: 1, lines: lines(&[(1, 1), (2, 1)]) };
    let again = [edited, vec![anew]].concat();
    assert_eq!(made_with(&again), voice("es+f4"));
    let under_way = [again, vec![directed(1, "es+f5")]].concat();
    assert_eq!(made_with(&under_way), voice("es+f4"));
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
    let regenerate = || TrackCommand::Regenerate { from: None, request: 1, lines: lines.clone() };
    let begun = TrackEvent::RegenerationStarted { request: 1, lines: lines.clone() };
    let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage: Stage::Translate });
    given::<Track>(made()).when(regenerate()).then([begun.clone(), reopened]);
    given::<Track>(with(&[begun])).when(regenerate()).then_silent();
}

#[test]
fn a_replay_begins_at_its_stage_unless_lines_have_changed() {
    let replay =
        |lines: &[SourceLine]| TrackCommand::Regenerate { from: Some(Stage::Mix), request: 1, lines: lines.to_vec() };
    let check = |revisions: &[(u32, u32)], stage| {
        let lines = lines(revisions);
        let begun = TrackEvent::RegenerationStarted { request: 1, lines: lines.clone() };
        let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage });
        given::<Track>(made()).when(replay(&lines)).then([begun.clone(), reopened]);
        given::<Track>(with(&[begun])).when(replay(&lines)).then_silent();
    };
    check(&[(1, 1), (2, 1)], Stage::Mix);
    check(&[(1, 1), (2, 2)], Stage::Translate);
}

#[test]
fn a_track_that_is_parked_goes_on_with_its_lines_as_they_are_now_and_one_that_a_user_paused_stays_so() {
    let regenerate = || TrackCommand::Regenerate { from: None, request: 1, lines: lines(&[(1, 1), (2, 2)]) };
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

/// A fork that took over the transcript of these lines.
fn forked(origin: &[(u32, u32)]) -> ForkedLines {
    let fork: Vec<SourceLine> = origin.iter().flat_map(|(id, _)| lines(&[(*id, 1)])).collect();
    ForkedLines { origin: lines(origin), alike: fork.clone(), fork }
}

#[test]
fn a_fork_takes_over_wordings_that_hold_and_counts_anew_what_they_were_given_for() {
    let taken = |wordings: &[TrackEvent], transcripts: &ForkedLines| {
        fold::<Track>(&with(wordings)).inheritance(Stage::Translate, &settings(), transcripts)
    };
    let wordings = [worded(1, "Buenas.", 1), worded(2, "Bien.", 3)];
    assert_eq!(taken(&wordings, &forked(&[(1, 2), (2, 3)])), [worded(2, "Bien.", 1)], "the first one is void");
    let other = ForkedLines { alike: lines(&[(1, 1)]), ..forked(&[(1, 1), (2, 3)]) };
    assert_eq!(taken(&wordings, &other), [worded(1, "Buenas.", 1)], "the fork says something else in the second line");
    let without = ForkedLines { fork: lines(&[(1, 1)]), alike: lines(&[(1, 1)]), origin: lines(&[(1, 1)]) };
    assert_eq!(taken(&[directed(2, "es+f4")], &without), [], "the second line is gone");
}

#[test]
fn a_fork_makes_its_lines_anew_when_they_have_changed_since_they_were_made() {
    let is_taken = |events: &[TrackEvent], transcripts: &ForkedLines| {
        let inheritance = fold::<Track>(&with(events)).inheritance(Stage::Mix, &settings(), transcripts);
        [inherited(Stage::Translate), translated(1)].map(|event| inheritance.contains(&event))
    };
    assert_eq!(is_taken(&[], &forked(&[(1, 1), (2, 1)])), [true, true]);
    assert_eq!(is_taken(&[], &forked(&[(1, 1), (2, 2)])), [false, false], "the transcript has changed");
    assert_eq!(is_taken(&[], &forked(&[(1, 1), (2, 1), (3, 1)])), [false, false], "a line was added");
    assert_eq!(is_taken(&[worded(2, "Bien.", 1)], &forked(&[(1, 1), (2, 1)])), [false, false], "a line was worded");
    let other = ForkedLines { alike: lines(&[(1, 1)]), ..forked(&[(1, 1), (2, 1)]) };
    assert_eq!(is_taken(&[], &other), [false, false], "the fork says something else");
}

#[test]
fn a_fork_takes_over_what_people_said_and_what_comes_before_a_stage() {
    let said = [worded(1, "Buenas.", 1), directed(2, "es+f4")];
    let anew = TrackEvent::RegenerationStarted { request: 1, lines: lines(&[(1, 1), (2, 1)]) };
    let origin = fold::<Track>(&with(&[&said[..], &[anew]].concat()));
    let stages = |from, background| {
        let events = origin.inheritance(from, &TrackSettings { background, ..settings() }, &forked(&[(1, 1), (2, 1)]));
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
    assert_eq!(
        origin.inheritance(Publish, &settings(), &forked(&[(1, 1), (2, 1)])),
        [Translate, AssignVoices].map(inherited)
    );
}

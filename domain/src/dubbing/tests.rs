//! Each command to a dubbing: accepted, refused, silent.

mod edit;

use crate::{
    decider::fold,
    dubbing::{
        Delivery, Dubbing, DubbingCommand, DubbingEvent, DubbingRejection, IngestedSource, Order, Outcome, Phase,
        Start, TrackRequest, Transcript,
    },
    flow::{Fence, FlowCommand, FlowEvent, FlowRejection, Stage, StageSummary, WorkId, rows, work_id},
    spec::given,
    track::{Background, TrackSettings},
    value::{Artefact, LanguageTag, Personal, Sha256, UtteranceId},
};
use std::collections::BTreeMap;

fn language(tag: &str) -> LanguageTag {
    tag.parse().expect("a language tag")
}

fn artefact(byte: u8) -> Artefact {
    Artefact { sha256: Sha256::new([byte; 32]), media_type: "video/mp4".to_owned(), bytes: 1 }
}

fn delivery(folder: &str) -> Delivery {
    Delivery {
        folder: Personal::new(folder.to_owned()),
        stem: Personal::new("talk".to_owned()),
        sidecars: true,
        overwrite: false,
    }
}

fn settings(background: Background) -> TrackSettings {
    TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec![]),
        voices: Personal::new(BTreeMap::new()),
        background,
        keep_original: false,
        embed_subtitles: false,
    }
}

fn track(tag: &str) -> TrackRequest {
    TrackRequest { language: language(tag), settings: settings(Background::Duck) }
}

fn start(identity: u8, tracks: Vec<TrackRequest>) -> DubbingCommand {
    DubbingCommand::Start(Box::new(Start {
        identity: Sha256::new([identity; 32]),
        source: artefact(1),
        name: Personal::new("talk.mp4".to_owned()),
        audio_stream: None,
        source_language: language("en"),
        language_assumed: true,
        transcript: Transcript::Recognised,
        delivery: Some(delivery("/out")),
        order: Order::default(),
        tracks,
    }))
}

fn started() -> DubbingEvent {
    DubbingEvent::VideoGenerationStarted {
        identity: Sha256::new([1; 32]),
        source: artefact(1),
        name: Personal::new("talk.mp4".to_owned()),
        audio_stream: None,
        source_language: language("en"),
        language_assumed: true,
        transcript: Transcript::Recognised,
        delivery: Some(delivery("/out")),
        order: Order::default(),
    }
}

fn requested(tag: &str) -> DubbingEvent {
    DubbingEvent::TrackRequested { language: language(tag), settings: settings(Background::Duck) }
}

fn fence(stage: Stage) -> Fence {
    Fence { stage, run: 1, attempt: 1 }
}

fn flow(event: FlowEvent) -> DubbingEvent {
    DubbingEvent::Flow(event)
}

fn work(stage: Stage) -> WorkId {
    work_id("dubbing", fence(stage))
}

/// The stage is asked for and under way.
fn under_way(stage: Stage) -> [DubbingEvent; 2] {
    let fence = fence(stage);
    [flow(FlowEvent::StageRequested { fence, work_id: work(stage) }), flow(FlowEvent::StageStarted { fence })]
}

fn finished(stage: Stage) -> Vec<DubbingEvent> {
    let completed = flow(FlowEvent::StageCompleted { fence: fence(stage), summary: StageSummary::default() });
    under_way(stage).into_iter().chain([completed]).collect()
}

/// Begun for Spanish, and ingesting.
fn ingesting() -> Vec<DubbingEvent> {
    [vec![started(), requested("es")], under_way(Stage::Ingest).to_vec()].concat()
}

/// Begun for Spanish, and all done.
fn all_done() -> Vec<DubbingEvent> {
    let settled = DubbingEvent::TrackSettled { language: language("es"), outcome: Outcome::Completed };
    let stages = rows(crate::flow::Scope::Dubbing).flat_map(|row| finished(row.stage)).collect();
    [vec![started(), requested("es")], stages, vec![settled]].concat()
}

fn completed() -> Vec<DubbingEvent> {
    [all_done(), vec![DubbingEvent::VideoGenerationCompleted { needs_attention: false }]].concat()
}

fn ingested() -> DubbingEvent {
    DubbingEvent::SourceIngested(IngestedSource {
        media: artefact(2),
        signed: true,
        container: "video/quicktime".to_owned(),
        duration_ms: 60_000,
        picture: None,
        audio_stream: 0,
        audio_codec: "audio/mpeg".to_owned(),
        audio_channels: 2,
        subtitles: vec![],
    })
}

#[test]
fn start_accepts_with_all_languages_in_one_append() {
    let begun = [started(), requested("es"), requested("ca")];
    given::<Dubbing>([]).when(start(1, vec![track("es"), track("ca")])).then(begun);
}

#[test]
fn start_refuses_the_language_of_the_source_and_another_request() {
    given::<Dubbing>([]).when(start(1, vec![track("en-GB")])).then_refused(&DubbingRejection::SameLanguage);
    given::<Dubbing>([started()]).when(start(2, vec![])).then_refused(&DubbingRejection::AlreadyStarted);
}

#[test]
fn start_is_silent_when_it_is_the_same_request() {
    given::<Dubbing>([started()]).when(start(1, vec![])).then_silent();
    given::<Dubbing>(completed()).when(start(1, vec![])).then_silent();
}

#[test]
fn nothing_but_start_begins_a_dubbing() {
    for command in [
        DubbingCommand::Cancel,
        DubbingCommand::Finish,
        request_tracks(vec![track("es")]),
        DubbingCommand::Flow(FlowCommand::Resume),
    ] {
        given::<Dubbing>([]).when(command).then_refused(&DubbingRejection::NotStarted);
    }
}

/// Asks for tracks and leaves the delivery as it is.
fn request_tracks(tracks: Vec<TrackRequest>) -> DubbingCommand {
    DubbingCommand::RequestTracks { tracks, delivery: None }
}

#[test]
fn request_tracks_accepts_another_place_and_is_silent_for_the_same() {
    let deliver_to = |place| DubbingCommand::RequestTracks { tracks: vec![], delivery: Some(delivery(place)) };
    let other = DubbingEvent::DeliveryChosen { delivery: delivery("/elsewhere") };
    given::<Dubbing>([started()]).when(deliver_to("/elsewhere")).then([other.clone()]);
    given::<Dubbing>([started()]).when(deliver_to("/out")).then_silent();
    let both = DubbingCommand::RequestTracks { tracks: vec![track("es")], delivery: Some(delivery("/elsewhere")) };
    given::<Dubbing>([started()]).when(both).then([requested("es"), other]);
}

#[test]
fn request_tracks_accepts_what_is_new() {
    let both = request_tracks(vec![track("es"), track("ca")]);
    given::<Dubbing>([started(), requested("es")]).when(both).then([requested("ca")]);
    let changed = TrackRequest { language: language("es"), settings: settings(Background::Keep) };
    let event = DubbingEvent::TrackRequested { language: language("es"), settings: settings(Background::Keep) };
    given::<Dubbing>([started(), requested("es")]).when(request_tracks(vec![changed])).then([event]);
}

#[test]
fn request_tracks_of_a_completed_dubbing_cleans_up_again_later() {
    let reopened = flow(FlowEvent::StageReopened { stage: Stage::Clean });
    given::<Dubbing>(completed()).when(request_tracks(vec![track("ca")])).then([requested("ca"), reopened.clone()]);
    let again: Vec<_> = completed().into_iter().chain([requested("ca"), reopened]).collect();
    let state = fold::<Dubbing>(&again);
    assert_eq!((state.phase, state.flow.tracks_settled), (Phase::Processing, false));
    assert_eq!(state.flow.cell(Stage::Clean).run, 2);
    assert!(state.flow.is_done(Stage::Transcribe), "the transcript is kept");
}

#[test]
fn request_tracks_refuses_the_language_of_the_source_and_is_silent_for_what_is_known() {
    let english = request_tracks(vec![track("ca"), track("en")]);
    given::<Dubbing>([started()]).when(english).then_refused(&DubbingRejection::SameLanguage);
    given::<Dubbing>(completed()).when(request_tracks(vec![track("es")])).then_silent();
}

#[test]
fn record_accepts_facts_of_the_stage_that_is_waited_for() {
    let record = |fence, facts| DubbingCommand::Record { fence, facts };
    given::<Dubbing>(ingesting()).when(record(fence(Stage::Ingest), vec![ingested()])).then([ingested()]);
    let late = Fence { attempt: 2, ..fence(Stage::Ingest) };
    let superseded = DubbingRejection::Flow(FlowRejection::Superseded);
    given::<Dubbing>(ingesting()).when(record(late, vec![ingested()])).then_refused(&superseded);
    let foreign = DubbingEvent::VideoGenerationCancelled;
    given::<Dubbing>(ingesting())
        .when(record(fence(Stage::Ingest), vec![foreign]))
        .then_refused(&DubbingRejection::ForeignFact);
    given::<Dubbing>(ingesting()).when(record(fence(Stage::Ingest), vec![])).then_silent();
}

#[test]
fn complete_brings_the_last_facts_in_the_same_append() {
    let summary = StageSummary::default();
    let complete =
        |fence| DubbingCommand::Complete { fence, facts: vec![ingested()], summary: StageSummary::default() };
    let done = flow(FlowEvent::StageCompleted { fence: fence(Stage::Ingest), summary });
    given::<Dubbing>(ingesting()).when(complete(fence(Stage::Ingest))).then([ingested(), done.clone()]);
    let twice: Vec<_> = ingesting().into_iter().chain([done]).collect();
    let superseded = DubbingRejection::Flow(FlowRejection::Superseded);
    given::<Dubbing>(twice).when(complete(fence(Stage::Ingest))).then_refused(&superseded);
}

#[test]
fn reject_source_fails_the_dubbing() {
    let reject = || DubbingCommand::RejectSource {
        fence: fence(Stage::Ingest),
        code: "no-audio".to_owned(),
        message: "there is no sound".to_owned(),
    };
    let rejected =
        DubbingEvent::SourceRejected { code: "no-audio".to_owned(), message: "there is no sound".to_owned() };
    let failed = DubbingEvent::VideoGenerationFailed { code: "no-audio".to_owned() };
    given::<Dubbing>(ingesting()).when(reject()).then([rejected.clone(), failed.clone()]);
    let over: Vec<_> = ingesting().into_iter().chain([rejected, failed]).collect();
    given::<Dubbing>(over.clone()).when(reject()).then_refused(&DubbingRejection::Flow(FlowRejection::Superseded));
    given::<Dubbing>(over.clone()).when(request_tracks(vec![track("ca")])).then_refused(&DubbingRejection::Ended);
    given::<Dubbing>(over.clone()).when(DubbingCommand::Finish).then([flow(FlowEvent::FlowCompensated)]);
    given::<Dubbing>(over).when(DubbingCommand::Cancel).then_silent();
}

#[test]
fn settle_track_accepts_news_refuses_strangers_and_is_silent_for_the_same() {
    let settle =
        |tag: &str, request, outcome| DubbingCommand::SettleTrack { language: language(tag), request, outcome };
    let settled = |outcome| DubbingEvent::TrackSettled { language: language("es"), outcome };
    let begun = || vec![started(), requested("es")];
    given::<Dubbing>(begun()).when(settle("es", 1, Outcome::Completed)).then([settled(Outcome::Completed)]);
    given::<Dubbing>(begun()).when(settle("ca", 1, Outcome::Completed)).then_refused(&DubbingRejection::UnknownTrack);
    let over = [begun(), vec![settled(Outcome::NeedsAttention)]].concat();
    given::<Dubbing>(over.clone()).when(settle("es", 1, Outcome::NeedsAttention)).then_silent();
    // It was asked for again since: that has not come to its end.
    let again = [over, vec![DubbingEvent::RegenerationRequested { language: language("es"), from: None }]].concat();
    given::<Dubbing>(again.clone()).when(settle("es", 1, Outcome::Completed)).then_silent();
    given::<Dubbing>(again).when(settle("es", 2, Outcome::Completed)).then([settled(Outcome::Completed)]);
    let off = [begun(), vec![settled(Outcome::Cancelled)]].concat();
    given::<Dubbing>(off).when(settle("es", 1, Outcome::Completed)).then_silent();
}

/// A language that was finished is asked for in another way.
fn asked_otherwise() -> DubbingEvent {
    DubbingEvent::TrackRequested { language: language("es"), settings: settings(Background::Keep) }
}

fn restored(outcome: Outcome) -> DubbingEvent {
    DubbingEvent::TrackRestored { language: language("es"), settings: settings(Background::Duck), outcome }
}

#[test]
fn cancel_keeps_what_was_finished_and_a_dubbing_that_was_completed_comes_back() {
    let off = |tag: &str| DubbingEvent::TrackSettled { language: language(tag), outcome: Outcome::Cancelled };
    let anew = || DubbingEvent::RegenerationRequested { language: language("es"), from: None };
    let check = |since: Vec<DubbingEvent>, then: Vec<DubbingEvent>| {
        let events = [completed(), vec![flow(FlowEvent::StageReopened { stage: Stage::Clean })], since].concat();
        given::<Dubbing>(events.clone()).when(DubbingCommand::Cancel).then(then.clone());
        let after = [events, then].concat();
        let dubbing = fold::<Dubbing>(&after);
        let asked = &dubbing.tracks[&language("es")];
        assert_eq!(
            (dubbing.phase, dubbing.flow.tracks_settled, dubbing.flow.undoing),
            (Phase::Processing, true, false)
        );
        assert_eq!((&asked.settings, asked.outcome), (&settings(Background::Duck), Some(Outcome::Completed)));
        given::<Dubbing>(after.clone()).when(DubbingCommand::Cancel).then_silent();
        // What was called off can be asked for again.
        let keep = TrackRequest { language: language("es"), settings: settings(Background::Keep) };
        given::<Dubbing>(after.clone()).when(request_tracks(vec![keep])).then([asked_otherwise()]);
        given::<Dubbing>(after).when(request_tracks(vec![track("es")])).then_silent();
    };
    check(vec![anew()], vec![restored(Outcome::Completed)]);
    check(vec![asked_otherwise()], vec![restored(Outcome::Completed)]);
    check(vec![requested("ca")], vec![off("ca")]);
    check(vec![anew(), requested("ca")], vec![off("ca"), restored(Outcome::Completed)]);
    let paused = flow(FlowEvent::FlowPaused { code: crate::flow::PAUSED_BY_USER.to_owned() });
    check(vec![anew(), paused], vec![restored(Outcome::Completed), flow(FlowEvent::FlowResumed)]);
}

#[test]
fn cancel_before_anything_was_completed_calls_the_dubbing_off_unless_all_was_made_before() {
    let settled = |outcome| DubbingEvent::TrackSettled { language: language("es"), outcome };
    let anew = DubbingEvent::RegenerationRequested { language: language("es"), from: None };
    let check = |since: Vec<DubbingEvent>, then: Vec<DubbingEvent>| {
        let events = [vec![started(), requested("ca"), requested("es")], since].concat();
        given::<Dubbing>(events).when(DubbingCommand::Cancel).then(then);
    };
    let ca = DubbingEvent::TrackSettled { language: language("ca"), outcome: Outcome::Completed };
    let off = DubbingEvent::VideoGenerationCancelled;
    check(vec![settled(Outcome::Completed)], vec![off.clone()]);
    check(vec![settled(Outcome::Completed), ca.clone()], vec![off.clone()]);
    let back = restored(Outcome::NeedsAttention);
    let made_anew = vec![settled(Outcome::NeedsAttention), anew.clone()];
    check(made_anew.clone(), vec![back.clone(), off.clone()]);
    check([made_anew, vec![ca]].concat(), vec![back]);
    // What was withdrawn since is not kept.
    check(vec![settled(Outcome::Completed), settled(Outcome::Cancelled), requested("es")], vec![off]);
}

#[test]
fn what_is_asked_for_anew_takes_cleaning_up_out_of_its_parking() {
    let parked = [
        flow(FlowEvent::StageParked { stage: Stage::Clean, code: "disk-full".to_owned() }),
        flow(FlowEvent::FlowPaused { code: "disk-full".to_owned() }),
    ];
    let events = [all_done(), parked.to_vec()].concat();
    let reopened = flow(FlowEvent::StageReopened { stage: Stage::Clean });
    let then = [requested("ca"), reopened, flow(FlowEvent::FlowResumed)];
    given::<Dubbing>(events).when(request_tracks(vec![track("ca")])).then(then);
}

#[test]
fn a_language_that_was_called_off_can_be_asked_for_again() {
    let again = || DubbingCommand::RequestTracks { tracks: vec![track("es")], delivery: None };
    let asked = DubbingEvent::TrackRequested { language: language("es"), settings: settings(Background::Duck) };
    let settled = |outcome| DubbingEvent::TrackSettled { language: language("es"), outcome };
    let begun = [started(), asked.clone()];
    given::<Dubbing>(begun.clone()).when(again()).then_silent();
    let [first, second] = begun.clone();
    given::<Dubbing>([first, second, settled(Outcome::Completed)]).when(again()).then_silent();
    let [first, second] = begun;
    given::<Dubbing>([first, second, settled(Outcome::Cancelled)]).when(again()).then([asked]);
}

#[test]
fn calling_off_the_last_language_before_anything_was_finished_is_calling_off_the_dubbing() {
    let settled = |tag: &str, outcome| DubbingEvent::TrackSettled { language: language(tag), outcome };
    let call_off = |tag: &str| DubbingCommand::CancelTrack { language: language(tag) };
    let off = |tag: &str| settled(tag, Outcome::Cancelled);
    let check = |happened: Vec<DubbingEvent>, is_the_end: bool| {
        let events = [vec![started(), requested("ca"), requested("es")], happened].concat();
        let then = [off("es")].into_iter().chain(is_the_end.then_some(DubbingEvent::VideoGenerationCancelled));
        given::<Dubbing>(events).when(call_off("es")).then(then.collect::<Vec<_>>());
    };
    check(vec![], false);
    check(vec![off("ca")], true);
    // Something is to be made still, or was made once, whatever became of it.
    check(vec![off("ca"), requested("ca")], false);
    check(vec![settled("ca", Outcome::NeedsAttention)], false);
    check(vec![settled("ca", Outcome::Completed), off("ca")], false);
    check(vec![settled("es", Outcome::Completed), requested("es"), off("ca")], false);
    given::<Dubbing>(completed()).when(call_off("es")).then([off("es")]);
    given::<Dubbing>([started(), requested("es"), off("es"), DubbingEvent::VideoGenerationCancelled])
        .when(call_off("es"))
        .then_silent();
}

#[test]
fn finish_accepts_when_nothing_is_owed() {
    let done = DubbingEvent::VideoGenerationCompleted { needs_attention: false };
    given::<Dubbing>(all_done()).when(DubbingCommand::Finish).then([done]);
    given::<Dubbing>(ingesting()).when(DubbingCommand::Finish).then_refused(&DubbingRejection::Unfinished);
    given::<Dubbing>(completed()).when(DubbingCommand::Finish).then_silent();
}

#[test]
fn cancel_undoes_what_was_finished() {
    given::<Dubbing>(ingesting()).when(DubbingCommand::Cancel).then([DubbingEvent::VideoGenerationCancelled]);
    given::<Dubbing>(completed()).when(DubbingCommand::Cancel).then_silent();
    let cancelled: Vec<_> =
        [vec![started()], finished(Stage::Ingest), vec![DubbingEvent::VideoGenerationCancelled]].concat();
    let undone = flow(FlowEvent::StageUndone { stage: Stage::Ingest });
    given::<Dubbing>(cancelled.clone()).when(DubbingCommand::Flow(FlowCommand::Undone(Stage::Ingest))).then([undone]);
    given::<Dubbing>(cancelled.clone())
        .when(DubbingCommand::Flow(FlowCommand::Resume))
        .then_refused(&DubbingRejection::Ended);
    given::<Dubbing>(cancelled).when(DubbingCommand::Cancel).then_silent();
}

#[test]
fn flow_commands_reach_the_flow() {
    let request = FlowCommand::Request { stage: Stage::Ingest, work_id: work(Stage::Ingest) };
    let asked = flow(FlowEvent::StageRequested { fence: fence(Stage::Ingest), work_id: work(Stage::Ingest) });
    given::<Dubbing>([started()]).when(DubbingCommand::Flow(request.clone())).then([asked]);
    given::<Dubbing>(ingesting()).when(DubbingCommand::Flow(request)).then_silent();
    let early = FlowCommand::Request { stage: Stage::Clean, work_id: work(Stage::Clean) };
    given::<Dubbing>([started()])
        .when(DubbingCommand::Flow(early))
        .then_refused(&DubbingRejection::Flow(FlowRejection::NotOwed));
}

#[test]
fn the_speaker_of_a_line_is_who_says_it() {
    let says = |speaker, utterances: &[u32]| DubbingEvent::SpeakerIdentified {
        speaker: crate::value::SpeakerId(speaker),
        name: None,
        pitch_hz: None,
        utterances: utterances.iter().copied().map(UtteranceId).collect(),
    };
    let state = fold::<Dubbing>(&[started(), says(1, &[1, 3]), says(2, &[2])]);
    assert_eq!(state.speaker_of(UtteranceId(2)), Some(crate::value::SpeakerId(2)));
    assert_eq!(state.speaker_of(UtteranceId(3)), Some(crate::value::SpeakerId(1)));
    assert_eq!(state.speaker_of(UtteranceId(4)), None);
}

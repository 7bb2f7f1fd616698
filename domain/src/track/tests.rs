//! Each command to a track: accepted, refused, silent.

mod edit;

use crate::{
    decider::fold,
    flow::{
        Action, Fence, FlowCommand, FlowEvent, FlowRejection, Scope, Stage, StageSummary, next_actions, rows, work_id,
    },
    spec::given,
    track::{
        Background, DeliveredFile, FittedUtterance, Flag, MixedSound, PublishedTrack, Role, SourceLine,
        SynthesisedUtterance, Track, TrackCommand, TrackEvent, TrackRejection, TrackSettings, TranslatedUtterance,
    },
    value::{Artefact, Decibel, DubbingId, LanguageTag, Percent, Personal, Sha256, SpeakerId, UtteranceId},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Lines of the transcript by id and revision.
fn lines(lines: &[(u32, u32)]) -> Vec<SourceLine> {
    let line = |(id, revision): &(u32, u32)| SourceLine { utterance: UtteranceId(*id), revision: *revision };
    lines.iter().map(line).collect()
}

fn language(tag: &str) -> LanguageTag {
    tag.parse().expect("a language tag")
}

fn artefact(byte: u8) -> Artefact {
    Artefact { sha256: Sha256::new([byte; 32]), media_type: "audio/wav".to_owned(), bytes: 1 }
}

fn settings() -> TrackSettings {
    TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec![]),
        voices: Personal::new(BTreeMap::new()),
        background: Background::Duck,
        keep_original: false,
        embed_subtitles: false,
    }
}

fn dubbing(number: u128) -> DubbingId {
    DubbingId(Uuid::from_u128(number))
}

fn start(of: u128) -> TrackCommand {
    TrackCommand::Start {
        dubbing: dubbing(of),
        source_language: language("en"),
        language: language("es"),
        settings: settings(),
        lines: lines(&[(1, 1), (2, 1)]),
        inherited: vec![],
    }
}

fn started() -> TrackEvent {
    TrackEvent::TrackStarted {
        dubbing: dubbing(1),
        source_language: language("en"),
        language: language("es"),
        settings: settings(),
        lines: lines(&[(1, 1), (2, 1)]),
    }
}

fn fence(stage: Stage) -> Fence {
    Fence { stage, run: 1, attempt: 1 }
}

fn under_way(stage: Stage) -> Vec<TrackEvent> {
    let fence = fence(stage);
    let asked = FlowEvent::StageRequested { fence, work_id: work_id("track", fence) };
    vec![TrackEvent::Flow(asked), TrackEvent::Flow(FlowEvent::StageStarted { fence })]
}

fn finished(stage: Stage) -> Vec<TrackEvent> {
    let done = FlowEvent::StageCompleted { fence: fence(stage), summary: StageSummary::default() };
    under_way(stage).into_iter().chain([TrackEvent::Flow(done)]).collect()
}

fn translated(line: u32, text: &str) -> TrackEvent {
    TrackEvent::UtteranceTranslated(TranslatedUtterance {
        utterance: UtteranceId(line),
        key: Sha256::new([9; 32]),
        text: Personal::new(text.to_owned()),
        spoken: Personal::new(text.to_owned()),
        kept: vec![],
        unknown_words: 0,
        terms: 0,
        terms_missing: 0,
    })
}

fn spoken(line: u32, rate: u16) -> TrackEvent {
    TrackEvent::UtteranceSynthesised(SynthesisedUtterance {
        utterance: UtteranceId(line),
        key: Sha256::new([8; 32]),
        rate: Percent::new(rate),
        duration_ms: 900,
        speech: artefact(3),
    })
}

fn translating() -> Vec<TrackEvent> {
    [vec![started()], under_way(Stage::Translate)].concat()
}

fn published() -> Vec<TrackEvent> {
    let stages = rows(Scope::Track).flat_map(|row| finished(row.stage)).collect();
    let result = TrackEvent::TrackPublished(PublishedTrack {
        media: artefact(4),
        srt: artefact(5),
        vtt: artefact(6),
        report: artefact(7),
    });
    [vec![started()], stages, vec![result]].concat()
}

fn delivered(byte: u8) -> DeliveredFile {
    let path = Personal::new("/out/talk.es.mp4".to_owned());
    DeliveredFile { role: Role::Video, path, sha256: Sha256::new([byte; 32]) }
}

#[test]
fn start_accepts_refuses_and_is_silent() {
    given::<Track>([]).when(start(1)).then([started()]);
    given::<Track>([started()]).when(start(2)).then_refused(&TrackRejection::AlreadyStarted);
    given::<Track>([started()]).when(start(1)).then_silent();
}

#[test]
fn nothing_but_start_begins_a_track() {
    for command in [TrackCommand::Cancel, TrackCommand::Withdraw, TrackCommand::Flow(FlowCommand::Resume)] {
        given::<Track>([]).when(command).then_refused(&TrackRejection::NotStarted);
    }
}

#[test]
fn revise_reopens_the_first_stage_that_differs() {
    let glossary = TrackSettings { glossary: Some(artefact(1)), ..settings() };
    let phrases = TrackSettings { keep_phrases: Personal::new(vec!["Webb".to_owned()]), ..settings() };
    let voices = BTreeMap::from([("Ann".to_owned(), "es+f2".to_owned())]);
    let voices = TrackSettings { voices: Personal::new(voices), ..settings() };
    let background = TrackSettings { background: Background::Off, ..settings() };
    let original = TrackSettings { keep_original: true, ..settings() };
    let subtitles = TrackSettings { embed_subtitles: true, ..settings() };
    for (changed, stage) in [
        (glossary, Stage::Translate),
        (phrases, Stage::Translate),
        (voices, Stage::AssignVoices),
        (background, Stage::Mix),
        (original, Stage::Mux),
        (subtitles, Stage::Mux),
    ] {
        let revised = TrackEvent::TrackRevised { settings: changed.clone() };
        let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage });
        given::<Track>(published()).when(TrackCommand::Revise(changed)).then([revised, reopened]);
    }
    given::<Track>(published()).when(TrackCommand::Revise(settings())).then_silent();
}

#[test]
fn record_accepts_facts_of_known_lines_by_the_stage_that_is_waited_for() {
    let record = |stage, facts| TrackCommand::Record { fence: fence(stage), facts };
    given::<Track>(translating())
        .when(record(Stage::Translate, vec![translated(1, "hola")]))
        .then([translated(1, "hola")]);
    given::<Track>(translating())
        .when(record(Stage::Translate, vec![translated(7, "hola")]))
        .then_refused(&TrackRejection::UnknownUtterance);
    given::<Track>(translating())
        .when(record(Stage::Translate, vec![spoken(1, 100)]))
        .then_refused(&TrackRejection::ForeignFact);
    given::<Track>(translating())
        .when(record(Stage::Mix, vec![]))
        .then_refused(&TrackRejection::Flow(FlowRejection::Superseded));
    given::<Track>(translating()).when(record(Stage::Translate, vec![])).then_silent();
}

#[test]
fn complete_brings_facts_completion_and_reopening_in_one_append() {
    let stages = [Stage::Translate, Stage::AssignVoices, Stage::Synthesise].map(finished).concat();
    let fitting = [vec![started()], stages, under_way(Stage::Fit)].concat();
    let chosen = TrackEvent::SpeechRateChosen { utterance: UtteranceId(1), rate: Percent::new(115) };
    let complete = TrackCommand::Complete {
        fence: fence(Stage::Fit),
        facts: vec![chosen.clone()],
        summary: StageSummary::default(),
        reopen: Some(Stage::Synthesise),
    };
    let done = FlowEvent::StageCompleted { fence: fence(Stage::Fit), summary: StageSummary::default() };
    let reopened = FlowEvent::StageReopened { stage: Stage::Synthesise };
    let expected = [chosen, TrackEvent::Flow(done), TrackEvent::Flow(reopened)];
    given::<Track>(fitting.clone()).when(complete.clone()).then(expected.clone());
    let after = fitting.into_iter().chain(expected);
    given::<Track>(after).when(complete).then_refused(&TrackRejection::Flow(FlowRejection::Superseded));
}

#[test]
fn deliver_accepts_news_of_a_published_track() {
    let event = |file| TrackEvent::TrackDelivered { files: vec![file] };
    given::<Track>(published()).when(TrackCommand::Deliver(vec![delivered(4)])).then([event(delivered(4))]);
    given::<Track>([started()])
        .when(TrackCommand::Deliver(vec![delivered(4)]))
        .then_refused(&TrackRejection::NotPublished);
    let before: Vec<_> = published().into_iter().chain([event(delivered(4))]).collect();
    given::<Track>(before).when(TrackCommand::Deliver(vec![delivered(4)])).then_silent();
}

#[test]
fn withdraw_accepts_a_published_track_only() {
    given::<Track>(published()).when(TrackCommand::Withdraw).then([TrackEvent::TrackWithdrawn]);
    given::<Track>([started()]).when(TrackCommand::Withdraw).then_refused(&TrackRejection::NotPublished);
    let withdrawn: Vec<_> = published().into_iter().chain([TrackEvent::TrackWithdrawn]).collect();
    given::<Track>(withdrawn.clone()).when(TrackCommand::Withdraw).then_silent();
    given::<Track>(withdrawn.clone()).when(TrackCommand::Revise(settings())).then_refused(&TrackRejection::Ended);
    let undone = TrackEvent::Flow(FlowEvent::StageUndone { stage: Stage::Publish });
    given::<Track>(withdrawn).when(TrackCommand::Flow(FlowCommand::Undone(Stage::Publish))).then([undone]);
}

#[test]
fn what_belongs_to_the_result_stays_until_the_next_one_is_published() {
    let mixed = |byte| {
        TrackEvent::TrackMixed(MixedSound {
            key: Sha256::new([byte; 32]),
            sound: artefact(byte),
            loudness: Decibel::SILENCE,
            true_peak: Decibel::SILENCE,
            loudness_reached: true,
            levels: None,
        })
    };
    let sound = |track: &Track| track.published_with.as_ref().and_then(|with| with.sound.clone());
    let publish = published().pop().expect("the end of it");
    let first = [published(), vec![mixed(1)], vec![publish.clone(), mixed(2)]].concat();
    assert_eq!(sound(&fold::<Track>(&first)), Some(artefact(1)), "the next mix is nobody's yet");
    let next = [first, vec![publish]].concat();
    assert_eq!(sound(&fold::<Track>(&next)), Some(artefact(2)));
    let withdrawn = fold::<Track>(&[next, vec![TrackEvent::TrackWithdrawn]].concat());
    assert!(withdrawn.withdrawn && withdrawn.published_with.is_none());
    let called_off = fold::<Track>(&[translating(), vec![TrackEvent::TrackWithdrawn]].concat());
    assert!(!called_off.withdrawn, "there was nothing to see yet");
}

#[test]
fn cancel_stops_late_workers() {
    given::<Track>(translating()).when(TrackCommand::Cancel).then([TrackEvent::TrackWithdrawn]);
    let cancelled: Vec<_> = translating().into_iter().chain([TrackEvent::TrackWithdrawn]).collect();
    let late = TrackCommand::Record { fence: fence(Stage::Translate), facts: vec![translated(1, "hola")] };
    given::<Track>(cancelled.clone()).when(late).then_refused(&TrackRejection::Flow(FlowRejection::Superseded));
    given::<Track>(cancelled).when(TrackCommand::Cancel).then_silent();
}

/// A published track that is being made in another way: voices are being assigned.
fn made_otherwise() -> Vec<TrackEvent> {
    let settings = TrackSettings { keep_phrases: Personal::new(vec!["Webb".to_owned()]), ..settings() };
    let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage: Stage::Translate });
    let second = |stage| Fence { stage, run: 2, attempt: 1 };
    let asked = |stage| FlowEvent::StageRequested { fence: second(stage), work_id: work_id("track", second(stage)) };
    let flow = [
        asked(Stage::Translate),
        FlowEvent::StageStarted { fence: second(Stage::Translate) },
        FlowEvent::StageCompleted { fence: second(Stage::Translate), summary: StageSummary::default() },
        asked(Stage::AssignVoices),
        FlowEvent::StageStarted { fence: second(Stage::AssignVoices) },
    ];
    let begun = vec![TrackEvent::TrackRevised { settings }, reopened];
    [published(), begun, flow.map(TrackEvent::Flow).to_vec()].concat()
}

#[test]
fn call_off_stops_a_run_and_keeps_what_was_published() {
    let call_off = || TrackCommand::CallOff(settings());
    let fence = Fence { stage: Stage::AssignVoices, run: 2, attempt: 1 };
    let released = TrackEvent::Flow(FlowEvent::StageReleased { fence });
    let off = TrackEvent::RunCalledOff { settings: settings() };
    given::<Track>(made_otherwise()).when(call_off()).then([released.clone(), off.clone()]);
    let events = [made_otherwise(), vec![released, off.clone()]].concat();
    let track = fold::<Track>(&events);
    assert!(track.flow.is_at_rest() && track.published.is_some() && !track.withdrawn);
    assert_eq!(track.header.map(|header| header.settings), Some(settings()));
    given::<Track>(events.clone()).when(call_off()).then_silent();
    let late = TrackCommand::Record { fence, facts: vec![] };
    given::<Track>(events.clone()).when(late).then_refused(&TrackRejection::Flow(FlowRejection::Superseded));
    // The next run goes on where this one was stopped, as far as it comes that far.
    let other = TrackSettings { background: Background::Off, ..settings() };
    let reopened = TrackEvent::Flow(FlowEvent::StageReopened { stage: Stage::Mix });
    let anew = vec![TrackEvent::TrackRevised { settings: other.clone() }, reopened];
    given::<Track>(events.clone()).when(TrackCommand::Revise(other)).then(anew.clone());
    let flow = fold::<Track>(&[events.clone(), anew].concat()).flow;
    assert_eq!(next_actions(&flow), [Action::Run(Stage::AssignVoices)]);
    // Withdrawn, all of it is undone.
    let flow = fold::<Track>(&[events, vec![TrackEvent::TrackWithdrawn]].concat()).flow;
    assert_eq!(
        (flow.undoing, next_actions(&flow)),
        (true, vec![Action::Finish]),
        "nothing that was finished is to be undone"
    );
}

#[test]
fn call_off_takes_a_run_out_of_its_pause_and_its_parking() {
    let parked = TrackEvent::Flow(FlowEvent::StageParked { stage: Stage::AssignVoices, code: "no-voice".to_owned() });
    let paused = TrackEvent::Flow(FlowEvent::FlowPaused { code: "no-voice".to_owned() });
    let events = [made_otherwise(), vec![parked, paused]].concat();
    let resumed = TrackEvent::Flow(FlowEvent::FlowResumed);
    let off = TrackEvent::RunCalledOff { settings: settings() };
    given::<Track>(events).when(TrackCommand::CallOff(settings())).then([resumed, off]);
}

#[test]
fn call_off_is_silent_where_nothing_is_under_way() {
    given::<Track>(published()).when(TrackCommand::CallOff(settings())).then_silent();
    let withdrawn = [published(), vec![TrackEvent::TrackWithdrawn]].concat();
    given::<Track>(withdrawn).when(TrackCommand::CallOff(settings())).then_silent();
    // The wish for another way was called off before the track heard of it.
    let other = TrackSettings { background: Background::Off, ..settings() };
    let off = TrackEvent::RunCalledOff { settings: other.clone() };
    given::<Track>(published()).when(TrackCommand::CallOff(other)).then([off]);
}

#[test]
fn a_track_that_was_called_off_begins_anew_once_all_is_undone() {
    let undoing: Vec<_> =
        [translating(), vec![TrackEvent::TrackDelivered { files: vec![delivered(1)] }, TrackEvent::TrackWithdrawn]]
            .concat();
    given::<Track>(undoing.clone()).when(start(1)).then_refused(&TrackRejection::Ended);
    let over = [undoing, vec![TrackEvent::Flow(FlowEvent::FlowCompensated)]].concat();
    given::<Track>(over.clone()).when(start(2)).then_refused(&TrackRejection::AlreadyStarted);
    given::<Track>(over.clone()).when(start(1)).then([started()]);
    let anew = [over, vec![started()]].concat();
    let track = fold::<Track>(&anew);
    assert!(!track.cancelled && track.lines.values().all(|line| line.translation.is_none()));
    assert_eq!(track.delivered, [delivered(1)], "what lies in a folder is still known");
    assert_eq!(track.flow.cell(Stage::Translate).run, 2);
    given::<Track>(anew.clone()).when(start(1)).then_silent();
    let late = TrackCommand::Record { fence: fence(Stage::Translate), facts: vec![translated(1, "hola")] };
    given::<Track>(anew).when(late).then_refused(&TrackRejection::Flow(FlowRejection::Superseded));
}

#[test]
fn new_words_make_old_speech_useless_and_the_same_words_do_not() {
    let events = |text: &str| vec![started(), translated(1, "hola"), spoken(1, 100), translated(1, text)];
    let takes = |text: &str| fold::<Track>(&events(text)).lines[&UtteranceId(1)].speech.len();
    assert_eq!((takes("hola"), takes("buenas")), (1, 0));
}

#[test]
fn a_new_voice_makes_old_speech_useless() {
    let voice = |name: &str| TrackEvent::VoiceAssigned { speaker: SpeakerId(1), voice: name.to_owned() };
    let takes = |second: &str| {
        let events = [started(), voice("es"), spoken(1, 100), spoken(1, 115), voice(second)];
        fold::<Track>(&events).lines[&UtteranceId(1)].speech.len()
    };
    assert_eq!((takes("es"), takes("es+f2")), (2, 0));
}

#[test]
fn a_stage_that_runs_anew_takes_its_flags_back() {
    let flagged = |stage, flag| TrackEvent::UtteranceFlagged { utterance: UtteranceId(1), stage, flag };
    let place = FittedUtterance {
        utterance: UtteranceId(1),
        start_ms: 0,
        duration_ms: 900,
        rate: Percent::HUNDRED,
        shift_ms: 0,
    };
    let mut events = published();
    events.extend([
        flagged(Stage::Translate, Flag::MissingTerm),
        flagged(Stage::Fit, Flag::Late),
        TrackEvent::UtteranceFitted(place),
        TrackEvent::Flow(FlowEvent::StageReopened { stage: Stage::Synthesise }),
    ]);
    let track = fold::<Track>(&events);
    let line = &track.lines[&UtteranceId(1)];
    assert_eq!(line.flags.iter().copied().collect::<Vec<_>>(), [(Stage::Translate, Flag::MissingTerm)]);
    assert!(line.needs_attention());
    assert_eq!((track.lines_to_attend(), line.placement), (1, Some(place)));
}

#[test]
fn a_new_attempt_takes_back_what_a_failed_one_said() {
    let flagged = |stage, flag| TrackEvent::UtteranceFlagged { utterance: UtteranceId(1), stage, flag };
    let begun = |stage, attempt| TrackEvent::Flow(FlowEvent::StageStarted { fence: Fence { attempt, ..fence(stage) } });
    let events = [
        started(),
        flagged(Stage::Translate, Flag::MissingTerm),
        begun(Stage::Synthesise, 1),
        flagged(Stage::Synthesise, Flag::NotSpoken),
        begun(Stage::Synthesise, 2),
    ];
    let flags = |events: &[TrackEvent]| {
        let track = fold::<Track>(events);
        track.lines[&UtteranceId(1)].flags.iter().map(|(_, flag)| *flag).collect::<Vec<_>>()
    };
    assert_eq!(flags(&events[..4]), [Flag::MissingTerm, Flag::NotSpoken]);
    assert_eq!(flags(&events), [Flag::MissingTerm]);
}

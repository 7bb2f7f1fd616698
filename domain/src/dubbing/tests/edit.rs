//! Corrections of a transcript, regenerations and forks: accepted, refused, silent, and what they make of the state.

use super::{fence, language, requested, started};
use crate::{
    decider::fold,
    dubbing::{
        Dubbing, DubbingCommand, DubbingEvent, DubbingRejection, Edit, Fork, Order, SeparatedSound, TEXT_CHARS_MAX,
        TranscribedUtterance, UtterancePart,
    },
    flow::{FlowEvent, Stage, StageSummary},
    spec::given,
    value::{Artefact, Decibel, DubbingId, Percent, Personal, Sha256, Span, SpeakerId, UtteranceId},
};
use uuid::Uuid;

fn text(words: &str) -> Personal<String> {
    Personal::new(words.to_owned())
}

fn span(start_ms: u64, end_ms: u64) -> Span {
    Span::try_new(start_ms, end_ms).expect("a span")
}

fn said(id: u32, from_to: (u64, u64), words: &str) -> DubbingEvent {
    DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
        utterance: UtteranceId(id),
        span: span(from_to.0, from_to.1),
        text: text(words),
        confidence: Some(Percent::new(70)),
        cues: vec![span(from_to.0, from_to.1)],
        words: Personal::new(vec![]),
        speaker_name: None,
    })
}

fn by(speaker: u32, utterances: &[u32]) -> DubbingEvent {
    let utterances = utterances.iter().map(|id| UtteranceId(*id)).collect();
    DubbingEvent::SpeakerIdentified { speaker: SpeakerId(speaker), name: None, pitch_hz: None, utterances }
}

fn sound() -> DubbingEvent {
    let stem = Artefact { sha256: Sha256::new([9; 32]), media_type: "audio/wav".to_owned(), bytes: 1 };
    DubbingEvent::SpeechSeparated(SeparatedSound {
        background: stem.clone(),
        speech: stem,
        separated: false,
        duration_ms: 10_000,
        loudness: Decibel::from_db(-20.0),
        true_peak: Decibel::from_db(-2.0),
    })
}

fn done(stage: Stage) -> DubbingEvent {
    DubbingEvent::Flow(FlowEvent::StageCompleted { fence: fence(stage), summary: StageSummary::default() })
}

/// A dubbing whose transcript is there: three utterances by two speakers.
fn transcribed() -> Vec<DubbingEvent> {
    let mut events = vec![started(), requested("es"), done(Stage::Ingest), sound(), done(Stage::Separate)];
    events.extend([
        said(1, (0, 1_000), "Good day."),
        said(2, (1_500, 3_000), "How are you? Well."),
        said(3, (4_000, 5_000), "Yes."),
    ]);
    events.extend([by(1, &[1, 2]), by(2, &[3]), done(Stage::Transcribe)]);
    events
}

fn change(id: u32) -> (UtteranceId, Option<Personal<String>>, Option<Span>, Option<SpeakerId>) {
    (UtteranceId(id), None, None, None)
}

fn edit(
    (utterance, text, span, speaker): (UtteranceId, Option<Personal<String>>, Option<Span>, Option<SpeakerId>),
) -> DubbingCommand {
    let (start_ms, end_ms) = (span.map(Span::start_ms), span.map(Span::end_ms));
    DubbingCommand::Edit(Edit::Change { utterance, text, start_ms, end_ms, speaker })
}

fn move_to(id: u32, start_ms: Option<u64>, end_ms: Option<u64>) -> DubbingCommand {
    DubbingCommand::Edit(Edit::Change { utterance: UtteranceId(id), text: None, start_ms, end_ms, speaker: None })
}

#[test]
fn words_times_and_speaker_are_corrected_and_only_what_differs_is_said() {
    let all = edit((UtteranceId(1), Some(text("Good night.")), Some(span(0, 1_000)), Some(SpeakerId(2))));
    given::<Dubbing>(transcribed()).when(all).then([DubbingEvent::UtteranceEdited {
        utterance: UtteranceId(1),
        text: Some(text("Good night.")),
        span: None,
        speaker: Some(SpeakerId(2)),
    }]);
    let same = edit((UtteranceId(1), Some(text("Good day.")), None, Some(SpeakerId(1))));
    given::<Dubbing>(transcribed()).when(same).then_silent();
    given::<Dubbing>(transcribed()).when(edit(change(1))).then_silent();
}

#[test]
fn a_time_that_is_not_named_stays_as_it_is_by_then() {
    let moved = |from_to: (u64, u64)| DubbingEvent::UtteranceEdited {
        utterance: UtteranceId(2),
        text: None,
        span: Some(span(from_to.0, from_to.1)),
        speaker: None,
    };
    let events = transcribed().into_iter().chain([moved((1_600, 3_200))]);
    given::<Dubbing>(events.clone()).when(move_to(2, None, Some(3_100))).then([moved((1_600, 3_100))]);
    given::<Dubbing>(events).when(move_to(2, Some(1_600), None)).then_silent();
}

#[test]
fn joined_utterances_hold_no_more_than_one_may() {
    let with = |chars: usize| {
        let text = Some(text(&"ä".repeat(chars)));
        let edited = DubbingEvent::UtteranceEdited { utterance: UtteranceId(2), text, span: None, speaker: None };
        given::<Dubbing>(transcribed().into_iter().chain([edited]))
    };
    let merge = DubbingCommand::Edit(Edit::Merge { utterance: UtteranceId(2), with: UtteranceId(3) });
    let text = text(&format!("{} Yes.", "ä".repeat(TEXT_CHARS_MAX - 5)));
    with(TEXT_CHARS_MAX - 5).when(merge.clone()).then([DubbingEvent::UtterancesMerged {
        utterance: UtteranceId(2),
        absorbed: UtteranceId(3),
        joined: UtterancePart { span: span(1_500, 5_000), text },
    }]);
    with(TEXT_CHARS_MAX - 4).when(merge).then_refused(&DubbingRejection::TooLong);
}

#[test]
fn what_cannot_be_corrected_is_refused_by_name() {
    let check = |events: Vec<DubbingEvent>, command, rejection| {
        given::<Dubbing>(events).when(command).then_refused(&rejection);
    };
    let to = |from_ms, to_ms| edit((UtteranceId(2), None, Some(span(from_ms, to_ms)), None));
    check(vec![started(), requested("es")], edit(change(1)), DubbingRejection::NotTranscribed);
    check(transcribed(), edit(change(9)), DubbingRejection::UnknownUtterance);
    check(transcribed(), to(900, 3_000), DubbingRejection::OverlapsNeighbour);
    check(transcribed(), move_to(2, Some(3_000), None), DubbingRejection::EndsBeforeItBegins);
    check(transcribed(), move_to(2, None, Some(1_500)), DubbingRejection::EndsBeforeItBegins);
    check(transcribed(), to(9_000, 10_001), DubbingRejection::PastTheEnd);
    check(transcribed(), edit((UtteranceId(1), None, None, Some(SpeakerId(4)))), DubbingRejection::UnknownSpeaker);
    let split = |at_ms| {
        let texts = Box::new([text("How are you?"), text("Well.")]);
        DubbingCommand::Edit(Edit::Split { utterance: UtteranceId(2), at_ms, texts })
    };
    for at_ms in [0, 1_500, 3_000, 9_000] {
        check(transcribed(), split(at_ms), DubbingRejection::NothingToSplit);
    }
    let merge = |utterance, with| {
        DubbingCommand::Edit(Edit::Merge { utterance: UtteranceId(utterance), with: UtteranceId(with) })
    };
    for (utterance, with) in [(1, 3), (2, 1), (2, 2)] {
        check(transcribed(), merge(utterance, with), DubbingRejection::NotNeighbours);
    }
}

#[test]
fn an_utterance_is_cut_in_two_and_joined_again() {
    let texts = Box::new([text("How are you?"), text("Well.")]);
    let split = DubbingCommand::Edit(Edit::Split { utterance: UtteranceId(2), at_ms: 2_000, texts });
    let cut = DubbingEvent::UtteranceSplit {
        utterance: UtteranceId(2),
        first: UtterancePart { span: span(1_500, 2_000), text: text("How are you?") },
        added: UtteranceId(4),
        second: UtterancePart { span: span(2_000, 3_000), text: text("Well.") },
    };
    given::<Dubbing>(transcribed()).when(split).then([cut.clone()]);
    let mut events = transcribed();
    events.push(cut);
    let dubbing = fold::<Dubbing>(&events);
    let lines: Vec<(u32, u32)> = dubbing.source_lines().iter().map(|line| (line.utterance.0, line.revision)).collect();
    assert_eq!(lines, [(1, 1), (2, 2), (4, 1), (3, 1)], "in order of time");
    assert_eq!(dubbing.speaker_of(UtteranceId(4)), Some(SpeakerId(1)));
    let merge = DubbingCommand::Edit(Edit::Merge { utterance: UtteranceId(2), with: UtteranceId(4) });
    let joined = DubbingEvent::UtterancesMerged {
        utterance: UtteranceId(2),
        absorbed: UtteranceId(4),
        joined: UtterancePart { span: span(1_500, 3_000), text: text("How are you? Well.") },
    };
    given::<Dubbing>(events.clone()).when(merge).then([joined.clone()]);
    events.push(joined);
    let dubbing = fold::<Dubbing>(&events);
    assert_eq!(dubbing.source_lines().len(), 3);
    assert_eq!(dubbing.speaker_of(UtteranceId(4)), None);
}

#[test]
fn a_persons_words_are_not_doubted() {
    let mut events = transcribed();
    let (utterance, text) = (UtteranceId(1), Some(text("Good night.")));
    events.push(DubbingEvent::UtteranceEdited { utterance, text: text.clone(), span: None, speaker: None });
    let dubbing = fold::<Dubbing>(&events);
    let line = &dubbing.utterances[&utterance];
    assert_eq!((Some(&line.text), line.confidence), (text.as_ref(), None));
    assert_eq!(dubbing.revisions[&utterance], 2);
}

#[test]
fn a_language_is_asked_for_anew_and_cleaning_up_waits_for_it() {
    let regenerate = |tag| DubbingCommand::Regenerate { language: language(tag), from: None, request: 1 };
    let wanted = DubbingEvent::RegenerationRequested { language: language("es"), from: None };
    given::<Dubbing>(transcribed()).when(regenerate("es")).then([wanted.clone()]);
    given::<Dubbing>(transcribed()).when(regenerate("ca")).then_refused(&DubbingRejection::UnknownTrack);
    let mut events = transcribed();
    events.push(wanted.clone());
    let track = &fold::<Dubbing>(&events).tracks[&language("es")];
    assert_eq!((track.requests, track.regenerations, track.outcome), (2, 1, None));
    given::<Dubbing>(events.clone()).when(regenerate("es")).then([]);
    let next = DubbingCommand::Regenerate { language: language("es"), from: None, request: 2 };
    given::<Dubbing>(events.clone()).when(next).then([wanted]);
    // From a stage on, whatever has changed.
    let from = Some(Stage::Mix);
    let replay = DubbingCommand::Regenerate { language: language("es"), from, request: 2 };
    let replayed = DubbingEvent::RegenerationRequested { language: language("es"), from };
    given::<Dubbing>(events.clone()).when(replay).then([replayed.clone()]);
    events.push(replayed);
    assert_eq!(fold::<Dubbing>(&events).tracks[&language("es")].replay_from, from);
}

#[test]
fn a_fork_of_a_dubbing_that_was_called_off_finds_out_anew_what_comes_after_what_was_undone() {
    let undone = |stage| DubbingEvent::Flow(FlowEvent::StageUndone { stage });
    let without = |stages: &[Stage]| {
        let events = transcribed().into_iter().chain(stages.iter().map(|stage| undone(*stage)));
        let events = fold::<Dubbing>(&events.collect::<Vec<_>>()).inheritance(Stage::Publish);
        events.iter().filter(|event| matches!(event, DubbingEvent::Flow(_))).count()
    };
    assert_eq!((without(&[]), without(&[Stage::Separate]), without(&[Stage::Separate, Stage::Ingest])), (3, 1, 0));
}

#[test]
fn lines_of_a_fork_are_alike_as_long_as_neither_changes() {
    let edited = |text: Option<&str>, speaker: Option<u32>| DubbingEvent::UtteranceEdited {
        utterance: UtteranceId(1),
        text: text.map(self::text),
        span: None,
        speaker: speaker.map(SpeakerId),
    };
    let once = |event: DubbingEvent| fold::<Dubbing>(&transcribed().into_iter().chain([event]).collect::<Vec<_>>());
    let origin = once(edited(Some("Good night."), None));
    let begun = [started(), requested("es")].into_iter().chain(origin.inheritance(Stage::Translate));
    let fork = fold::<Dubbing>(&begun.collect::<Vec<_>>());
    let revisions = |lines: &[crate::track::SourceLine]| lines.iter().map(|line| line.revision).collect::<Vec<_>>();
    let beside = fork.lines_beside(&origin);
    assert_eq!((revisions(&beside.origin), revisions(&beside.fork)), (vec![2, 1, 1], vec![1, 1, 1]));
    assert_eq!(beside.alike, beside.fork);
    for other in [edited(Some("Good morning."), None), edited(Some("Good night."), Some(2))] {
        assert_eq!(fork.lines_beside(&once(other)).alike, beside.fork[1..]);
    }
}

#[test]
fn a_fork_takes_over_what_comes_before_a_stage() {
    let origin = fold::<Dubbing>(&transcribed());
    let inherited = |from| {
        let events = origin.inheritance(from);
        let stages = events.iter().filter_map(|event| match event {
            DubbingEvent::Flow(FlowEvent::StageInherited { stage, .. }) => Some(*stage),
            _ => None,
        });
        (stages.collect::<Vec<_>>(), events.len())
    };
    assert_eq!(inherited(Stage::Ingest), (vec![], 0));
    assert_eq!(inherited(Stage::Transcribe), (vec![Stage::Ingest, Stage::Separate], 3));
    let all = vec![Stage::Ingest, Stage::Separate, Stage::Transcribe];
    assert_eq!(inherited(Stage::Mix), (all, 9));
    let DubbingCommand::Start(mut start) = super::start(1, vec![super::track("ca")]) else {
        panic!("a start");
    };
    let fork = Fork { dubbing: DubbingId(Uuid::from_u128(5)), stage: Stage::Mix };
    start.order = Order { forked_from: Some(fork), ..Order::default() };
    let command = |inherited| DubbingCommand::Inherit { start: start.clone(), inherited };
    let foreign = vec![DubbingEvent::VideoGenerationCancelled];
    given::<Dubbing>([]).when(command(foreign)).then_refused(&DubbingRejection::ForeignFact);
    let fork = fold::<Dubbing>(
        &<Dubbing as crate::decider::Decider>::decide(&Dubbing::default(), command(origin.inheritance(Stage::Mix)))
            .expect("accepted"),
    );
    assert_eq!(fork.utterances, origin.utterances);
    assert_eq!(fork.speakers, origin.speakers);
    assert!(fork.flow.is_done(Stage::Transcribe) && !fork.flow.is_done(Stage::Clean));
}

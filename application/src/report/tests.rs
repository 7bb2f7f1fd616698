//! What the report says of voices and glossaries.

use super::*;
use domain::{
    decider::fold,
    dubbing::{DubbingEvent, TranscribedUtterance},
    flow::{FlowEvent, StageSummary},
    track::{Background, Direction, Header, Line, TrackSettings},
    value::{Artefact, DubbingId, Personal, Sha256},
};
use std::collections::BTreeMap;
use uuid::Uuid;

const LINE: UtteranceId = UtteranceId(1);
const SPEAKER: SpeakerId = SpeakerId(1);

fn language(tag: &str) -> LanguageTag {
    tag.parse().expect("a tag")
}

fn settings(voice: Option<&str>, has_glossary: bool) -> TrackSettings {
    let terms = Artefact { sha256: Sha256::new([1; 32]), media_type: "text/csv".to_owned(), bytes: 1 };
    let voices: BTreeMap<String, String> = voice.map(|voice| ("S1".to_owned(), voice.to_owned())).into_iter().collect();
    TrackSettings {
        glossary: Some(terms).filter(|_| has_glossary),
        keep_phrases: Personal::new(vec![]),
        voices: Personal::new(voices),
        background: Background::Duck,
        keep_original: false,
        embed_subtitles: false,
    }
}

/// One line of one speaker, in Catalan with a glossary, and in Spanish.
fn dubbing() -> Dubbing {
    let said = TranscribedUtterance {
        utterance: LINE,
        span: Span::lasting(0, 1_000),
        text: Personal::new("Hello.".to_owned()),
        confidence: None,
        cues: vec![],
        words: Personal::new(vec![]),
        speaker_name: None,
    };
    let asked = |tag: &str, has_glossary| DubbingEvent::TrackRequested {
        language: language(tag),
        settings: settings(None, has_glossary),
    };
    let by = DubbingEvent::SpeakerIdentified { speaker: SPEAKER, name: None, pitch_hz: None, utterances: vec![LINE] };
    fold::<Dubbing>(&[asked("ca", true), asked("es", false), DubbingEvent::UtteranceTranscribed(said), by])
}

/// The Spanish track, whose speaker has the voice `es`.
fn track(settings: TrackSettings) -> Track {
    let header = Header {
        dubbing: DubbingId(Uuid::from_u128(1)),
        source_language: language("en"),
        language: language("es"),
        settings,
    };
    let mut flow = Flow::new(domain::flow::Scope::Track);
    flow.evolve(&FlowEvent::StageInherited { stage: Stage::AssignVoices, summary: StageSummary::default() });
    Track { header: Some(header), voices: [(SPEAKER, "es".to_owned())].into(), flow, ..Track::default() }
}

#[test]
fn a_line_names_the_voice_that_it_is_spoken_with() {
    let voice = |made_with: Option<&str>, chosen: Option<&str>| {
        let [made_with, voice] = [made_with, chosen].map(|voice| voice.map(str::to_owned));
        let spoken = Line { direction: Direction { voice, made_with, ..Direction::default() }, ..Line::default() };
        let track = Track { lines: [(LINE, spoken)].into(), ..track(settings(None, false)) };
        let dubbing = dubbing();
        report_line(LINE, &dubbing.utterances[&LINE], &track.lines[&LINE], &dubbing, &track).voice
    };
    assert_eq!(voice(None, None).as_deref(), Some("es"));
    assert_eq!(voice(Some("es+f2"), Some("es+f2")).as_deref(), Some("es+f2"));
    assert_eq!(voice(Some("es+f2"), Some("es+m1")).as_deref(), Some("es+f2"), "chosen since, and not heard yet");
}

#[test]
fn what_is_not_used_in_a_language_is_noted() {
    let check = |settings: TrackSettings, expected: &[&str]| {
        let notes = remarks_on_track(&dubbing(), &track(settings));
        assert_eq!(notes, expected);
    };
    let foreign = "1 of the speakers have another voice than the one chosen, which does not speak es";
    check(settings(Some("es"), true), &[]);
    check(settings(Some("ca+f2"), true), &[foreign]);
    check(settings(None, false), &["no glossary is used in es, only in ca"]);
}

#[test]
fn what_was_skipped_is_noted_with_who_said_so() {
    let mut track = track(settings(Some("es"), true));
    let by = |engine: &str, reason: &str| (engine.to_owned(), reason.to_owned());
    track.flow.skips.insert(Stage::SyncLips, by(SKIPPED_BY_OPERATOR, "this face is not known"));
    track.flow.skips.insert(Stage::Mark, by("none", "no engine marks sound"));
    let notes = remarks_on_track(&dubbing(), &track);
    let expected =
        ["sync-lips was skipped by an operator: this face is not known", "mark (engine none): no engine marks sound"];
    assert_eq!(notes, expected);
}

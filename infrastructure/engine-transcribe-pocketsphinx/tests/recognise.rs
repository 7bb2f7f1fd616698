//! The recogniser with the real program, fed as in production: detector, plan of utterances, recognition.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helper functions"
)]

#[path = "../../engine-segment-earshot/tests/tunes/mod.rs"]
mod tunes;

use application::{
    ports::engine::{Engine, EngineError},
    stages::transcribe::{RecogniseInput, Recognised, Recogniser, SpeechDetector, Word},
    testing::wer::word_error_rate,
};
use child_process::LocalChildren;
use domain::{
    segment::{Heard, Limits, is_plausible, plan},
    value::{Span, UtteranceId},
};
use engine_segment_earshot::EarshotEngine;
use engine_transcribe_pocketsphinx::{PocketsphinxConfig, PocketsphinxEngine};
use std::{path::Path, sync::Arc};
use tempfile::tempdir;
use tokio::sync::mpsc;

const NASA: &str = "This is the optical and science segment of the Webb space telescope in one of the largest cleanrooms in \
                    the world at NASA's Goddard Space Flight Center in Greenbelt, Maryland.";
const KENNEDY: &str =
    "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.";
const TEXT: &str = "The spacecraft left the harbor of the earth in the early morning. On board there were two telescopes \
                    and a small computer. Nobody knew how long the journey would take, but everyone hoped for the best.";

fn engine(config: PocketsphinxConfig) -> PocketsphinxEngine {
    PocketsphinxEngine::new(config, Arc::new(LocalChildren::default()))
}

/// The utterances of a recording, as production finds them.
async fn utterances(wav: &Path) -> Vec<Span> {
    let speech = EarshotEngine::new(Default::default(), Arc::default()).detect(wav).await.unwrap();
    plan(&speech, &Limits::default()).into_iter().map(|segment| segment.span).collect()
}

async fn try_recognise(
    engine: &PocketsphinxEngine,
    wav: &Path,
    spans: &[(u32, Span)],
) -> Result<Vec<Recognised>, EngineError> {
    let scratch = tempdir().unwrap();
    let folder = scratch.path().join("with a blank");
    std::fs::create_dir(&folder).unwrap();
    let input = RecogniseInput {
        speech: wav.to_owned(),
        language: "en-GB".parse().unwrap(),
        utterances: spans.iter().map(|&(number, span)| (UtteranceId(number), span)).collect(),
        scratch: folder,
    };
    let (results, mut inbox) = mpsc::channel(2);
    let all = async {
        let mut all = Vec::new();
        while let Some(one) = inbox.recv().await {
            all.push(one);
        }
        all
    };
    let (ended, mut all) = tokio::join!(engine.recognise(input, results), all);
    all.sort_by_key(|one| one.utterance);
    ended.map(|()| all)
}

async fn recognise(wav: &Path, spans: &[Span]) -> Vec<Recognised> {
    let numbered: Vec<(u32, Span)> = (1..).zip(spans.iter().copied()).collect();
    try_recognise(&engine(PocketsphinxConfig::default()), wav, &numbered).await.unwrap()
}

fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn plausible(words: &[Word], span: Span) -> bool {
    let heard: Vec<Heard<'_>> =
        words.iter().map(|word| Heard { text: &word.text, span: word.span, confidence: word.confidence }).collect();
    is_plausible(&heard, span)
}

/// Recognises a recording as production does; every utterance must be plausible and the errors within the bound.
async fn check(name: &str, wav: &Path, said: &str, error_rate_max: f64) {
    let spans = utterances(wav).await;
    let heard = recognise(wav, &spans).await;
    assert_eq!(heard.len(), spans.len(), "{name}: each utterance has a result");
    let all: Vec<Word> = heard.iter().flat_map(|one| one.words.clone()).collect();
    let rate = word_error_rate(said, &text(&all));
    println!("{name}: word error rate {:.1} % in {} utterances: {}", 100.0 * rate, spans.len(), text(&all));
    assert!(rate <= error_rate_max, "{name}: {rate}");
    for (one, span) in heard.iter().zip(&spans) {
        assert!(plausible(&one.words, *span), "{name} {span:?}: {:?}", one.words);
        assert!(one.words.windows(2).all(|pair| pair[0].span.end_ms() <= pair[1].span.start_ms()), "{name}: {one:?}");
        let inside = |word: &Word| word.span.start_ms() >= span.start_ms() && word.span.end_ms() <= span.end_ms();
        assert!(one.words.iter().all(inside), "{name} {span:?}: {one:?}");
        assert!(one.words.iter().all(|word| (0.0..=1.0).contains(&word.confidence)));
        assert!(one.words.iter().all(|word| !word.text.contains(['<', '(', '+', '[', ' '])), "{one:?}");
    }
}

#[tokio::test]
async fn the_nasa_narration_has_at_most_a_quarter_of_its_words_wrong() {
    let folder = tempdir().unwrap();
    let Some(wav) = tunes::recording(folder.path(), "nasa_13013.mp4") else { return };
    check("nasa_13013.mp4", &wav, NASA, 0.25).await;
}

#[tokio::test]
async fn a_speech_with_echo_is_understood_in_part() {
    let folder = tempdir().unwrap();
    let Some(wav) = tunes::recording(folder.path(), "jfk.flac") else { return };
    check("jfk.flac", &wav, KENNEDY, 0.5).await;
}

#[tokio::test]
async fn clear_voices_are_understood() {
    for (voice, error_rate_max) in [("kal16", 0.1), ("awb", 0.25)] {
        let folder = tempdir().unwrap();
        let wav = folder.path().join("speech.wav");
        tunes::write(&wav, &tunes::speech(folder.path(), voice, TEXT));
        check(voice, &wav, TEXT, error_rate_max).await;
    }
}

#[tokio::test]
async fn a_clear_voice_over_quiet_music_is_understood() {
    let folder = tempdir().unwrap();
    let wav = folder.path().join("speech.wav");
    let speech = tunes::speech(folder.path(), "kal16", TEXT);
    tunes::write(&wav, &tunes::over(&speech, &tunes::tune("piano", 7, 15.0), 0.05));
    check("kal16 over a piano", &wav, TEXT, 0.25).await;
}

#[tokio::test]
async fn words_are_where_they_sound() {
    let folder = tempdir().unwrap();
    let wav = folder.path().join("speech.wav");
    let speech = tunes::speech(folder.path(), "kal16", "Nobody slept in the winter.");
    let length_ms = speech.len() as u64 / 16;
    // The same words, 7.003 s apart: not a whole number of the recogniser's frames.
    let silence = vec![0; 7_003 * 16 - speech.len()];
    tunes::write(&wav, &[&speech[..], &silence, &speech, &silence].concat());
    let spans = [Span::lasting(0, length_ms), Span::lasting(7_003, length_ms)];
    let heard = recognise(&wav, &spans).await;
    let [first, second] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(text(&first.words), "nobody slept in the winter");
    assert_eq!(text(&first.words), text(&second.words));
    for (early, late) in first.words.iter().zip(&second.words) {
        let apart_ms = late.span.start_ms() - early.span.start_ms();
        assert!(apart_ms.abs_diff(7_003) <= 40, "{early:?} {late:?}");
    }
}

#[tokio::test]
async fn a_result_depends_on_its_utterance_alone() {
    let folder = tempdir().unwrap();
    let wav = folder.path().join("speech.wav");
    let part = |voice, text| tunes::speech(folder.path(), voice, text);
    let parts = [
        part("kal16", TEXT),
        part("awb", "In winter the whole family slept in one room."),
        part("rms", "Water had to be carried."),
    ];
    tunes::write(&wav, &parts.concat());
    let mut start_ms = 0;
    let spans: Vec<Span> = parts
        .iter()
        .map(|part| {
            let span = Span::lasting(start_ms, part.len() as u64 / 16);
            start_ms = span.end_ms();
            span
        })
        .collect();
    let one_process = engine(PocketsphinxConfig { processes: 1, ..PocketsphinxConfig::default() });
    let all = try_recognise(&one_process, &wav, &[(1, spans[0]), (2, spans[1]), (3, spans[2])]).await.unwrap();
    let turned = try_recognise(&one_process, &wav, &[(3, spans[2]), (2, spans[1]), (1, spans[0])]).await.unwrap();
    let alone = try_recognise(&one_process, &wav, &[(2, spans[1])]).await.unwrap();
    assert_eq!(all, turned);
    assert_eq!(all[1], alone[0]);
    assert!(all.iter().all(|one| !one.words.is_empty()));
}

#[tokio::test]
async fn what_is_recognised_in_music_and_silence_is_not_plausible() {
    let folder = tempdir().unwrap();
    for name in tunes::ALL.into_iter().chain(["silence"]) {
        let wav = folder.path().join("music.wav");
        let samples = if name == "silence" { vec![0; 128_000] } else { tunes::tune(name, 7, 8.0) };
        tunes::write(&wav, &samples);
        assert_eq!(utterances(&wav).await, [], "{name}: the detector");
        // Even where the detector were wrong, the words give it away.
        let spans = [Span::lasting(0, 4_500), Span::lasting(5_000, 3_000)];
        for (one, span) in recognise(&wav, &spans).await.iter().zip(spans) {
            println!("{name}: {}", text(&one.words));
            assert!(!plausible(&one.words, span), "{name}: {:?}", one.words);
        }
    }
}

#[tokio::test]
async fn samples_are_found_behind_a_longer_header() {
    let folder = tempdir().unwrap();
    let (plain, long) = (folder.path().join("plain.wav"), folder.path().join("a name with blanks.wav"));
    tunes::write(&plain, &tunes::speech(folder.path(), "kal16", "Nobody slept in the winter."));
    let mut bytes = std::fs::read(&plain).unwrap();
    let chunk = [b"LIST".as_slice(), &1_002_u32.to_le_bytes(), &[7; 1_002]].concat();
    bytes.splice(36..36, chunk);
    let length = u32::try_from(bytes.len() - 8).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    std::fs::write(&long, bytes).unwrap();
    let span = [Span::lasting(0, 1_800)];
    let heard = recognise(&long, &span).await;
    assert_eq!(heard, recognise(&plain, &span).await);
    assert!(!heard[0].words.is_empty());
}

#[tokio::test]
async fn stretches_past_the_end_give_no_words_and_none_gives_nothing() {
    let folder = tempdir().unwrap();
    let wav = folder.path().join("speech.wav");
    tunes::write(&wav, &tunes::speech(folder.path(), "kal16", "Nobody slept."));
    assert_eq!(recognise(&wav, &[]).await, []);
    let heard = recognise(&wav, &[Span::lasting(60_000, 2_000), Span::lasting(0, 5)]).await;
    assert_eq!(heard.iter().map(|one| one.words.len()).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_package() {
    let missing = |error: EngineError| match error {
        EngineError::Missing { package, .. } => package,
        other => panic!("{other:?}"),
    };
    let folder = tempdir().unwrap();
    let wav = folder.path().join("speech.wav");
    tunes::write(&wav, &[0; 16_000]);
    let span = [(1, Span::lasting(0, 1_000))];
    let no_program = engine(PocketsphinxConfig { program: "no-such-recogniser".into(), ..Default::default() });
    // Who installs from nothing is told both packages at once.
    assert_eq!(missing(no_program.describe().await.unwrap_err()), "pocketsphinx pocketsphinx-en-us");
    assert_eq!(missing(try_recognise(&no_program, &wav, &span).await.unwrap_err()), "pocketsphinx");
    let no_model = engine(PocketsphinxConfig { model: folder.path().join("no-model"), ..Default::default() });
    assert_eq!(missing(no_model.describe().await.unwrap_err()), "pocketsphinx-en-us");
    assert_eq!(missing(try_recognise(&no_model, &wav, &span).await.unwrap_err()), "pocketsphinx-en-us");
}

#[tokio::test]
async fn a_program_that_says_nothing_is_an_error_not_silence() {
    let folder = tempdir().unwrap();
    let wav = folder.path().join("secret.wav");
    tunes::write(&wav, &[0; 16_000]);
    for program in ["true", "false"] {
        let mute = engine(PocketsphinxConfig { program: program.into(), ..Default::default() });
        let error = try_recognise(&mute, &wav, &[(1, Span::lasting(0, 1_000))]).await.unwrap_err();
        assert!(matches!(error, EngineError::Transient { operation: "recognise", .. }), "{program}: {error:?}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn it_understands_english_of_any_region_only() {
    let engine = engine(PocketsphinxConfig::default());
    for (tag, understood) in [("en", true), ("en-AU", true), ("es", false), ("enm", false)] {
        assert_eq!(engine.understands(&tag.parse().unwrap()), understood, "{tag}");
    }
    let info = engine.describe().await.unwrap();
    assert_eq!((info.name.as_str(), info.languages.len()), ("pocketsphinx", 1));
    assert!(info.model_digest.is_some() && !info.version.is_empty());
}

//! The engine with the installed espeak-ng: what comes out, measured. Real children, no stand-ins.
//! Without espeak-ng these fail: `make test` installs it.

use crate::{EspeakConfig, EspeakEngine};
use application::{
    ports::engine::{Engine, EngineError},
    stages::synthesise::{Gender, SpeakInput, Speech, Synthesiser},
};
use child_process::LocalChildren;
use domain::value::{LanguageTag, Percent};
use std::{io::Cursor, sync::Arc};

const LINE: &str = "Buenos días, esta es una prueba de la voz sintética para el doblaje.";

fn engine() -> EspeakEngine {
    EspeakEngine::new(EspeakConfig::default(), Arc::new(LocalChildren::default()))
}

fn line(text: &str, voice: &str, rate: u16) -> SpeakInput {
    SpeakInput { text: text.to_owned(), voice: voice.to_owned(), rate: Percent::new(rate) }
}

async fn speak(text: &str, voice: &str, rate: u16) -> Speech {
    engine().speak(line(text, voice, rate)).await.unwrap()
}

fn samples(speech: &Speech) -> Vec<f64> {
    let mut reader = hound::WavReader::new(Cursor::new(&speech.wav)).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 48_000, 16));
    let samples: Vec<f64> = reader.samples::<i16>().map(|s| f64::from(s.unwrap()) / 32_768.0).collect();
    assert_eq!(speech.wav.len(), 44 + samples.len() * 2, "the header names the true size");
    assert_eq!(speech.duration_ms, (samples.len() as u64).div_ceil(48));
    samples
}

/// Share of the energy that passes a first-order high-pass at a frequency.
fn share_above(samples: &[f64], hertz: f64) -> f64 {
    let energy: f64 = samples.iter().map(|s| s * s).sum();
    let alpha = 1.0 - (-std::f64::consts::TAU * hertz / 48_000.0).exp();
    let mut low = 0.0;
    let rest: f64 = samples
        .iter()
        .map(|s| {
            low += alpha * (s - low);
            (s - low).powi(2)
        })
        .sum();
    rest / energy
}

#[tokio::test]
async fn a_line_is_speech_of_plausible_length_level_and_spectrum() {
    for (voice, text) in [
        ("es", LINE),
        ("es+f2", LINE),
        ("es+m3", LINE),
        ("es-419", LINE),
        ("ca", "Bon dia, això és una prova de la veu sintètica per al doblatge."),
        ("pt-BR+f2", "Bom dia, este é um teste da voz sintética para a dublagem."),
        ("en-us", "Good morning, this is a test of the synthetic voice."),
    ] {
        let samples = samples(&speak(text, voice, 100).await);
        let seconds = samples.len() as f64 / 48_000.0;
        assert!((2.0..6.0).contains(&seconds), "{voice}: {seconds} s");
        let rms = 10.0 * (samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64).log10();
        assert!((-30.0..-12.0).contains(&rms), "{voice}: {rms} dB");
        let peak = samples.iter().fold(0.0_f64, |peak, s| peak.max(s.abs()));
        assert!((0.2..=0.892).contains(&peak), "{voice}: peak {peak}");
        // Vowels and consonants: most energy low, but not all of it.
        let high = share_above(&samples, 2000.0);
        assert!((0.005..0.6).contains(&high), "{voice}: {high} above 2 kHz");
    }
}

#[tokio::test]
async fn silence_at_both_ends_is_gone_and_the_pause_between_sentences_is_not() {
    let samples = samples(&speak("Uno dos tres. Cuatro cinco seis.", "es", 100).await);
    let peak = samples.iter().fold(0.0_f64, |peak, s| peak.max(s.abs()));
    let sound = |s: &f64| s.abs() > peak * 0.01;
    let first = samples.iter().position(sound).unwrap();
    let last = samples.len() - samples.iter().rposition(sound).unwrap();
    assert!(first < 48 * 40 && last < 48 * 40, "{first} before, {last} after");
    let longest_pause = samples.split(sound).map(<[f64]>::len).max().unwrap();
    assert!(longest_pause > 48 * 150, "{longest_pause} samples");
}

#[tokio::test]
async fn the_rate_asked_for_is_the_rate_that_comes_out() {
    for voice in ["es", "ca", "en-us+f2"] {
        let own = samples(&speak(LINE, voice, 100).await).len() as f64;
        for rate in [50, 85, 95, 105, 110, 117, 120, 125, 130, 150] {
            let taken = samples(&speak(LINE, voice, rate).await).len() as f64;
            let got = own / taken * 100.0;
            assert!((got / f64::from(rate) - 1.0).abs() < 0.02, "{voice}: {got:.1} % for {rate} %");
        }
    }
}

#[tokio::test]
async fn the_same_line_gives_the_same_bytes() {
    let engine = engine();
    for voice in engine.voices(Some(&"es".parse().unwrap())).await.unwrap() {
        let first = engine.speak(line(LINE, &voice.name, 115)).await.unwrap();
        let second = engine.speak(line(LINE, &voice.name, 115)).await.unwrap();
        assert_eq!(first.wav, second.wav, "{}", voice.name);
    }
}

#[tokio::test]
async fn text_is_spoken_as_text_whatever_it_begins_with_or_holds() {
    let plain = speak("hola mundo", "es", 100).await.wav;
    for same in ["hola\u{1}\nmundo", "<hola> mundo", "[[hola]] mundo", " ♪ hola mundo ♪", "hola\u{200b} mundo\u{0}"]
    {
        assert_eq!(speak(same, "es", 100).await.wav, plain, "{same:?}");
    }
    for different in ["-h", "--voices", "-menos uno", "<b>hola</b>", "&amp;", "$HOME `ls`", "日本", "привет"] {
        assert!(speak(different, "es", 100).await.duration_ms > 100, "{different:?}");
    }
}

async fn check_rejected(text: &str, voice: &str, expected: &str) {
    match engine().speak(line(text, voice, 100)).await {
        Err(EngineError::Rejected { code, message }) => {
            assert_eq!(code, expected, "for {text:?} by {voice:?}");
            assert!(!message.contains("+q9"), "{message}");
        }
        other => panic!("{expected} expected for {text:?} by {voice:?}, got {:?}", other.map(|s| s.duration_ms)),
    }
}

#[tokio::test]
async fn what_cannot_be_spoken_is_rejected_with_its_reason() {
    for text in ["", "...", "¿?", "♪", "—", " \n "] {
        check_rejected(text, "es", "nothing-to-say").await;
    }
    for voice in ["", "xx", "es+q9", "es+../f2", "-v"] {
        check_rejected("hola", voice, "unknown-voice").await;
    }
    check_rejected(&"hola ".repeat(1000), "es", "line-too-long").await;
}

#[tokio::test]
async fn every_voice_of_the_dubbing_languages_speaks() {
    let engine = engine();
    for language in ["es", "ca", "pt", "pt-BR", "fr", "en", "es-MX"] {
        let voices = engine.voices(Some(&language.parse().unwrap())).await.unwrap();
        for gender in [Gender::Male, Gender::Female] {
            assert!(voices.iter().any(|voice| voice.gender == gender), "{language} has {gender:?}");
        }
        assert!(voices.iter().all(|voice| voice.language.primary() == &language[..2]), "{language}: {voices:?}");
        for voice in voices.iter().take(16) {
            let speech = engine.speak(line("uno, dos", &voice.name, 100)).await.unwrap();
            assert!((300..3000).contains(&speech.duration_ms), "{}: {} ms", voice.name, speech.duration_ms);
        }
    }
    let nothing = engine.voices(Some(&"qaa".parse().unwrap())).await.unwrap();
    assert!(nothing.is_empty());
}

#[tokio::test]
async fn it_says_what_is_installed() {
    let info = engine().describe().await.unwrap();
    assert_eq!((info.name.as_str(), info.licence.as_str(), info.model_digest), ("espeak-ng", "GPL-3.0-or-later", None));
    assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{}", info.version);
    for language in ["es", "ca", "pt-BR", "es-419", "en-US"] {
        assert!(info.languages.contains(&language.parse::<LanguageTag>().unwrap()), "{language}");
    }
}

#[tokio::test]
async fn a_missing_program_is_named_with_its_package() {
    let config = EspeakConfig { program: "espeak-ng-that-is-not-there".into(), ..EspeakConfig::default() };
    let engine = EspeakEngine::new(config, Arc::new(LocalChildren::default()));
    for error in [engine.describe().await.map(drop), engine.speak(line(LINE, "es", 100)).await.map(drop)] {
        assert!(matches!(error, Err(EngineError::Missing { package, .. }) if package == "espeak-ng"));
    }
}

//! Whole mixes of synthetic sounds, read back and measured. Frames are counted at 48 kHz.

mod kit;

use super::*;
use application::stages::mix::Background;
use kit::{Scene, level_db, noise, silence, sine, span, speech};

/// A level in decibels, with its margin.
#[track_caller]
fn check_level(name: &str, samples: &[f32], expected: f64, margin: f64) {
    let level = level_db(samples);
    assert!((level - expected).abs() <= margin, "{name}: {level:.2} dB for {expected}");
}

#[tokio::test]
async fn given_a_line_then_the_bed_is_18_db_down_under_it_and_bit_for_bit_itself_elsewhere() {
    // A line of silence leaves the bed alone to be measured.
    let mut scene = Scene::new(sine(440.0, 0.3, 8000), 1);
    scene.line(silence(1500), 3000);
    let (_, out) = scene.mix().await;
    check_level("under the line", &out[3000 * 48..4500 * 48], level_db(&scene.bed) - 18.0, 0.1);
    assert_eq!(out[..2940 * 48], scene.bed[..2940 * 48]);
    assert_eq!(out[4560 * 48..], scene.bed[4560 * 48..]);
    assert_ne!(out[2945 * 48..2950 * 48], scene.bed[2945 * 48..2950 * 48], "the ramp is 60 ms long");
}

#[tokio::test]
async fn given_original_speech_and_a_kept_phrase_then_the_one_is_ducked_and_the_other_is_not() {
    let mut scene = Scene::new(sine(440.0, 0.3, 8000), 1);
    scene.input.original_speech = vec![span(1000, 2000), span(2500, 4000), span(4100, 6000)];
    scene.input.kept = vec![span(2050, 2400)];
    let (_, out) = scene.mix().await;
    let full = level_db(&scene.bed);
    for (from, to, db) in [(1000, 1990, full - 18.0), (2500, 6000, full - 18.0)] {
        check_level("speech", &out[from * 48..to * 48], db, 0.1);
    }
    assert_eq!(out[2050 * 48..2400 * 48], scene.bed[2050 * 48..2400 * 48]);
    assert_eq!(out[6060 * 48..], scene.bed[6060 * 48..]);
}

#[tokio::test]
async fn given_off_then_only_lines_and_kept_phrases_sound() {
    let mut scene = Scene::new(noise(0.2, 6000), 1);
    scene.input.mode = Background::Off;
    scene.input.kept = vec![span(4000, 5000)];
    scene.line(speech(0.2, 1000), 1000);
    let (_, out) = scene.mix().await;
    for (from, to) in [(0, 1000), (2000, 3985), (5015, 6000)] {
        assert!(out[from * 48..to * 48].iter().all(|s| *s == 0.0), "silent from {from} to {to} ms");
    }
    assert!(level_db(&out[1100 * 48..1900 * 48]) > -40.0);
    let ratio = level_db(&out[4000 * 48..5000 * 48]) - level_db(&scene.bed[4000 * 48..5000 * 48]);
    check_level(
        "untouched but for the gain of all",
        &out[4200 * 48..4400 * 48],
        level_db(&scene.bed[4200 * 48..4400 * 48]) + ratio,
        0.01,
    );
}

#[tokio::test]
async fn given_keep_then_the_bed_is_under_the_line_as_it_was() {
    let mut scene = Scene::new(sine(440.0, 0.3, 8000), 1);
    scene.input.mode = Background::Keep;
    scene.line(silence(1500), 3000);
    let (_, out) = scene.mix().await;
    assert_eq!(out, scene.bed);
}

/// Onset to the sample: a line is found by correlation in the mix, in every channel, whole.
#[tokio::test]
async fn lines_sound_exactly_where_asked_and_nothing_of_them_is_cut() {
    for channels in [1, 2] {
        let mut scene = Scene::new(silence(9000), channels);
        let lines =
            [(speech(0.3, 1200), 0), (speech(0.2, 333), 1201), (speech(0.05, 2000), 4567), (speech(0.1, 2433), 6567)];
        for (line, start_ms) in &lines {
            scene.line(line.clone(), *start_ms);
        }
        scene.input.mode = Background::Duck;
        let (_, out) = scene.mix().await;
        assert_eq!(out.len(), 9000 * 48 * channels);
        for channel in 0..channels {
            let out: Vec<f32> = out.iter().copied().skip(channel).step_by(channels).collect();
            for (line, start_ms) in &lines {
                let start = *start_ms as usize * 48;
                let place = kit::best_match(&out, &line[720..line.len() - 720], start + 720, 40);
                assert_eq!(place, start + 720, "line at {start_ms} ms");
                // Outside the fades each sample is the line's times one gain.
                let middle = line.len() / 2;
                let gain = level_db(&out[start + 720..start + middle]) - level_db(&line[720..middle]);
                check_level(
                    "end",
                    &out[start + middle..start + line.len() - 720],
                    level_db(&line[middle..line.len() - 720]) + gain,
                    0.1,
                );
            }
        }
    }
}

#[tokio::test]
async fn lines_of_any_level_come_out_equally_loud() {
    let mut scene = Scene::new(silence(9000), 1);
    for (number, level) in [0.02, 0.1, 0.5].into_iter().enumerate() {
        scene.line(speech(level, 2000), number as u64 * 3000);
    }
    let (mixed, out) = scene.mix().await;
    let levels: Vec<f64> = [0, 3000, 6000].map(|start| level_db(&out[start * 48..(start + 2000) * 48])).to_vec();
    assert!(levels.iter().all(|level| (level - levels[0]).abs() < 0.2), "{levels:?}");
    assert!(mixed.loudness_reached, "{mixed:?}");
}

#[tokio::test]
async fn lines_and_ramps_make_no_click() {
    // A line that begins and ends at full level, over a bed of a low tone.
    let mut scene = Scene::new(sine(100.0, 0.25, 5000), 1);
    scene.line(sine(300.0, 0.5, 1000).iter().map(|s| s + 0.2).collect(), 2000);
    scene.input.duration_ms = 6000;
    let (_, out) = scene.mix().await;
    let step = out.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    let peak = out.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    // The steepest step of a tone of 300 Hz is 2π · 300 / 48000 of its level.
    assert!(step < 0.045 * peak, "a step of {step} at a peak of {peak}");
}

#[tokio::test]
async fn loudness_reaches_the_target_and_the_report_is_what_ebur128_reads_from_the_file() {
    for (bed_level, target, mode) in [
        (0.01, -23.0, Background::Duck),
        (0.1, -18.0, Background::Duck),
        (0.1, -18.0, Background::Keep),
        (0.1, -27.0, Background::Off),
        (0.3, -16.0, Background::Duck),
    ] {
        let mut scene = Scene::new(noise(bed_level, 20_000), 2);
        scene.input.mode = mode;
        scene.input.loudness = Decibel::from_db(target);
        scene.input.original_speech = vec![span(2000, 8000), span(9000, 18_000)];
        for start_ms in [2000, 6000, 10_000, 14_000] {
            scene.line(speech(0.1, 3500), start_ms);
        }
        let (mixed, out) = scene.mix().await;
        assert!(mixed.loudness_reached, "{mixed:?} for {target} in {mode:?}");
        let (loudness, true_peak) = kit::measure(&out, 2);
        assert!((loudness - target).abs() <= 1.0, "{loudness} for {target}");
        assert!(
            (mixed.loudness.db() - loudness).abs() < 0.011 && (mixed.true_peak.db() - true_peak).abs() < 0.011,
            "{mixed:?}"
        );
        assert!(true_peak <= -1.0, "{true_peak}");
    }
}

#[tokio::test]
async fn the_true_peak_never_passes_the_maximum() {
    for (bed, target, peak_max) in [
        (noise(1.0, 4000), -3.0, -1.0),
        (sine(12_000.0, 1.0, 4000), -5.0, -1.0),
        (sine(997.0, 1.0, 4000), 0.0, -2.0),
        (speech(1.0, 4000), -8.0, -1.0),
        (kit::clipped(4000), -100.0, -1.0),
    ] {
        let mut scene = Scene::new(bed, 1);
        scene.input.mode = Background::Keep;
        scene.input.loudness = Decibel::from_db(target);
        scene.input.true_peak_max = Decibel::from_db(peak_max);
        scene.line(speech(0.9, 1000), 1500);
        let (mixed, out) = scene.mix().await;
        let (loudness, true_peak) = kit::measure(&out, 1);
        assert!(true_peak <= peak_max && mixed.true_peak.db() <= peak_max, "{true_peak} dBTP");
        assert_eq!(mixed.loudness_reached, target == -100.0 || (loudness - target).abs() <= 1.0, "{mixed:?}");
    }
}

#[tokio::test]
async fn given_no_target_then_the_bed_stays_as_it_is() {
    let mut scene = Scene::new(noise(0.3, 5000), 2);
    scene.input.loudness = Decibel::SILENCE;
    scene.line(speech(0.1, 1000), 2000);
    let (mixed, out) = scene.mix().await;
    assert!(mixed.loudness_reached);
    assert_eq!(out[..1940 * 96], scene.bed[..1940 * 96]);
    assert_eq!(out[3060 * 96..], scene.bed[3060 * 96..]);
}

#[tokio::test]
async fn the_length_is_exactly_what_was_asked() {
    for (bed_ms, duration_ms) in [(3000, 3000), (3000, 4321), (3000, 1999), (0, 1), (1, 200), (200, 0)] {
        let mut scene = Scene::new(noise(0.1, bed_ms), 2);
        scene.input.duration_ms = duration_ms;
        let (_, out) = scene.mix().await;
        assert_eq!(out.len() as u64, duration_ms * 96);
        let after = out.get((bed_ms * 96) as usize..).unwrap_or_default();
        assert!(after.iter().all(|s| *s == 0.0), "silence after the bed");
    }
}

#[tokio::test]
async fn the_same_input_gives_the_same_bytes() {
    let mut scene = Scene::new(noise(0.4, 5000), 2);
    scene.input.loudness = Decibel::from_db(-12.0);
    scene.line(speech(0.3, 2000), 1000);
    let first = scene.mix().await;
    assert_eq!(first, scene.mix().await);
}

#[tokio::test]
async fn silence_stays_silence() {
    let mut scene = Scene::new(silence(2000), 1);
    scene.input.loudness = Decibel::from_db(-20.0);
    let (mixed, out) = scene.mix().await;
    assert!(out.iter().all(|s| *s == 0.0));
    assert_eq!((mixed.loudness, mixed.true_peak, mixed.loudness_reached), (Decibel::SILENCE, Decibel::SILENCE, false));
}

async fn check_error(scene: &Scene, expected: &str) {
    match kit::mixer().mix(scene.input.clone()).await {
        Err(EngineError::Rejected { code, .. }) => assert_eq!(code, expected),
        Err(EngineError::Transient { operation, .. }) => assert_eq!(operation, expected),
        other => panic!("{expected} expected, not {other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_mixed_is_refused() {
    let mut short = Scene::new(silence(2000), 1);
    short.line(speech(0.1, 1000), 1001);
    check_error(&short, "mix-too-short").await;
    let mut stereo_line = Scene::new(silence(2000), 1);
    stereo_line.line(speech(0.1, 500), 0);
    let stereo = Scene::new(silence(10), 2);
    stereo_line.input.lines[0].wav = stereo.input.background.clone();
    check_error(&stereo_line, "mix-format").await;
    let mut no_wav = Scene::new(silence(10), 1);
    no_wav.input.background = no_wav.write_raw("raw", b"RIFF of something else");
    check_error(&no_wav, "mix-format").await;
    let mut missing = Scene::new(silence(10), 1);
    missing.input.background.set_extension("gone");
    check_error(&missing, "read the sounds to mix").await;
    let mut nowhere = Scene::new(silence(10), 1);
    nowhere.input.output = nowhere.input.output.join("below-a-file");
    check_error(&nowhere, "write the mix").await;
}

#[tokio::test]
async fn working_time_counts_as_engine_time() {
    let meter = Arc::new(EngineMeter::default());
    let scene = Scene::new(noise(0.1, 3000), 2);
    DuckingMixer::new(MixConfig::default(), Arc::clone(&meter)).mix(scene.input.clone()).await.unwrap();
    assert!(!meter.busy().is_zero());
}

#[tokio::test]
async fn it_describes_itself() {
    let info = kit::mixer().describe().await.unwrap();
    assert_eq!((info.name.as_str(), info.version.as_str()), ("ducking", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn given_the_levels_of_the_mix_before_then_only_the_line_that_changed_sounds_different() {
    let mut scene = Scene::new(noise(0.1, 12_000), 2);
    scene.input.loudness = Decibel::from_db(-20.0);
    for start_ms in [1_000, 5_000, 9_000] {
        scene.line(speech(0.3, 1_500), start_ms);
    }
    let (first, before) = scene.mix().await;
    scene.input.lines.truncate(2);
    scene.line(speech(0.15, 1_400), 9_001);
    scene.input.levels = Some(first.levels);
    let (second, after) = scene.mix().await;
    assert_eq!(second.levels, first.levels);
    assert!(second.loudness_reached);
    let changed: Vec<usize> =
        (0..before.len() / 96).filter(|ms| before[ms * 96..(ms + 1) * 96] != after[ms * 96..(ms + 1) * 96]).collect();
    assert!(changed.len() > 1_000, "the line was made anew");
    assert!((8_900..9_100).contains(&changed[0]), "nothing before it changed: {}", changed[0]);
    assert!(changed[changed.len() - 1] < 10_700, "nothing long after it changed: {}", changed[changed.len() - 1]);
}

#[tokio::test]
async fn given_levels_that_break_the_promise_then_they_are_found_anew() {
    let mut scene = Scene::new(noise(0.1, 8_000), 1);
    scene.input.loudness = Decibel::from_db(-20.0);
    scene.line(speech(0.3, 2_000), 3_000);
    let (found, _) = scene.mix().await;
    let wrong = MixLevels { gain_mdb: found.levels.gain_mdb + 6_000, ..found.levels };
    scene.input.levels = Some(wrong);
    let (mixed, _) = scene.mix().await;
    assert_eq!(mixed.levels, found.levels);
    assert!(mixed.loudness_reached);
}

//! Gains over time, read off a block of ones.

use super::*;

fn span(start_ms: u64, end_ms: u64) -> Span {
    Span::try_new(start_ms, end_ms).unwrap()
}

/// The gain of each frame of the first `length_ms`, applied in blocks of an odd length.
fn gains(mode: Background, speech: &[Span], kept: &[Span], length_ms: u64) -> Vec<f32> {
    let frames = length_ms * PER_MS;
    let envelope = Envelope::new(&MixConfig::default(), mode, speech, kept, frames);
    let mut gains = vec![1.0; frames as usize];
    for (number, block) in gains.chunks_mut(1237).enumerate() {
        envelope.apply(number as u64 * 1237, 1, block);
    }
    gains
}

/// `expected` holds stretches in milliseconds and the gain in decibels throughout.
fn check(mode: Background, speech: &[Span], kept: &[Span], expected: &[(u64, u64, f32)]) {
    let gains = gains(mode, speech, kept, 3000);
    for &(from, to, db) in expected {
        for (frame, gain) in gains.iter().enumerate().take((to * PER_MS) as usize).skip((from * PER_MS) as usize) {
            let wanted = 10_f32.powf(db / 20.0);
            assert!((gain - wanted).abs() < 1e-6, "{gain} for {wanted} at {} ms", frame as f32 / 48.0);
        }
    }
    let steepest = gains.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    // π/2 of the mean slope of the shortest ramp, 15 ms, is the most a raised cosine has.
    assert!(steepest < 1.6 / (15.0 * 48.0), "a step of {steepest}");
}

const FULL: f32 = 0.0;
const DUCKED: f32 = -18.0;
const OFF: f32 = f32::NEG_INFINITY;

#[test]
fn the_bed_is_down_throughout_speech_and_untouched_60_ms_away() {
    check(Background::Duck, &[span(500, 900)], &[], &[(0, 440, FULL), (500, 900, DUCKED), (960, 3000, FULL)]);
}

#[test]
fn ramps_take_exactly_60_ms() {
    let gains = gains(Background::Duck, &[span(500, 900)], &[], 1500);
    let moving: Vec<usize> = (0..gains.len()).filter(|n| gains[*n] < 1.0 && gains[*n] > 0.126).collect();
    // Rounding hides a few frames at the level ends of the cosine.
    assert!((440 * 48..443 * 48).contains(&moving[0]), "{}", moving[0]);
    assert!((957 * 48..960 * 48).contains(moving.last().unwrap()), "{}", moving.last().unwrap());
    let middle = gains[470 * 48];
    assert!((middle - (1.0 + 0.125_89) / 2.0).abs() < 0.01, "{middle} half way down");
}

#[test]
fn short_gaps_stay_down_and_long_ones_come_up() {
    let short = [span(500, 900), span(1149, 1300)];
    check(Background::Duck, &short, &[], &[(500, 1300, DUCKED), (1360, 3000, FULL)]);
    let long = [span(1150, 1300), span(500, 900)];
    check(Background::Duck, &long, &[], &[(500, 900, DUCKED), (960, 1090, FULL), (1150, 1300, DUCKED)]);
}

#[test]
fn overlapping_speech_is_one_stretch() {
    let speech = [span(500, 1500), span(600, 700), span(1400, 1800), span(1800, 1900)];
    check(Background::Duck, &speech, &[], &[(0, 440, FULL), (500, 1900, DUCKED), (1960, 3000, FULL)]);
}

#[test]
fn kept_stretches_are_untouched_and_ramps_stay_outside() {
    let kept = [span(1000, 1200)];
    let expected = [(500, 940, DUCKED), (1000, 1200, FULL), (1260, 2000, DUCKED), (2060, 3000, FULL)];
    check(Background::Duck, &[span(500, 2000)], &kept, &expected);
    check(Background::Duck, &[span(500, 980), span(1210, 2000)], &kept, &expected);
    check(Background::Off, &[], &kept, &[(0, 985, OFF), (1000, 1200, FULL), (1215, 3000, OFF)]);
    // Two kept phrases in a row leave no room for a ramp between them.
    check(Background::Off, &[], &[span(1000, 1200), span(1220, 1400)], &[(0, 985, OFF), (1000, 1400, FULL)]);
}

#[test]
fn edges_of_the_sound_need_no_ramp() {
    check(
        Background::Duck,
        &[span(0, 300), span(2990, 9000)],
        &[],
        &[(0, 300, DUCKED), (360, 2930, FULL), (2990, 3000, DUCKED)],
    );
    check(Background::Off, &[], &[span(0, 100)], &[(0, 100, FULL), (115, 3000, OFF)]);
}

#[test]
fn keep_and_off_are_what_they_say() {
    check(Background::Keep, &[span(500, 900)], &[], &[(0, 3000, FULL)]);
    check(Background::Off, &[span(500, 900)], &[], &[(0, 3000, OFF)]);
}

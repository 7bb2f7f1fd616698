//! Loud signals through the limiter, measured by a finer peak meter than its own.

use super::*;
use std::f64::consts::{PI, TAU};

const CEILING: f32 = 0.89;

/// Runs a mono signal through, in blocks of an odd length, and takes the latency off.
fn limited(signal: &[f32]) -> Vec<f32> {
    let mut limiter = Limiter::new(1, CEILING);
    let mut out = [signal, &vec![0.0; Limiter::LATENCY]].concat();
    out.chunks_mut(1013).for_each(|block| limiter.process(block));
    out.split_off(Limiter::LATENCY)
}

/// The highest point of the continuous curve, looked for 16 times a sample with a sinc of 96 taps.
fn true_peak(signal: &[f32]) -> f64 {
    let at = |n: i64| usize::try_from(n).ok().and_then(|n| signal.get(n)).map_or(0.0, |s| f64::from(*s));
    let mut peak = 0.0_f64;
    for n in 0..signal.len() as i64 {
        for sixteenth in 0..16 {
            let fraction = f64::from(sixteenth) / 16.0;
            let value: f64 = (-47..=48)
                .map(|k| {
                    let x = k as f64 - fraction;
                    let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                    at(n + k) * sinc * (PI * x / 98.0).cos().powi(2)
                })
                .sum();
            peak = peak.max(value.abs());
        }
    }
    peak
}

fn tone(hertz: f64, level: f64, phase: f64, frames: usize) -> Vec<f32> {
    (0..frames).map(|n| (level * (TAU * hertz * n as f64 / 48_000.0 + phase).sin()) as f32).collect()
}

#[test]
fn what_is_below_the_ceiling_passes_bit_for_bit() {
    let quiet = tone(997.0, 0.85, 0.3, 9000);
    assert_eq!(limited(&quiet), quiet);
}

#[test]
fn peaks_never_pass_even_those_between_samples() {
    let noise: Vec<f32> = (0..6000_u32)
        .scan(1_u32, |state, _| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*state >> 8) as f32 / 8_388_608.0 * 1.5 - 1.5)
        })
        .collect();
    let mut pulse = vec![0.0; 3000];
    pulse[1500] = 4.0;
    // At a quarter of the sampling rate and 45°, samples lie 3 dB below the peaks between them.
    let tones = [(997.0, 2.0, 0.0), (12_000.0, 1.25, PI / 4.0), (18_000.0, 1.5, 0.4)];
    for (hertz, level, phase) in tones {
        check_peak(&format!("{hertz} Hz"), &tone(hertz, level, phase, 6000), 1.02);
    }
    // Up to the very edge of the band no filter of 24 taps sees everything.
    check_peak("noise", &noise, 1.15);
    check_peak("pulse", &pulse, 1.01);
}

fn check_peak(name: &str, signal: &[f32], over_max: f64) {
    let over = true_peak(&limited(signal)) / f64::from(CEILING);
    assert!(over <= over_max, "{name}: {over} times the ceiling");
}

#[test]
fn a_steady_tone_comes_out_at_the_ceiling_without_distortion() {
    let out = limited(&tone(1000.0, 1.78, 0.0, 24_000));
    let expected = tone(1000.0, f64::from(CEILING), 0.0, 24_000);
    let worst = (4000..20_000).map(|n| (out[n] - expected[n]).abs()).fold(0.0, f32::max);
    assert!(worst < 0.02, "{worst}");
}

#[test]
fn the_gain_moves_without_steps_and_comes_back() {
    let mut burst = tone(200.0, 0.5, 0.0, 48_000);
    for sample in &mut burst[10_000..10_480] {
        *sample *= 6.0;
    }
    let out = limited(&burst);
    assert_eq!(
        out[..10_000 - LOOK_AHEAD - FORWARD],
        burst[..10_000 - LOOK_AHEAD - FORWARD],
        "untouched before the attack"
    );
    assert_eq!(out[47_999], burst[47_999], "back at 1 in the end");
    let gains: Vec<f32> = (0..48_000).filter(|n| burst[*n].abs() > 0.05).map(|n| out[n] / burst[n]).collect();
    let steepest = gains.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    // Full travel over the look-ahead at most, over the few frames around a zero crossing.
    assert!(steepest < 10.0 / LOOK_AHEAD as f32, "{steepest}");
}

//! Synthetic sounds through each step, measured.

use super::*;
use std::f64::consts::TAU;

fn tone(rate_hz: u32, hertz: f32, level: f32, samples: usize) -> Sound {
    let phase = |n| TAU * f64::from(hertz) * n as f64 / f64::from(rate_hz);
    let samples = (0..samples).map(|n| level * phase(n).sin() as f32).collect();
    Sound { rate_hz, samples }
}

fn header(data_bytes: u32) -> Vec<u8> {
    let mut wav =
        b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data".to_vec();
    wav.extend(data_bytes.to_le_bytes());
    wav
}

#[test]
fn a_header_with_bogus_sizes_is_read() {
    for size in [0x7fff_f000, 0, u32::MAX, 3] {
        let mut wav = header(size);
        wav.extend([0, 0x40, 0, 0xc0, 7]);
        let expected = Sound { rate_hz: 22_050, samples: vec![0.5, -0.5] };
        assert_eq!(Sound::from_wav(&wav).unwrap(), expected, "size {size}");
    }
}

#[test]
fn chunks_before_the_data_are_skipped() {
    let mut wav = header(0);
    wav.splice(12..12, *b"LIST\x03\0\0\0abc\0");
    wav.extend([0, 0x40]);
    assert_eq!(Sound::from_wav(&wav).unwrap().samples, [0.5]);
}

#[test]
fn what_is_no_such_wav_is_refused() {
    let good = header(0);
    let mut stereo = good.clone();
    stereo[22] = 2;
    let mut eight_bit = good.clone();
    eight_bit[34] = 8;
    let mut cases = vec![stereo, eight_bit, b"RIFX".to_vec(), Vec::new()];
    cases.extend((0..good.len() - 1).map(|cut| good[..cut].to_vec()));
    for case in cases {
        assert!(Sound::from_wav(&case).is_err(), "{case:?}");
    }
}

#[test]
fn silence_goes_at_both_ends_and_stays_inside() {
    let burst = tone(22_050, 500.0, 0.5, 2205);
    let silence = vec![0.000_1; 6615];
    let samples = [&silence[..], &burst.samples, &silence, &burst.samples, &silence].concat();
    let trimmed = Sound { rate_hz: 22_050, samples }.trimmed();
    // Burst, inner pause, burst, and a guard of 330 samples on each side, up to a sample or two of the tone's zero.
    let expected = 2205 + 6615 + 2205 + 2 * 330;
    assert!(trimmed.samples.len().abs_diff(expected) <= 3, "{} for {expected}", trimmed.samples.len());
}

#[test]
fn nothing_but_silence_becomes_empty() {
    assert!(Sound { rate_hz: 22_050, samples: vec![0.0; 500] }.trimmed().samples.is_empty());
    assert!(Sound { rate_hz: 22_050, samples: Vec::new() }.trimmed().samples.is_empty());
}

/// Resampling keeps pitch, level and time: compared sample by sample with the same tone made at 48 kHz.
#[test]
fn resampling_is_exact_in_time_level_and_length() {
    for (hertz, frames) in [(220.0, 22_050), (1000.0, 10_007), (6000.0, 4410), (9000.0, 30_001)] {
        let out = tone(22_050, hertz, 0.5, frames).resampled().unwrap();
        assert_eq!(out.rate_hz, 48_000);
        assert_eq!(out.samples.len(), (frames * 48_000).div_ceil(22_050));
        let expected = tone(48_000, hertz, 0.5, out.samples.len());
        let inner = 2000..out.samples.len() - 2000;
        let worst = inner.map(|n| (out.samples[n] - expected.samples[n]).abs()).fold(0.0, f32::max);
        assert!(worst < 0.001, "{hertz} Hz is off by {worst}");
    }
}

#[test]
fn the_shortest_sounds_are_resampled_too() {
    for frames in [0, 1, 2, 50, 1023] {
        let out = tone(22_050, 1000.0, 0.5, frames).resampled().unwrap();
        assert_eq!(out.samples.len(), (frames * 48_000).div_ceil(22_050));
    }
}

#[test]
fn the_wav_has_a_correct_header_and_a_bounded_peak() {
    for (level, expected) in [(0.25, 0.25), (3.0, PEAK_MAX)] {
        let wav = tone(48_000, 1000.0, level, 4800).to_wav().unwrap();
        let reader = hound::WavReader::new(Cursor::new(&wav)).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate, reader.duration()), (1, 48_000, 4800));
        let peak = Sound::from_wav(&wav).unwrap().peak();
        assert!((peak - expected).abs() < 0.001, "{peak} for {expected}");
    }
}

#[test]
fn length_is_rounded_up() {
    for (samples, expected) in [(0, 0), (1, 1), (48, 1), (49, 2), (48_000, 1000)] {
        assert_eq!(Sound { rate_hz: 48_000, samples: vec![0.0; samples] }.duration_ms(), expected);
    }
}

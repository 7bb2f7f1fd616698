//! Energies in, levels out.

use super::*;
use crate::loudness::energy;

/// Ten seconds: the bed at one loudness, lines at −20 LUFS in the middle half.
fn parts(bed: f64, ducked: f64, original_speech: Option<f64>) -> Parts {
    let speaking = |n: usize| (25..75).contains(&n);
    Parts {
        bed: (0..100).map(|n| energy(if speaking(n) { ducked } else { bed })).collect(),
        lines: (0..100).map(|n| if speaking(n) { energy(-20.0) } else { 0.0 }).collect(),
        reference: -20.0,
        original_speech,
    }
}

#[track_caller]
fn check(parts: &Parts, target: f64, mode: Background) -> Balance {
    let balance = Balance::find(parts, Some(target), mode, &MixConfig::default());
    let reached = parts.loudness(balance.lines_db) + balance.gain_db;
    assert!((reached - target).abs() < 0.3, "{reached} for {target} with {balance:?}");
    balance
}

#[test]
fn the_lines_carry_the_loudness_and_the_bed_stays() {
    // A quiet room, speech at −18: lines a little louder than the programme, as they have pauses.
    let balance = check(&parts(-50.0, -68.0, Some(-18.0)), -18.0, Background::Duck);
    assert_eq!(balance.gain_db, 0.0);
    assert!((balance.lines_db - 2.0).abs() < 0.5, "{balance:?}");
}

#[test]
fn what_the_lines_cannot_carry_is_a_gain_of_everything() {
    let music = check(&parts(-14.0, -32.0, Some(-24.0)), -10.0, Background::Duck);
    assert!(music.gain_db > 0.5, "{music:?}");
    let loud_bed = check(&parts(-14.0, -14.0, Some(-14.0)), -14.0, Background::Keep);
    assert!(loud_bed.gain_db < -1.0 && loud_bed.lines_db > 5.9, "{loud_bed:?}");
}

#[test]
fn a_stem_without_speech_is_no_guide() {
    // Its music lies at −45; speech does not follow it down there.
    let balance = check(&parts(-45.0, -63.0, Some(-45.0)), -18.0, Background::Duck);
    assert!(balance.lines_db > -1.0, "{balance:?}");
}

#[test]
fn without_lines_the_whole_is_left_alone_when_it_is_right_already() {
    let mut parts = parts(-20.0, -20.0, None);
    parts.lines.fill(0.0);
    let balance = Balance::find(&parts, Some(-20.1), Background::Duck, &MixConfig::default());
    assert_eq!(balance.gain_db, 0.0);
    let balance = Balance::find(&parts, Some(-23.0), Background::Duck, &MixConfig::default());
    assert!((balance.gain_db + 3.0).abs() < 0.01, "{balance:?}");
}

#[test]
fn without_a_target_speech_is_as_loud_as_it_was() {
    let config = MixConfig::default();
    let balance = |original| Balance::find(&parts(-30.0, -48.0, original), None, Background::Duck, &config);
    assert_eq!(balance(Some(-26.0)), Balance { lines_db: -6.0, gain_db: 0.0 });
    assert_eq!(balance(None), Balance { lines_db: -3.0, gain_db: 0.0 });
}

#[test]
fn silence_gets_no_gain() {
    let silent = Parts { bed: vec![0.0; 50], lines: vec![0.0; 50], reference: -20.0, original_speech: None };
    assert_eq!(Balance::find(&silent, Some(-18.0), Background::Duck, &MixConfig::default()).gain_db, 0.0);
    let nothing = Parts { bed: vec![], lines: vec![], reference: -20.0, original_speech: None };
    assert_eq!(Balance::find(&nothing, Some(-18.0), Background::Off, &MixConfig::default()).gain_db, 0.0);
    assert_eq!(speech_loudness(&[]), None);
    assert!((speech_loudness(&[energy(-21.0)]).unwrap() + 21.0).abs() < 1e-9);
}

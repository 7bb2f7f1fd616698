//! How fast a mix is: ten minutes of stereo with a hundred lines, over a quiet and over a hot bed.
//! `cargo run --release -p engine-mix-ducking --example mix_speed`

use application::{
    ports::meter::EngineMeter,
    stages::mix::{Background, MixInput, MixLine, Mixer},
};
use domain::value::{Decibel, Span};
use engine_mix_ducking::{DuckingMixer, MixConfig};
use std::{
    error::Error,
    f64::consts::TAU,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

const RATE_HZ: u32 = 48_000;
const LENGTH_MS: u64 = 600_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let line = folder.path().join("line.wav");
    write(&line, 1, 4_000, |at| 0.2 * (at * 140.0 * TAU).sin() * (0.6 + 0.4 * (at * 4.0 * TAU).sin()))?;
    for (name, level, target_lufs) in [("quiet bed", 0.1, -20.0), ("hot bed", 0.9, -8.0)] {
        let background = folder.path().join("bed.wav");
        let mut seed = 1_u64;
        write(&background, 2, LENGTH_MS, |_| level * noise(&mut seed))?;
        let starts = || (0..LENGTH_MS).step_by(6_000);
        let input = MixInput {
            background,
            lines: starts().map(|start_ms| MixLine { wav: line.clone(), start_ms }).collect(),
            mode: Background::Duck,
            original_speech: starts().map(|start_ms| Span::lasting(start_ms, 4_500)).collect(),
            kept: vec![],
            loudness: Decibel::from_db(target_lufs),
            true_peak_max: Decibel::from_db(-1.0),
            levels: None,
            basis: domain::value::Sha256::new([0; 32]),
            duration_ms: LENGTH_MS,
            output: folder.path().join("mix.wav"),
        };
        let mixer = DuckingMixer::new(MixConfig::default(), Arc::new(EngineMeter::default()));
        let began = Instant::now();
        let mixed = mixer.mix(input).await?;
        let took = began.elapsed();
        let times = Duration::from_millis(LENGTH_MS).as_secs_f64() / took.as_secs_f64();
        println!("{name}: {:.2} s for 600 s, {times:.0} times real time; {mixed:?}", took.as_secs_f64());
    }
    Ok(())
}

/// White noise between −1 and 1 (a linear congruential generator, Knuth's constants).
fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
}

fn write(path: &Path, channels: u16, length_ms: u64, mut sample: impl FnMut(f64) -> f64) -> Result<(), Box<dyn Error>> {
    let format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels, sample_rate: RATE_HZ, bits_per_sample: 16, sample_format: format };
    let mut wav = hound::WavWriter::create(path, spec)?;
    for frame in 0..u64::from(RATE_HZ) * length_ms / 1_000 {
        let value = sample(frame as f64 / f64::from(RATE_HZ));
        for _ in 0..channels {
            wav.write_sample((value * 32_767.0) as i16)?;
        }
    }
    Ok(wav.finalize()?)
}

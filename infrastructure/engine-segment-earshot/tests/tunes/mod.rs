//! Sound for tests: tunes made of overtones and noise, the same on every run, and recordings of 16 kHz, mono.

use std::{
    f64::consts::TAU,
    path::{Path, PathBuf},
    process::Command,
};

/// Samples per second.
pub const RATE: f64 = 16_000.0;

/// A sequence that looks like chance and is the same every time (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick(&mut self, notes: &[f64]) -> f64 {
        notes[(self.next() * notes.len() as f64) as usize]
    }
}

/// How an instrument sounds.
#[derive(Clone, Copy)]
struct Instrument {
    overtones: u32,
    /// Overtone n is this power of n weaker.
    slope: i32,
    /// Decay per second.
    decay: f64,
    /// Relative swing of the pitch at 5.5 Hz.
    vibrato: f64,
}

const PIANO: Instrument = Instrument { overtones: 8, slope: 2, decay: 3.0, vibrato: 0.0 };
const STRINGS: Instrument = Instrument { overtones: 14, slope: 1, decay: 0.1, vibrato: 0.006 };
const VIOLIN: Instrument = Instrument { overtones: 16, slope: 1, decay: 0.3, vibrato: 0.012 };
const CELLO: Instrument = Instrument { overtones: 24, slope: 1, decay: 0.5, vibrato: 0.01 };
const BASS: Instrument = Instrument { overtones: 10, slope: 1, decay: 4.0, vibrato: 0.0 };

/// Adds a note (MIDI number) at a time, both times in seconds.
fn play(tune: &mut [f64], at: f64, lasts: f64, note: f64, instrument: Instrument, gain: f64) {
    let pitch = 440.0 * ((note - 69.0) / 12.0).exp2();
    let mut phase = 0.0;
    for (index, sample) in tune.iter_mut().skip((at * RATE) as usize).take((lasts * RATE) as usize).enumerate() {
        let t = index as f64 / RATE;
        phase += TAU * pitch * (1.0 + instrument.vibrato * (TAU * 5.5 * t).sin()) / RATE;
        let heard = (1..=instrument.overtones).filter(|n| pitch * f64::from(*n) < 7_500.0);
        let sum: f64 = heard.map(|n| (phase * f64::from(n)).sin() / f64::from(n).powi(instrument.slope)).sum();
        *sample += gain * sum * (-instrument.decay * t).exp() * (t * 100.0).min(1.0);
    }
}

fn strike(tune: &mut [f64], at: f64, lasts: f64, decay: f64, chance: &mut Chance, gain: f64) {
    for (index, sample) in tune.iter_mut().skip((at * RATE) as usize).take((lasts * RATE) as usize).enumerate() {
        *sample += gain * (2.0 * chance.next() - 1.0) * (-decay * index as f64 / RATE).exp();
    }
}

/// The tunes and noises there are.
pub const ALL: [&str; 8] = ["piano", "strings", "violin", "cello", "band", "white noise", "rumble", "sine"];

/// A tune of this length at half of full scale; another `seed` gives other notes.
pub fn tune(name: &str, seed: u64, seconds: f64) -> Vec<i16> {
    let mut tune = vec![0.0; (seconds * RATE) as usize];
    let mut chance = Chance(seed);
    let mut now = 0.0;
    while now < seconds {
        now += bar(name, &mut tune, now, &mut chance);
    }
    let loudest = tune.iter().fold(1e-9, |most: f64, sample| most.max(sample.abs()));
    tune.iter().map(|sample| (sample / loudest * 16_000.0) as i16).collect()
}

/// Plays the next part of a tune and returns how long it takes.
fn bar(name: &str, tune: &mut [f64], now: f64, chance: &mut Chance) -> f64 {
    match name {
        "piano" => {
            for beat in 0..4 {
                let note = chance.pick(&[60.0, 62.0, 64.0, 65.0, 67.0, 69.0, 71.0, 72.0]);
                play(tune, now + f64::from(beat) * 0.5, 1.2, note, PIANO, 1.0);
            }
            let root = chance.pick(&[41.0, 43.0, 45.0, 48.0]);
            [0.0, 4.0, 7.0].iter().for_each(|above| play(tune, now, 2.0, root + above, PIANO, 0.6));
            2.0
        }
        "strings" => {
            let root = chance.pick(&[41.0, 45.0, 48.0]);
            [0.0, 7.0, 12.0, 16.0].iter().for_each(|above| play(tune, now, 3.0, root + above, STRINGS, 1.0));
            3.0
        }
        "violin" | "cello" => {
            let (lowest, instrument) = if name == "violin" { (62.0, VIOLIN) } else { (45.0, CELLO) };
            let lasts = chance.pick(&[0.3, 0.6, 0.9]);
            let note = lowest + chance.pick(&[0.0, 2.0, 4.0, 5.0, 7.0, 9.0, 12.0]);
            play(tune, now, lasts, note, instrument, 1.0);
            lasts
        }
        "band" => {
            strike(tune, now, 0.3, 20.0, chance, 0.8);
            strike(tune, now + 0.25, 0.1, 60.0, chance, 0.5);
            play(tune, now, 0.5, chance.pick(&[36.0, 38.0, 41.0, 43.0]), BASS, 1.0);
            play(tune, now, 0.4, chance.pick(&[60.0, 64.0, 67.0, 72.0]), PIANO, 0.8);
            0.5
        }
        "white noise" => {
            strike(tune, now, 1.0, 0.0, chance, 1.0);
            1.0
        }
        "rumble" => {
            let mut level = 0.0;
            for sample in tune.iter_mut().skip((now * RATE) as usize) {
                level = 0.97 * level + 2.0 * chance.next() - 1.0;
                *sample = level;
            }
            f64::INFINITY
        }
        "sine" => {
            play(tune, now, 30.0, 57.0, Instrument { overtones: 1, slope: 1, decay: 0.0, vibrato: 0.0 }, 1.0);
            30.0
        }
        other => panic!("there is no tune {other}"),
    }
}

/// Writes samples as the ports want them: signed 16 bit, 16 kHz, mono.
pub fn write(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
}

/// What flite says in one of its 16 kHz voices.
pub fn speech(folder: &Path, voice: &str, text: &str) -> Vec<i16> {
    let path = folder.join(format!("{voice}.flite.wav"));
    let spoken = Command::new("flite").args(["-voice", voice, "-t", text, "-o"]).arg(&path).status();
    assert!(spoken.expect("flite is installed").success());
    hound::WavReader::open(&path).unwrap().samples::<i16>().map(Result::unwrap).collect()
}

/// Speech over a tune of this gain, cut to the speech's length.
pub fn over(speech: &[i16], tune: &[i16], gain: f64) -> Vec<i16> {
    let mixed = speech.iter().zip(tune).map(|(voice, music)| f64::from(*voice) + gain * f64::from(*music));
    mixed.map(|sample| sample.clamp(-32_768.0, 32_767.0) as i16).collect()
}

/// A shared recording as the ports want it; `None`, said aloud, when it is not there.
pub fn recording(folder: &Path, file: &str) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media").join(file);
    if !source.exists() {
        println!("SKIPPED: ../shared/media/{file} is not there");
        return None;
    }
    // The narration is in the second sound stream; the first has 8 kHz.
    let decode = match file.rsplit_once('.') {
        Some((_, "mp4")) => "qtdemux name=d d.audio_1 ! queue ! aacparse ! avdec_aac",
        _ => "flacparse ! flacdec",
    };
    let wav = folder.join("recording.wav");
    let (from, to) = (format!("location=\"{}\"", source.display()), format!("location=\"{}\"", wav.display()));
    let mut gst = Command::new("gst-launch-1.0");
    gst.args(["-q", "filesrc", &from, "!"]).args(decode.split(' '));
    gst.args(["!", "audioconvert", "!", "audioresample", "!", "audio/x-raw,rate=16000,channels=1,format=S16LE"]);
    assert!(gst.args(["!", "wavenc", "!", "filesink", &to]).status().expect("GStreamer is installed").success());
    Some(wav)
}

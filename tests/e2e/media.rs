//! Opening results again with other tools than the program's own: GStreamer's command line, and plain
//! arithmetic over samples. Knows nothing of jobs.

use crate::support::gst;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::NamedTempFile;

/// A stream, as `gst-discoverer-1.0` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// `video`, `audio` or `subtitles`.
    pub kind: String,
    /// Its caps: `video/x-h264, …`.
    pub caps: String,
    /// Its language tag.
    pub language: Option<String>,
}

/// The streams of a file in order, and its duration in milliseconds.
pub fn discover(file: &Path) -> (Vec<Stream>, u64) {
    let run = Command::new("gst-discoverer-1.0").arg("-v").arg(file).output().expect("gst-discoverer-1.0 runs");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{text}");
    let mut streams: Vec<Stream> = Vec::new();
    let mut duration_ms = None;
    for line in text.lines().map(str::trim) {
        let head = line.split_once(": ");
        if let Some(("Duration", clock)) = head {
            duration_ms = Some(milliseconds(clock));
        } else if let (Some(("Language", language)), Some(stream)) = (head, streams.last_mut()) {
            let known = (!language.starts_with('<')).then(|| language.to_owned());
            stream.language = known;
        } else if let Some((name, caps)) = head.filter(|(name, _)| name.contains(" #")) {
            let kind = name.split(' ').next().unwrap_or_default().to_owned();
            if kind != "container" {
                streams.push(Stream { kind, caps: caps.to_owned(), language: None });
            }
        }
    }
    (streams, duration_ms.expect("a duration"))
}

/// `0:01:00.043333333` or `00:01:00,043` as milliseconds.
pub fn milliseconds(clock: &str) -> u64 {
    let clock = clock.trim().replace(',', ".");
    let parts: Vec<f64> = clock.split(':').map(|part| part.parse().expect("a number")).collect();
    (parts.iter().fold(0.0, |sum, part| sum * 60.0 + part) * 1_000.0).round() as u64
}

/// Decoded sound: samples of all channels in turn, between −1 and 1.
pub struct Sound {
    /// Frames per second.
    pub rate_hz: u32,
    /// Channels.
    pub channels: usize,
    /// The samples.
    pub samples: Vec<f32>,
}

/// Decodes one sound of an MP4 file (counted from 0).
pub fn decode(file: &Path, stream: u32) -> Sound {
    let wav = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary file");
    gst(&[
        "filesrc",
        &format!("location={}", quoted(file)),
        "!",
        "qtdemux",
        "name=demux",
        &format!("demux.audio_{stream}"),
        "!",
        "queue",
        "!",
        "decodebin",
        "!",
        "audioconvert",
        "dithering=none",
        "!",
        "audio/x-raw,format=F32LE",
        "!",
        "wavenc",
        "!",
        "filesink",
        &format!("location={}", quoted(wav.path())),
    ]);
    let mut reader = hound::WavReader::open(wav.path()).expect("a WAV file");
    let spec = reader.spec();
    let samples = reader.samples::<f32>().map(|sample| sample.expect("a sample")).collect();
    Sound { rate_hz: spec.sample_rate, channels: usize::from(spec.channels), samples }
}

/// The H.264 packets of an MP4's picture (counted from 0), one after the other.
pub fn h264_packets(file: &Path, stream: u32) -> Vec<u8> {
    let packets = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary file");
    gst(&[
        "filesrc",
        &format!("location={}", quoted(file)),
        "!",
        "qtdemux",
        "name=demux",
        &format!("demux.video_{stream}"),
        "!",
        "queue",
        "!",
        "h264parse",
        "!",
        "video/x-h264,stream-format=byte-stream,alignment=au",
        "!",
        "filesink",
        &format!("location={}", quoted(packets.path())),
    ]);
    fs::read(packets.path()).expect("the packets")
}

/// A path as `gst-launch-1.0` takes it, whatever characters it holds.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

impl Sound {
    /// Duration in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        (self.samples.len() / self.channels) as u64 * 1_000 / u64::from(self.rate_hz)
    }

    /// All channels as one, from a moment to another.
    pub fn mono(&self, from_ms: u64, to_ms: u64) -> Vec<f32> {
        let at = |ms: u64| (ms * u64::from(self.rate_hz) / 1_000) as usize * self.channels;
        let end = at(to_ms).min(self.samples.len());
        let part = &self.samples[at(from_ms).min(end)..end];
        part.chunks_exact(self.channels).map(|frame| frame.iter().sum::<f32>() / self.channels as f32).collect()
    }

    /// Level between two moments, in dBFS.
    pub fn level_db(&self, from_ms: u64, to_ms: u64) -> f64 {
        rms_db(&self.mono(from_ms, to_ms))
    }

    /// The first moment from `from_ms` on at which 5 ms are louder than −50 dBFS.
    pub fn onset_ms(&self, from_ms: u64, to_ms: u64) -> Option<u64> {
        (from_ms..to_ms).find(|ms| self.level_db(*ms, ms + 5) > -50.0)
    }

    /// The highest magnitude between samples, in dBTP: four times as many samples by a windowed sinc
    /// (ITU-R BS.1770-4, annex 2, asks for this factor), around every sample that comes near the highest.
    pub fn true_peak_db(&self) -> f64 {
        let highest = self.samples.iter().fold(0.0_f32, |high, sample| high.max(sample.abs()));
        let mut peak = f64::from(highest);
        for channel in 0..self.channels {
            let own: Vec<f64> =
                self.samples.iter().skip(channel).step_by(self.channels).map(|sample| f64::from(*sample)).collect();
            let near = (0..own.len()).filter(|at| own[*at].abs() > f64::from(highest) * 0.7);
            for at in near {
                for quarter in [-0.5, -0.25, 0.25, 0.5] {
                    peak = peak.max(between(&own, at as f64 + quarter).abs());
                }
            }
        }
        20.0 * peak.log10()
    }

    /// Programme loudness in LUFS: ITU-R BS.1770-4 with the coefficients it prints for 48 kHz.
    pub fn loudness_lufs(&self) -> f64 {
        assert_eq!(self.rate_hz, 48_000);
        let step = 4_800 * self.channels;
        let weighted = self.weighted();
        let steps: Vec<f64> = weighted
            .chunks_exact(step)
            .map(|part| part.iter().map(|sample| sample * sample).sum::<f64>() / 4_800.0)
            .collect();
        // Blocks of 400 ms, each 100 ms after the one before.
        let blocks: Vec<f64> = steps.windows(4).map(|four| four.iter().sum::<f64>() / 4.0).collect();
        let loudness = |power: f64| -0.691 + 10.0 * power.log10();
        let mean = |gate: f64| {
            let loud: Vec<f64> = blocks.iter().copied().filter(|power| loudness(*power) > gate).collect();
            loud.iter().sum::<f64>() / loud.len().max(1) as f64
        };
        loudness(mean(loudness(mean(-70.0)) - 10.0))
    }

    /// The samples as the ear weighs them.
    fn weighted(&self) -> Vec<f64> {
        let mut samples: Vec<f64> = self.samples.iter().map(|sample| f64::from(*sample)).collect();
        let shelf = (
            [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85],
            [-1.690_659_293_182_41, 0.732_480_774_215_85],
        );
        let high_pass = ([1.0, -2.0, 1.0], [-1.990_047_454_833_98, 0.990_072_250_366_21]);
        for (b, a) in [shelf, high_pass] {
            for channel in 0..self.channels {
                let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
                for sample in samples.iter_mut().skip(channel).step_by(self.channels) {
                    let out = b[0] * *sample + b[1] * x[0] + b[2] * x[1] - a[0] * y[0] - a[1] * y[1];
                    (x, y) = ([*sample, x[0]], [out, y[0]]);
                    *sample = out;
                }
            }
        }
        samples
    }
}

/// The value between samples.
fn between(samples: &[f64], at: f64) -> f64 {
    let reach = 16_i64;
    let nearest = at.round() as i64;
    let taps = (nearest - reach..=nearest + reach).filter(|n| (0..samples.len() as i64).contains(n));
    taps.map(|n| {
        let x = at - n as f64;
        let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        let window = 0.5 + 0.5 * (std::f64::consts::PI * x / (reach as f64 + 1.0)).cos();
        samples[n as usize] * sinc * window
    })
    .sum()
}

fn rms_db(samples: &[f32]) -> f64 {
    let mean = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64;
    10.0 * mean.max(1e-12).log10()
}

/// How alike two stretches of sound are (1: the same but for loudness), at the best delay within ±40 ms.
pub fn likeness(a: &[f32], b: &[f32], rate_hz: u32) -> f64 {
    let reach = (rate_hz / 25) as usize;
    assert!(a.len() > 2 * reach && b.len() >= a.len(), "stretches of some length");
    let core = &a[reach..a.len() - reach];
    let norm = |part: &[f32]| part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>().sqrt().max(1e-9);
    let alike = |delay: usize| {
        let other = &b[delay..delay + core.len()];
        let product: f64 = core.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        product / norm(core) / norm(other)
    };
    (0..=2 * reach).step_by(4).map(alike).fold(0.0, f64::max)
}

/// The boxes of an MP4 file: name, first byte, length.
pub fn boxes(file: &Path) -> Vec<(String, usize, usize)> {
    let bytes = fs::read(file).expect("the file");
    let (mut found, mut at) = (Vec::new(), 0);
    while at + 8 <= bytes.len() {
        let word = |from: usize| u32::from_be_bytes(bytes[from..from + 4].try_into().expect("4 bytes"));
        let length = match word(at) {
            0 => bytes.len() - at,
            1 => (u64::from(word(at + 8)) << 32 | u64::from(word(at + 12))) as usize,
            length => length as usize,
        };
        found.push((String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned(), at, length));
        at += length.max(8);
    }
    assert_eq!(at, bytes.len(), "boxes fill the file: {found:?}");
    found
}

/// A subtitle: from, to, text.
pub type Cue = (u64, u64, String);

/// Reads an SRT or WebVTT file as written by the program: strictly.
pub fn cues(file: &Path) -> Vec<Cue> {
    let text = fs::read_to_string(file).expect("UTF-8");
    let is_vtt = file.extension().is_some_and(|ending| ending == "vtt");
    let body = if is_vtt { text.strip_prefix("WEBVTT\n\n").expect("the header of WebVTT") } else { &text };
    let blocks = body.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    let read = |block: &str| {
        let mut lines = block.lines().peekable();
        if lines.peek().is_some_and(|line| !line.contains("-->")) {
            let number = lines.next().expect("a number");
            assert!(number.parse::<u32>().is_ok(), "{block}");
        }
        let (from, to) = lines.next().and_then(|line| line.split_once(" --> ")).expect("times");
        assert!(from.contains(if is_vtt { '.' } else { ',' }), "{from}");
        let text = lines.collect::<Vec<_>>().join(" ");
        assert!(!text.is_empty(), "{block}");
        (milliseconds(from), milliseconds(to), text)
    };
    blocks.map(read).collect()
}

/// Files of a folder by name, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// SHA-256 of a file in hexadecimal, as coreutils tell it.
pub fn sha256sum(file: &Path) -> String {
    let run = Command::new("sha256sum").arg("--").arg(file).output().expect("sha256sum runs");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    // A leading backslash says that the name is escaped.
    text.trim_start_matches('\\').split(' ').next().unwrap_or_default().to_owned()
}

/// Every file below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The languages of an MP4's tracks, in order, as its `mdhd` boxes write them (ISO 14496-12, 8.4.2: three letters of
/// five bits).
pub fn track_languages(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).expect("the file");
    let headers = bytes.windows(4).enumerate().filter(|(_, name)| name == b"mdhd").map(|(at, _)| at);
    let language = |at: usize| {
        let place = if bytes[at + 4] == 0 { at + 24 } else { at + 36 };
        let packed = u16::from_be_bytes([bytes[place], bytes[place + 1]]);
        [10, 5, 0].map(|shift| char::from((packed >> shift & 31) as u8 + 0x60)).iter().collect()
    };
    headers.map(language).collect()
}

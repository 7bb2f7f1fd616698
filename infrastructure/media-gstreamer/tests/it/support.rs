//! What the tests share: the real adapter over real children, and media made on the spot.

use application::ports::engine::EngineError;
use child_process::LocalChildren;
use gstreamer as gst;
use gstreamer::prelude::*;
use media_gstreamer::{GstMedia, MediaLimits, NoSeparator, SandboxProgram};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn media() -> Arc<GstMedia> {
    media_within(MediaLimits::default())
}

pub fn media_within(limits: MediaLimits) -> Arc<GstMedia> {
    let sandbox = SandboxProgram { program: env!("CARGO_BIN_EXE_media-sandbox").into(), args: Vec::new() };
    Arc::new(GstMedia::new(Arc::new(LocalChildren::default()), sandbox, limits))
}

pub fn separator() -> NoSeparator {
    NoSeparator::new(media())
}

/// How much later flows what passes an element called `late`.
pub const LATE: gst::ClockTime = gst::ClockTime::from_mseconds(700);

/// Runs a pipeline that makes test media to its end. `{}` stands for the file to write.
pub fn make(file: &Path, pipeline: &str) {
    gst::init().unwrap();
    let text = pipeline.replace("{}", &format!("filesink location=\"{}\"", file.display()));
    let pipeline = gst::parse::launch(&text).unwrap();
    if let Some(late) = pipeline.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("late")) {
        late.static_pad("src").unwrap().set_offset(LATE.nseconds() as i64);
    }
    run(&pipeline);
}

/// Plays a pipeline to its end; the bound is generous, so that a hang fails the test.
pub fn run(pipeline: &gst::Element) {
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(120), &kinds).expect("making media hangs");
    if let gst::MessageView::Error(error) = message.view() {
        panic!("making media: {} {:?}", error.error(), error.debug());
    }
    pipeline.set_state(gst::State::Null).unwrap();
}

/// A recording beside the repository, or `None` with a clear word about it.
pub fn recording(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: the recording {name} is not here");
        return None;
    }
    Some(path)
}

/// The code of a rejection.
pub fn code<T: std::fmt::Debug>(result: Result<T, EngineError>) -> &'static str {
    match result {
        Err(EngineError::Rejected { code, message }) => {
            assert!(message.contains(';'), "says what is wrong and what to do: {message}");
            code
        }
        other => panic!("expected a rejection, got {other:?}"),
    }
}

/// A WAV of ours: rate, channels, samples.
pub struct Wav {
    pub rate_hz: u32,
    pub channels: u16,
    pub samples: Vec<i16>,
}

impl Wav {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((&bytes[..4], &bytes[8..16], &bytes[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        assert_eq!(number(4) as usize, bytes.len() - 8, "the RIFF size is right");
        assert_eq!(number(40) as usize, bytes.len() - 44, "the data size is right");
        let samples = bytes[44..].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        Self { rate_hz: number(24), channels: u16::from_le_bytes([bytes[22], bytes[23]]), samples }
    }

    pub fn write(&self, path: &Path) {
        let data: Vec<u8> = self.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let frame = self.channels * 2;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((data.len() as u32 + 36).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
        bytes.extend(self.channels.to_le_bytes());
        bytes.extend(self.rate_hz.to_le_bytes());
        bytes.extend((self.rate_hz * u32::from(frame)).to_le_bytes());
        bytes.extend(frame.to_le_bytes());
        bytes.extend(b"\x10\0data");
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        std::fs::write(path, bytes).unwrap();
    }

    /// The first channel.
    pub fn first_channel(&self) -> Vec<f64> {
        self.samples.iter().step_by(usize::from(self.channels)).map(|sample| f64::from(*sample)).collect()
    }

    /// When the sound first exceeds a quarter of its peak, in milliseconds.
    pub fn onset_ms(&self) -> f64 {
        let sound = self.first_channel();
        let peak = sound.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
        let at = sound.iter().position(|sample| sample.abs() > peak / 4.0).unwrap();
        at as f64 * 1000.0 / f64::from(self.rate_hz)
    }

    pub fn duration_ms(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.channels) * 1000.0 / f64::from(self.rate_hz)
    }
}

/// Mono 48 kHz: silence, then from `onset_ms` on a swept tone, whose place is told by correlation.
pub fn sweep(onset_ms: usize, length_ms: usize, level: f64) -> Wav {
    let (onset, length) = (onset_ms * 48, length_ms * 48);
    let tone = |frame: usize| {
        let t = frame as f64 / 48_000.0;
        (std::f64::consts::TAU * (300.0 * t + 400.0 * t * t)).sin() * level * 32_767.0
    };
    let samples = (0..length).map(|at| if at < onset { 0 } else { tone(at - onset) as i16 }).collect();
    Wav { rate_hz: 48_000, channels: 1, samples }
}

/// By how many frames `late` lags behind `sound`, from −`most` to `most`, by correlation over a stretch.
pub fn lag(sound: &[f64], late: &[f64], from: usize, most: i64) -> i64 {
    let score = |lag: i64| -> f64 {
        (from..from + 8000).map(|at| sound[at] * late.get((at as i64 + lag) as usize).copied().unwrap_or(0.0)).sum()
    };
    (-most..=most).max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap()
}

//! One sound as AAC, and the true peak of what a player will decode from it.

use super::assemble::Sound;
use super::packets::PacketWriter;
use crate::config::MediaLimits;
use crate::decode::{Meter, RATE_HZ, pcm_sink, pump};
use crate::fault::Fault;
use crate::graph::{Deadline, Graph, chain, make, pad};
use domain::value::{Decibel, LanguageTag};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bits per second for one channel and for two.
const BITRATES: [&str; 2] = ["128000", "192000"];

/// A sound, encoded.
pub(super) struct Encoded {
    /// Where its packets are.
    pub sound: Sound,
    /// Of the packets, decoded again.
    pub true_peak: Decibel,
}

/// What the graph's own thread writes while this one listens.
struct Written {
    packets: PacketWriter,
    caps: Option<gst::Caps>,
    fault: Option<Fault>,
}

/// Encodes `wav`, lowered by `attenuation_db`, into `packets`.
pub(super) fn encode(
    wav: &Path,
    attenuation_db: f64,
    packets: &Path,
    language: &LanguageTag,
    limits: &MediaLimits,
) -> Result<Encoded, Fault> {
    let bytes = std::fs::metadata(wav).map_err(|error| Fault::from_io(&error))?.len();
    let deadline = Deadline::after(limits.work_wall + Duration::from_secs(bytes / 96_000));
    let mut graph = Graph::new(deadline)?;
    let channels = channels_of(wav)?;
    let written = Written { packets: PacketWriter::create(packets)?, caps: None, fault: None };
    let written = Arc::new(Mutex::new(written));
    let (pcm, frames) = build(&graph, wav, attenuation_db, channels, &written)?;
    graph.set_state(gst::State::Playing)?;
    let mut meter = Meter::new(channels)?;
    pump(&mut graph, &pcm, &mut |sample| {
        let Some(buffer) = sample.buffer() else { return Ok(()) };
        let bytes = buffer.map_readable().map_err(|_| Fault::broken("read decoded sound"))?;
        meter.hear(&bytes.as_chunks().0.iter().map(|four| f32::from_ne_bytes(*four)).collect::<Vec<_>>())
    })?;
    graph.wait_for_end()?;
    let mut written = lock(&written);
    if let Some(fault) = written.fault.take() {
        return Err(fault);
    }
    written.packets.finish()?;
    let caps = written.caps.take().ok_or_else(|| Fault::broken("encode the sound"))?;
    let sound = Sound {
        packets: packets.to_owned(),
        count: written.packets.count,
        frames: frames.load(Ordering::Relaxed),
        caps,
        language: language.clone(),
    };
    Ok(Encoded { sound, true_peak: meter.read().true_peak })
}

/// `wavparse ! volume ! concat ! avenc_aac ! tee`, one branch to the packets, one to a decoder. Returns
/// the decoder's end and the count of frames of the sound itself.
fn build(
    graph: &Graph,
    wav: &Path,
    attenuation_db: f64,
    channels: u16,
    written: &Arc<Mutex<Written>>,
) -> Result<(AppSink, Arc<AtomicU64>), Fault> {
    let source = graph.add("filesrc")?;
    source.set_property("location", wav.to_str().ok_or(Fault::Unreadable)?);
    let (parse, convert, volume) = (graph.add("wavparse")?, graph.add("audioconvert")?, graph.add("volume")?);
    let format = graph.add("capsfilter")?;
    format.set_property("caps", pcm(channels));
    volume.set_property("volume", 10_f64.powf(-attenuation_db / 20.0));
    let (planar, encoder, tee) = (graph.add("audioconvert")?, graph.add("avenc_aac")?, graph.add("tee")?);
    let [mono, stereo] = BITRATES;
    encoder.set_property_from_str("bitrate", if channels == 1 { mono } else { stereo });
    let joint = graph.add("concat")?;
    chain(&[&source, &parse, &convert, &format, &volume, &joint])?;
    chain(&[&tail(graph, channels)?, &joint, &planar, &encoder, &tee])?;
    let frames = count_frames(&pad(&volume, "src")?, channels);

    let (queue, packets) = (graph.add("queue")?, packet_sink(written)?);
    graph.adopt(&packets)?;
    chain(&[&tee, &queue, packets.upcast_ref()])?;
    let (queue, decoder) = (graph.add("queue")?, graph.add("avdec_aac")?);
    let (head, pcm) = pcm_sink(graph, channels)?;
    chain(&[&tee, &queue, &decoder, &head])?;
    Ok((pcm, frames))
}

fn pcm(channels: u16) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", if cfg!(target_endian = "big") { "F32BE" } else { "F32LE" })
        .field("layout", "interleaved")
        .field("rate", RATE_HZ.cast_signed())
        .field("channels", i32::from(channels))
        .build()
}

/// Silence behind the sound: at its end the encoder keeps back up to one packet, which must not be the
/// sound's last. Packets of nothing but this silence are not muxed.
fn tail(graph: &Graph, channels: u16) -> Result<gst::Element, Fault> {
    let silence = graph.add("audiotestsrc")?;
    silence.set_property_from_str("wave", "silence");
    silence.set_property("samplesperbuffer", 1024);
    silence.set_property("num-buffers", 3);
    let format = graph.add("capsfilter")?;
    format.set_property("caps", pcm(channels));
    chain(&[&silence, &format])?;
    Ok(format)
}

fn count_frames(pad: &gst::Pad, channels: u16) -> Arc<AtomicU64> {
    let frames = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&frames);
    let frame_bytes = u64::from(channels) * 4;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let bytes = info.buffer().map_or(0, |buffer| buffer.size()) as u64;
        counter.fetch_add(bytes / frame_bytes, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
    frames
}

/// A sink that writes each packet in the graph's own thread.
fn packet_sink(written: &Arc<Mutex<Written>>) -> Result<AppSink, Fault> {
    let sink = make("appsink")?.downcast::<AppSink>().map_err(|_| Fault::broken("make an appsink"))?;
    sink.set_sync(false);
    sink.set_async(false);
    sink.set_max_buffers(8);
    let written = Arc::clone(written);
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let (caps, bytes) = (sample.caps_owned(), sample.buffer().and_then(|buffer| buffer.map_readable().ok()));
        let mut written = lock(&written);
        written.caps = caps;
        match bytes.map_or(Ok(()), |bytes| written.packets.write(&bytes)) {
            Ok(()) => Ok(gst::FlowSuccess::Ok),
            Err(fault) => {
                written.fault = Some(fault);
                // Ends the stream; the fault is told when it has ended.
                Err(gst::FlowError::Eos)
            }
        }
    });
    sink.set_callbacks(callbacks.build());
    Ok(sink)
}

fn lock(written: &Mutex<Written>) -> MutexGuard<'_, Written> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Channels of a WAV of ours, from its header; anything but 1 counts as 2.
fn channels_of(wav: &Path) -> Result<u16, Fault> {
    use std::io::Read;
    let mut head = [0; 24];
    std::fs::File::open(wav).and_then(|mut file| file.read_exact(&mut head)).map_err(|_| Fault::Truncated)?;
    let is_wave = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE");
    match head.get(22..24) {
        Some([1, 0]) if is_wave => Ok(1),
        _ if is_wave => Ok(2),
        _ => Err(Fault::NotMedia),
    }
}

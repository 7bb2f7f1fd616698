//! Puts decoded frames where their time stamps say: silence fills gaps, overlaps are cut, what lies
//! before media time 0 is dropped. So sound stays in step with the picture.

use super::RATE_HZ;
use crate::fault::Fault;
use gstreamer as gst;

/// Time stamps that differ from the running count by less are jitter (containers round to
/// milliseconds or ticks), not gaps: 20 ms.
const JITTER_FRAMES: u64 = RATE_HZ as u64 / 50;

/// Frames of silence handed on at once.
const SILENCE_FRAMES: usize = 4800;

/// The sound would be longer than allowed: a time stamp far away, or endless input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Where the next frame goes.
#[derive(Debug)]
pub(super) struct Placer {
    channels: usize,
    written: u64,
    frames_max: u64,
}

/// What becomes of one piece of sound.
#[derive(Debug, PartialEq, Eq)]
struct Placement {
    silence: u64,
    skip: u64,
}

impl Placer {
    /// At media time 0.
    pub fn new(channels: u16, frames_max: u64) -> Self {
        Self { channels: usize::from(channels.max(1)), written: 0, frames_max }
    }

    /// Hands the frames of a sample on, with what silence must come before them.
    pub fn place(
        &mut self,
        sample: &gst::Sample,
        consume: &mut dyn FnMut(&[f32]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Some(buffer) = sample.buffer() else { return Ok(()) };
        let bytes = buffer.map_readable().map_err(|_| Fault::broken("read decoded sound"))?;
        let frames: Vec<f32> = bytes.as_chunks().0.iter().map(|four| f32::from_ne_bytes(*four)).collect();
        let at = sample.segment().and_then(|segment| start_frame(segment, buffer.pts()));
        let count = (frames.len() / self.channels) as u64;
        let placement = self.decide(at, count)?;
        let silence = vec![0.0; SILENCE_FRAMES * self.channels];
        let mut missing = placement.silence as usize * self.channels;
        while missing > 0 {
            let piece = silence.get(..missing.min(silence.len())).unwrap_or(&silence);
            consume(piece)?;
            missing -= piece.len();
        }
        match frames.get(placement.skip as usize * self.channels..) {
            Some(rest) if !rest.is_empty() => consume(rest),
            _ => Ok(()),
        }
    }

    /// Pure: from where a piece of `count` frames starts to what is filled and what is cut.
    fn decide(&mut self, at: Option<i64>, count: u64) -> Result<Placement, TooLong> {
        let due = i64::try_from(self.written).unwrap_or(i64::MAX);
        let off = at.map_or(0, |at| at.saturating_sub(due));
        let placement = if self.written > 0 && off.unsigned_abs() < JITTER_FRAMES {
            Placement { silence: 0, skip: 0 }
        } else {
            Placement { silence: off.max(0).unsigned_abs(), skip: off.min(0).unsigned_abs().min(count) }
        };
        let written = self.written.saturating_add(placement.silence).saturating_add(count - placement.skip);
        if written > self.frames_max {
            return Err(TooLong);
        }
        self.written = written;
        Ok(placement)
    }
}

/// The frame of media time on which a piece starts; negative before media time 0.
fn start_frame(segment: &gst::Segment, pts: Option<gst::ClockTime>) -> Option<i64> {
    let segment = segment.downcast_ref::<gst::ClockTime>()?;
    let (sign, time) = match segment.to_running_time_full(pts?)? {
        gst::Signed::Positive(time) => (1, time),
        gst::Signed::Negative(time) => (-1, time),
    };
    let frame = (u128::from(time.nseconds()) * u128::from(RATE_HZ) + 500_000_000) / 1_000_000_000;
    i64::try_from(frame).ok().map(|frame| sign * frame)
}

#[cfg(test)]
mod tests {
    use super::{Placement, Placer, TooLong};

    fn check(pieces: &[(Option<i64>, u64)], expected: &[(u64, u64)]) {
        let mut placer = Placer::new(1, 1_000_000);
        let placed: Vec<_> = pieces.iter().map(|(at, count)| placer.decide(*at, *count)).collect();
        let expected: Vec<_> =
            expected.iter().map(|(silence, skip)| Ok(Placement { silence: *silence, skip: *skip })).collect();
        assert_eq!(placed, expected, "{pieces:?}");
    }

    #[test]
    fn time_stamps_decide_where_sound_goes() {
        check(&[(Some(0), 1024), (Some(1024), 1024)], &[(0, 0), (0, 0)]);
        // A late start is padded, exactly.
        check(&[(Some(300), 1024)], &[(300, 0)]);
        // What lies before media time 0 is cut, wholly or in part.
        check(&[(Some(-1024), 1024), (Some(0), 1024)], &[(0, 1024), (0, 0)]);
        check(&[(Some(-1000), 1024), (Some(24), 1024)], &[(0, 1000), (0, 0)]);
        // A hole is filled, an overlap is cut.
        check(&[(Some(0), 1024), (Some(48_000), 1024)], &[(0, 0), (46_976, 0)]);
        check(&[(Some(0), 4096), (Some(1024), 4096)], &[(0, 0), (0, 3072)]);
        // Jitter and missing time stamps do not tear the sound.
        check(&[(Some(0), 1024), (Some(1034), 1024), (Some(2040), 1024)], &[(0, 0), (0, 0), (0, 0)]);
        check(&[(None, 1024), (None, 1024)], &[(0, 0), (0, 0)]);
    }

    #[test]
    fn jitter_never_accumulates() {
        let mut placer = Placer::new(1, 1_000_000);
        let mut written = 0_i64;
        for piece in 0..200_i64 {
            // Each piece is 4 frames shorter than its time stamps say.
            let placed = placer.decide(Some(piece * 1024), 1020).unwrap();
            written += i64::try_from(placed.silence).unwrap() + 1020;
            assert!((written - (piece + 1) * 1024).abs() < 1000, "piece {piece} is off");
        }
    }

    #[test]
    fn a_far_time_stamp_is_refused_instead_of_filled() {
        let mut placer = Placer::new(2, 48_000);
        assert_eq!(placer.decide(Some(i64::MAX), 1024), Err(TooLong));
    }
}

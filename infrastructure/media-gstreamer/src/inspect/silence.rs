//! Finds dead air: at least 2 s in which no sample reaches −60 dBFS.

use crate::decode::RATE_HZ;
use domain::value::Span;

/// −60 dBFS as a share of full scale.
const THRESHOLD: f32 = 0.001;

/// Shortest silence worth telling, in frames: 2 s.
const FRAMES_MIN: u64 = RATE_HZ as u64 * 2;

/// Listens for silences.
pub(super) struct SilenceFinder {
    channels: usize,
    frame: u64,
    since: u64,
    found: Vec<Span>,
}

impl SilenceFinder {
    /// At the start of the sound.
    pub fn new(channels: u16) -> Self {
        Self { channels: usize::from(channels.max(1)), frame: 0, since: 0, found: Vec::new() }
    }

    /// Hears interleaved frames.
    pub fn hear(&mut self, frames: &[f32]) {
        for frame in frames.chunks_exact(self.channels) {
            if frame.iter().any(|sample| sample.abs() >= THRESHOLD) {
                self.note();
                self.since = self.frame + 1;
            }
            self.frame += 1;
        }
    }

    /// The silences, in order, the one at the end included.
    pub fn finish(mut self) -> Vec<Span> {
        self.note();
        self.found
    }

    fn note(&mut self) {
        if self.frame - self.since >= FRAMES_MIN {
            let ms = |frame: u64| frame * 1000 / u64::from(RATE_HZ);
            self.found.extend(Span::try_new(ms(self.since), ms(self.frame)).ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SilenceFinder;
    use domain::value::Span;

    /// `(level, milliseconds)` pieces in, `(start, end)` of silences out.
    fn check(pieces: &[(f32, usize)], expected: &[(u64, u64)]) {
        let mut finder = SilenceFinder::new(2);
        for (level, ms) in pieces {
            // One channel carries the sound: one is enough.
            finder.hear(&[*level, 0.0].repeat(ms * 48));
        }
        let expected: Vec<_> = expected.iter().map(|(start, end)| Span::try_new(*start, *end).unwrap()).collect();
        assert_eq!(finder.finish(), expected, "{pieces:?}");
    }

    #[test]
    fn silences_of_two_seconds_are_dead_air() {
        check(&[(0.5, 1000), (0.0, 3000), (-0.5, 1000)], &[(1000, 4000)]);
        check(&[(0.0, 2000), (0.5, 1000), (0.0, 2500)], &[(0, 2000), (3000, 5500)]);
        check(&[(0.5, 1000), (0.0, 1999), (0.5, 10)], &[]);
        check(&[(0.0009, 5000)], &[(0, 5000)]);
        check(&[(0.0011, 5000)], &[]);
        check(&[], &[]);
    }
}

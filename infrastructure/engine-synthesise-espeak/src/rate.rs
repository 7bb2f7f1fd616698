//! Words per minute for a wanted rate. espeak-ng's speed moves in uneven steps and even backwards
//! (en-us+f2: `-s 226` gives 1.27, `-s 227` 1.33, `-s 235` 1.32), and fast speech comes out slower than
//! asked: so what came out is measured, and asked for again until it fits. Runs nothing itself.

use domain::value::Percent;

/// espeak-ng's own speed in words per minute (`espeak-ng --help`, `-s`).
pub(crate) const OWN_WPM: u32 = 175;
/// Slowest and fastest `-s` that espeak-ng takes without time-stretching (`espeakRATE_MINIMUM`, `espeakRATE_MAXIMUM`).
const WPM: std::ops::RangeInclusive<f64> = 80.0..=450.0;
/// Rates the port promises.
const RATE: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// A take this close to the wanted rate is good.
const ERROR_MAX: f64 = 0.015;
/// Takes at most, beside the one at the voice's own speed. One or two are the rule.
const TAKES_MAX: usize = 10;

/// A search for the speed that gives a wanted rate.
#[derive(Debug)]
pub(crate) struct Search {
    factor: f64,
    /// Length of the line at the voice's own speed.
    own: usize,
    /// What was asked for, and how far it was off.
    tried: Vec<(u32, f64)>,
}

impl Search {
    /// Looks for `rate` (50 to 200 %; others become the nearest of these) of a line that lasts `own` by itself.
    pub(crate) fn new(rate: Percent, own: usize) -> Self {
        let mut search = Self { factor: rate.factor().clamp(*RATE.start(), *RATE.end()), own, tried: Vec::new() };
        search.record(OWN_WPM, own);
        search
    }

    /// Notes that asking for `wpm` gave a line that lasts `take`; true when none before came nearer.
    pub(crate) fn record(&mut self, wpm: u32, take: usize) -> bool {
        // As a share of the wanted length; positive when it came out too slow.
        let error = if self.own == 0 { 0.0 } else { take as f64 * self.factor / self.own as f64 - 1.0 };
        let best = self.best().is_none_or(|(_, best)| error.abs() < best.abs());
        self.tried.push((wpm, error));
        best
    }

    /// What to ask for next; `None` when the best take is good or no better one is to be had.
    pub(crate) fn next(&self) -> Option<u32> {
        let (wpm, error) = self.best()?;
        if error.abs() <= ERROR_MAX || self.tried.len() > TAKES_MAX {
            return None;
        }
        // In proportion first; where that was tried already, the nearest speeds around it.
        let aim = f64::from(wpm) * (1.0 + error);
        let around = (0..=TAKES_MAX as u32).flat_map(|step| [f64::from(step), -f64::from(step)]);
        around.map(|offset| in_range(aim + offset)).find(|wpm| self.tried.iter().all(|(tried, _)| tried != wpm))
    }

    fn best(&self) -> Option<(u32, f64)> {
        self.tried.iter().copied().min_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))
    }
}

fn in_range(wpm: f64) -> u32 {
    wpm.clamp(*WPM.start(), *WPM.end()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the search against a speaker; returns what was asked for, and the rate of the best take.
    fn run(rate: u16, speaker: impl Fn(u32) -> f64) -> (Vec<u32>, f64) {
        let own = 100_000;
        let mut search = Search::new(Percent::new(rate), own);
        let (mut asked, mut best) = (Vec::new(), 1.0);
        while let Some(wpm) = search.next() {
            asked.push(wpm);
            let got = speaker(wpm);
            if search.record(wpm, (own as f64 / got) as usize) {
                best = got;
            }
        }
        (asked, best)
    }

    #[test]
    fn given_a_proportional_speaker_then_the_first_take_is_good() {
        assert_eq!(run(120, |wpm| f64::from(wpm) / 175.0).0, [210]);
        assert_eq!(run(85, |wpm| f64::from(wpm) / 175.0).0, [149]);
        assert_eq!(run(100, |_| 7.0).0, [0; 0], "its own speed needs no other take");
    }

    #[test]
    fn given_a_speaker_that_lags_then_more_is_asked_for() {
        let (asked, got) = run(120, |wpm| 1.0 + (f64::from(wpm) / 175.0 - 1.0) * 0.85);
        assert_eq!(asked, [210, 215]);
        assert!((got - 1.2).abs() < 0.018, "{got}");
    }

    #[test]
    fn given_a_speaker_with_steps_then_the_nearest_step_is_found() {
        // The steps of en-us+f2 around 1.3.
        let (asked, got) = run(130, |wpm| match wpm {
            222 => 1.286,
            ..=226 => 1.26,
            _ => 1.33,
        });
        assert!(asked.len() <= TAKES_MAX && (got - 1.3).abs() < 0.02, "{got} after {asked:?}");
    }

    #[test]
    fn limits_hold() {
        for (rate, nearest) in [(10, 0.5), (900, 2.0)] {
            let (_, got) = run(rate, |wpm| f64::from(wpm) / 175.0);
            assert!((got - nearest).abs() < 0.01, "{got}");
        }
        let (asked, _) = run(200, |_| 1.1);
        assert!(asked.len() <= TAKES_MAX && asked.iter().all(|wpm| (80..=450).contains(wpm)), "{asked:?}");
        assert_eq!(Search::new(Percent::new(120), 0).next(), None);
    }
}

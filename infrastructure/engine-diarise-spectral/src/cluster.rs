//! Groups voices into speakers, carefully: one speaker unless the evidence is clear. Pure; hears nothing.

use crate::cepstrum::{COEFFICIENTS, Cepstrum};

/// Differences that one speaker easily shows between two utterances; `docs.md` has the figures. A distance of 1 is
/// one such difference.
const CEPSTRUM_UNIT: f32 = 2.5;
const SEMITONES_UNIT: f32 = 2.0;
/// Groups closer than this are the same speaker.
const APART_MIN: f32 = 2.5;
/// Two groups are two speakers when they are this many times as far apart as both are wide together.
const APART_PER_WIDTH_MIN: f32 = 2.3;
/// No group counts as narrower: with few utterances the width is luck.
const WIDTH_MIN: f32 = 0.4;
/// A speaker is heard at least this often before they count as one.
const UTTERANCES_MIN: usize = 2;
/// More utterances are not compared with each other; the rest goes to the nearest group.
const COMPARED_MAX: usize = 400;

/// A voice as a point: colour and pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Mean cepstrum.
    pub colour: Cepstrum,
    /// Pitch in semitones above 1 Hz.
    pub semitones: f32,
    /// Whether there was enough voiced speech to found a group on.
    pub reliable: bool,
}

impl Point {
    fn distance(&self, other: &Point) -> f32 {
        let colour: f32 = self.colour.iter().zip(other.colour).map(|(one, two)| (one - two).powi(2)).sum();
        let pitch = (self.semitones - other.semitones) / SEMITONES_UNIT;
        (colour / CEPSTRUM_UNIT.powi(2) + pitch.powi(2)).sqrt()
    }
}

/// For each point (`None`: nothing voiced) the index of its speaker; speakers are numbered in the order in which they
/// first appear. A point of which nothing is known belongs to whoever spoke before.
pub(crate) fn speakers(points: &[Option<Point>]) -> Vec<usize> {
    let centres: Vec<Point> = groups(points).iter().map(Group::centre).collect();
    let mut numbers: Vec<usize> = Vec::new();
    let mut last = None;
    let mut of = Vec::with_capacity(points.len());
    for point in points {
        let centre = point.as_ref().and_then(|point| nearest(point, &centres)).or(last).unwrap_or(0);
        last = Some(centre);
        let number = numbers.iter().position(|known| *known == centre).unwrap_or_else(|| {
            numbers.push(centre);
            numbers.len() - 1
        });
        of.push(number);
    }
    of
}

fn nearest(point: &Point, centres: &[Point]) -> Option<usize> {
    let distances = centres.iter().map(|centre| point.distance(centre)).enumerate();
    distances.min_by(|one, two| one.1.total_cmp(&two.1)).map(|(index, _)| index)
}

/// Voices taken for one speaker.
struct Group {
    members: Vec<Point>,
}

impl Group {
    fn centre(&self) -> Point {
        let count = self.members.len().max(1) as f32;
        let mut colour = [0.0; COEFFICIENTS];
        for member in &self.members {
            colour.iter_mut().zip(member.colour).for_each(|(sum, value)| *sum += value / count);
        }
        let semitones = self.members.iter().map(|member| member.semitones).sum::<f32>() / count;
        Point { colour, semitones, reliable: true }
    }

    /// Root of the mean squared distance to the centre.
    fn width(&self) -> f32 {
        let centre = self.centre();
        let squares = self.members.iter().map(|member| member.distance(&centre).powi(2)).sum::<f32>();
        (squares / self.members.len().max(1) as f32).sqrt().max(WIDTH_MIN)
    }
}

/// Starts with a group per reliable point and joins until what is left is clearly apart.
fn groups(points: &[Option<Point>]) -> Vec<Group> {
    let reliable: Vec<Point> = points.iter().flatten().copied().filter(|point| point.reliable).collect();
    let stride = reliable.len().div_ceil(COMPARED_MAX).max(1);
    let mut groups: Vec<Group> =
        reliable.into_iter().step_by(stride).map(|point| Group { members: vec![point] }).collect();
    join_while(&mut groups, |_, _, distance| (distance < APART_MIN).then_some(distance));
    join_while(&mut groups, |one, two, distance| {
        (one.members.len().min(two.members.len()) < UTTERANCES_MIN).then_some(distance)
    });
    join_while(&mut groups, |one, two, distance| {
        let apart = distance / (one.width() + two.width());
        (apart < APART_PER_WIDTH_MIN).then_some(apart)
    });
    groups
}

/// Joins the two groups for which `reason` gives the smallest number, as long as there are two that have a reason.
fn join_while(groups: &mut Vec<Group>, reason: impl Fn(&Group, &Group, f32) -> Option<f32>) {
    loop {
        let centres: Vec<Point> = groups.iter().map(Group::centre).collect();
        let known: Vec<(&Group, &Point)> = groups.iter().zip(&centres).collect();
        let mut best: Option<(f32, usize, usize)> = None;
        for (later, (two, centre_two)) in known.iter().enumerate() {
            for (earlier, (one, centre_one)) in known.iter().enumerate().take(later) {
                let Some(value) = reason(one, two, centre_one.distance(centre_two)) else { continue };
                if best.is_none_or(|(least, _, _)| value < least) {
                    best = Some((value, earlier, later));
                }
            }
        }
        let Some((_, earlier, later)) = best else { return };
        let joined = groups.remove(later);
        if let Some(group) = groups.get_mut(earlier) {
            group.members.extend(joined.members);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point with this first coefficient and pitch.
    fn at(colour: f32, semitones: f32) -> Option<Point> {
        let mut point = Point { colour: [0.0; COEFFICIENTS], semitones, reliable: true };
        point.colour[0] = colour;
        Some(point)
    }

    fn short(colour: f32, semitones: f32) -> Option<Point> {
        at(colour, semitones).map(|point| Point { reliable: false, ..point })
    }

    #[test]
    fn voices_clearly_apart_are_speakers_in_order_of_first_speech() {
        let low = [at(0.0, 80.0), at(0.3, 80.5), at(0.1, 80.2)];
        let high = [at(6.0, 92.0), at(6.2, 91.0), at(5.8, 91.5)];
        assert_eq!(speakers(&[high[0], low[0], high[1], low[1], low[2], high[2]]), [0, 1, 0, 1, 1, 0]);
        let third = [at(-9.0, 85.0), at(-9.2, 85.0)];
        assert_eq!(speakers(&[low[0], high[0], third[0], low[1], high[1], third[1]]), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn a_lively_voice_a_drift_and_a_single_outlier_stay_one_speaker() {
        let lively: Vec<_> = (0..12).map(|place| at((place % 4) as f32, 84.0 + (place % 5) as f32 * 1.5)).collect();
        assert_eq!(speakers(&lively), [0; 12]);
        let drift: Vec<_> = (0..20).map(|place| at(0.0, 80.0 + place as f32)).collect();
        assert_eq!(speakers(&drift), [0; 20]);
        assert_eq!(speakers(&[at(0.0, 80.0), at(0.2, 80.0), at(9.0, 95.0)]), [0; 3]);
    }

    #[test]
    fn short_and_voiceless_stretches_found_no_speaker_but_are_given_to_one() {
        assert_eq!(speakers(&[]), [] as [usize; 0]);
        assert_eq!(speakers(&[None, None]), [0, 0]);
        assert_eq!(speakers(&[short(0.0, 80.0), short(9.0, 95.0)]), [0, 0]);
        let points = [at(0.0, 80.0), at(9.0, 95.0), None, at(0.1, 80.0), short(8.0, 93.0), at(9.1, 95.0), None];
        assert_eq!(speakers(&points), [0, 1, 1, 0, 1, 1, 1]);
    }

    #[test]
    fn a_long_recording_is_sampled_and_every_utterance_is_given_to_the_nearest() {
        let points: Vec<_> =
            (0..3_000).map(|place| if place % 3 == 0 { at(6.0, 92.0) } else { at(0.0, 80.0) }).collect();
        let expected: Vec<_> = (0..3_000).map(|place| usize::from(place % 3 != 0)).collect();
        assert_eq!(speakers(&points), expected);
    }
}

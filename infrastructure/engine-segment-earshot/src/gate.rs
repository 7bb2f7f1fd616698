//! The gate against music: speech changes the shape of its spectrum all the time, a held or struck note only when
//! it begins. It looks at windows of 1.5 s and passes frames on with a delay of that length.

use std::collections::VecDeque;

/// Frames in a window: 1.5 s, several syllables.
const WINDOW_FRAMES: usize = 94;
/// Fewer frames that sound like a voice tell nothing about a window: a short word has as many.
const VOICED_FRAMES_MIN: usize = 10;

/// One frame of 16 ms, as measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heard {
    /// Score of `earshot`, 0 to 1.
    pub score: f32,
    /// Change of the spectrum's shape, see [`crate::shape::Shape::change`].
    pub change: f32,
    /// The strongest evidence that a window around the frame gave.
    pub evidence: Evidence,
}

/// How much a window sounds like speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    /// It does not.
    None,
    /// It may be speech.
    Some,
    /// It is speech.
    Clear,
}

/// What a window must show to be speech.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GateRules {
    /// Frames that score less are pauses and do not count.
    pub score_min: f32,
    /// The least median change of the frames that count.
    pub change_min: f32,
    /// A frame that scores this is surely a voice.
    pub sure_score: f32,
    /// The least share of sure frames among those that count.
    pub sure_share_min: f32,
    /// The least mean strength of windows that are clear evidence.
    pub strength_min: f32,
}

/// Marks the frames of windows that change as speech does.
pub(crate) struct Gate {
    window: VecDeque<Heard>,
    rules: GateRules,
    changes: Vec<f32>,
    /// The strengths of the last windows, as many as a window has frames.
    strengths: VecDeque<f32>,
}

impl Gate {
    /// A gate with an empty window.
    pub(crate) fn new(rules: GateRules) -> Self {
        Self { window: VecDeque::new(), rules, changes: Vec::new(), strengths: VecDeque::from([0.0; WINDOW_FRAMES]) }
    }

    /// Takes a frame; gives back the one that has now been in every window it belongs to.
    pub(crate) fn push(&mut self, heard: Heard) -> Option<Heard> {
        let passed = if self.window.len() == WINDOW_FRAMES { self.window.pop_front() } else { None };
        self.window.push_back(heard);
        let evidence = self.evidence();
        self.window.iter_mut().for_each(|frame| frame.evidence = frame.evidence.max(evidence));
        passed
    }

    /// The frames that were still waiting.
    pub(crate) fn finish(&mut self) -> impl Iterator<Item = Heard> + use<> {
        std::mem::take(&mut self.window).into_iter()
    }

    /// What the windows up to now tell. Music looks like speech for a moment; speech does so for long.
    fn evidence(&mut self) -> Evidence {
        let strength = self.strength();
        self.strengths.pop_front();
        self.strengths.push_back(strength);
        let mean = self.strengths.iter().sum::<f32>() / self.strengths.len() as f32;
        if mean >= self.rules.strength_min {
            Evidence::Clear
        } else if strength > 0.0 {
            Evidence::Some
        } else {
            Evidence::None
        }
    }

    /// How much the window sounds like speech: the median change of its frames, pauses aside, times the share of those
    /// that are surely a voice; 0 when either is too small.
    fn strength(&mut self) -> f32 {
        let rules = self.rules;
        let voiced = || self.window.iter().filter(|frame| frame.score >= rules.score_min);
        let sure = voiced().filter(|frame| frame.score >= rules.sure_score).count();
        self.changes.clear();
        self.changes.extend(voiced().map(|frame| frame.change));
        let count = self.changes.len();
        if count < VOICED_FRAMES_MIN {
            return 0.0;
        }
        let (_, median, _) = self.changes.select_nth_unstable_by(count / 2, f32::total_cmp);
        let (change, sure_share) = (*median, sure as f32 / count as f32);
        let may_be = change >= rules.change_min && sure_share >= rules.sure_share_min;
        if may_be { change * sure_share } else { 0.0 }
    }
}

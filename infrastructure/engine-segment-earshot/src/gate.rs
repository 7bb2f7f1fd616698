//! The gate against music: speech changes the shape of its spectrum all the time, a held or struck note only when
//! it begins. It looks at windows of 1.5 s and passes frames on with a delay of that length.

use std::collections::VecDeque;

/// Frames in a window: 1.5 s, several syllables.
const WINDOW_FRAMES: usize = 94;
/// Fewer frames that sound like a voice tell nothing about a window: a quarter of a second.
const VOICED_FRAMES_MIN: usize = 15;

/// One frame of 16 ms, as measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heard {
    /// Score of `earshot`, 0 to 1.
    pub score: f32,
    /// Change of the spectrum's shape, see [`crate::shape::Shape::change`].
    pub change: f32,
    /// Whether some window around the frame changed as speech does.
    pub lively: bool,
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
}

/// Marks the frames of windows that change as speech does.
pub(crate) struct Gate {
    window: VecDeque<Heard>,
    /// Frames at the window's end that are not marked yet.
    unmarked: usize,
    rules: GateRules,
    changes: Vec<f32>,
}

impl Gate {
    /// A gate with an empty window.
    pub(crate) fn new(rules: GateRules) -> Self {
        Self { window: VecDeque::new(), unmarked: 0, rules, changes: Vec::new() }
    }

    /// Takes a frame; gives back the one that has now been in every window it belongs to.
    pub(crate) fn push(&mut self, heard: Heard) -> Option<Heard> {
        let passed = if self.window.len() == WINDOW_FRAMES { self.window.pop_front() } else { None };
        self.window.push_back(heard);
        self.unmarked = (self.unmarked + 1).min(self.window.len());
        if self.is_speech() {
            let marked = self.window.len() - self.unmarked;
            self.window.iter_mut().skip(marked).for_each(|frame| frame.lively = true);
            self.unmarked = 0;
        }
        passed
    }

    /// The frames that were still waiting.
    pub(crate) fn finish(&mut self) -> impl Iterator<Item = Heard> + use<> {
        std::mem::take(&mut self.window).into_iter()
    }

    /// Whether the window's frames, pauses aside, change as speech does and enough of them are surely a voice.
    fn is_speech(&mut self) -> bool {
        let rules = self.rules;
        let voiced = || self.window.iter().filter(|frame| frame.score >= rules.score_min);
        let sure = voiced().filter(|frame| frame.score >= rules.sure_score).count();
        self.changes.clear();
        self.changes.extend(voiced().map(|frame| frame.change));
        let count = self.changes.len();
        if count < VOICED_FRAMES_MIN || (sure as f32) < rules.sure_share_min * count as f32 {
            return false;
        }
        let (_, median, _) = self.changes.select_nth_unstable_by(count / 2, f32::total_cmp);
        *median >= rules.change_min
    }
}

//! The command line and the control file: all that is said to the program.

use crate::{
    config::PocketsphinxConfig,
    model::{DICTIONARY, HMM, LANGUAGE_MODEL},
    recording::{LINK_EXTENSION, LINK_STEM},
    share::Task,
};
use application::ports::child::{Child, ChildLimits};
use domain::value::Span;
use std::{path::Path, time::Duration};

/// A frame of the program: 10 ms.
pub(crate) const FRAME_MS: u64 = 10;
/// Samples that the program reads beyond the last frame of a stretch: its analysis window of 25.625 ms (`-wlen`).
const WINDOW_MS: u64 = 25;
/// What is read before and after each stretch: silence to settle in, and what the detector may have cut off.
const CONTEXT_MS: u64 = 150;
/// The shortest stretch in which a word fits.
const FRAMES_MIN: u64 = 10;

/// Settings that change what is recognised, tuned as `docs.md` shows. They are part of the model's digest.
///
/// The detector has removed silence already, and removing it again would shift the words' times. Every stretch is
/// normalised by itself (`batch`), so that a result never depends on what the process recognised before.
pub(crate) const SETTINGS: &[&str] =
    &["-remove_silence", "no", "-remove_noise", "no", "-cmn", "batch", "-dither", "no"];

/// The longest a process may take: a start, and thirty times as long as the speech lasts.
const SECONDS_TO_START: u64 = 60;
const SECONDS_PER_SECOND: u64 = 30;

/// The run that recognises a batch; its log on standard error brings the results.
pub(crate) fn child(config: &PocketsphinxConfig, scratch: &Path, first_sample: u64, batch: &[Task]) -> Child {
    let speech_ms: u64 = batch.iter().map(|task| task.span.len_ms()).sum();
    let wall = Duration::from_secs(SECONDS_TO_START + SECONDS_PER_SECOND * speech_ms.div_ceil(1_000));
    let model = |file: &str| config.model.join(file);
    let mut child = Child::new(&config.program)
        .limits(ChildLimits { wall, ..ChildLimits::default() })
        .stdin(control(batch))
        .arg("-hmm")
        .arg(model(HMM))
        .arg("-lm")
        .arg(model(LANGUAGE_MODEL))
        .arg("-dict")
        .arg(model(DICTIONARY))
        .arg("-cepdir")
        .arg(scratch)
        .arg("-adchdr")
        .arg(first_sample.to_string());
    for word in ["-cepext", LINK_EXTENSION, "-adcin", "yes", "-ctl", "/dev/stdin", "-backtrace", "yes"] {
        child = child.arg(word);
    }
    SETTINGS.iter().fold(child, |child, setting| child.arg(*setting))
}

/// The frame at which the program begins to read a stretch, context included.
pub(crate) fn first_frame(span: Span) -> u64 {
    span.start_ms().saturating_sub(CONTEXT_MS) / FRAME_MS
}

/// One line per stretch: file, first frame, last frame, name of the stretch.
fn control(batch: &[Task]) -> String {
    let line = |task: &Task| {
        let first = first_frame(task.span);
        let last = ((task.span.end_ms() + CONTEXT_MS - WINDOW_MS) / FRAME_MS).max(first + FRAMES_MIN);
        format!("{LINK_STEM} {first} {last} {}\n", task.index)
    };
    batch.iter().map(line).collect()
}

//! tbd
use crate::value::Span;
/// h
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// When it sounds.
    pub span: Span,
    /// Posterior probability, 0 to 1.
    pub confidence: f32,
}
/// p
pub fn is_plausible(words: &[Heard], _span: Span) -> bool {
    !words.is_empty()
}

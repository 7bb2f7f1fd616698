//! From raw cues of either format to what is said by whom.
//!
//! A cue in which several people speak (lines that begin with a dash or `>>`, several names or voice tags)
//! becomes several cues; they share its time in proportion to their characters. A name before a line
//! holds until the next name, dash or `>>`, as captions write it only when the speaker changes; a WebVTT
//! voice tag holds for its cue only.

use super::{
    Cue, SubtitleError,
    clean::{on_one_line, tag_len, without_entities, without_sounds, without_tags},
    speaker::Names,
};
use domain::value::Span;

/// A cue as it stands in the file.
#[derive(Clone, Debug)]
pub struct RawCue {
    /// When.
    pub span: Span,
    /// Its lines, joined by line feeds, with markup.
    pub text: String,
}

/// A stretch of a cue that one person speaks.
#[derive(Clone, Debug, Default)]
struct Turn {
    /// A voice tag's name.
    voice: Option<String>,
    /// Without tags and entities.
    text: String,
}

/// What is said, in the order of time. [`SubtitleError::Empty`] when nothing is.
pub fn spoken(mut raw: Vec<RawCue>) -> Result<Vec<Cue>, SubtitleError> {
    raw.sort_by_key(|cue| cue.span.start_ms());
    let turns: Vec<(Span, Vec<Turn>)> = raw.iter().map(|cue| (cue.span, turns(&cue.text))).collect();
    let names = Names::of(turns.iter().flat_map(|(_, turns)| turns).map(|turn| turn.text.as_str()));
    let mut cues = Vec::new();
    let mut current: Option<String> = None;
    for (span, turns) in turns {
        let mut said: Vec<(Option<String>, String)> = Vec::new();
        for turn in turns {
            match turn.voice {
                Some(voice) => said.push((Some(voice), names_dropped(&turn.text, &names))),
                None => by_lines(&turn.text, &names, &mut current, &mut said),
            }
        }
        said.iter_mut().for_each(|(_, text)| *text = on_one_line(text));
        said.retain(|(_, text)| !text.is_empty());
        cues.extend(timed(span, said));
    }
    if cues.is_empty() { Err(SubtitleError::Empty) } else { Ok(cues) }
}

/// The cue cut at its voice tags (`<v NAME>`, `<v.loud NAME>`), then without any markup.
fn turns(text: &str) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let mut rest = text;
    while let Some(place) = rest.find('<') {
        let (before, tag) = rest.split_at(place);
        if let Some(turn) = turns.last_mut() {
            turn.text.push_str(before);
        }
        let length = tag_len(tag).unwrap_or(1);
        let (tag, after) = tag.split_at(length);
        match voice_of(tag) {
            Some(voice) => turns.push(Turn { voice, text: String::new() }),
            None => turns.iter_mut().rev().take(1).for_each(|turn| turn.text.push_str(tag)),
        }
        rest = after;
    }
    if let Some(turn) = turns.last_mut() {
        turn.text.push_str(rest);
    }
    for turn in &mut turns {
        turn.text = without_sounds(&without_entities(&without_tags(&turn.text)));
    }
    turns
}

/// The name in a voice tag; `Some(None)` where a voice ends or has no name; `None` for other tags.
fn voice_of(tag: &str) -> Option<Option<String>> {
    if tag == "</v>" {
        return Some(None);
    }
    let inside = tag.strip_prefix("<v")?.strip_suffix('>')?;
    if !inside.starts_with([' ', '.', '\t']) && !inside.is_empty() {
        return None;
    }
    let name = inside.split_once(char::is_whitespace).map(|(_, name)| without_entities(name));
    Some(name.map(|name| on_one_line(&name)).filter(|name| !name.is_empty()))
}

/// Cuts text without voice tags where a line names a speaker or begins another one's turn.
fn by_lines(text: &str, names: &Names, current: &mut Option<String>, said: &mut Vec<(Option<String>, String)>) {
    let mut opens = true;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let bare = line.trim_start_matches(['-', '–', '—', '>', ' ']);
        let marks = line.get(..line.len() - bare.len()).unwrap_or_default();
        let is_turn =
            marks.contains(['-', '–', '—']) && bare.starts_with(char::is_alphanumeric) || marks.contains(">>");
        match names.split(bare) {
            Some((name, rest)) => {
                *current = Some(name.to_owned());
                said.push((current.clone(), rest.to_owned()));
            }
            None if is_turn => {
                *current = None;
                said.push((None, bare.to_owned()));
            }
            None if opens => said.push((current.clone(), line.to_owned())),
            None => {
                if let Some((_, text)) = said.last_mut() {
                    text.push(' ');
                    text.push_str(line);
                }
            }
        }
        opens = false;
    }
}

/// The text of a voice tag's turn without a name that is written there once more.
fn names_dropped(text: &str, names: &Names) -> String {
    text.lines().map(|line| names.split(line.trim()).map_or(line, |(_, rest)| rest)).collect::<Vec<_>>().join(" ")
}

/// The turns' shares of the cue's time, in proportion to their characters.
fn timed(span: Span, said: Vec<(Option<String>, String)>) -> Vec<Cue> {
    let chars_all: u64 = said.iter().map(|(_, text)| text.chars().count() as u64).sum();
    if said.len() as u64 > span.len_ms() {
        let speaker = said.iter().find_map(|(speaker, _)| speaker.clone());
        let text = said.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ");
        return vec![Cue { span, speaker, text }];
    }
    let turns = said.len() as u64;
    let (mut start_ms, mut chars) = (span.start_ms(), 0);
    let mut cues = Vec::new();
    for (place, (speaker, text)) in (1..).zip(said) {
        chars += text.chars().count() as u64;
        let share_ms = span.len_ms().saturating_mul(chars) / chars_all.max(1);
        let end_ms = if place == turns {
            span.end_ms()
        } else {
            (span.start_ms() + share_ms).clamp(start_ms + 1, span.end_ms() - (turns - place))
        };
        cues.push(Cue { span: Span::lasting(start_ms, end_ms - start_ms), speaker, text });
        start_ms = end_ms;
    }
    cues
}

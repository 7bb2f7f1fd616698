//! From a cue's raw lines to what is said: markup, entities, sound descriptions and lyrics go.

/// Entities of HTML that subtitles use.
const ENTITIES: &[(&str, &str)] = &[
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&nbsp;", " "),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&lrm;", ""),
    ("&rlm;", ""),
];

/// The text without tags (`<i>`, `</font>`, `<00:01.000>`) and SRT's style blocks (`{\an8}`). A `<` that
/// opens no tag stays. The text of ruby annotations (`<rt>`) goes with its tags.
pub fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(['<', '{']) {
        let (before, tag) = rest.split_at(place);
        plain.push_str(before);
        match tag_len(tag) {
            Some(length) => {
                rest = tag.get(length..).unwrap_or_default();
                if tag.starts_with("<rt>") {
                    rest = rest.find('<').and_then(|end| rest.get(end..)).unwrap_or_default();
                }
            }
            None => {
                let mut characters = tag.chars();
                plain.extend(characters.next());
                rest = characters.as_str();
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Bytes of the tag that the text begins with.
pub fn tag_len(text: &str) -> Option<usize> {
    let (close, opens): (char, fn(char) -> bool) =
        if text.starts_with('<') { ('>', |c| c.is_ascii_alphanumeric() || c == '/') } else { ('}', |c| c == '\\') };
    let end = text.find(close)?;
    let inside = text.get(1..end)?;
    (inside.starts_with(opens) && !inside.contains(['<', '\n'])).then_some(end + 1)
}

/// Entities as the characters they stand for.
pub fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('&') {
        let (before, entity) = rest.split_at(place);
        plain.push_str(before);
        match ENTITIES.iter().find(|(name, _)| entity.starts_with(name)) {
            Some((name, character)) => {
                plain.push_str(character);
                rest = entity.get(name.len()..).unwrap_or_default();
            }
            None => {
                plain.push('&');
                rest = entity.get(1..).unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The text without what is heard but not said:
///
/// - anything in square brackets: `[MUSIC]`, `[door slams]`;
/// - round brackets that are all of a line, or hold capitals only: `(applause)`, `(LAUGHS)`; other round
///   brackets are part of the sentence;
/// - lyrics: from `♪` or `♫` to the next one, or to the end when there is none;
/// - a line between asterisks: `*applause*`.
pub fn without_sounds(text: &str) -> String {
    let text = without_lyrics(text);
    let text = without_brackets(&text, '[', ']', |_, _| true);
    let text = without_brackets(&text, '(', ')', |inside, is_whole_line| {
        let is_loud =
            inside.chars().filter(|c| c.is_alphabetic()).count() > 1 && !inside.chars().any(char::is_lowercase);
        is_whole_line || is_loud
    });
    let kept = text.lines().filter(|line| {
        let line = line.trim();
        !(line.len() > 2 && line.starts_with('*') && line.ends_with('*'))
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn without_lyrics(text: &str) -> String {
    text.split(['♪', '♫']).step_by(2).collect::<Vec<_>>().join(" ")
}

/// Drops brackets for which `is_sound(inside, is_whole_line)`; brackets may span lines.
fn without_brackets(text: &str, open: char, close: char, is_sound: impl Fn(&str, bool) -> bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) =
        rest.find(open).and_then(|start| Some((start, start + rest.get(start..)?.find(close)?)))
    {
        let before = rest.get(..start).unwrap_or_default();
        let inside = rest.get(start + 1..end).unwrap_or_default();
        let after = rest.get(end + 1..).unwrap_or_default();
        let opens_line = plain.chars().chain(before.chars()).rev().take_while(|&c| c != '\n').all(begins_nothing);
        let closes_line = after.chars().take_while(|&c| c != '\n').all(ends_nothing);
        plain.push_str(before);
        if is_sound(inside, opens_line && closes_line) {
            plain.push(' ');
        } else {
            plain.extend([open]);
            plain.push_str(inside);
            plain.extend([close]);
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn begins_nothing(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '–' | '—' | '>')
}

fn ends_nothing(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | ',' | '!')
}

/// Words with single spaces between them; empty when nothing of it can be said.
pub fn on_one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().any(char::is_alphanumeric) { line } else { String::new() }
}

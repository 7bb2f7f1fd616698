//! What espeak-ng may read: the line's text without anything it would take as a command.
//! Does not translate, spell out numbers or shorten: wording is the translator's.

/// The text as one clean line, or `None` when there is nothing in it to say.
///
/// Control characters (espeak-ng reads U+0001 as the start of a command), line breaks and the
/// brackets of its phoneme notation (`[[…]]`) and of markup become spaces; characters that have no
/// sound (notes, arrows, pictograms, marks of direction, private use) are left out.
pub(crate) fn speakable(text: &str) -> Option<String> {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_soundless(*c)) {
        let c = if is_command(c) || c.is_control() || c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !(clean.is_empty() || clean.ends_with(' ')) {
            clean.push(c);
        }
    }
    clean.truncate(clean.trim_end().len());
    clean.chars().any(is_spoken).then_some(clean)
}

/// Whether a character by itself makes a text worth speaking: letters, digits and the few signs that are words.
fn is_spoken(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '%' | '&' | '+' | '=' | '@' | '$' | '€' | '£' | '¥' | '°')
}

/// Whether espeak-ng or a markup language gives the character a meaning beside its sound.
fn is_command(c: char) -> bool {
    matches!(c, '[' | ']' | '<' | '>' | '{' | '}' | '|' | '\\' | '^' | '~' | '`' | '_' | '*' | '#')
}

/// Whether the character stands for no sound at all. Ranges from the Unicode block list: format
/// characters, arrows to dingbats, the private use area, variation selectors, and the pictograms.
fn is_soundless(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFEFF
        | 0x2190..=0x21FF | 0x2300..=0x2BFF | 0xE000..=0xF8FF | 0xFE00..=0xFE0F
        | 0x1F000..=0x1FAFF | 0xE0000..=0xE01EF | 0xF0000..=0x10FFFD)
}

#[cfg(test)]
mod tests {
    use super::speakable;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(speakable(text).as_deref(), expected, "of {text:?}");
    }

    #[test]
    fn text_is_kept_and_commands_are_not() {
        check("Buenos días.", Some("Buenos días."));
        check("-menos uno", Some("-menos uno"));
        check("  uno \r\n\t dos  ", Some("uno dos"));
        check("uno\u{1}200s dos\u{0}", Some("uno 200s dos"));
        check("a [[h@l@]] b", Some("a h@l@ b"));
        check("<b>hola</b> <speak>", Some("b hola /b speak"));
        check("♪ la la ♪ 😀\u{fe0f}", Some("la la"));
        check("שלום \u{200f}עולם", Some("שלום עולם"));
        check("50 €", Some("50 €"));
        check("€", Some("€"));
    }

    #[test]
    fn nothing_to_say_is_told() {
        for text in ["", " \n\t", "...", "¿?", "—", "«»", "-", "♪ ♫", "😀", "[[]]", "\u{1}", "*#_", "“…”"]
        {
            check(text, None);
        }
    }
}

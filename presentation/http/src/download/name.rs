//! The name under which a client keeps a file: readable, and harmless wherever it is written.

/// Most characters that are taken from the source's name.
const STEM_CHARS_MAX: usize = 100;
/// The name when nothing is left of the source's.
const NAMELESS: &str = "dubbing";

/// A file name without any folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName(String);

impl FileName {
    /// `Film.es.srt`, of a source called `Film.mkv`, a language and an ending.
    pub fn new(source: Option<&str>, language: &str, ending: &str) -> Self {
        let stem = source.map(stem).filter(|stem| !stem.is_empty()).unwrap_or_else(|| NAMELESS.to_owned());
        Self(format!("{stem}.{language}.{ending}"))
    }

    /// The value of `Content-Disposition` (RFC 6266): the name in ASCII for old clients, then as it is (RFC 8187).
    pub fn disposition(&self) -> String {
        let plain = |letter: char| {
            let is_plain = letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '%') || letter == ' ';
            if is_plain { letter } else { '_' }
        };
        let ascii: String = self.0.chars().map(plain).collect();
        let mut exact = String::new();
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                exact.push(char::from(byte));
            } else {
                exact.push_str(&format!("%{byte:02X}"));
            }
        }
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
    }
}

/// The name without folders and ending, and without what could be taken for something else than a name.
fn stem(source: &str) -> String {
    let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    let kept = name.chars().filter(|letter| !is_hidden(*letter));
    let kept: String = kept.map(|letter| if r#"<>:"|?*"#.contains(letter) { '_' } else { letter }).collect();
    let kept: String = kept.trim_matches(['.', ' ']).chars().take(STEM_CHARS_MAX).collect();
    kept.trim_end_matches(['.', ' ']).to_owned()
}

/// Control characters, and marks that turn the direction of what follows.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(source: &str) -> String {
        FileName::new(Some(source), "es", "srt").0
    }

    #[test]
    fn a_name_is_that_of_the_source_and_the_language() {
        assert_eq!(name("Mein Film.mkv"), "Mein Film.es.srt");
        assert_eq!(name("a.b.mp4"), "a.b.es.srt");
        assert_eq!(name("ohne"), "ohne.es.srt");
        assert_eq!(FileName::new(None, "pt-BR", "wav").0, "dubbing.pt-BR.wav");
    }

    #[test]
    fn a_name_leads_nowhere() {
        assert_eq!(name("../../etc/passwd"), "passwd.es.srt");
        assert_eq!(name("C:\\Filme\\a.mp4"), "a.es.srt");
        assert_eq!(name("..."), "dubbing.es.srt");
        assert_eq!(name(".mp4"), "mp4.es.srt");
        assert_eq!(name("a\u{202E}4pm.exe\r\nSet-Cookie: a"), "a4pm.es.srt");
        assert_eq!(name("a:b*c.mp4"), "a_b_c.es.srt");
        assert_eq!(name(""), "dubbing.es.srt");
        assert_eq!(name(&"ä".repeat(500)).chars().count(), STEM_CHARS_MAX + 7);
    }

    #[test]
    fn a_header_holds_the_name_twice() {
        let check = |source: &str, expected: &str| assert_eq!(FileName(source.to_owned()).disposition(), expected);
        check("a b.srt", "attachment; filename=\"a b.srt\"; filename*=UTF-8''a%20b.srt");
        check("Größe.srt", "attachment; filename=\"Gr__e.srt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.srt");
        check("a\"b%41.srt", "attachment; filename=\"a_b_41.srt\"; filename*=UTF-8''a%22b%2541.srt");
    }
}

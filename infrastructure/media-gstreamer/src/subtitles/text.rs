//! From the markup of subtitle formats to plain text. Only the voice tag `<v NAME>` survives.

/// How a packet's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// As it shows (MP4 timed text).
    Plain,
    /// With tags and entities (SRT, Pango).
    Tags,
    /// With tags and entities, behind a line for the cue's name and one for its settings (WebM).
    WebVtt,
    /// A line of an ASS or SSA script in Matroska's form: eight fields, then the text.
    Ass,
}

/// The text of a packet; `None` when nothing shows.
pub(super) fn clean(packet: &str, markup: Markup) -> Option<String> {
    let packet = packet.trim_end_matches('\0').replace("\r\n", "\n");
    let text = match markup {
        Markup::Plain => packet,
        Markup::Tags => entities(&tags(&packet)),
        Markup::WebVtt => entities(&tags(without_head(&packet))),
        Markup::Ass => ass(&packet)?,
    };
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = lines.join("\n");
    let is_bare_voice = text.starts_with("<v ") && text.ends_with('>');
    (!text.is_empty() && !is_bare_voice).then_some(text)
}

/// Matroska's own mapping of WebVTT has no such lines, WebM's always has both, mostly empty.
fn without_head(packet: &str) -> &str {
    let mut parts = packet.splitn(3, '\n');
    let (_name, settings, text) = (parts.next(), parts.next(), parts.next());
    let is_setting = |word: &str| {
        let name = word.split_once(':').map(|(name, _)| name);
        name.is_some_and(|name| ["align", "line", "position", "region", "size", "vertical"].contains(&name))
    };
    match (settings, text) {
        (Some(settings), Some(text)) if settings.split_whitespace().all(is_setting) => text,
        _ => packet,
    }
}

/// Drops what looks like a tag (`<` or `</`, then a letter, to the next `>`), keeps voices. Time stamps
/// inside WebVTT lines (`<00:01.000>`) go as well.
fn tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inner = from.strip_prefix('<').unwrap_or(from);
        let begins = inner.strip_prefix('/').unwrap_or(inner).chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        match inner.split_once('>') {
            Some((tag, after)) if begins => {
                if let Some(voice) = voice(tag) {
                    out.push_str(&format!("<v {voice}>"));
                }
                rest = after;
            }
            _ => {
                out.push('<');
                rest = inner;
            }
        }
    }
    out + rest
}

/// The name in `v NAME` or `v.class NAME`.
fn voice(tag: &str) -> Option<&str> {
    let (kind, name) = tag.split_once([' ', '\t'])?;
    let is_voice = kind == "v" || kind.starts_with("v.");
    let name = name.trim();
    (is_voice && !name.is_empty()).then_some(name)
}

/// Decodes the named and numbered entities that subtitles use.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inner = from.strip_prefix('&').unwrap_or(from);
        match inner.split_once(';').and_then(|(name, after)| Some((entity(name)?, after))) {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = inner;
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "lrm" => Some('\u{200e}'),
        "rlm" => Some('\u{200f}'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}

/// `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`: the name becomes a voice, override
/// blocks `{…}` go, `\N` and `\n` break lines.
fn ass(packet: &str) -> Option<String> {
    let mut fields = packet.splitn(9, ',');
    let name = fields.nth(3)?.trim();
    let text = fields.nth(4)?;
    let mut out = if name.is_empty() { String::new() } else { format!("<v {name}>") };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    Some(out.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "))
}

#[cfg(test)]
mod tests {
    use super::Markup::{Ass, Plain, Tags, WebVtt};
    use super::{Markup, clean};

    fn check(markup: Markup, packet: &str, expected: Option<&str>) {
        assert_eq!(clean(packet, markup).as_deref(), expected, "{packet:?}");
    }

    #[test]
    fn markup_goes_and_text_stays() {
        check(Tags, "<i>Hello</i> <font color=\"#fff\">there</font>", Some("Hello there"));
        check(Tags, "a &lt; b &amp;amp; c &#39;d&#x27; &bogus; &", Some("a < b &amp; c 'd' &bogus; &"));
        check(Tags, "2 < 3 and 4 > 1", Some("2 < 3 and 4 > 1"));
        check(Tags, "<v.loud Ann Lee>Hi</v>\r\n<c.red>you</c>", Some("<v Ann Lee>Hi\nyou"));
        check(Tags, "one <00:01.000>two", Some("one two"));
        check(Tags, "<b>cut off", Some("cut off"));
        check(Tags, "ends with <b", Some("ends with <b"));
        check(Plain, "a < b &amp; c\0", Some("a < b &amp; c"));
    }

    #[test]
    fn lines_of_scripts_lose_their_fields_and_overrides() {
        check(Ass, "0,0,Default,,0,0,0,,{\\i1}Hello{\\i0},\\Nyou", Some("Hello,\nyou"));
        check(Ass, "4,0,Default,Ann,0,0,0,,Hi", Some("<v Ann>Hi"));
        check(Ass, "not a line", None);
        check(Ass, "4,0,Default,,0,0,0,,{never closed", None);
    }

    #[test]
    fn web_cues_lose_their_head() {
        check(WebVtt, "\n\nHi &amp; bye", Some("Hi & bye"));
        check(WebVtt, "intro\nalign:start line:0\n<v Ann>Hi\nyou", Some("<v Ann>Hi\nyou"));
        check(WebVtt, "no head", Some("no head"));
        check(WebVtt, "two\nlines\nand three", Some("two\nlines\nand three"));
        check(WebVtt, "\n\n", None);
    }

    #[test]
    fn nothing_to_show_is_no_cue() {
        check(Plain, "", None);
        check(Plain, " \n ", None);
        check(Tags, "<i></i>", None);
        check(Tags, "<v Ann></v>", None);
    }
}

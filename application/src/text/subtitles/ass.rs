//! Advanced SubStation Alpha (ASS, script type v4.00+): subtitles whose speakers can be told apart by colour.
//!
//! Written, never read. The format is described in libass' wiki and in the "Sub Station Alpha v4.00+ Script Format".
//! What is deliberately absent: positions, effects and names, which are about persons.

use domain::value::{Span, SpeakerId};
use std::collections::BTreeSet;

/// Colours of speakers in turn, as `AABBGGRR`: white, then light ones that differ for most eyes (after Okabe and Ito).
const COLOURS: [&str; 8] =
    ["00FFFFFF", "0042E4F0", "00E9B456", "00739E00", "00A779CC", "00009FE6", "00B27200", "00005ED5"];
/// Columns of a style that all styles share, after its colour: the other colours, weight, scale, outline, place.
const STYLE_REST: &str = "&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,50,1";
/// The style of what nobody is known to say.
const NOBODY: &str = "Default";

/// A subtitle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssCue {
    /// When it shows.
    pub span: Span,
    /// Who speaks, where that is known.
    pub speaker: Option<SpeakerId>,
    /// Its lines, joined by line feeds, without markup.
    pub text: String,
}

/// Writes ASS: a style for each speaker, times in hundredths of a second, LF line ends.
pub fn write(cues: &[AssCue]) -> String {
    let mut file = String::from(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: 1920\nPlayResY: 1080\nWrapStyle: 0\n\
         ScaledBorderAndShadow: yes\n\n[V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
         Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
         MarginR, MarginV, Encoding\n",
    );
    file.push_str(&format!("Style: {NOBODY},Arial,60,&H{},{STYLE_REST}\n", COLOURS[0]));
    let speakers: BTreeSet<SpeakerId> = cues.iter().filter_map(|cue| cue.speaker).collect();
    for (speaker, colour) in speakers.iter().zip(COLOURS.iter().cycle()) {
        file.push_str(&format!("Style: {speaker},Arial,60,&H{colour},{STYLE_REST}\n"));
    }
    file.push_str("\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n");
    for cue in cues {
        let style = cue.speaker.map_or_else(|| NOBODY.to_owned(), |speaker| speaker.to_string());
        let start_cs = cue.span.start_ms() / 10;
        let end_cs = (cue.span.end_ms() / 10).max(start_cs + 1);
        let (start, end, text) = (time(start_cs), time(end_cs), plain(&cue.text));
        file.push_str(&format!("Dialogue: 0,{start},{end},{style},,0,0,0,,{text}\n"));
    }
    file
}

/// `0:00:01.00`.
fn time(cs: u64) -> String {
    let seconds = cs / 100;
    format!("{}:{:02}:{:02}.{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60, cs % 100)
}

/// The text such that a player shows it as it is: braces would begin commands, a backslash a line break or a space.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        if number > 0 {
            plain.push_str("\\N");
        }
        for letter in line.chars().filter(|letter| !letter.is_control()) {
            match letter {
                // A word joiner, which nobody sees, parts the backslash from what follows.
                '\\' => plain.push_str("\\\u{2060}"),
                '{' => plain.push_str("\\{"),
                '}' => plain.push_str("\\}"),
                other => plain.push(other),
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_ms: u64, end_ms: u64, speaker: Option<u32>, text: &str) -> AssCue {
        let span = Span::try_new(start_ms, end_ms).expect("a span");
        AssCue { span, speaker: speaker.map(SpeakerId), text: text.to_owned() }
    }

    fn dialogue(cue: AssCue) -> String {
        let file = write(&[cue]);
        let line = file.lines().find_map(|line| line.strip_prefix("Dialogue: ")).expect("a line");
        line.to_owned()
    }

    #[test]
    fn each_speaker_has_a_style_of_their_own() {
        let file = write(&[cue(0, 500, Some(1), "a"), cue(500, 900, Some(2), "b"), cue(1_000, 1_100, None, "c")]);
        let styles: Vec<&str> = file.lines().filter(|line| line.starts_with("Style: ")).collect();
        assert_eq!(styles.len(), 3, "{file}");
        let colour = |name: &str| {
            let style = styles.iter().find(|style| style.starts_with(&format!("Style: {name},"))).expect("a style");
            style.split(',').nth(3).expect("a colour").to_owned()
        };
        assert_ne!(colour("S1"), colour("S2"));
        let columns = file.lines().find(|line| line.starts_with("Format: Name")).expect("a format").split(',').count();
        assert!(styles.iter().all(|style| style.split(',').count() == columns), "{file}");
        let of = |line: &str| line.split(',').nth(3).map(str::to_owned);
        let events: Vec<_> = file.lines().filter(|line| line.starts_with("Dialogue: ")).map(of).collect();
        assert_eq!(events, [Some("S1".to_owned()), Some("S2".to_owned()), Some("Default".to_owned())]);
    }

    #[test]
    fn times_are_hundredths_and_never_empty() {
        assert!(dialogue(cue(3_661_239, 3_662_001, None, "a")).starts_with("0,1:01:01.23,1:01:02.00,"));
        assert!(dialogue(cue(1_001, 1_003, None, "a")).starts_with("0,0:00:01.00,0:00:01.01,"));
    }

    #[test]
    fn a_text_is_shown_as_it_is() {
        let check = |text: &str, expected: &str| {
            let line = dialogue(cue(0, 1_000, None, text));
            assert_eq!(line.split_once(",,0,0,0,,").expect("columns").1, expected, "{text}");
        };
        check("una línea, con coma\notra", "una línea, con coma\\Notra");
        check("{\\b1}fett", "\\{\\\u{2060}b1\\}fett");
        check("C:\\Neu", "C:\\\u{2060}Neu");
        check("a\u{7}b\r\n\n c ", "ab\\Nc");
    }

    #[test]
    fn a_hundred_speakers_share_colours() {
        let cues: Vec<AssCue> = (1..=100).map(|number| cue(0, 1_000, Some(number), "a")).collect();
        assert_eq!(write(&cues).lines().filter(|line| line.starts_with("Style: ")).count(), 101);
    }
}

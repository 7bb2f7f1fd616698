//! Subtitle files as data.

use super::*;
use crate::stages::mux::SubtitleCue;
use proptest::prelude::*;

type Expected<'a> = (u64, u64, Option<&'a str>, &'a str);

fn check(file: &str, expected: &[Expected<'_>]) {
    let cues = parse(file.as_bytes()).unwrap_or_else(|error| panic!("{error}: {file}"));
    let found: Vec<Expected<'_>> = cues
        .iter()
        .map(|cue| (cue.span.start_ms(), cue.span.end_ms(), cue.speaker.as_deref(), cue.text.as_str()))
        .collect();
    assert_eq!(found, expected, "{file}");
}

fn refuse(file: &[u8], error: SubtitleError) {
    assert_eq!(parse(file).expect_err("an error"), error, "{}", String::from_utf8_lossy(file));
}

/// Cues of a second each, given their texts, read back as speaker and text.
fn check_texts(texts: &[&str], expected: &[(Option<&str>, &str)]) {
    let file: String = texts
        .iter()
        .enumerate()
        .map(|(place, text)| {
            format!("{}\n00:00:{:02},000 --> 00:00:{:02},000\n{text}\n\n", place + 1, place, place + 1)
        })
        .collect();
    let cues = parse(file.as_bytes()).unwrap_or_default();
    let found: Vec<_> = cues.iter().map(|cue| (cue.speaker.as_deref(), cue.text.as_str())).collect();
    assert_eq!(found, expected, "{texts:?}");
}

#[test]
fn srt_as_it_comes() {
    let hello: &[Expected<'_>] = &[(1000, 2500, None, "Hello there."), (3000, 4000, None, "Bye.")];
    check("1\n00:00:01,000 --> 00:00:02,500\nHello\nthere.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n", hello);
    check(
        "\u{FEFF}1\r\n00:00:01.000 --> 00:00:02.500\r\nHello there.\r\n\r\n2\r\n00:00:03,0 --> 00:00:04,00\r\nBye.",
        hello,
    );
    check("00:00:01,000 --> 00:00:02,500 X1:40 X2:600\nHello there.\n\n\n\n00:00:03,000-->00:00:04,000\nBye.", hello);
    check("\n\n7\n00:01,000 --> 00:02,500\nHello there.\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n", hello);
    check("2\r00:00:03,000 --> 00:00:04,000\rBye.\r\r1\r00:00:01,000 --> 00:00:02,500\rHello there.\r", hello);
    check("1\n01:02:03,004 --> 100:00:00,000\n42\n", &[(3_723_004, 360_000_000, None, "42")]);
    check(
        "1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n",
        &[(3000, 4000, None, "Bye.")],
    );
}

#[test]
fn vtt_as_it_comes() {
    let hello: &[Expected<'_>] = &[(1000, 2500, None, "Hello there."), (3000, 4000, None, "Bye & <go>.")];
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.500\nHello there.\n\n00:00:03.000 --> 00:00:04.000\nBye &amp; &lt;go&gt;.\n",
        hello,
    );
    check(
        "\u{FEFF}WEBVTT - a title\r\nKind: captions\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nREGION\r\nid:a\r\n\r\nNOTE\r\nnot said\r\n\r\nNOTE 00:01.000 --> 00:02.000\r\n\r\nintro\r\n00:01.000 --> 00:02.500 align:start position:10%\r\n<c.yellow>Hello</c> <00:01.500><i>there</i>.\r\n\r\n00:03.000 --> 00:04.000\r\nBye &amp; &lt;go&gt;.\r\n",
        hello,
    );
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<ruby>漢<rt>kan</rt></ruby> &lrm;1 < 2\n",
        &[(1000, 2000, None, "漢 1 < 2")],
    );
}

#[test]
fn voices_of_vtt() {
    check(
        "WEBVTT\n\n00:00.000 --> 00:01.000\n<v Ann Lee>Hello.\n\n00:01.000 --> 00:03.000\n<v.loud Bob>Stop!</v>\n<v Ann Lee>I do.</v>\n\n00:03.000 --> 00:04.000\nWho?\n\n00:04.000 --> 00:05.000\n<v>Me.</v>\n",
        &[
            (0, 1000, Some("Ann Lee"), "Hello."),
            (1000, 2000, Some("Bob"), "Stop!"),
            (2000, 3000, Some("Ann Lee"), "I do."),
            (3000, 4000, None, "Who?"),
            (4000, 5000, None, "Me."),
        ],
    );
    check("WEBVTT\n\n00:00.000 --> 00:01.000\n<v ANN>ANN: Hello.\n", &[(0, 1000, Some("ANN"), "Hello.")]);
}

#[test]
fn names_before_the_text() {
    check_texts(
        &["NAR: Welcome.", "To the show.", "JOHN SMITH: Thanks."],
        &[(Some("NAR"), "Welcome."), (Some("NAR"), "To the show."), (Some("JOHN SMITH"), "Thanks.")],
    );
    check_texts(&["Dr. Who: Run!"], &[(Some("Dr. Who"), "Run!")]);
    check_texts(
        &["Alice: Hi.", "Bob: Yes.", "Alice: Oh."],
        &[(Some("Alice"), "Hi."), (Some("Alice"), "Bob: Yes."), (Some("Alice"), "Oh.")],
    );
    check_texts(&["MAN #2 (V.O.):\nGo on."], &[(Some("MAN #2"), "Go on.")]);
    check_texts(&["JOHN: Hi.\nMARY: Hello."], &[(Some("JOHN"), "Hi."), (Some("MARY"), "Hello.")]);
    check_texts(&["JOHN: One.", ">> Two.", "Three."], &[(Some("JOHN"), "One."), (None, "Two."), (None, "Three.")]);
}

#[test]
fn what_is_no_name() {
    for text in [
        "Note: this is text.",
        "NOTE: this too.",
        "Remember: be kind.",
        "He said: no.",
        "It is 12:30 now.",
        "See http://x.org now.",
        "There is only one thing: hope.",
        "Once: never again.",
        "A: is it?",
        "This Is A Very Long Name: no.",
        "One rule: none.",
    ] {
        check_texts(&[text], &[(None, text)]);
    }
    check_texts(&["Note: one.", "Note: two."], &[(None, "Note: one."), (None, "Note: two.")]);
}

#[test]
fn turns_in_one_cue() {
    check(
        "1\n00:00:00,000 --> 00:00:02,000\n- Ready?\n- Always!\n",
        &[(0, 923, None, "Ready?"), (923, 2000, None, "Always!")],
    );
    check("1\n00:00:00,000 --> 00:00:02,000\n— Sí\nclaro.\n", &[(0, 2000, None, "Sí claro.")]);
    check("1\n00:00:00,000 --> 00:00:00,001\n- A\n- B\n", &[(0, 1, None, "A B")]);
    check_texts(&["It was -\nwell, big."], &[(None, "It was - well, big.")]);
}

#[test]
fn sounds_and_lyrics_are_not_speech() {
    check_texts(
        &["[MUSIC]", "(applause)", "♪ la la\nla ♪", "♫", "*laughs*", "(LAUGHS) Stop.", "...", "Yes."],
        &[(None, "Stop."), (None, "Yes.")],
    );
    check_texts(&["[door\nslams] Who is it? [sighs]"], &[(None, "Who is it?")]);
    check_texts(&["The (big) house\n(it is)"], &[(None, "The (big) house")]);
    check_texts(&["♪ la ♪ Hello ♪ la"], &[(None, "Hello")]);
    check_texts(&["- (coughs)\n- Bless you."], &[(None, "Bless you.")]);
    check_texts(&["JOHN: [sighs] No."], &[(Some("JOHN"), "No.")]);
}

#[test]
fn markup_of_srt_goes() {
    check_texts(&["<i>Hello</i> {\\an8}<font color=\"#fff\">there</font>"], &[(None, "Hello there")]);
    check_texts(&["3 < 4 and {x} & co", "a < b > c"], &[(None, "3 < 4 and {x} & co"), (None, "a < b > c")]);
}

#[test]
fn errors_name_the_line() {
    use SubtitleError::{BadTime, Empty, EndsBeforeStart, NoHeader, NoTimes, NotUtf8};
    refuse(b"", Empty);
    refuse(b"1\n00:00:01,000 --> 00:00:02,000\n[MUSIC]\n", Empty);
    refuse(b"hello\n", NoTimes { line: 1 });
    refuse(b"1\n00:00:01,000 --> 00:00:02,000\nHi.\n\nand on\n", NoTimes { line: 5 });
    refuse(b"1\n00:00:01,000 -> 00:00:02,000\nHi.\n", NoTimes { line: 1 });
    refuse(b"1\n00:00:01,000 --> \nHi.\n", BadTime { line: 2 });
    refuse(b"1\n00:61:01,000 --> 00:62:02,000\nHi.\n", BadTime { line: 2 });
    refuse(b"1\n99999999999999999999:00:01,000 --> 00:00:02,000\nHi.\n", BadTime { line: 2 });
    refuse(b"1\n00:00:01,0000 --> 00:00:02,000\nHi.\n", BadTime { line: 2 });
    refuse(b"1\n00:00:02,000 --> 00:00:02,000\nHi.\n", EndsBeforeStart { line: 2 });
    refuse(b"1\r\n00:00:01,000 --> 00:00:02,000\r\n\xE9t\xE9\r\n", NotUtf8 { line: 3 });
    refuse(b"WEBVTTX\n\n", NoHeader);
    refuse(b"WEBVTT\n\nhello\nthere\n", NoTimes { line: 3 });
    refuse(b"WEBVTT\n\n00:01 --> x\nhello\n", BadTime { line: 3 });
    assert_eq!(vtt::parse(b"\nhello"), Err(NoHeader));
}

#[test]
fn the_written_form() {
    let cues = [
        SubtitleCue { span: Span::lasting(3_723_004, 1_000), text: "Uno\ndos".to_owned() },
        SubtitleCue { span: Span::lasting(3_725_000, 500), text: "a --> b & <c>\n\n".to_owned() },
    ];
    assert_eq!(
        srt::write(&cues),
        "1\n01:02:03,004 --> 01:02:04,004\nUno\ndos\n\n2\n01:02:05,000 --> 01:02:05,500\na → b & <c>\n\n"
    );
    assert_eq!(
        vtt::write(&cues),
        "WEBVTT\n\n01:02:03.004 --> 01:02:04.004\nUno\ndos\n\n01:02:05.000 --> 01:02:05.500\na --&gt; b &amp; &lt;c&gt;\n\n"
    );
    assert_eq!((srt::write(&[]), vtt::write(&[])), (String::new(), "WEBVTT\n\n".to_owned()));
}

proptest! {
    #[test]
    fn what_is_written_can_be_read(texts in prop::collection::vec("[a-z&<>;,.?!é ]{0,20}[a-z]", 1..8)) {
        let cues: Vec<SubtitleCue> = (0..).zip(&texts)
            .map(|(place, text)| SubtitleCue { span: Span::lasting(place * 2000, 1500), text: text.clone() })
            .collect();
        let read = vtt::parse(vtt::write(&cues).as_bytes()).expect("own writing");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(read.len(), cues.len());
        for (read, written) in read.iter().zip(&cues) {
            prop_assert_eq!(read.span, written.span);
            let written = words(&written.text);
            prop_assert!(written.ends_with(&read.text), "{} / {}", written, read.text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(\\PC|\n|-->|<v A>|[0-9]:|[A-Z]+: |\\[|\\]|♪){0,60}") {
        let _ = parse(&bytes);
        let file = format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{text}");
        for cue in parse(file.as_bytes()).unwrap_or_default() {
            prop_assert!(!cue.text.is_empty() && !cue.text.contains('\n'));
        }
    }
}

//! Subtitles as data, and what holds for any text over any cues.

use super::*;
use proptest::prelude::*;

fn cue(start_ms: u64, end_ms: u64, chars: usize) -> SourceCue {
    SourceCue { span: Span::try_new(start_ms, end_ms).expect("a span"), chars }
}

fn check(text: &str, cues: &[SourceCue], expected: &[(u64, u64, &str)]) {
    let found = split(text, cues);
    let found: Vec<_> = found.iter().map(|cue| (cue.span.start_ms(), cue.span.end_ms(), cue.text.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn one_cue_takes_all() {
    check("Hola.", &[cue(0, 1000, 6)], &[(0, 1000, "Hola.")]);
    check("  Hola \n mundo ", &[cue(0, 1000, 6)], &[(0, 1000, "Hola mundo")]);
    check("", &[cue(0, 1000, 6)], &[]);
    check("Hola.", &[], &[]);
}

#[test]
fn cues_share_in_proportion() {
    check(
        "uno dos tres cuatro",
        &[cue(0, 500, 10), cue(500, 900, 10)],
        &[(0, 500, "uno dos"), (500, 900, "tres cuatro")],
    );
    check(
        "uno dos tres cuatro",
        &[cue(0, 500, 1), cue(500, 900, 10)],
        &[(0, 500, "uno"), (500, 900, "dos tres cuatro")],
    );
    check("uno", &[cue(0, 500, 1), cue(500, 900, 10)], &[(500, 900, "uno")]);
    check("uno dos", &[cue(0, 500, 0), cue(600, 900, 0)], &[(0, 500, "uno"), (600, 900, "dos")]);
}

#[test]
fn punctuation_is_a_better_place() {
    check(
        "La casa es grande. El coche rojo es muy pequeño",
        &[cue(0, 500, 10), cue(500, 900, 10)],
        &[(0, 500, "La casa es grande."), (500, 900, "El coche rojo es muy pequeño")],
    );
}

#[test]
fn long_shares_become_two_lines_and_several_subtitles() {
    check(
        "Creemos que esta nación tiene que comprometerse, antes del fin de la década.",
        &[cue(0, 4000, 10)],
        &[(0, 4000, "Creemos que esta nación tiene que\ncomprometerse, antes del fin de la década.")],
    );
    let long = "palabra ".repeat(24);
    let found = split(&long, &[cue(1000, 4000, 10)]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!((found[0].span.start_ms(), found[2].span.end_ms()), (1000, 4000));
}

#[test]
fn a_word_longer_than_a_line_stands_alone() {
    let word = "x".repeat(60);
    let found = split(&format!("a {word} b"), &[cue(0, 100, 1)]);
    let texts: Vec<&str> = found.iter().map(|cue| cue.text.as_str()).collect();
    assert_eq!(texts, [format!("a\n{word}").as_str(), "b"]);
}

#[test]
fn cues_that_overlap_or_come_late_are_put_in_order() {
    check(
        "uno dos tres",
        &[cue(500, 900, 4), cue(0, 600, 4), cue(100, 200, 4)],
        &[(0, 600, "uno dos"), (600, 900, "tres")],
    );
}

#[test]
fn more_words_than_milliseconds_still_show() {
    let found = split(&"palabra ".repeat(100), &[cue(0, 1, 5)]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text.split_whitespace().count(), 100);
}

fn any_cues() -> impl Strategy<Value = Vec<SourceCue>> {
    let raw = (0_u64..20_000, 50_u64..6_000, 0_usize..120);
    prop::collection::vec(raw.prop_map(|(start_ms, length_ms, chars)| cue(start_ms, start_ms + length_ms, chars)), 1..6)
}

proptest! {
    #[test]
    fn words_keep_their_order_and_subtitles_their_bounds(
        words in prop::collection::vec("[a-zñé]{1,14}[.,!?]?", 0..120),
        cues in any_cues(),
    ) {
        let text = words.join(" ");
        let found = split(&text, &cues);
        let shown: Vec<&str> = found.iter().flat_map(|cue| cue.text.split_whitespace()).collect();
        prop_assert_eq!(shown, words.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert!(found.windows(2).all(|pair| pair[0].span.end_ms() <= pair[1].span.start_ms()));
        let start_ms = cues.iter().map(|cue| cue.span.start_ms()).min().unwrap_or(0);
        let end_ms = cues.iter().map(|cue| cue.span.end_ms()).max().unwrap_or(0);
        for cue in &found {
            prop_assert!(cue.span.start_ms() >= start_ms && cue.span.end_ms() <= end_ms);
            prop_assert!(cue.text.lines().count() <= LINES_MAX, "{}", cue.text);
            prop_assert!(cue.text.lines().all(|line| line.chars().count() <= LINE_CHARS_MAX), "{}", cue.text);
            prop_assert!(!cue.text.trim().is_empty());
        }
    }
}

//! What must hold of utterances made of cues, the rules one by one and over random cues.

use super::cues::{Cue, CueUtterance, join_cues};
use super::limits::Limits;
use crate::value::Span;
use proptest::prelude::*;

fn cue(start_ms: u64, end_ms: u64, text: &str) -> Cue {
    Cue { span: Span::try_new(start_ms, end_ms).unwrap(), text: text.to_owned(), speaker: None }
}

fn by(speaker: &str, cue: Cue) -> Cue {
    Cue { speaker: Some(speaker.to_owned()), ..cue }
}

/// The utterances as `(start, end, text)`.
fn joined(cues: &[Cue]) -> Vec<(u64, u64, String)> {
    let place = |made: CueUtterance| (made.span.start_ms(), made.span.end_ms(), made.text);
    join_cues(cues, &Limits::default()).into_iter().map(place).collect()
}

fn check(cues: &[Cue], expected: &[(u64, u64, &str)]) {
    let expected: Vec<_> = expected.iter().map(|&(start, end, text)| (start, end, text.to_owned())).collect();
    assert_eq!(joined(cues), expected);
}

#[test]
fn cues_that_continue_a_sentence_are_joined_and_remembered() {
    let cues = [
        cue(0, 4000, "This is the\nsegment of the Webb"),
        cue(4100, 8000, "space telescope."),
        cue(8000, 9000, "It is large."),
    ];
    check(&cues, &[(0, 8000, "This is the segment of the Webb space telescope."), (8000, 9000, "It is large.")]);
    let made = join_cues(&cues, &Limits::default());
    assert_eq!(made[0].cues, [cues[0].span, cues[1].span]);
    assert_eq!(made[1].cues, [cues[2].span]);
}

#[test]
fn a_sentence_ends_at_its_mark_even_inside_quotes_and_brackets() {
    for end in ["Go!", "Go?", "Go…", "He said: “Go.”", "(Go.)", "«Va.»", "行け。", "\"Go.\""] {
        assert_eq!(joined(&[cue(0, 1000, end), cue(1000, 2000, "next one")]).len(), 2, "{end}");
    }
    for open in ["Go", "Go,", "He said “go”", "3.5 of"] {
        assert_eq!(joined(&[cue(0, 1000, open), cue(1000, 2000, "next one")]).len(), 1, "{open}");
    }
}

#[test]
fn another_speaker_a_long_gap_or_too_long_a_whole_keeps_cues_apart() {
    check(&[by("A", cue(0, 2000, "well")), by("B", cue(2000, 4000, "yes"))], &[(0, 2000, "well"), (2000, 4000, "yes")]);
    check(&[cue(0, 2000, "well"), cue(3501, 5000, "yes")], &[(0, 2000, "well"), (3501, 5000, "yes")]);
    check(&[cue(0, 9000, "well"), cue(9000, 15_001, "yes")], &[(0, 9000, "well"), (9000, 15_001, "yes")]);
}

#[test]
fn a_cue_with_several_sentences_stays_one_unless_it_is_too_long() {
    check(&[cue(0, 9000, "One. Two. Three.")], &[(0, 9000, "One. Two. Three.")]);
    let (first, second) = (
        "It was a long and cold night in the desert of stars.",
        "Nobody had slept at all, not even the two dogs here.",
    );
    assert_eq!(first.len(), second.len());
    check(&[cue(1000, 21_000, &format!("{first} {second}"))], &[(1000, 11_000, first), (11_000, 21_000, second)]);
}

#[test]
fn a_cue_shown_longer_than_its_text_could_be_spoken_is_shortened() {
    check(&[cue(0, 60_000, "The end")], &[(0, 15_000, "The end")]);
}

#[test]
fn a_long_sentence_is_cut_at_a_clause_else_between_words() {
    let half = "a word and another word and yet another word of it";
    let texts = |text: &str| joined(&[cue(0, 20_000, text)]).into_iter().map(|(_, _, text)| text).collect::<Vec<_>>();
    assert_eq!(texts(&format!("{half}, {half}")), [format!("{half},"), half.to_owned()]);
    assert_eq!(texts(&format!("{half} {half}")).len(), 2);
}

#[test]
fn a_short_cue_is_merged_with_its_own_speakers_neighbour_only() {
    check(&[cue(0, 2000, "It is late."), cue(2500, 3000, "Yes.")], &[(0, 3000, "It is late. Yes.")]);
    let cues = [by("A", cue(0, 2000, "Is it?")), by("B", cue(2100, 2500, "Yes.")), by("B", cue(3500, 5000, "It is."))];
    check(&cues, &[(0, 2000, "Is it?"), (2100, 5000, "Yes. It is.")]);
    check(&[cue(0, 2000, "It is late."), cue(3600, 3900, "Yes.")], &[(0, 2000, "It is late."), (3600, 3900, "Yes.")]);
}

#[test]
fn a_cue_ends_where_the_next_begins() {
    check(&[cue(0, 5000, "First."), cue(3000, 6000, "Second.")], &[(0, 3000, "First."), (3000, 6000, "Second.")]);
    check(&[cue(0, 9000, "First."), cue(3000, 4000, "Second.")], &[(0, 3000, "First."), (3000, 4000, "Second.")]);
}

#[test]
fn cues_at_the_same_time_share_it_by_length() {
    let cues =
        [by("A", cue(0, 4000, "Who is there?")), by("B", cue(0, 4000, "It is only me, the cat, and my friend.."))];
    check(&cues, &[(0, 1000, "Who is there?"), (1000, 4000, "It is only me, the cat, and my friend..")]);
    // No room for two: nothing said is lost.
    check(&[cue(5, 6, "One."), cue(5, 6, "Two.")], &[(5, 6, "One. Two.")]);
}

#[test]
fn cues_without_text_are_dropped_and_order_is_restored() {
    check(
        &[cue(5000, 7000, "Second."), cue(3000, 4000, " \n"), cue(0, 2000, "First.")],
        &[(0, 2000, "First."), (5000, 7000, "Second.")],
    );
}

fn cues() -> impl Strategy<Value = Vec<Cue>> {
    let text =
        prop::collection::vec(prop_oneof!["[a-z]{1,9}", "[a-z]{1,9}[.,?!]", Just("行け。戻れ、".to_owned())], 0..30);
    let length = prop_oneof![3 => 1u64..5_000, 1 => 1u64..80_000];
    let one = (0u64..200_000, length, text, prop::option::of("[AB]"));
    let make = |(start, length, words, speaker): (u64, u64, Vec<String>, Option<String>)| Cue {
        span: Span::lasting(start, length),
        text: words.join(" "),
        speaker,
    };
    prop::collection::vec(one.prop_map(make), 0..40)
}

proptest! {
    #[test]
    fn utterances_are_in_order_apart_and_never_too_long(cues in cues()) {
        let made = join_cues(&cues, &Limits::default());
        prop_assert!(made.windows(2).all(|pair| pair[0].span.end_ms() <= pair[1].span.start_ms()));
        prop_assert!(made.iter().all(|one| one.span.len_ms() <= Limits::default().utterance_ms_max));
        prop_assert!(made.iter().all(|one| !one.text.trim().is_empty()));
    }

    #[test]
    fn no_text_is_lost_or_moved(cues in cues()) {
        let mut ordered = cues.clone();
        ordered.sort_by_key(|cue| cue.span.start_ms());
        let said = |texts: Vec<String>| texts.concat().chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let before = said(ordered.into_iter().map(|cue| cue.text).collect());
        let after = said(join_cues(&cues, &Limits::default()).into_iter().map(|made| made.text).collect());
        prop_assert_eq!(before, after);
    }

    #[test]
    fn an_utterance_is_the_hull_of_its_cues_which_lie_apart(cues in cues()) {
        for made in join_cues(&cues, &Limits::default()) {
            prop_assert!(made.cues.windows(2).all(|pair| pair[0].end_ms() <= pair[1].start_ms()));
            prop_assert_eq!(Some(made.span), made.cues.iter().copied().reduce(Span::join));
        }
    }

    #[test]
    fn cues_that_do_not_overlap_begin_when_they_began(starts in prop::collection::btree_set(0u64..100, 0..20)) {
        let cues: Vec<Cue> = starts.iter().map(|&at| cue(at * 2_000, at * 2_000 + 1_900, "A line.")).collect();
        let starts: Vec<u64> = join_cues(&cues, &Limits::default()).iter().map(|made| made.span.start_ms()).collect();
        prop_assert_eq!(starts, cues.iter().map(|cue| cue.span.start_ms()).collect::<Vec<_>>());
    }
}

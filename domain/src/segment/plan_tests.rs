//! What must hold of every plan, over random speech, and the rules one by one.

use super::limits::Limits;
use super::plan::plan;
use crate::value::Span;
use proptest::prelude::*;

const SECOND: u64 = 1_000;

/// Speech as `(start, end)` in milliseconds, and the utterances' pieces that must come of it.
fn check(speech: &[(u64, u64)], expected: &[&[(u64, u64)]]) {
    let spans: Vec<Span> = speech.iter().map(|&(start, end)| Span::try_new(start, end).unwrap()).collect();
    let planned = plan(&spans, &Limits::default());
    let pieces: Vec<Vec<(u64, u64)>> = planned
        .iter()
        .map(|segment| segment.pieces.iter().map(|piece| (piece.start_ms(), piece.end_ms())).collect())
        .collect();
    assert_eq!(pieces, expected);
}

#[test]
fn no_speech_gives_no_utterance() {
    check(&[], &[]);
}

#[test]
fn a_pause_of_400_ms_ends_an_utterance_and_a_shorter_one_does_not() {
    check(&[(0, 1000), (1399, 3000), (3400, 5000)], &[&[(0, 1000), (1399, 3000)], &[(3400, 5000)]]);
}

#[test]
fn too_long_an_utterance_is_cut_at_its_longest_pause() {
    check(&[(0, 4000), (4200, 10_000), (10_350, 18_000)], &[&[(0, 4000), (4200, 10_000)], &[(10_350, 18_000)]]);
}

#[test]
fn among_equally_long_pauses_the_one_nearest_the_middle_is_cut() {
    check(&[(0, 1000), (1200, 8000), (8200, 16_000)], &[&[(0, 1000), (1200, 8000)], &[(8200, 16_000)]]);
}

#[test]
fn speech_without_any_pause_is_cut_into_equal_parts() {
    check(&[(500, 30_501)], &[&[(500, 10_500)], &[(10_500, 20_500)], &[(20_500, 30_501)]]);
}

#[test]
fn a_short_utterance_goes_to_the_nearer_neighbour() {
    check(&[(0, 2000), (2900, 3300), (3900, 6000)], &[&[(0, 2000)], &[(2900, 3300), (3900, 6000)]]);
    check(&[(0, 2000), (2500, 2900), (3900, 6000)], &[&[(0, 2000), (2500, 2900)], &[(3900, 6000)]]);
    check(&[(0, 2000), (2500, 2900), (3400, 6000)], &[&[(0, 2000), (2500, 2900)], &[(3400, 6000)]]);
}

#[test]
fn a_short_utterance_stays_alone_when_the_gap_or_the_whole_would_be_too_long() {
    check(&[(0, 2000), (3501, 3900), (5401, 7000)], &[&[(0, 2000)], &[(3501, 3900)], &[(5401, 7000)]]);
    check(&[(0, 14_400), (14_900, 15_300)], &[&[(0, 14_400)], &[(14_900, 15_300)]]);
}

#[test]
fn several_short_ones_in_a_row_become_one() {
    check(&[(0, 300), (800, 1000), (1500, 1700)], &[&[(0, 300), (800, 1000), (1500, 1700)]]);
}

#[test]
fn overlapping_and_unordered_stretches_count_as_one() {
    check(&[(900, 2000), (0, 1000), (2000, 2500)], &[&[(0, 2500)]]);
}

/// Speech in order: pauses of 0.1–3 s between stretches of up to 40 s, or, more often, a few seconds.
fn speech() -> impl Strategy<Value = Vec<Span>> {
    let length = prop_oneof![4 => 1..3 * SECOND, 1 => 1..40 * SECOND];
    prop::collection::vec((100..3 * SECOND, length), 0..60).prop_map(|stretches| {
        let mut end_ms = 0;
        let place = |(pause_ms, length_ms)| {
            let span = Span::lasting(end_ms + pause_ms, length_ms);
            end_ms = span.end_ms();
            span
        };
        stretches.into_iter().map(place).collect()
    })
}

proptest! {
    #[test]
    fn every_millisecond_of_speech_is_covered_once_and_in_order(speech in speech()) {
        let pieces: Vec<Span> = plan(&speech, &Limits::default()).into_iter().flat_map(|segment| segment.pieces).collect();
        prop_assert!(pieces.windows(2).all(|pair| pair[0].end_ms() <= pair[1].start_ms()));
        // Pieces of a stretch that was cut touch; joined again they are the speech that went in.
        let mut joined: Vec<Span> = Vec::new();
        for piece in pieces {
            match joined.last_mut() {
                Some(last) if last.end_ms() == piece.start_ms() => *last = last.join(piece),
                _ => joined.push(piece),
            }
        }
        prop_assert_eq!(joined, speech);
    }

    #[test]
    fn utterances_are_hulls_of_their_pieces_apart_and_never_too_long(speech in speech()) {
        let limits = Limits::default();
        let planned = plan(&speech, &limits);
        prop_assert!(planned.windows(2).all(|pair| pair[0].span.end_ms() <= pair[1].span.start_ms()));
        for segment in &planned {
            prop_assert_eq!(Some(segment.span), segment.pieces.iter().copied().reduce(Span::join));
            prop_assert!(segment.span.len_ms() <= limits.utterance_ms_max);
        }
    }

    #[test]
    fn what_stays_short_has_no_neighbour_that_could_take_it(speech in speech()) {
        let limits = Limits::default();
        for pair in plan(&speech, &limits).windows(2) {
            let (earlier, later) = (pair[0].span, pair[1].span);
            let short = earlier.len_ms().min(later.len_ms()) < limits.utterance_ms_min;
            prop_assert!(!(short && limits.may_hold(earlier, later)), "{earlier:?} {later:?}");
        }
    }

    #[test]
    fn before_merging_only_pauses_and_length_end_an_utterance(speech in speech()) {
        let limits = Limits { utterance_ms_min: 0, ..Limits::default() };
        let unbound = plan(&speech, &Limits { utterance_ms_max: u64::MAX, ..limits });
        for pair in plan(&speech, &limits).windows(2) {
            let apart = pair[0].span.gap_ms(pair[1].span) >= limits.pause_ms_min;
            let group = unbound.iter().find(|group| group.span.overlaps(pair[0].span)).unwrap();
            prop_assert!(apart || group.span.len_ms() > limits.utterance_ms_max);
        }
    }

    #[test]
    fn any_spans_at_all_keep_the_bounds(raw in prop::collection::vec((0u64..100_000, 1u64..50_000), 0..40)) {
        let speech: Vec<Span> = raw.into_iter().map(|(start, length)| Span::lasting(start, length)).collect();
        let planned = plan(&speech, &Limits::default());
        prop_assert!(planned.iter().all(|segment| segment.span.len_ms() <= Limits::default().utterance_ms_max));
        let covered = |at: u64| planned.iter().flat_map(|segment| &segment.pieces)
            .filter(|piece| (piece.start_ms()..piece.end_ms()).contains(&at)).count();
        for span in &speech {
            prop_assert_eq!((covered(span.start_ms()), covered(span.end_ms() - 1)), (1, 1));
        }
    }
}

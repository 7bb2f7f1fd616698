//! Traceparents that are read and refused, as data and at random.

use super::*;
use proptest::prelude::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_traceparent_is_read_field_by_field() {
    let context = TraceContext::parse(GIVEN).unwrap();
    assert_eq!((context.trace_id(), context.span_id(), context.is_sampled()), (TRACE, "00f067aa0ba902b7", true));
    assert_eq!((context.to_string(), GIVEN.parse()), (GIVEN.to_owned(), Ok(context)));
    assert!(!TraceContext::parse(&GIVEN.replace("-01", "-02")).unwrap().is_sampled());
}

#[test]
fn what_breaks_the_grammar_is_refused() {
    check(GIVEN, true);
    check("", false);
    check(&GIVEN[..54], false);
    check(&format!("{GIVEN} "), false);
    check(&format!("{GIVEN}-more"), false);
    check(&GIVEN.to_uppercase(), false);
    check(&GIVEN.replace('-', "_"), false);
    check(&GIVEN.replacen("4b", "4g", 1), false);
    check(&GIVEN.replace(TRACE, &"0".repeat(32)), false);
    check(&GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)), false);
    check(&GIVEN.replacen("00-", "ff-", 1), false);
    check("00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01", false);
    // Characters of more than one byte across the end.
    check(&format!("{}éé", &GIVEN[..54]), false);
}

#[test]
fn a_later_version_is_read_as_the_first() {
    for later in [GIVEN.replacen("00-", "01-", 1), format!("{}-more", GIVEN.replacen("00-", "cc-", 1))] {
        assert_eq!(TraceContext::parse(&later).unwrap().as_str(), GIVEN);
    }
    check(&format!("{}more", GIVEN.replacen("00-", "01-", 1)), false);
}

#[test]
fn a_child_stays_in_the_trace() {
    let parent = TraceContext::parse(GIVEN).unwrap();
    let child = parent.child(0x2a).unwrap();
    assert_eq!(child.as_str(), "00-4bf92f3577b34da6a3ce929d0e0e4736-000000000000002a-01");
    assert!(child.is_of_trace(&parent));
    assert_eq!(parent.child(0), None);
    let stranger = TraceContext::parse(&GIVEN.replacen("4b", "4c", 1)).unwrap();
    assert!(!stranger.is_of_trace(&parent));
}

#[test]
fn without_traces_nothing_is_current() {
    NoTraces.adopt(&tracing::Span::none(), &TraceContext::parse(GIVEN).unwrap());
    assert_eq!(NoTraces.current(), None);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}", hex in "[0-9a-f-]{50,60}") {
        for text in [text, hex] {
            if let Ok(context) = TraceContext::parse(&text) {
                prop_assert_eq!(TraceContext::parse(context.as_str()), Ok(context));
            }
        }
    }

    #[test]
    fn every_pair_of_ids_is_read(trace in 1..u128::MAX, span in 1..u64::MAX, flags: u8) {
        let text = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
        let context = TraceContext::parse(&text).unwrap();
        prop_assert_eq!(context.as_str(), &text);
        prop_assert_eq!(context.child(span), Some(context));
    }
}

fn check(text: &str, is_sound: bool) {
    assert_eq!(TraceContext::parse(text).is_ok(), is_sound, "{text}");
}

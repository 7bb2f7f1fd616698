//! Sets of lines as text, and flags counted once.

use super::*;

fn set(lines: &[u32]) -> LineSet {
    let mut set = LineSet::default();
    lines.iter().for_each(|line| set.insert(UtteranceId(*line)));
    set
}

#[test]
fn sets_are_written_as_ranges_whatever_order_lines_come_in() {
    let check = |lines: &[u32], text: &str, len: u64| {
        let set = set(lines);
        assert_eq!((set.write().as_str(), set.len()), (text, len), "{lines:?}");
        assert_eq!(LineSet::read(text), set);
    };
    check(&[], "", 0);
    check(&[3], "3", 1);
    check(&[1, 2, 3], "1-3", 3);
    check(&[3, 1, 2, 2, 1], "1-3", 3);
    check(&[1, 3, 5], "1,3,5", 3);
    check(&[1, 3, 5, 4, 2], "1-5", 5);
    check(&[9, 1, 10, 20], "1,9-10,20", 4);
    check(&[0, u32::MAX, u32::MAX - 1], "0,4294967294-4294967295", 3);
    check(&(1..=1_000).rev().collect::<Vec<_>>(), "1-1000", 1_000);
}

#[test]
fn texts_that_nobody_wrote_read_as_something_and_never_fail() {
    let check = |text: &str, read: &str| assert_eq!(LineSet::read(text).write(), read, "{text:?}");
    check("1-3,2-5,7", "1-5,7");
    check("5-1", "");
    check("a,-,3-b,,4", "4");
    check("1-2-3", "");
    check("99999999999", "");
    assert_eq!(FlaggedLines::read("fit:late=1;;=;x").write(), "=;fit:late=1");
    assert_eq!(LineFlags::read(",a,,b,").write(), "a,b");
}

#[test]
fn flagged_lines_are_counted_once_and_taken_back_by_stage() {
    let mut flags = FlaggedLines::default();
    flags.insert(Stage::Translate, Flag::UnknownWord, UtteranceId(1));
    flags.insert(Stage::Translate, Flag::MissingTerm, UtteranceId(2));
    flags.insert(Stage::Fit, Flag::Late, UtteranceId(2));
    flags.insert(Stage::Fit, Flag::NeedsAttention, UtteranceId(7));
    assert_eq!(flags.write(), "fit:late=2;fit:needs-attention=7;translate:missing-term=2;translate:unknown-word=1");
    assert_eq!(FlaggedLines::read(&flags.write()), flags);
    assert_eq!((flags.all().write().as_str(), flags.to_attend().write().as_str()), ("1-2,7", "2,7"));
    flags.take_back(&[Stage::Fit, Stage::Mix]);
    assert_eq!((flags.all().len(), flags.to_attend().len()), (2, 1));
    flags.take_back(&[Stage::Translate]);
    assert_eq!(flags.write(), "");
}

#[test]
fn a_lines_flags_say_whether_a_person_should_look() {
    let mut flags = LineFlags::default();
    flags.insert(Stage::Fit, Flag::Hurried);
    flags.insert(Stage::Fit, Flag::Hurried);
    assert_eq!((flags.write().as_str(), flags.needs_attention()), ("fit:hurried", false));
    flags.insert(Stage::Synthesise, Flag::NotSpoken);
    assert_eq!((flags.write().as_str(), flags.needs_attention()), ("fit:hurried,synthesise:not-spoken", true));
    flags.take_back(&[Stage::Synthesise]);
    assert_eq!(LineFlags::read(&flags.write()), flags);
    assert!(!flags.needs_attention());
}

#[test]
fn what_is_said_of_lines_that_are_gone_is_forgotten() {
    let check = |lines: &str, others: &str, kept: &str| {
        let mut set = LineSet::read(lines);
        set.retain(&LineSet::read(others));
        assert_eq!(set.write(), kept, "{lines} of {others}");
    };
    check("1-10", "2-3,5,9-12", "2-3,5,9-10");
    check("1-2,4-6", "5", "5");
    check("1-2", "", "");
    assert_eq!(LineSet::read("3,1-2,9").into_lines().collect::<Vec<_>>(), [1, 2, 3, 9]);
    let mut flags = FlaggedLines::read("fit:late=1-3;translate:unknown-word=4");
    flags.retain(&LineSet::read("2"));
    assert_eq!(flags.write(), "fit:late=2");
}

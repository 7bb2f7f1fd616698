//! A log is moved as it is, goes on where it was when that is interrupted, and is refused where another one is.

use super::*;
use application::testing::event_log_kit::speech;
use event_codec::{CopyError, RowLog, copy};

const QUIET: &(dyn Fn(u64, u64) + Sync) = &|_, _| {};

/// A log with several parts and streams, and appends of several events.
async fn written(place: &Place) -> PostgresEventLog {
    let (log, _) = place.log().await;
    for command in 0..40_u64 {
        let (number, revision) = (command % 5, command / 5 * 2);
        let events = vec![speech("Good evening."), plain(2)];
        log.append(append(command, stream(number), revision, events)).await.expect("appended");
        if command % 15 == 14 {
            log.put_away(1).await.expect("put away");
        }
    }
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_the_same_log_and_goes_on() {
    let place = Place::new();
    let source = written(&place).await;
    let (target, _) = place.log().await;
    // The first part of it, as an interrupted copy leaves it: in the midst of an append.
    target.adopt(source.rows_after(0, 33).await.expect("rows")).await.expect("adopted");
    let copied = copy(&source, &target, QUIET).await.expect("copied");
    assert_eq!((copied.before, copied.events, copied.streams), (33, 80, 5));
    let rows = async |log: &PostgresEventLog| log.rows_after(0, 100).await.expect("rows");
    assert!(rows(&target).await == rows(&source).await, "every column is the same");
    let again = copy(&source, &target, QUIET).await.expect("copied");
    assert_eq!((again.before, again.events), (80, 80));
    let known = append(7, stream(2), 2, vec![speech("Good evening."), plain(2)]);
    assert!(target.append(known).await.expect("known").replayed, "commands are known there, too");
    let next = target.append(append(99, stream(2), 16, vec![plain(1)])).await.expect("appended");
    assert_eq!((next.position, next.revision), (81, 17));
    event_log_kit::assert_sound(&target, 81).await;
    assert!(matches!(copy(&source, &target, QUIET).await, Err(CopyError::Newer { target: 81, source_events: 80 })));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_beginning_of_the_log_is_left_alone() {
    let place = Place::new();
    let source = written(&place).await;
    let (other, _) = place.log().await;
    other.append(append(1, stream(9), 0, vec![plain(1)])).await.expect("appended");
    assert!(matches!(copy(&source, &other, QUIET).await, Err(CopyError::OtherLog { position: 1 })));
    assert_eq!(other.head().await.expect("a head"), 1);
    let rows = source.rows_after(5, 3).await.expect("rows");
    assert!(other.adopt(rows).await.is_err(), "there would be a hole");
    event_log_kit::assert_sound(&other, 1).await;
}

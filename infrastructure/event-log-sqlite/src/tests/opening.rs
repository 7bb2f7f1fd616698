//! Opening, closing, opening again; beside an owner; what is refused.

use super::*;
use application::testing::event_log_kit::{append, assert_sound, everything, place_of, plain, speech, stream};
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn what_was_written_is_there_after_closing_and_opening() {
    let place = Place::new();
    let log = place.open().await;
    let first = append(1, stream(1), 0, vec![speech("Hello."), plain(1)]);
    log.append(first.clone()).await.expect("appended");
    let before = everything(&log).await;
    log.close().await;
    assert!(matches!(log.append(append(2, stream(1), 2, vec![plain(2)])).await, Err(AppendError::Unavailable(_))));

    let again = place.open().await;
    assert_eq!(everything(&again).await, before);
    assert_eq!(*again.wakeups().borrow(), 2);
    let repeated = again.append(first).await.expect("known");
    assert_eq!(place_of(repeated), (2, 2, true));
    let next = again.append(append(2, stream(1), 2, vec![plain(2)])).await.expect("appended");
    assert_eq!(place_of(next), (3, 3, false));
    assert_sound(&again, 3).await;
}

#[tokio::test]
async fn a_log_that_is_dropped_without_closing_opens_again() {
    let place = Place::new();
    drop({
        let log = place.open().await;
        log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
        log
    });
    assert_sound(&place.open().await, 1).await;
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let place = Place::new();
    let log = place.open().await;
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    for entry in std::fs::read_dir(place.folder.path()).expect("the folder") {
        let entry = entry.expect("a file");
        let mode = entry.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn it_is_read_beside_its_owner_and_after_it() {
    let place = Place::new();
    let owner = place.open().await;
    owner.append(append(1, stream(1), 0, vec![speech("Hello.")])).await.expect("appended");
    let reader = SqliteEventLog::open_read_only(place.file(), place.codec()).await.expect("it opens");
    owner.append(append(2, stream(1), 1, vec![plain(1)])).await.expect("appended");
    assert_eq!(everything(&reader).await, everything(&owner).await);
    assert_sound(&reader, 2).await;
    let refused = reader.append(append(3, stream(1), 2, vec![plain(1)])).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    owner.close().await;
    assert_sound(&reader, 2).await;
}

#[tokio::test]
async fn a_newer_programs_file_is_refused_and_left_alone() {
    let place = Place::new();
    place.open().await.close().await;
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut place.raw().await).await.expect("set");
    let clock = Arc::new(ManualClock::default());
    let refused = SqliteEventLog::open(place.file(), codec("main"), clock).await.err();
    assert!(matches!(refused, Some(LogError::Newer { found: 99, .. })), "{refused:?}");
    let refused = SqliteEventLog::open_read_only(place.file(), codec("main")).await.err();
    assert!(matches!(refused, Some(LogError::Newer { found: 99, .. })), "{refused:?}");
    let version: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut place.raw().await).await.expect("a number");
    assert_eq!(version, 99);
}

#[tokio::test]
async fn what_is_not_this_log_is_refused() {
    let place = Place::new();
    let missing = SqliteEventLog::open_read_only(place.file(), codec("main")).await.err();
    assert!(matches!(missing, Some(LogError::Storage(_))), "{missing:?}");
    assert!(!place.file().exists());

    std::fs::write(place.file(), []).expect("an empty file");
    let empty = SqliteEventLog::open_read_only(place.file(), codec("main")).await.err();
    assert!(matches!(empty, Some(LogError::Older { found: 0, .. })), "{empty:?}");

    place.open().await.close().await;
    let clock = Arc::new(ManualClock::default());
    let other = SqliteEventLog::open(place.file(), codec("other"), clock.clone()).await.err();
    assert!(matches!(other, Some(LogError::OtherLog { .. })), "{other:?}");

    std::fs::write(place.file(), "Dear diary, ".repeat(1_000)).expect("a text");
    let text = SqliteEventLog::open(place.file(), codec("main"), clock).await.err();
    assert!(matches!(text, Some(LogError::Storage(_))), "{text:?}");
    assert_eq!(std::fs::read_to_string(place.file()).expect("the text"), "Dear diary, ".repeat(1_000));
}

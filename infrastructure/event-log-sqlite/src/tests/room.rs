//! A disk without room: SQLite answers as it does for one when its file may not grow any more.

use super::*;
use application::testing::event_log_kit::{append, assert_sound, plain, speech, stream};

/// A log whose file may not grow beyond this many pages of 4 KiB.
async fn cramped(place: &Place, pages: u32) -> SqliteEventLog {
    let options = options_to_write(&place.file()).pragma("max_page_count", pages.to_string());
    let clock = Arc::new(ManualClock::default());
    SqliteEventLog::start(&place.file(), options, codec("main"), clock).await.expect("the log opens")
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_the_log_whole() {
    let place = Place::new();
    let log = cramped(&place, 60).await;
    let mut written = 0;
    let refused = loop {
        match log.append(append(written, stream(written), 0, vec![speech(&"word ".repeat(500))])).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::OutOfRoom), "{refused:?}");
    assert!(written > 5);
    assert_sound(&log, written).await;
    log.close().await;

    // With room again, the refused append is written as if nothing had been.
    let roomy = place.open().await;
    let appended = roomy.append(append(written, stream(written), 0, vec![plain(1)])).await.expect("appended");
    assert_eq!((appended.position, appended.replayed), (written + 1, false));
    assert_sound(&roomy, written + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_without_room_does_not_hurt_those_beside_it() {
    let place = Place::new();
    let log = Arc::new(cramped(&place, 120).await);
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..40 {
        let log = Arc::clone(&log);
        let huge = number == 20;
        let event = if huge { speech(&"word ".repeat(200_000)) } else { plain(1) };
        callers.spawn(async move { (huge, log.append(append(number, stream(number), 0, vec![event])).await) });
    }
    for (huge, outcome) in callers.join_all().await {
        match outcome {
            Ok(_) => assert!(!huge),
            Err(error) => assert!(huge && matches!(error, AppendError::OutOfRoom), "{error:?}"),
        }
    }
    assert_sound(log.as_ref(), 39).await;
}

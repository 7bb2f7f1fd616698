//! Old events are put away, and everything reads as before.

use super::*;
use application::testing::event_log_kit::everything;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_away_reads_as_before_from_every_place() {
    let place = Place::new();
    let (log, _) = place.log().await;
    let mut expected = Vec::new();
    // Streams that begin in one part and go on in others, and one that ends early.
    for round in 0..5_u64 {
        for number in 0..4_u64 {
            if number == 3 && round > 1 {
                continue;
            }
            let events = vec![plain(1), plain(2)];
            log.append(append(round * 10 + number, stream(number), round * 2, events)).await.expect("appended");
        }
        expected.extend(everything(&log).await.into_iter().skip(expected.len()));
        if round % 2 == 0 {
            assert_eq!(log.put_away(1_000).await.expect("asked"), None, "there are not that many");
            assert!(log.put_away(1).await.expect("asked").is_some());
            assert_eq!(log.put_away(1).await.expect("asked"), None, "there is nothing new");
        }
        assert_eq!(everything(&log).await, expected);
    }
    let head = expected.len() as u64;
    assert_eq!(log.head().await.expect("a head"), head);
    for after in 0..=head + 1 {
        for limit in [1, 3, 7, 100] {
            let page = log.read_log(after, limit).await.expect("a page");
            let wanted: Vec<_> = expected.iter().filter(|event| event.position > after).take(limit).cloned().collect();
            assert_eq!((page.events, page.head), (wanted, head), "after {after}, {limit} at most");
        }
    }
    for number in 0..5 {
        for from in 0..=11 {
            for limit in [1, 3, 100] {
                let wanted: Vec<_> = expected
                    .iter()
                    .filter(|event| event.stream == stream(number) && event.revision >= from)
                    .take(limit)
                    .cloned()
                    .collect();
                let found = log.read_stream(&stream(number), from, limit).await.expect("a stream");
                assert_eq!(found, wanted, "stream {number} from {from}, {limit} at most");
            }
        }
    }
    event_log_kit::assert_sound(&log, head).await;
    // A command is known, wherever its events are now.
    let again = log.append(append(1, stream(1), 0, vec![plain(1), plain(2)])).await.expect("known");
    assert_eq!((again.replayed, again.revision), (true, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_writers_go_on_while_old_events_are_put_away() {
    let place = Place::new();
    let (log, _) = place.log().await;
    let log = Arc::new(log);
    const EVENTS: u64 = 600;
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for revision in 0..EVENTS {
                log.append(append(revision, stream(1), revision, vec![plain(1)])).await.expect("appended");
            }
        }
    });
    let reader = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            let mut after = 0;
            while after < EVENTS {
                for event in log.read_log(after, 50).await.expect("a page").events {
                    after += 1;
                    assert_eq!(event.position, after, "nothing is skipped and nothing comes twice");
                }
                let own = log.read_stream(&stream(1), 1, usize::MAX).await.expect("a stream");
                assert!(own.iter().zip(1..).all(|(event, revision)| event.revision == revision));
                assert!(own.len() as u64 >= after, "what was seen is there");
            }
        }
    });
    let mut parts = 0;
    while !writer.is_finished() {
        parts += u32::from(log.put_away(40).await.expect("asked").is_some());
    }
    writer.await.expect("no panic");
    reader.await.expect("no panic");
    assert!(parts >= 3, "{parts} parts were made");
    event_log_kit::assert_sound(log.as_ref(), EVENTS).await;
}

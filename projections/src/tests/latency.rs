//! How long it takes until an event can be seen in rows, by a clock that the test moves.

use super::hooked::Hooked;
use crate::Runner;
use application::testing::{MemoryReadStore, RecordedLog, story::Story};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// What a call of the store takes: a slow round trip to a database on the same machine.
const CALL: Duration = Duration::from_millis(1);

/// How events come: so many at once, so often.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    events: usize,
    every: Duration,
    /// Whether the log wakes anybody up.
    woken: bool,
}

/// How long each event took to be seen, from the shortest to the longest.
async fn waits(rhythm: Rhythm) -> Vec<Duration> {
    let story = Story::of_events(51, 4, 2_000);
    let log = Arc::new(RecordedLog::new(vec![]));
    let runner = Runner::new(log.clone(), Hooked::taking(&Arc::new(MemoryReadStore::new()), CALL));
    let mut applied = runner.applied();
    let running = tokio::spawn(async move { runner.run().await });
    // The runner has looked, and found nothing.
    sleep(Duration::from_millis(300)).await;
    let seeing = tokio::spawn({
        let events = story.events().len() as u64;
        async move {
            let mut seen = Vec::new();
            while (seen.len() as u64) < events {
                applied.changed().await.unwrap();
                let position = *applied.borrow_and_update();
                seen.resize(usize::try_from(position).unwrap(), Instant::now());
            }
            seen
        }
    });
    let (begun, mut written) = (Instant::now(), Vec::new());
    for (number, events) in (0..).zip(story.events().chunks(rhythm.events)) {
        sleep_until(begun + rhythm.every * number).await;
        written.resize(written.len() + events.len(), Instant::now());
        if rhythm.woken { log.push(events.iter().cloned()) } else { log.push_silently(events.iter().cloned()) }
    }
    let seen = seeing.await.unwrap();
    running.abort();
    let mut waits: Vec<Duration> = written.iter().zip(&seen).map(|(written, seen)| *seen - *written).collect();
    waits.sort();
    waits
}

#[tokio::test(start_paused = true)]
async fn what_is_written_can_be_seen_soon() {
    let every = |events, every_ms| Rhythm { events, every: Duration::from_millis(every_ms), woken: true };
    // One by one, rarely and often, and in bursts.
    for rhythm in [every(1, 100), every(1, 5), every(1, 1), every(5, 5), every(20, 10), every(100, 200)] {
        let waits = waits(rhythm).await;
        let (half, most) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
        assert!(half <= Duration::from_millis(10), "{rhythm:?}: p50 {half:?}, p99 {most:?}");
        assert!(most <= Duration::from_millis(50), "{rhythm:?}: p50 {half:?}, p99 {most:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_woken_by_nobody_looks_all_the_same() {
    let waits = waits(Rhythm { events: 100, every: Duration::from_secs(2), woken: false }).await;
    let longest = waits.last().unwrap();
    assert!(*longest <= Duration::from_millis(700), "{longest:?}");
}

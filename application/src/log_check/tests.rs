//! A sound log is silent, and each way to break one is told.

use super::*;
use crate::testing::{RecordedLog, story::Story};

/// Events whose hashes tell nothing but their place, chained as a log does.
fn chained() -> Vec<Recorded> {
    let mut ends = HashMap::new();
    let mut events = Story::history(400);
    for event in &mut events {
        let mut hash = [9; 32];
        hash[..8].copy_from_slice(&event.position.to_be_bytes());
        event.hash = Sha256::new(hash);
        event.prev_hash = ends.insert(event.stream.clone(), event.hash).unwrap_or(Sha256::new([0; 32]));
    }
    events
}

/// What is said about these events, read in pages after a position.
async fn said(events: Vec<Recorded>, after: u64, page: usize) -> Vec<String> {
    let log = RecordedLog::new(events.clone());
    let mut check = LogCheck::after(after, &log);
    let mut faults = Vec::new();
    for page in events.chunks(page) {
        let news: Vec<_> = page.iter().filter(|event| event.position > after).cloned().collect();
        faults.extend(check.look(&log, &news).await.expect("it reads"));
    }
    assert_eq!(check.position(), events.last().expect("an event").position);
    faults
}

#[tokio::test]
async fn a_sound_log_is_silent_from_wherever_it_is_looked_at() {
    let events = chained();
    for after in [0, 1, 77, 250, 399] {
        for page in [1, 7, 512] {
            assert_eq!(said(events.clone(), after, page).await, Vec::<String>::new(), "after {after}, {page} a page");
        }
    }
}

#[tokio::test]
async fn each_break_is_told() {
    let check = async |expected: &str, harm: fn(&mut Vec<Recorded>)| {
        let mut events = chained();
        harm(&mut events);
        let faults = said(events, 0, 50).await;
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
    };
    check("event 101 stands after event 99", |events| {
        events.remove(99);
    })
    .await;
    check("does not follow the event before it", |events| {
        let later = events.iter_mut().find(|event| event.revision > 3).expect("a long stream");
        later.prev_hash = Sha256::new([1; 32]);
    })
    .await;
    check("where 1 is due", |events| {
        let first = events.iter_mut().skip(9).find(|event| event.revision == 1).expect("a stream begins");
        first.revision = 2;
    })
    .await;
}

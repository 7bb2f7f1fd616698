//! What many callers at the same time can rely on.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a kit for tests fails by panicking")]

use super::{Subject, append, assert_sound, everything, follows, nth, plain, stream};
use crate::ports::event_log::{AppendError, Appended, EventLog};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// How long anything here may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a reader waits for a wake-up before it looks by itself.
const POLL: Duration = Duration::from_millis(50);

pub(super) async fn each_revision_has_one_winner(Subject { log, .. }: &Subject) {
    const CALLERS: u64 = 12;
    const EACH: u64 = 25;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let log = Arc::clone(log);
        callers.spawn(async move {
            let mut won = Vec::new();
            let mut expected = 0;
            let mut command = caller * 1_000_000;
            while (won.len() as u64) < EACH {
                command += 1;
                match log.append(append(command, stream(1), expected, vec![plain(1)])).await {
                    Ok(appended) => {
                        won.push(appended.revision);
                        expected = appended.revision;
                    }
                    Err(AppendError::WrongRevision { actual, .. }) => expected = actual,
                    Err(error) => return Err(error),
                }
            }
            Ok(won)
        });
    }
    let won = timeout(PATIENCE, callers.join_all()).await.expect("no caller hangs");
    let mut revisions: Vec<u64> = won.into_iter().flat_map(|won| won.expect("only lost races")).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=CALLERS * EACH).collect::<Vec<_>>());
    assert_sound(log.as_ref(), CALLERS * EACH).await;
}

pub(super) async fn bad_appends_do_not_hurt_others(Subject { log, .. }: &Subject) {
    let taken = append(0, stream(0), 0, vec![plain(1)]);
    log.append(taken.clone()).await.unwrap();
    let mut callers = JoinSet::new();
    for number in 1..=300 {
        let log = Arc::clone(log);
        let mut one = append(number, stream(number), 0, vec![plain(1)]);
        match number % 3 {
            0 => one.expected_revision = 5,
            1 => (one.command_id, one.stream) = (taken.command_id, taken.stream.clone()),
            _ => {}
        }
        callers.spawn(async move { (number % 3, log.append(one).await) });
    }
    for (sort, outcome) in timeout(PATIENCE, callers.join_all()).await.expect("no caller hangs") {
        match sort {
            0 => assert!(matches!(outcome, Err(AppendError::WrongRevision { expected: 5, actual: 0 })), "{outcome:?}"),
            1 => assert!(matches!(outcome, Err(AppendError::CommandIdReused)), "{outcome:?}"),
            _ => assert!(matches!(outcome, Ok(Appended { revision: 1, replayed: false, .. })), "{outcome:?}"),
        }
    }
    assert_sound(log.as_ref(), 101).await;
}

pub(super) async fn the_same_command_at_once_is_written_once(Subject { log, .. }: &Subject) {
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let log = Arc::clone(log);
        callers.spawn(async move { log.append(append(1, stream(1), 0, vec![plain(1), plain(2)])).await });
    }
    let outcomes = timeout(PATIENCE, callers.join_all()).await.expect("no caller hangs");
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("an outcome")).collect();
    let position = nth(log.as_ref(), 2).await;
    assert!(outcomes.iter().all(|outcome| (outcome.position, outcome.revision) == (position, 2)));
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1);
    assert_sound(log.as_ref(), 2).await;
}

pub(super) async fn what_is_decided_again_amid_others_is_written_once(Subject { log, .. }: &Subject) {
    const STREAMS: u64 = 60;
    let ask = |command, number, expected| {
        let (log, events) = (Arc::clone(log), vec![plain(1); if number % 3 == 0 { 2 } else { 1 }]);
        async move { log.append(append(command, stream(number), expected, events)).await.expect("an outcome") }
    };
    let (mut firsts, mut events) = (Vec::new(), 0);
    for number in 0..STREAMS {
        firsts.push(ask(number, number, 0).await);
        events += firsts.last().unwrap().revision;
    }
    // Every stream is where it is expected. Half of the commands are new, and stand in one group with those that are not.
    let mut callers = JoinSet::new();
    for (number, first) in (0..STREAMS).zip(&firsts) {
        let is_new = number % 2 == 0;
        let again = ask(number + if is_new { STREAMS } else { 0 }, number, first.revision);
        events += if is_new { first.revision } else { 0 };
        callers.spawn(async move { (number, again.await) });
    }
    for (number, outcome) in timeout(PATIENCE, callers.join_all()).await.expect("no caller hangs") {
        let first = firsts[usize::try_from(number).unwrap()];
        if number % 2 == 0 {
            assert!(!outcome.replayed && outcome.revision == first.revision * 2, "{number}: {outcome:?}");
        } else {
            assert_eq!(outcome, Appended { replayed: true, ..first }, "{number}");
        }
    }
    assert_sound(log.as_ref(), events).await;
}

pub(super) async fn readers_see_everything_once_and_in_order(Subject { log, .. }: &Subject) {
    const STREAMS: u64 = 60;
    const EACH: u64 = 50;
    const EVENTS: u64 = STREAMS * EACH;
    let mut readers = JoinSet::new();
    for limit in [1_000, 64, 7] {
        readers.spawn(follow(Arc::clone(log), limit, EVENTS));
    }
    let mut writers = JoinSet::new();
    for number in 0..STREAMS {
        let log = Arc::clone(log);
        writers.spawn(async move {
            for revision in 0..EACH {
                let command = number * EACH + revision;
                log.append(append(command, stream(number), revision, vec![plain(1)])).await.expect("appended");
            }
        });
    }
    timeout(PATIENCE, writers.join_all()).await.expect("no writer hangs");
    let seen = timeout(PATIENCE, readers.join_all()).await.expect("no reader hangs");
    let ids: BTreeSet<_> = everything(log.as_ref()).await.iter().map(|event| event.event_id).collect();
    assert_eq!(ids.len() as u64, EVENTS);
    assert!(seen.iter().all(|seen| *seen == ids));
    assert_sound(log.as_ref(), EVENTS).await;
}

/// Follows the log until `events` were seen; panics at the first hole, repetition or false head.
async fn follow(log: Arc<dyn EventLog>, limit: usize, events: u64) -> BTreeSet<uuid::Uuid> {
    let mut wakeups = log.wakeups();
    let mut after = 0;
    let mut seen = BTreeSet::new();
    while (seen.len() as u64) < events {
        let page = log.read_log(after, limit).await.expect("a page");
        for event in &page.events {
            assert!(follows(log.as_ref(), after, event.position), "a reader may never skip or repeat an event");
            after = event.position;
            assert!(seen.insert(event.event_id));
        }
        assert!(page.scanned_to == after || (page.events.is_empty() && page.scanned_to > after));
        after = page.scanned_to;
        assert!(page.head >= after);
        if page.events.is_empty() {
            // Silence is no error: a wake-up is a hint.
            let _ = timeout(POLL, wakeups.changed()).await;
        }
    }
    seen
}

//! The conformance kit of the delivery store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store. Deliberately absent: what only a durable store can
//! show (opening again, crashes, full disks).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a conformance kit fails by panicking")]

use crate::ports::{
    delivery_store::{
        ATTEMPTS_MAX, Attempt, AttemptEnding, DEAD_MS_MAX, DELIVERED_MS_MAX, Delivery, DeliveryBatch, DeliveryQuery,
        DeliveryState, DeliveryStore, DeliveryStoreError, NewDelivery, Next, Source,
    },
    event_log::Tenant,
};
use domain::value::{Timestamp, WebhookId};
use std::{future::Future, sync::Arc};
use uuid::Uuid;

/// When most things happen.
const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);
/// Webhooks.
const ONE: WebhookId = WebhookId(Uuid::from_u128(0x11));
const OTHER: WebhookId = WebhookId(Uuid::from_u128(0x22));
/// Subjects.
const A: u128 = 0xaa;
const B: u128 = 0xbb;

/// Checks every promise on stores that `make` gives. The second value lives as long as the store: a temporary folder.
/// Panics at the first broken promise.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn DeliveryStore>, Keep)>>(make: impl Fn() -> Made) {
    macro_rules! checks {
        ($($check:ident)+) => {
            $({
                let (store, _keep) = make().await;
                $check(&*store).await;
            })+
        };
    }
    checks! {
        deliveries_and_checkpoint_move_together
        what_is_known_from_the_log_stays_as_it_is
        only_the_earliest_of_a_line_is_due
        a_line_goes_on_when_its_first_has_ended
        what_is_due_is_taken_in_hand
        webhooks_are_served_in_turn
        the_last_attempts_are_known
        late_outcomes_change_little
        what_waits_is_given_up_at_once
        pages_lead_through_everything
        deliveries_are_delivered_again
        a_replay_tells_everything_once_more_in_order
        a_replay_is_asked_for_once
        a_replay_that_has_nothing_to_tell_is_over
        what_has_ended_is_forgotten_in_time
        a_removed_webhook_leaves_nothing
    }
}

fn new(webhook: WebhookId, subject: u128, position: u64) -> NewDelivery {
    NewDelivery {
        id: id(webhook, position),
        webhook,
        tenant: Tenant("t 'ü'".to_owned()),
        event: Uuid::from_u128(u128::from(position)),
        kind: "dubbing.queued".to_owned(),
        position,
        subject: Uuid::from_u128(subject),
        body: format!("{{\"position\":{position},\"text\":\"'ü\\n\"}}"),
    }
}

fn id(webhook: WebhookId, position: u64) -> Uuid {
    Uuid::from_u128((webhook.0.as_u128() << 64) + u128::from(position))
}

fn attempt(at: Timestamp, ending: AttemptEnding) -> Attempt {
    Attempt { at, took_ms: 7, status: Some(500), ending }
}

/// Keeps deliveries of the log.
async fn keep(store: &dyn DeliveryStore, deliveries: Vec<NewDelivery>) {
    let from = store.checkpoint().await.unwrap();
    let to = deliveries.iter().map(|delivery| delivery.position).max().unwrap_or(from).max(from + 1);
    store.enqueue(DeliveryBatch { source: Source::Log, from, to, deliveries, now: NOW }).await.unwrap();
}

/// Asks for everything from a position on once more, with the next event of the log.
async fn replay(store: &dyn DeliveryStore, tenant: &Tenant, from: u64) {
    let asked_at = store.checkpoint().await.unwrap() + 1;
    store.replay(tenant, ONE, from, asked_at).await.unwrap();
}

/// What is due, by position.
async fn due(store: &dyn DeliveryStore, now: Timestamp) -> Vec<u64> {
    let due = store.due(now, 100, 100).await.unwrap();
    due.iter().map(|delivery| delivery.what.position).collect()
}

async fn outcome(store: &dyn DeliveryStore, position: u64, next: Next) {
    let ending = if next == Next::Delivered { AttemptEnding::Delivered } else { AttemptEnding::Refused };
    store.outcome(id(ONE, position), &attempt(NOW, ending), next).await.unwrap();
}

async fn found(store: &dyn DeliveryStore, position: u64) -> Delivery {
    store.delivery(ONE, id(ONE, position)).await.unwrap().unwrap()
}

async fn listed(
    store: &dyn DeliveryStore,
    state: Option<DeliveryState>,
    before: Option<u64>,
    limit: usize,
) -> Vec<u64> {
    let found = store.list(&DeliveryQuery { webhook: ONE, state, before, limit }).await.unwrap();
    found.iter().map(|delivery| delivery.what.position).collect()
}

#[track_caller]
fn assert_moved(outcome: &Result<(), DeliveryStoreError>) {
    match outcome {
        Err(DeliveryStoreError::Moved) => {}
        other => panic!("it was kept from elsewhere: {other:?}"),
    }
}

async fn deliveries_and_checkpoint_move_together(store: &dyn DeliveryStore) {
    assert_eq!(store.checkpoint().await.unwrap(), 0);
    let batch = |from, to, position| {
        let deliveries = vec![new(ONE, A, position)];
        DeliveryBatch { source: Source::Log, from, to, deliveries, now: NOW }
    };
    store.enqueue(batch(0, 7, 5)).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), 7);
    for from in [0, 6, 8] {
        assert_moved(&store.enqueue(batch(from, 9, 9)).await);
    }
    assert_eq!((store.checkpoint().await.unwrap(), due(store, NOW).await), (7, vec![5]));
    assert_eq!(store.delivery(ONE, id(ONE, 9)).await.unwrap(), None);
    let kept = found(store, 5).await;
    let what = new(ONE, A, 5);
    let (state, failures, attempts, ended_at) = (DeliveryState::Waiting, 0, vec![], None);
    assert_eq!(kept, Delivery { what, state, failures, waiting_since: NOW, not_before: NOW, ended_at, attempts });
    assert_eq!(store.delivery(OTHER, id(ONE, 5)).await.unwrap(), None, "it is another webhook's");
}

async fn what_is_known_from_the_log_stays_as_it_is(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, B, 2)]).await;
    outcome(store, 1, Next::Delivered).await;
    let other_body = NewDelivery { body: "{}".to_owned(), ..new(ONE, B, 2) };
    keep(store, vec![new(ONE, A, 1), other_body]).await;
    assert_eq!(found(store, 1).await.state, DeliveryState::Delivered);
    assert_eq!(found(store, 2).await.what, new(ONE, B, 2));
    assert_eq!(due(store, NOW).await, [2]);
}

async fn only_the_earliest_of_a_line_is_due(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, A, 2), new(ONE, B, 3), new(OTHER, A, 1)]).await;
    keep(store, vec![new(ONE, A, 4), new(OTHER, A, 4)]).await;
    let mut all = due(store, NOW).await;
    all.sort_unstable();
    assert_eq!(all, [1, 1, 3], "one of each webhook and subject");
    let earlier = Timestamp::from_unix_ms(NOW.unix_ms() - 1);
    assert_eq!(due(store, earlier).await, Vec::<u64>::new());
    // A failure holds back its line, and no other one.
    outcome(store, 1, Next::RetryAt(NOW.plus_ms(10))).await;
    let mut all = due(store, NOW.plus_ms(9)).await;
    all.sort_unstable();
    assert_eq!(all, [1, 3]);
    assert_eq!(due(store, NOW.plus_ms(10)).await.len(), 3);
    assert_eq!(found(store, 1).await.failures, 1);
}

async fn a_line_goes_on_when_its_first_has_ended(store: &dyn DeliveryStore) {
    keep(store, (1..=4).map(|position| new(ONE, A, position)).collect()).await;
    outcome(store, 1, Next::Delivered).await;
    assert_eq!(due(store, NOW).await, [2]);
    outcome(store, 2, Next::RetryAt(NOW.plus_ms(10))).await;
    outcome(store, 2, Next::Dead).await;
    assert_eq!(due(store, NOW).await, [3]);
    let dead = found(store, 2).await;
    assert_eq!((dead.state, dead.failures, dead.ended_at), (DeliveryState::Dead, 2, Some(NOW)));
    // One that is not the first has an outcome: it was under way when an earlier one came back.
    outcome(store, 4, Next::Delivered).await;
    assert_eq!(due(store, NOW).await, [3]);
    outcome(store, 3, Next::Delivered).await;
    assert_eq!(due(store, NOW).await, Vec::<u64>::new());
}

async fn what_is_due_is_taken_in_hand(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, A, 2), new(ONE, B, 3)]).await;
    let claim = async |position, now| store.claim(id(ONE, position), now).await.unwrap();
    assert_eq!(claim(1, NOW).await, Some(found(store, 1).await));
    assert_eq!(due(store, NOW).await.len(), 2, "one's own is still due");
    assert_eq!(claim(1, NOW).await, Some(found(store, 1).await), "and may be taken up again");
    assert_eq!(claim(2, NOW).await, None, "it is not the first of its line");
    assert_eq!(claim(3, Timestamp::from_unix_ms(NOW.unix_ms() - 1)).await, None, "its time has not come");
    assert_eq!(claim(9, NOW).await, None, "nobody knows it");
    outcome(store, 1, Next::RetryAt(NOW.plus_ms(10))).await;
    assert_eq!(claim(1, NOW.plus_ms(9)).await, None);
    assert_eq!(claim(1, NOW.plus_ms(10)).await.map(|delivery| delivery.failures), Some(1));
    outcome(store, 1, Next::Delivered).await;
    assert_eq!(claim(1, NOW.plus_ms(10)).await, None, "it has ended");
    assert!(claim(2, NOW).await.is_some());
    replay(store, &Tenant::default(), 3).await;
    assert_eq!(claim(3, NOW).await, None, "a replay has not come to it");
}

async fn webhooks_are_served_in_turn(store: &dyn DeliveryStore) {
    let many = (1..=6).map(|position| new(ONE, u128::from(position), position));
    keep(store, many.chain([new(OTHER, 7, 7), new(OTHER, 8, 8)]).collect()).await;
    assert_eq!(due(store, NOW).await, [1, 7, 2, 8, 3, 4, 5, 6]);
    let few = store.due(NOW, 3, 4).await.unwrap();
    assert_eq!(few.iter().map(|one| one.what.position).collect::<Vec<_>>(), [1, 7, 2, 8]);
    let fewer = store.due(NOW, 1, 100).await.unwrap();
    assert_eq!(fewer.iter().map(|one| one.what.position).collect::<Vec<_>>(), [1, 7]);
    // Those that are due for longest come first.
    outcome(store, 1, Next::RetryAt(NOW.plus_ms(5))).await;
    assert_eq!(due(store, NOW.plus_ms(5)).await, [2, 7, 3, 8, 4, 5, 6, 1]);
}

async fn the_last_attempts_are_known(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1)]).await;
    let made: Vec<Attempt> = (0..15).map(|ms| attempt(NOW.plus_ms(ms), AttemptEnding::TimedOut)).collect();
    for attempt in &made {
        store.outcome(id(ONE, 1), attempt, Next::RetryAt(NOW.plus_ms(100))).await.unwrap();
    }
    let kept = found(store, 1).await;
    assert_eq!(kept.attempts, made[made.len() - ATTEMPTS_MAX..]);
    assert_eq!((kept.failures, kept.not_before), (15, NOW.plus_ms(100)));
}

async fn late_outcomes_change_little(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, B, 2)]).await;
    outcome(store, 1, Next::Delivered).await;
    outcome(store, 1, Next::RetryAt(NOW.plus_ms(1))).await;
    outcome(store, 1, Next::Dead).await;
    let kept = found(store, 1).await;
    assert_eq!((kept.state, kept.failures, kept.attempts.len()), (DeliveryState::Delivered, 0, 3));
    outcome(store, 2, Next::Dead).await;
    outcome(store, 2, Next::Delivered).await;
    assert_eq!(found(store, 2).await.state, DeliveryState::Delivered, "its receiver has it");
    outcome(store, 99, Next::Delivered).await;
    assert_eq!(store.delivery(ONE, id(ONE, 99)).await.unwrap(), None);
}

async fn what_waits_is_given_up_at_once(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, A, 2), new(ONE, B, 3), new(OTHER, A, 1)]).await;
    outcome(store, 1, Next::Delivered).await;
    let why = Attempt { at: NOW, took_ms: 0, status: None, ending: AttemptEnding::Inactive };
    assert_eq!(store.give_up(ONE, &why).await.unwrap(), 2);
    assert_eq!(store.give_up(ONE, &why).await.unwrap(), 0);
    assert_eq!(listed(store, Some(DeliveryState::Dead), None, 9).await, [3, 2]);
    assert_eq!(found(store, 2).await.attempts, [why]);
    assert_eq!(found(store, 1).await.state, DeliveryState::Delivered);
    assert_eq!(due(store, NOW).await, [1], "the other webhook's");
}

async fn pages_lead_through_everything(store: &dyn DeliveryStore) {
    keep(store, (1..=7).map(|position| new(ONE, A, position)).chain([new(OTHER, A, 3)]).collect()).await;
    for position in [2, 5, 6] {
        outcome(store, position, Next::Dead).await;
    }
    assert_eq!(listed(store, None, None, 3).await, [7, 6, 5]);
    assert_eq!(listed(store, None, Some(5), 3).await, [4, 3, 2]);
    assert_eq!(listed(store, None, Some(2), 3).await, [1]);
    assert_eq!(listed(store, None, Some(1), 3).await, Vec::<u64>::new());
    assert_eq!(listed(store, Some(DeliveryState::Dead), None, 2).await, [6, 5]);
    assert_eq!(listed(store, Some(DeliveryState::Dead), Some(5), 2).await, [2]);
    assert_eq!(listed(store, Some(DeliveryState::Waiting), None, 9).await, [7, 4, 3, 1]);
    assert_eq!(listed(store, Some(DeliveryState::Delivered), None, 9).await, Vec::<u64>::new());
}

async fn deliveries_are_delivered_again(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, A, 2), new(ONE, A, 3)]).await;
    outcome(store, 1, Next::Dead).await;
    outcome(store, 2, Next::RetryAt(NOW.plus_ms(1_000))).await;
    let later = NOW.plus_ms(10);
    assert!(store.redeliver(ONE, id(ONE, 1), later).await.unwrap());
    assert_eq!(due(store, NOW.plus_ms(5_000)).await, [1], "the earlier one goes first");
    let again = found(store, 1).await;
    assert_eq!((again.state, again.failures, again.waiting_since), (DeliveryState::Waiting, 0, later));
    assert_eq!((again.what, again.ended_at, again.attempts.len()), (new(ONE, A, 1), None, 1));
    outcome(store, 1, Next::Delivered).await;
    assert_eq!(due(store, later).await, Vec::<u64>::new(), "the next one's pause is not over");
    assert!(store.redeliver(ONE, id(ONE, 2), later).await.unwrap());
    assert_eq!(due(store, later).await, [2], "it need not wait any more");
    assert!(!store.redeliver(OTHER, id(ONE, 2), later).await.unwrap());
    assert!(!store.redeliver(ONE, id(ONE, 9), later).await.unwrap());
}

async fn a_replay_tells_everything_once_more_in_order(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 2), new(ONE, A, 4), new(ONE, A, 6), new(OTHER, A, 4)]).await;
    for position in [2, 4] {
        outcome(store, position, Next::Delivered).await;
    }
    let tenant = new(ONE, A, 1).tenant;
    replay(store, &tenant, 3).await;
    let replay = store.replays().await.unwrap().pop().unwrap();
    assert_eq!((replay.tenant, replay.webhook, replay.scanned_to, replay.until), (tenant.clone(), ONE, 2, 6));
    assert_eq!(due(store, NOW).await, [4], "the other webhook's: 6 waits for what the replay brings");
    let batch = |from, to, deliveries| DeliveryBatch { source: Source::Replay(ONE), from, to, deliveries, now: NOW };
    assert_moved(&store.enqueue(batch(3, 5, vec![new(ONE, A, 5)])).await);
    // 3 was not of interest before; 4 comes with another body than it had.
    let other_body = NewDelivery { body: "{}".to_owned(), ..new(ONE, A, 4) };
    store.enqueue(batch(2, 5, vec![new(ONE, A, 3), other_body])).await.unwrap();
    let mut all = due(store, NOW).await;
    all.sort_unstable();
    assert_eq!(all, [3, 4]);
    assert_eq!(found(store, 4).await.what, new(ONE, A, 4), "what is sent under one id stays the same");
    assert_eq!(store.checkpoint().await.unwrap(), 6, "the log's own place does not move");
    store.enqueue(batch(5, 6, vec![new(ONE, A, 6)])).await.unwrap();
    assert_eq!(store.replays().await.unwrap(), vec![]);
    assert_moved(&store.enqueue(batch(6, 7, vec![])).await);
    for position in [3, 4, 6] {
        assert!(due(store, NOW).await.contains(&position));
        outcome(store, position, Next::Delivered).await;
    }
    assert_eq!(found(store, 2).await.state, DeliveryState::Delivered, "it was before the replay");
}

async fn a_replay_is_asked_for_once(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 2), new(ONE, A, 4)]).await;
    for asked_at in [5, 5] {
        store.replay(&Tenant::default(), ONE, 1, asked_at).await.unwrap();
        assert_eq!(store.replays().await.unwrap().len(), 1);
    }
    let source = Source::Replay(ONE);
    let told = DeliveryBatch { source, from: 0, to: 3, deliveries: vec![], now: NOW };
    store.enqueue(told).await.unwrap();
    keep(store, vec![]).await;
    // Somebody else comes late to the same event.
    store.replay(&Tenant::default(), ONE, 1, 5).await.unwrap();
    assert_eq!(store.replays().await.unwrap()[0].scanned_to, 3, "it goes on where it was");
}

async fn a_replay_that_has_nothing_to_tell_is_over(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 2)]).await;
    replay(store, &Tenant::default(), 3).await;
    assert_eq!(store.replays().await.unwrap(), vec![]);
    replay(store, &Tenant::default(), 0).await;
    assert_eq!(store.replays().await.unwrap()[0].scanned_to, 0);
    assert_eq!(due(store, NOW).await, Vec::<u64>::new());
    // Asked for anew, it begins anew; with nothing to tell, nothing is held back any more.
    replay(store, &Tenant::default(), 9).await;
    assert_eq!((store.replays().await.unwrap(), due(store, NOW).await), (vec![], vec![2]));
}

async fn what_has_ended_is_forgotten_in_time(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, A, 2), new(ONE, A, 3)]).await;
    outcome(store, 1, Next::Delivered).await;
    outcome(store, 2, Next::Dead).await;
    let at = async |now: Timestamp| {
        let from = store.checkpoint().await.unwrap();
        let batch = DeliveryBatch { source: Source::Log, from, to: from + 1, deliveries: vec![], now };
        store.enqueue(batch).await.unwrap();
        listed(store, None, None, 9).await
    };
    assert_eq!(at(NOW.plus_ms(DELIVERED_MS_MAX - 1)).await, [3, 2, 1]);
    assert_eq!(at(NOW.plus_ms(DELIVERED_MS_MAX)).await, [3, 2]);
    assert_eq!(at(NOW.plus_ms(DEAD_MS_MAX - 1)).await, [3, 2]);
    assert_eq!(at(NOW.plus_ms(DEAD_MS_MAX)).await, [3]);
    assert_eq!(at(NOW.plus_ms(10 * DEAD_MS_MAX)).await, [3], "what waits is not forgotten");
}

async fn a_removed_webhook_leaves_nothing(store: &dyn DeliveryStore) {
    keep(store, vec![new(ONE, A, 1), new(ONE, B, 2), new(OTHER, A, 1)]).await;
    outcome(store, 1, Next::Delivered).await;
    replay(store, &Tenant::default(), 1).await;
    assert_eq!(store.remove(ONE).await.unwrap(), 2);
    assert_eq!(store.remove(ONE).await.unwrap(), 0);
    assert_eq!((listed(store, None, None, 9).await, store.replays().await.unwrap()), (vec![], vec![]));
    outcome(store, 2, Next::RetryAt(NOW)).await;
    assert_eq!(due(store, NOW).await, [1], "the other webhook's");
}

//! The conformance kit of the work queue: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh queue, whose own lease, where it has one, is [`LEASE`].
//! What a queue does not promise by its capabilities is checked for what it promises instead. The checks let time pass by waiting:
//! an in-memory queue is tried in a runtime whose time is paused, where that takes none.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a conformance kit fails by panicking")]

use crate::{
    fair_line::PASSED_OVER_MAX,
    ports::{
        event_log::{StreamId, Tenant},
        work_queue::{Claim, Delivery, Depth, Pass, Receipt, Work, WorkQueue},
    },
    room::{Room, RoomLimits},
};
use domain::{
    dubbing::Priority,
    flow::{Fence, Stage, WorkId, work_id},
    value::DubbingId,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

/// A lease in the checks.
pub const LEASE: Duration = Duration::from_secs(2);
/// A bit less, and a bit more: whatever comes between may take so long.
const ALMOST: Duration = Duration::from_millis(1_500);
/// Past the end of a lease that was just taken.
const PAST: Duration = Duration::from_millis(2_500);
/// Bound for what shall happen.
const SOON: Duration = Duration::from_secs(20);

/// Checks every promise, each on a fresh queue. Panics at the first that is broken.
pub async fn run<Made: Future<Output = Arc<dyn WorkQueue>>>(make: impl Fn() -> Made) {
    work_is_handed_out_once_and_in_order(&*make().await).await;
    urgent_work_comes_first_and_tenants_take_turns(&*make().await).await;
    work_that_is_not_urgent_does_not_starve(&*make().await).await;
    a_busy_tenant_does_not_hold_up_another(&*make().await).await;
    discarded_work_is_not_handed_out(&*make().await).await;
    it_tells_what_it_holds(&*make().await).await;
    the_depth_tells_what_waits_and_what_is_leased(&*make().await).await;
    work_is_deduplicated_while_it_is_in(&*make().await).await;
    what_a_door_refuses_stays_for_others(&*make().await).await;
    who_was_refused_is_woken_when_there_is_room(make().await).await;
    who_waits_is_woken(make().await).await;
    a_lease_that_is_not_extended_runs_out(&*make().await).await;
    a_heartbeat_extends_the_lease(&*make().await).await;
    stale_receipts_change_nothing(&*make().await).await;
    released_work_comes_back_after_its_delay(&*make().await).await;
    endless_leases_and_delays_are_taken(&*make().await).await;
    a_worker_that_gives_up_waiting_takes_nothing_along(make().await).await;
    many_workers_lose_nothing_and_share_nothing(make().await).await;
    what_crashed_workers_held_is_done_by_others(make().await).await;
}

fn work(number: u32) -> Work {
    work_of("local", Priority::Normal, number)
}

fn work_of(tenant: &str, priority: Priority, number: u32) -> Work {
    let stream = StreamId::Dubbing(DubbingId(Uuid::from_u128(1)));
    let fence = Fence { stage: Stage::Ingest, run: 1, attempt: number };
    let traceparent = Some(format!("00-{number:032x}-{number:016x}-01"));
    let claim = Claim { tenant: Tenant(tenant.to_owned()), priority, traceparent };
    Work { id: work_id(&stream.to_string(), fence), stream, fence, claim }
}

async fn pulled(queue: &dyn WorkQueue) -> Delivery {
    timeout(SOON, queue.pull(LEASE)).await.expect("there is work").unwrap()
}

/// What is handed out next, which is not before so much time has passed `since` a moment before it began to count.
/// However slow the machine is, this can only come later.
async fn pulled_after(queue: &dyn WorkQueue, since: Instant, passed: Duration) -> Delivery {
    let delivery = pulled(queue).await;
    assert!(since.elapsed() >= passed, "handed out {:?} after, which is too early", since.elapsed());
    delivery
}

async fn nothing_to_pull(queue: &dyn WorkQueue, within: Duration) {
    assert!(timeout(within, queue.pull(LEASE)).await.is_err(), "there is no work to hand out");
}

async fn it_tells_what_it_holds(queue: &dyn WorkQueue) {
    let (first, second) = (work(1), work(2));
    let holds = async || (queue.holds(first.id).await.unwrap(), queue.holds(second.id).await.unwrap());
    assert_eq!(holds().await, (false, false));
    queue.publish(first.clone()).await.unwrap();
    queue.publish(second.clone()).await.unwrap();
    assert_eq!(holds().await, (true, true), "it waits");
    let delivery = pulled(queue).await;
    assert_eq!((delivery.work.id, holds().await), (first.id, (true, true)), "a worker has it");
    queue.complete(delivery.receipt).await.unwrap();
    assert_eq!(holds().await, (false, true), "it is done");
    queue.discard(second.id).await.unwrap();
    assert_eq!(holds().await, (false, false), "nobody wants it");
}

async fn work_is_handed_out_once_and_in_order(queue: &dyn WorkQueue) {
    for number in 1..=3 {
        queue.publish(work(number)).await.unwrap();
    }
    for number in 1..=3 {
        let delivery = pulled(queue).await;
        assert_eq!((delivery.work, delivery.deliveries), (work(number), 1));
        queue.complete(delivery.receipt).await.unwrap();
    }
    nothing_to_pull(queue, PAST).await;
}

/// The numbers of so much work, in the order in which it is handed out.
async fn handed_out(queue: &dyn WorkQueue, count: usize) -> Vec<u32> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let delivery = pulled(queue).await;
        numbers.push(delivery.work.fence.attempt);
        queue.complete(delivery.receipt).await.unwrap();
    }
    numbers
}

async fn urgent_work_comes_first_and_tenants_take_turns(queue: &dyn WorkQueue) {
    let published = [
        ("a", Priority::Low, 1),
        ("a", Priority::Normal, 2),
        ("a", Priority::Normal, 3),
        ("b", Priority::Normal, 4),
        ("b", Priority::High, 5),
        ("a", Priority::High, 6),
    ];
    for (tenant, priority, number) in published {
        queue.publish(work_of(tenant, priority, number)).await.unwrap();
    }
    let due = if queue.capabilities().fair_tenants { [5, 6, 2, 4, 3, 1] } else { [5, 6, 2, 3, 4, 1] };
    assert_eq!(handed_out(queue, published.len()).await, due);
    nothing_to_pull(queue, PAST).await;
}

async fn work_that_is_not_urgent_does_not_starve(queue: &dyn WorkQueue) {
    queue.publish(work_of("poor", Priority::Low, 1)).await.unwrap();
    for number in 2..=100 {
        queue.publish(work_of("rich", Priority::High, number)).await.unwrap();
    }
    let bound = PASSED_OVER_MAX as usize + 1;
    assert!(handed_out(queue, bound).await.contains(&1), "it is its turn once in a while");
}

async fn a_busy_tenant_does_not_hold_up_another(queue: &dyn WorkQueue) {
    for number in 1..=50 {
        queue.publish(work_of("busy", Priority::Normal, number)).await.unwrap();
    }
    queue.publish(work_of("quiet", Priority::Normal, 51)).await.unwrap();
    // Where tenants do not take turns, everybody waits for what came before, and for nothing more.
    let bound = if queue.capabilities().fair_tenants { 2 } else { 51 };
    assert!(handed_out(queue, bound).await.contains(&51), "whoever has little waits for one of each other tenant");
}

async fn discarded_work_is_not_handed_out(queue: &dyn WorkQueue) {
    for number in 1..=2 {
        queue.publish(work(number)).await.unwrap();
    }
    queue.discard(work(1).id).await.unwrap();
    queue.discard(work(9).id).await.unwrap();
    let leased = pulled(queue).await;
    assert_eq!(leased.work, work(2));
    queue.discard(leased.work.id).await.unwrap();
    assert!(!queue.heartbeat(leased.receipt, LEASE).await.unwrap(), "who has it is told");
    nothing_to_pull(queue, PAST).await;
    queue.publish(work(1)).await.unwrap();
    let anew = pulled(queue).await;
    assert_eq!((anew.work, anew.deliveries), (work(1), 1), "published again, it is new");
    nothing_to_pull(queue, Duration::from_millis(100)).await;
}

async fn the_depth_tells_what_waits_and_what_is_leased(queue: &dyn WorkQueue) {
    assert_eq!(queue.depth().await.unwrap(), BTreeMap::new());
    for number in 1..=4 {
        queue.publish(work(number)).await.unwrap();
    }
    let (first, second) = (pulled(queue).await, pulled(queue).await);
    queue.release(first.receipt, LEASE).await.unwrap();
    let is_exact = queue.capabilities().exact_depth;
    let depth = |ready, delayed, leased| {
        let exact = Depth { ready, delayed, leased };
        let depth = if is_exact { exact } else { Depth { ready, delayed: 0, leased: delayed + leased } };
        BTreeMap::from([(Stage::Ingest, depth)])
    };
    assert_eq!(queue.depth().await.unwrap(), depth(2, 1, 1));
    queue.complete(second.receipt).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), depth(2, 1, 0));
    let held = pulled(queue).await;
    sleep(PAST).await;
    // What has run out is ready again, or counts as leased until it is handed out once more.
    let ran_out = if is_exact { depth(3, 0, 0) } else { depth(1, 1, 1) };
    assert_eq!(queue.depth().await.unwrap(), ran_out, "delay and lease have run out");
    queue.complete(held.receipt).await.unwrap();
}

async fn work_is_deduplicated_while_it_is_in(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    queue.publish(work(1)).await.unwrap();
    let delivery = pulled(queue).await;
    queue.publish(work(1)).await.unwrap();
    nothing_to_pull(queue, Duration::from_millis(100)).await;
    queue.release(delivery.receipt, LEASE).await.unwrap();
    queue.publish(work(1)).await.unwrap();
    nothing_to_pull(queue, Duration::from_millis(100)).await;
    let again = pulled(queue).await;
    assert_eq!(again.deliveries, 2);
    queue.complete(again.receipt).await.unwrap();
    nothing_to_pull(queue, PAST).await;
}

async fn who_waits_is_woken(queue: Arc<dyn WorkQueue>) {
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { pulled(&*queue).await.work.id })
        })
        .collect();
    tokio::task::yield_now().await;
    for number in 1..=3 {
        queue.publish(work(number)).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    for worker in waiting {
        seen.insert(worker.await.unwrap());
    }
    assert_eq!(seen.len(), 3, "each got work of its own");
}

/// Room for one attempt at a time of the stage that most work here is of.
fn narrow() -> Room {
    Room::new(RoomLimits { by_stage: BTreeMap::from([(Stage::Ingest, 1)]), ..RoomLimits::default() })
}

async fn through(queue: &dyn WorkQueue, room: &Room) -> (WorkId, Pass) {
    let (delivery, pass) = timeout(SOON, queue.pull_through(room, LEASE)).await.expect("there is work").unwrap();
    queue.complete(delivery.receipt).await.unwrap();
    (delivery.work.id, pass)
}

async fn what_a_door_refuses_stays_for_others(queue: &dyn WorkQueue) {
    let mut other = work(9);
    other.fence.stage = Stage::Mix;
    other.id = work_id(&other.stream.to_string(), other.fence);
    for work in [work(1), work(2), other.clone()] {
        queue.publish(work).await.unwrap();
    }
    let room = narrow();
    let let_in = [through(queue, &room).await, through(queue, &room).await];
    let ids: BTreeSet<WorkId> = let_in.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, BTreeSet::from([work(1).id, other.id]), "one of each stage, though another came first");
    assert!(timeout(ALMOST, queue.pull_through(&room, LEASE)).await.is_err(), "there is no room for another");
    let left = pulled(queue).await;
    assert_eq!((left.work.id, left.deliveries), (work(2).id, 1), "it was not taken meanwhile");
    queue.complete(left.receipt).await.unwrap();
}

async fn who_was_refused_is_woken_when_there_is_room(queue: Arc<dyn WorkQueue>) {
    for number in 1..=3 {
        queue.publish(work(number)).await.unwrap();
    }
    let room = narrow();
    let (mut last, mut pass) = through(&*queue, &room).await;
    assert_eq!(last, work(1).id);
    for number in 2..=3 {
        let waiting = tokio::spawn({
            let (queue, room) = (Arc::clone(&queue), room.clone());
            async move { through(&*queue, &room).await }
        });
        sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        drop(pass);
        (last, pass) = waiting.await.unwrap();
        assert_eq!(last, work(number).id);
    }
    room.close(true);
    drop(pass);
    queue.publish(work(4)).await.unwrap();
    assert!(timeout(ALMOST, queue.pull_through(&room, LEASE)).await.is_err(), "nothing new is let in");
    room.close(false);
    assert_eq!(through(&*queue, &room).await.0, work(4).id);
}

async fn a_lease_that_is_not_extended_runs_out(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    let asked = Instant::now();
    let first = pulled(queue).await;
    let taken = Instant::now();
    let second = pulled_after(queue, asked, ALMOST).await;
    assert!(taken.elapsed() <= LEASE * 3 / 2, "handed out again after {:?}", taken.elapsed());
    assert_eq!((&second.work, second.deliveries), (&first.work, 2));
    assert_ne!(second.receipt, first.receipt);
    assert!(!queue.heartbeat(first.receipt, LEASE).await.unwrap(), "the first lease has run out");
    assert!(queue.heartbeat(second.receipt, LEASE).await.unwrap());
}

async fn a_heartbeat_extends_the_lease(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    let delivery = pulled(queue).await;
    for _ in 0..4 {
        nothing_to_pull(queue, ALMOST).await;
        assert!(queue.heartbeat(delivery.receipt, LEASE).await.unwrap());
    }
    queue.complete(delivery.receipt).await.unwrap();
    nothing_to_pull(queue, PAST).await;
    assert!(!queue.heartbeat(delivery.receipt, LEASE).await.unwrap(), "it is done");
}

async fn stale_receipts_change_nothing(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    let late = pulled(queue).await.receipt;
    sleep(PAST).await;
    // Run out, though nobody else has it yet.
    assert!(!queue.heartbeat(late, LEASE).await.unwrap());
    queue.complete(late).await.unwrap();
    queue.release(late, Duration::ZERO).await.unwrap();
    let current = pulled(queue).await;
    assert_eq!(current.deliveries, 2);
    // Run out, and somebody else has it.
    queue.complete(late).await.unwrap();
    queue.release(late, Duration::ZERO).await.unwrap();
    assert!(!queue.heartbeat(late, LEASE).await.unwrap());
    nothing_to_pull(queue, Duration::from_millis(100)).await;
    assert!(queue.heartbeat(current.receipt, LEASE).await.unwrap());
    // Names that were never handed out.
    let unknown = Receipt { work: WorkId(Uuid::from_u128(7)), delivery: 7 };
    assert!(!queue.heartbeat(unknown, LEASE).await.unwrap());
    queue.complete(unknown).await.unwrap();
    queue.release(unknown, Duration::ZERO).await.unwrap();
    queue.complete(current.receipt).await.unwrap();
    nothing_to_pull(queue, PAST).await;
}

async fn released_work_comes_back_after_its_delay(queue: &dyn WorkQueue) {
    for number in 1..=2 {
        queue.publish(work(number)).await.unwrap();
    }
    let (slow, quick) = (pulled(queue).await, pulled(queue).await);
    let released = Instant::now();
    queue.release(slow.receipt, LEASE).await.unwrap();
    queue.release(quick.receipt, Duration::ZERO).await.unwrap();
    let first = pulled(queue).await;
    assert_eq!((first.work, first.deliveries), (work(2), 2), "what has no delay comes first");
    queue.complete(first.receipt).await.unwrap();
    assert_eq!(pulled_after(queue, released, ALMOST).await.work, work(1));
}

async fn endless_leases_and_delays_are_taken(queue: &dyn WorkQueue) {
    for number in 1..=2 {
        queue.publish(work(number)).await.unwrap();
    }
    let held = timeout(SOON, queue.pull(Duration::MAX)).await.unwrap().unwrap();
    assert!(queue.heartbeat(held.receipt, Duration::MAX).await.unwrap());
    let put_off = timeout(SOON, queue.pull(Duration::MAX)).await.unwrap().unwrap();
    queue.release(put_off.receipt, Duration::MAX).await.unwrap();
    if queue.capabilities().any_lease {
        nothing_to_pull(queue, PAST).await;
    } else {
        assert_eq!(pulled(queue).await.work, held.work, "a lease ends when the queue's own does");
        nothing_to_pull(queue, ALMOST).await;
    }
}

/// Workers that stop waiting at any moment leave the work to the others.
async fn a_worker_that_gives_up_waiting_takes_nothing_along(queue: Arc<dyn WorkQueue>) {
    for number in 1..=20 {
        let giving_up = {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.pull(LEASE).await.unwrap() })
        };
        tokio::task::yield_now().await;
        queue.publish(work(number)).await.unwrap();
        giving_up.abort();
        let delivery = match giving_up.await {
            Ok(delivery) => delivery,
            Err(_) => pulled(&*queue).await,
        };
        assert_eq!(delivery.work, work(number));
        queue.complete(delivery.receipt).await.unwrap();
    }
}

async fn many_workers_lose_nothing_and_share_nothing(queue: Arc<dyn WorkQueue>) {
    let done = Arc::new(Mutex::new(BTreeMap::<WorkId, u32>::new()));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (queue, done) = (Arc::clone(&queue), Arc::clone(&done));
            tokio::spawn(async move {
                while let Ok(delivery) = timeout(PAST, queue.pull(LEASE)).await {
                    let delivery = delivery.unwrap();
                    tokio::task::yield_now().await;
                    *done.lock().unwrap().entry(delivery.work.id).or_default() += 1;
                    queue.complete(delivery.receipt).await.unwrap();
                }
            })
        })
        .collect();
    for number in 1..=200 {
        queue.publish(work(number)).await.unwrap();
        if number % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let done = done.lock().unwrap();
    assert_eq!(done.len(), 200, "all of it was done");
    assert!(done.values().all(|times| *times == 1), "each by one worker");
}

/// Every third delivery is dropped on the floor: in the end everything is done all the same.
async fn what_crashed_workers_held_is_done_by_others(queue: Arc<dyn WorkQueue>) {
    for number in 1..=30 {
        queue.publish(work(number)).await.unwrap();
    }
    let (mut done, mut handed_out) = (BTreeSet::new(), 0_u32);
    while done.len() < 30 {
        let delivery = pulled(&*queue).await;
        handed_out += 1;
        if !handed_out.is_multiple_of(3) {
            queue.complete(delivery.receipt).await.unwrap();
            assert!(done.insert(delivery.work.id), "what was completed is not handed out again");
        }
    }
    assert!(handed_out >= 40);
    nothing_to_pull(&*queue, PAST).await;
}

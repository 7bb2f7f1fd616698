//! The conformance kit of clusters: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh cluster and the log that it fences. Checks let time pass by
//! waiting; what they expect after it can only be truer on a slower machine.

#![expect(clippy::unwrap_used, reason = "a conformance kit fails by panicking")]

use super::event_log_kit::{append, plain, stream};
use crate::ports::{
    cluster::{Cluster, Lease, NodeCard, Turn, WorkCard},
    event_log::{Append, AppendError, EventLog},
};
use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// A term that does not end during a check.
const LONG: Duration = Duration::from_secs(600);
/// One that is waited for.
const SHORT: Duration = Duration::from_millis(400);

/// Bound for what shall happen.
const SOON: Duration = Duration::from_secs(20);

/// What is checked.
pub struct Subject {
    /// The cluster.
    pub cluster: Arc<dyn Cluster>,
    /// The log whose appends it fences.
    pub log: Arc<dyn EventLog>,
    /// What lives as long as both.
    pub keep: Box<dyn Send + Sync>,
}

/// Checks every promise, each on a fresh cluster. Panics at the first that is broken.
pub async fn run<Made: Future<Output = Subject>>(make: impl Fn() -> Made) {
    what_is_held_is_held_by_one(&make().await).await;
    what_runs_out_can_be_taken_and_has_a_greater_number(&make().await).await;
    appends_are_fenced(&make().await).await;
    nodes_come_and_go(&make().await).await;
    many_at_once_share_nothing(&make().await).await;
    turns_are_shared_or_alone(&make().await).await;
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn card(number: u128) -> NodeCard {
    let roles = names(&["api", "flow"]);
    // Those of odd numbers work, too.
    let work = (number % 2 == 1).then(|| WorkCard {
        stages: names(&["ingest", "mix"]),
        slots: 3,
        classes: names(&["cpu", "gpu"]),
    });
    NodeCard { id: id(number), name: format!("node {number}"), roles, version: "1.2.3".to_owned(), work }
}

fn lease(name: &str, number: u64) -> Lease {
    Lease { name: name.to_owned(), number }
}

async fn what_is_held_is_held_by_one(subject: &Subject) {
    let (cluster, ab) = (&subject.cluster, names(&["a", "b"]));
    assert_eq!(
        cluster.take(id(1), &ab, 1, LONG).await.unwrap(),
        [lease("a", 1)],
        "in order, and no more than asked for"
    );
    assert_eq!(cluster.take(id(2), &ab, 9, LONG).await.unwrap(), [lease("b", 1)]);
    assert_eq!(cluster.take(id(1), &ab, 9, LONG).await.unwrap(), [], "not even what it has itself");
    assert_eq!(cluster.renew(id(1), &[lease("a", 1), lease("b", 1)], LONG).await.unwrap(), [lease("a", 1)]);
    cluster.release(id(2), &[lease("a", 1)]).await.unwrap();
    assert_eq!(cluster.take(id(2), &ab, 9, LONG).await.unwrap(), [], "others cannot let go of it");
    cluster.release(id(1), &[lease("a", 1)]).await.unwrap();
    assert_eq!(cluster.renew(id(1), &[lease("a", 1)], LONG).await.unwrap(), [], "gone is gone");
    assert_eq!(cluster.take(id(2), &ab, 9, LONG).await.unwrap(), [lease("a", 2)]);
    assert_eq!(cluster.renew(id(1), &[lease("a", 1), lease("a", 2)], LONG).await.unwrap(), []);
    assert_eq!(cluster.take(id(3), &[], 9, LONG).await.unwrap(), []);
}

async fn what_runs_out_can_be_taken_and_has_a_greater_number(subject: &Subject) {
    let (cluster, a) = (&subject.cluster, names(&["a"]));
    for number in 1..=3 {
        assert_eq!(cluster.take(id(1), &a, 1, SHORT).await.unwrap(), [lease("a", number)]);
        sleep(SHORT * 3 / 2).await;
    }
    let late = cluster.renew(id(1), &[lease("a", 3)], LONG).await.unwrap();
    assert_eq!(late, [lease("a", 3)], "late, but before anybody else");
    assert_eq!(cluster.take(id(2), &a, 1, LONG).await.unwrap(), []);
    cluster.renew(id(1), &[lease("a", 3)], SHORT).await.unwrap();
    sleep(SHORT * 3 / 2).await;
    assert_eq!(cluster.take(id(2), &a, 1, LONG).await.unwrap(), [lease("a", 4)]);
    assert_eq!(cluster.renew(id(1), &[lease("a", 3)], LONG).await.unwrap(), [], "somebody else was faster");
}

async fn appends_are_fenced(subject: &Subject) {
    let Subject { cluster, log, .. } = subject;
    let a = names(&["a"]);
    let under = |command, revision, number| Append {
        under: Some(lease("a", number)),
        ..append(command, stream(1), revision, vec![plain(1)])
    };
    let refused = log.append(under(1, 0, 1)).await;
    assert!(matches!(refused, Err(AppendError::Fenced)), "nobody has taken it yet: {refused:?}");
    cluster.take(id(1), &a, 1, SHORT).await.unwrap();
    let first = log.append(under(2, 0, 1)).await.unwrap();
    sleep(SHORT * 3 / 2).await;
    log.append(under(3, 1, 1)).await.unwrap();
    assert_eq!(cluster.take(id(2), &a, 1, LONG).await.unwrap(), [lease("a", 2)]);
    for (command, revision) in [(4, 2), (5, 7), (6, 0)] {
        let refused = log.append(under(command, revision, 1)).await;
        assert!(matches!(refused, Err(AppendError::Fenced)), "by an older number: {refused:?}");
    }
    let again = log.append(under(2, 0, 1)).await.unwrap();
    assert!(again.replayed && again.position == first.position, "what was written before is known, whoever asks");
    // In one group, each is judged for itself.
    let group = [under(7, 2, 1), append(8, stream(2), 0, vec![plain(1), plain(2)]), under(9, 2, 2)];
    let outcomes = futures::future::join_all(group.map(|append| log.append(append))).await;
    let is_written: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(is_written, [false, true, true], "{outcomes:?}");
    let whole = log.verify().await.unwrap();
    assert_eq!((whole.events, whole.faults), (5, vec![]));
}

async fn nodes_come_and_go(subject: &Subject) {
    let cluster = &subject.cluster;
    assert_eq!(cluster.nodes().await.unwrap(), []);
    for number in [2, 1] {
        assert!(!cluster.announce(&card(number), LONG).await.unwrap());
    }
    cluster.announce(&card(3), SHORT).await.unwrap();
    cluster.take(id(2), &names(&["b", "a"]), 9, LONG).await.unwrap();
    sleep(SHORT * 3 / 2).await;
    let nodes = cluster.nodes().await.unwrap();
    let seen: Vec<_> = nodes.iter().map(|node| (node.card.clone(), node.is_draining)).collect();
    assert_eq!(seen, [(card(1), false), (card(2), false)], "the third has not been heard of for too long");
    assert_eq!(nodes[1].holds, [lease("a", 1), lease("b", 1)]);
    assert!(cluster.drain(id(1), true).await.unwrap());
    assert!(!cluster.drain(id(9), true).await.unwrap(), "nobody of that name");
    assert!(cluster.announce(&card(1), LONG).await.unwrap(), "it is told");
    assert!(cluster.nodes().await.unwrap()[0].is_draining);
    assert!(cluster.drain(id(1), false).await.unwrap());
    assert!(!cluster.announce(&card(1), LONG).await.unwrap());
    cluster.leave(id(2)).await.unwrap();
    assert_eq!(cluster.nodes().await.unwrap().len(), 1);
    assert_eq!(cluster.take(id(1), &names(&["a"]), 1, LONG).await.unwrap(), [lease("a", 2)], "it left what it had");
}

async fn many_at_once_share_nothing(subject: &Subject) {
    let all: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    let mut nodes = JoinSet::new();
    for node in 1..=8 {
        let (cluster, all) = (Arc::clone(&subject.cluster), all.clone());
        nodes.spawn(async move { cluster.take(id(node), &all, 5, LONG).await.unwrap() });
    }
    let taken: Vec<Lease> = nodes.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<&Lease> = taken.iter().collect();
    assert_eq!((taken.len(), distinct.len()), (distinct.len(), taken.len()), "nothing twice");
    assert!(taken.iter().all(|lease| lease.number == 1));
    let left = subject.cluster.take(id(9), &all, 40, LONG).await.unwrap();
    assert_eq!(taken.len() + left.len(), 40, "and nothing lost");
}

async fn turns_are_shared_or_alone(subject: &Subject) {
    shared_or_alone(subject, Turn::UseFiles, Turn::DeleteFiles, Turn::HoldBlobs).await;
    shared_or_alone(subject, Turn::HoldBlobs, Turn::CollectBlobs, Turn::UseFiles).await;
}

async fn shared_or_alone(subject: &Subject, many: Turn, one: Turn, other_matter: Turn) {
    let turn = async |turn| timeout(SHORT, subject.cluster.turn(turn)).await.map(Result::unwrap);
    let (first, second) = (turn(many).await.unwrap(), turn(many).await.unwrap());
    drop(first);
    assert!(turn(one).await.is_err(), "another one is still there");
    let waiting = tokio::spawn({
        let cluster = Arc::clone(&subject.cluster);
        async move { cluster.turn(one).await.unwrap() }
    });
    drop(second);
    let alone = waiting.await.unwrap();
    for wanted in [many, one] {
        assert!(turn(wanted).await.is_err(), "somebody is alone");
    }
    for wanted in [Turn::SetUp, other_matter] {
        drop(turn(wanted).await.unwrap());
    }
    drop(alone);
    timeout(SOON, subject.cluster.turn(many)).await.unwrap().unwrap();
}

//! Several nodes over one log: they share in driving, take over from each other, and never decide what is not theirs.

use super::{
    house::{House, JOB},
    told::Fault,
};
use application::{
    admission::{Admission, Beginning},
    cluster::{Holdings, Member, PARTITIONS, Right, Share, partition_of, partitions},
    crew::Crew,
    ports::{
        cluster::{Lease, NodeCard},
        event_log::AppendError,
    },
    process_manager::Ending,
    stages::handler::StageError,
    stop::{Stopper, Stopping},
};
use domain::{dubbing::Phase as Life, flow::Stage, value::DubbingId};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use uuid::Uuid;

const TERM: Duration = Duration::from_secs(15);

/// A node at work.
struct Node {
    id: Uuid,
    holdings: Holdings,
    stopper: Stopper,
    membership: JoinHandle<()>,
    admission: Arc<Admission>,
    _crew: Crew,
}

impl Node {
    fn start(house: &House, number: u128, unfinished: Vec<DubbingId>) -> Self {
        let id = Uuid::from_u128(number);
        let (roles, version) = (vec!["flow".to_owned()], String::new());
        let card = NodeCard { id, name: format!("node {number}"), roles, version, work: None };
        let share = Share { partitions: true, duties: vec!["projections".to_owned()] };
        let member = Member::new(house.cluster(), card, share, TERM);
        let (holdings, stopper) = (member.holdings(), Stopper::new());
        let stop = stopper.signal();
        let membership = tokio::spawn(async move { member.run(&stop).await });
        let admission = house.admission_among(holdings.clone());
        let crew = house.crew_from(&admission, Beginning { unfinished, after: 0 });
        Self { id, holdings, stopper, membership, admission, _crew: crew }
    }

    fn holds(&self) -> usize {
        partitions().filter(|name| self.holdings.right_to(name) != Right::None).count()
    }

    /// It is gone from one instant to the next.
    fn die(self) {
        self.membership.abort();
    }
}

fn ids(count: u128) -> Vec<DubbingId> {
    // Spread over all partitions.
    (100..100 + count).map(|number| DubbingId(Uuid::from_u128(number))).collect()
}

async fn all_completed(house: &House, ids: &[DubbingId]) -> bool {
    for id in ids {
        if house.life_of(*id).await != Life::Completed {
            return false;
        }
    }
    true
}

#[tokio::test(start_paused = true)]
async fn nodes_share_in_driving_and_one_has_each_duty() {
    let house = House::begin(&["es"]).await;
    let (one, other) = (Node::start(&house, 1, vec![JOB]), Node::start(&house.neighbour(), 2, vec![JOB]));
    let even = async || one.holds() == 8 && other.holds() == 8;
    house.until("the partitions are shared evenly", even).await;
    let duties = [&one, &other].map(|node| node.holdings.right_to("projections") != Right::None);
    assert_eq!(duties.iter().filter(|has| **has).count(), 1);
    let ids = ids(40);
    for id in &ids {
        house.begin_another(*id).await;
    }
    house.until("all are finished", async || all_completed(&house, &ids).await).await;
    assert_eq!(house.calls(Stage::Publish), 41, "nothing was made twice");
    house.until("nobody has anything to do", async || one.admission.depth() == other.admission.depth()).await;
    assert_eq!(house.faults_of_log().await, Vec::<String>::new());

    // A third one gets its part, a drained one gives its own away, and who leaves is missed by nobody.
    let third = Node::start(&house.neighbour(), 3, vec![]);
    let shared = async || [&one, &other, &third].iter().all(|node| (4..=6).contains(&node.holds()));
    house.until("three share", shared).await;
    assert!(house.cluster().drain(one.id, true).await.unwrap());
    house.until("two share", async || one.holds() == 0 && other.holds() + third.holds() == 16).await;
    third.stopper.ask(Stopping::AtSafePoint);
    house.until("one has all", async || other.holds() == usize::from(PARTITIONS)).await;
    assert_eq!(house.cluster().nodes().await.unwrap().len(), 2, "who left is gone");
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_node_was_driving_is_driven_to_its_end_by_another() {
    for stage in [Stage::Ingest, Stage::Translate, Stage::Publish] {
        let house = House::begin(&["es"]).await;
        let ids = ids(20);
        house.break_stage(stage, [Fault::Hang; 4]);
        for id in &ids {
            house.begin_another(*id).await;
        }
        let dying = Node::start(&house, 1, vec![JOB]);
        house.until("some hang", async || house.hanging() == 4).await;
        let heir = house.reborn();
        let living = Node::start(&heir, 2, [vec![JOB], ids.clone()].concat());
        dying.die();
        let all = [vec![JOB], ids].concat();
        heir.until("all are finished", async || all_completed(&heir, &all).await).await;
        assert_eq!(living.holds(), usize::from(PARTITIONS));
        assert_eq!(heir.faults_of_log().await, Vec::<String>::new());
        assert_eq!(heir.completions().await.len() % all.len(), 0, "every job has all its stages once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stalled_node_decides_late_is_refused() {
    let house = House::begin(&["es"]).await;
    let name = partition_of(JOB);
    let cluster = house.cluster();
    let [stale] = &cluster.take(Uuid::from_u128(1), std::slice::from_ref(&name), 1, TERM).await.unwrap()[..] else {
        panic!("it is free")
    };
    // It stands still for longer than its term, and another node takes over.
    tokio::time::sleep(TERM * 2).await;
    let current = cluster.take(Uuid::from_u128(2), &[name], 1, TERM).await.unwrap();
    let before = house.head().await;
    let late = house.manager().under(Some(stale.clone())).drive(JOB).await;
    assert!(matches!(late, Err(StageError::Append(AppendError::Fenced))), "{late:?}");
    assert_eq!(house.head().await, before);
    // By the one that holds it, all goes on.
    assert_eq!(house.drive_under(current.first().cloned()).await, Ending::Settled);
    assert_eq!(house.dubbing().await.phase, Life::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_renew_lets_go_before_others_may_begin() {
    let house = House::begin(&["es"]).await;
    let node = Node::start(&house, 1, vec![]);
    house.until("it has all", async || node.holds() == usize::from(PARTITIONS)).await;
    let taken: BTreeMap<String, Lease> = partitions()
        .filter_map(|name| match node.holdings.right_to(&name) {
            Right::Under(lease) => Some((name, lease)),
            Right::None | Right::Free => None,
        })
        .collect();
    // Somebody in its name lets go of everything: what it holds is no news to it until it asks.
    let leases: Vec<Lease> = taken.values().cloned().collect();
    house.cluster().release(node.id, &leases).await.unwrap();
    let names: Vec<String> = partitions().collect();
    let others = house.cluster().take(Uuid::from_u128(9), &names, 99, TERM * 100).await.unwrap();
    assert_eq!(others.len(), usize::from(PARTITIONS));
    house.until("it has heard", async || node.holds() == 0).await;
}

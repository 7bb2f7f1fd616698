//! What children had in memory is told to whoever counts it, however they ended.

use crate::{run, sh};
use application::ports::child::{Child, ChildLimits, ChildMemory};
use std::{sync::Arc, time::Duration};

const MIB: u64 = 1 << 20;

/// Has so much in memory at a time.
fn large(mib: u64) -> Child {
    Child::new("dd").arg("if=/dev/zero").arg("of=/dev/null").arg(format!("bs={mib}M")).arg("count=1")
}

/// What was counted while children ran one after the other.
async fn counted(children: Vec<Child>) -> u64 {
    let memory = Arc::new(ChildMemory::default());
    let running = async {
        for child in children {
            let _ended = run(child).await;
        }
    };
    Arc::clone(&memory).of_children_in(running).await;
    memory.bytes()
}

#[tokio::test]
async fn the_largest_of_children_that_follow_each_other_counts() {
    let least = counted(vec![large(1)]).await;
    let bytes = counted(vec![large(1), large(200), large(1)]).await;
    assert!((200 * MIB..400 * MIB).contains(&bytes), "{bytes}, and {least} for one that is small");
    assert!(least < 150 * MIB, "{least}");
}

#[tokio::test]
async fn children_side_by_side_count_together() {
    let memory = Arc::new(ChildMemory::default());
    let side_by_side = async { tokio::join!(run(large(100)), run(large(100))) };
    let (one, other) = Arc::clone(&memory).of_children_in(side_by_side).await;
    assert!(one.is_ok() && other.is_ok());
    assert!(memory.bytes() >= 200 * MIB, "{}", memory.bytes());
}

#[tokio::test]
async fn children_that_failed_or_were_killed_count_too() {
    let fails = sh("dd if=/dev/zero of=/dev/null bs=100M count=1; exit 3");
    assert!(counted(vec![fails]).await >= 100 * MIB, "what it waited for counts as its own");
    let limits = ChildLimits { wall: Duration::from_secs(2), ..ChildLimits::default() };
    let late = Child::new("dd").arg("if=/dev/zero").arg("of=/dev/null").arg("bs=100M").limits(limits);
    assert!(counted(vec![late]).await >= 100 * MIB);
}

//! Workers with little room: no more begins than there is memory for, and all comes to its end.

use super::{
    house::{House, JOB},
    told::Fault,
};
use application::{
    crew::{Crew, Drained},
    room::{Room, RoomLimits},
};
use domain::{dubbing::Phase as Life, flow::Stage, value::DubbingId};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);
/// As long as it takes for whatever could begin to begin.
const A_WHILE: Duration = Duration::from_secs(20);

fn small() -> Room {
    let needs = BTreeMap::from([(Stage::Ingest, 60), (Stage::Mix, 500), (Stage::Translate, 90)]);
    Room::new(RoomLimits { memory_bytes: Some(130), needs, ..RoomLimits::default() })
}

async fn several(house: &House, count: u128) -> Vec<DubbingId> {
    let ids: Vec<DubbingId> = (100..100 + count).map(|number| DubbingId(Uuid::from_u128(number))).collect();
    for id in &ids {
        house.begin_another(*id).await;
    }
    [vec![JOB], ids].concat()
}

async fn all_completed(house: &House, ids: &[DubbingId]) -> bool {
    for id in ids {
        if house.life_of(*id).await != Life::Completed {
            return false;
        }
    }
    true
}

fn crew(house: &House) -> Crew {
    house.crew(&house.admission(100, 100), vec![])
}

#[tokio::test(start_paused = true)]
async fn no_more_begins_than_there_is_memory_for_and_all_comes_to_its_end() {
    let room = small();
    let house = House::begin(&["es"]).await.with_room(&room);
    house.break_stage(Stage::Ingest, [Fault::Hang; 2]);
    let ids = several(&house, 9).await;
    let working = crew(&house);
    house.until("two have begun", async || house.hanging() == 2).await;
    tokio::time::sleep(A_WHILE).await;
    let figures = room.figures();
    assert_eq!((house.hanging(), house.calls(Stage::Ingest)), (2, 2), "eight workers, and memory for two");
    assert_eq!((figures.held_bytes, figures.at_work[&Stage::Ingest], figures.waits[&Stage::Ingest]), (120, 2, 1));
    assert_eq!(working.drain(Duration::ZERO).await, Drained::GivenBack);
    assert_eq!((room.figures().held_bytes, room.figures().at_work[&Stage::Ingest]), (0, 0));

    // In the next life nothing hangs. What needs more than there is goes alone.
    let room = small();
    let reborn = house.reborn().with_room(&room);
    let working = crew(&reborn);
    reborn.until("all are finished", async || all_completed(&reborn, &ids).await).await;
    assert_eq!(room.figures().ended[&(Stage::Mix, "done")], 10);
    assert_eq!(working.drain(LONG).await, Drained::AtSafePoint);
    assert_eq!(room.figures().held_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_closed_room_is_worked_in_again_once_it_is_open() {
    let room = Room::unbounded();
    let house = House::begin(&["es"]).await.with_room(&room);
    room.close(true);
    let working = crew(&house);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!((house.calls(Stage::Ingest), house.life_of(JOB).await), (0, Life::Processing));
    // Others are not kept from it.
    let neighbour = house.neighbour();
    let others = crew(&neighbour);
    house.until("another one does it", async || house.life_of(JOB).await == Life::Completed).await;
    assert_eq!(room.figures().ended, BTreeMap::new());
    assert_eq!(others.drain(LONG).await, Drained::AtSafePoint);
    room.close(false);
    let ids = several(&house, 3).await;
    house.until("it takes part again", async || all_completed(&house, &ids).await).await;
    assert!(!room.figures().ended.is_empty());
    drop(working);
}

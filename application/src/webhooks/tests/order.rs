//! In which order, and how much at once.

use super::house::{House, ONE, OTHER, Reply, locked, paused, resumed, target};
use crate::{
    ports::delivery_store::{AttemptEnding, DeliveryState, DeliveryStore},
    testing::story::Random,
    webhooks::{flights::Flights, payload::delivery_id},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use uuid::Uuid;

#[tokio::test]
async fn a_dubbing_is_told_of_in_order_however_often_its_receiver_fails() {
    for seed in 0..10 {
        let house = House::new();
        house.hears("local", target(ONE, &[], 0));
        house.hears("local", target(OTHER, &[], 0));
        let received: Arc<Mutex<BTreeMap<_, Vec<u64>>>> = Arc::default();
        let (kept, mut random) = (Arc::clone(&received), Random::new(seed));
        house.replies(move |told| {
            if random.below(2) == 0 {
                return Reply::Status(503);
            }
            locked(&kept).entry((told.webhook, told.position % 3)).or_default().push(told.position);
            Reply::Status(200)
        });
        // Positions of a dubbing have the same remainder. They come bit by bit.
        for round in 0..8 {
            house.log.push((1..=6).map(|number| paused(u128::from(number % 3), round * 6 + number)));
            house.settle().await;
            house.clock_to(house.now().plus_ms(10_000));
        }
        for _ in 0..60 {
            house.clock_to(house.now().plus_ms(3 * 3_600_000));
            house.settle().await;
        }
        let received = locked(&received);
        assert_eq!(received.len(), 6, "three dubbings to two webhooks");
        for (line, positions) in received.iter() {
            assert!(positions.is_sorted_by(|one, next| one < next), "{line:?}: {positions:?}");
            assert!(positions.len() >= 14, "{line:?}: {positions:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_holds_up_its_dubbing_only() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1), resumed(1, 2), paused(2, 3), resumed(2, 4)]);
    house.replies(|told| if told.position == 1 { Reply::Status(500) } else { Reply::Status(200) });
    house.settle().await;
    let mut told: Vec<u64> = house.told().iter().map(|one| one.position).collect();
    told.sort_unstable();
    assert_eq!(told, [1, 3, 4]);
    house.replies(|_| Reply::Status(200));
    house.clock_to(house.now().plus_ms(6_000));
    house.settle().await;
    assert_eq!(house.told()[3..].iter().map(|one| one.position).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn so_many_are_on_their_way_at_once_and_one_of_each_line() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.hears("local", target(OTHER, &[], 0));
    house.log.push((1..=40).map(|position| paused(u128::from(position % 20), position)));
    house.replies(|_| Reply::Never);
    house.take_in().await;
    let mut flights = Flights::default();
    for _ in 0..3 {
        house.delivery.fill(&mut flights).await.unwrap();
        assert_eq!(flights.len(), 6);
        assert!(flights.to(ONE) <= 4 && flights.to(OTHER) <= 4);
    }
    house.until(|| house.told().len() == 6).await;
    let mut lines: Vec<_> = house.told().iter().map(|one| (one.webhook, one.position % 20)).collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 6, "{lines:?}");
}

#[tokio::test]
async fn a_receiver_that_keeps_silent_does_not_hold_up_others() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.hears("local", target(OTHER, &[], 0));
    house.log.push((1..=40).map(|position| paused(u128::from(position), position)));
    house.replies(|told| if told.webhook == ONE { Reply::Never } else { Reply::Status(200) });
    house.take_in().await;
    let mut flights = Flights::default();
    while house.told().iter().filter(|one| one.webhook == OTHER).count() < 40 {
        house.delivery.fill(&mut flights).await.unwrap();
        assert!(flights.to(ONE) <= 4);
        tokio::time::timeout(std::time::Duration::from_secs(20), flights.landed()).await.unwrap();
    }
}

#[tokio::test]
async fn a_delivery_is_sent_again_when_somebody_asks() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1), resumed(1, 2)]);
    house.settle().await;
    let id = delivery_id(ONE, Uuid::from_u128(1));
    assert!(house.store.redeliver(ONE, id, house.now()).await.unwrap());
    house.settle().await;
    let told = house.told();
    assert_eq!(told.iter().map(|one| one.position).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!((&told[0].body, told[0].header("webhook-id")), (&told[2].body, told[2].header("webhook-id")));
    let kept = house.delivery(ONE, 1).await;
    assert_eq!((kept.state, kept.attempts.len()), (DeliveryState::Delivered, 2));
    assert_eq!(kept.attempts[1].ending, AttemptEnding::Delivered);
}

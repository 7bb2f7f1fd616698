//! Servers that stop, hang and forget; relays that die, and several at a time. Each costs time only.

use super::{
    common::{at, history, settings},
    house::{House, SOON, ask},
};
use application::{
    ports::event_bus::{BusError, EventBus},
    testing::story::Random,
};
use event_bus_nats::{NatsEventBus, Settings};
use scratch_nats::Stop;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The log grows while the server goes away and comes back.
async fn survives(stop: Stop, wipe: bool) {
    let events = history(6_000);
    let house = House::new(&events[..2_000]);
    let running = house.starts().await;
    house.arrives(&running).await;
    for part in events[2_000..].chunks(1_000) {
        house.server.stop(stop).unwrap();
        house.log.push(part.iter().cloned());
        if wipe {
            house.server.wipe().unwrap();
        }
        house.server.start_again().unwrap();
        house.arrives(&running).await;
    }
    running.stop().await;
    house.has_told(&events).await;
}

#[tokio::test]
async fn a_server_that_is_restarted() {
    survives(Stop::Fast, false).await;
}

#[tokio::test]
async fn a_server_that_crashes() {
    survives(Stop::Immediate, false).await;
}

#[tokio::test]
async fn a_server_that_forgets_everything_is_told_everything_again() {
    survives(Stop::Immediate, true).await;
}

/// While messages are on their way.
#[tokio::test]
async fn a_server_that_crashes_in_the_midst() {
    let events = history(20_000);
    let house = House::new(&events);
    let running = house.starts().await;
    let mut random = Random::new(1);
    for _ in 0..8 {
        sleep(Duration::from_millis(random.below(120))).await;
        house.server.stop(Stop::Immediate).unwrap();
        house.server.start_again().unwrap();
    }
    house.arrives(&running).await;
    running.stop().await;
    house.has_told(&events).await;
}

#[tokio::test]
async fn a_server_that_hangs() {
    let events = history(4_000);
    let house = House::new(&events[..1_000]);
    let running = house.starts().await;
    house.arrives(&running).await;
    house.server.pause();
    house.log.push(events[1_000..].iter().cloned());
    // Longer than anybody waits for an answer.
    sleep(Duration::from_secs(4)).await;
    house.server.resume();
    house.arrives(&running).await;
    running.stop().await;
    house.has_told(&events).await;
}

/// Nobody appends, and nobody connects anew: it is noticed all the same.
#[tokio::test]
async fn a_stream_that_somebody_deletes_is_filled_again() {
    let events = history(3_000);
    let house = House::new(&events);
    let running = house.starts().await;
    house.arrives(&running).await;
    let client = async_nats::connect(house.server.url()).await.unwrap();
    for streams in [&["dragoman-events"][..], &["dragoman-events", "dragoman-log"]] {
        for stream in streams {
            ask(&client, &format!("STREAM.DELETE.{stream}"), &Value::Null).await;
        }
        let mut relayed = running.relay.relayed();
        let began_anew = relayed.wait_for(|position| *position < events.len() as u64);
        timeout(SOON, began_anew).await.expect("it is noticed").unwrap();
        house.arrives(&running).await;
        house.has_told(&events).await;
    }
    // The notices alone are no reason to tell anything again.
    ask(&client, "STREAM.DELETE.dragoman-log", &Value::Null).await;
    house.relays().await;
    running.stop().await;
    house.has_told(&events).await;
}

/// What grew old, or what somebody took out, is not told again.
#[tokio::test]
async fn what_was_kept_long_enough_is_not_told_again() {
    let events = history(3_000);
    let house = House::new(&events[..2_000]);
    house.relays().await;
    let client = async_nats::connect(house.server.url()).await.unwrap();
    ask(&client, "STREAM.PURGE.dragoman-events", &Value::Null).await;
    house.relays().await;
    assert!(house.told().await.is_empty());
    house.log.push(events[2_000..].iter().cloned());
    house.relays().await;
    house.has_told(&events[2_000..]).await;
}

#[tokio::test]
async fn old_events_make_room_for_new_ones() {
    let events = history(3_000);
    let house = House::new(&events);
    let small = Settings { bytes_max: 200_000, ..settings() };
    NatsEventBus::connect(&at(&house.server.url()), &small).await.unwrap();
    let log = std::sync::Arc::clone(&house.log);
    let bus = NatsEventBus::connect(&at(&house.server.url()), &small).await.unwrap();
    let relay = application::relay::Relay::new(log, std::sync::Arc::new(bus));
    let (mut relayed, stopper) = (relay.relayed(), application::stop::Stopper::new());
    let signal = stopper.signal();
    let running = tokio::spawn(async move { relay.run(&signal).await });
    timeout(SOON, relayed.wait_for(|position| *position == events.len() as u64)).await.unwrap().unwrap();
    running.abort();
    let told = house.told().await;
    let positions: Vec<u64> =
        told.iter().map(|message| super::house::header(message, "Dragoman-Position").parse().unwrap()).collect();
    assert!(positions.is_sorted_by(|one, next| one < next) && positions.len() > 100, "{}", positions.len());
    let last = events.iter().rev().find(|event| application::public_events::public(event).is_some()).unwrap();
    assert_eq!(positions.last(), Some(&last.position));
}

#[tokio::test]
async fn a_relay_that_dies_anywhere_is_followed_by_another() {
    let events = history(20_000);
    let house = House::new(&events);
    let mut random = Random::new(2);
    for _ in 0..25 {
        let running = house.starts().await;
        sleep(Duration::from_millis(random.below(60))).await;
        running.kill();
    }
    house.relays().await;
    house.has_told(&events).await;
}

/// An old leader that does not know yet that it is none: nothing comes twice, and nothing comes in disorder.
#[tokio::test]
async fn two_relays_side_by_side() {
    let events = history(20_000);
    let house = House::new(&events[..10_000]);
    let (one, other) = (house.starts().await, house.starts().await);
    for part in events[10_000..].chunks(100) {
        house.log.push(part.iter().cloned());
        sleep(Duration::from_millis(2)).await;
    }
    house.arrives(&one).await;
    house.arrives(&other).await;
    one.stop().await;
    other.stop().await;
    house.has_told(&events).await;
}

/// The server takes nothing that was made to follow something else, whoever sends it and whenever it comes.
#[tokio::test]
async fn somebody_else_who_publishes_there_is_no_hindrance() {
    let events = history(3_000);
    let house = House::new(&events[..1_000]);
    let running = house.starts().await;
    house.arrives(&running).await;
    let before = house.bus().await.held().await.unwrap();
    let client = async_nats::connect(house.server.url()).await.unwrap();
    client.request("dragoman.events.other.Thing", "{}".into()).await.unwrap();
    client.request("dragoman.log.other", "{}".into()).await.unwrap();
    let refused = house.bus().await.publish(&before.fence, &application::ports::event_bus::BusPage::default()).await;
    assert!(refused.is_ok(), "nothing was to be published");
    house.log.push(events[1_000..].iter().cloned());
    house.arrives(&running).await;
    running.stop().await;
    let told = house.told().await;
    let ours = told.iter().filter(|message| message.subject.as_str() != "dragoman.events.other.Thing").count();
    let due = events.iter().filter(|event| application::public_events::public(event).is_some()).count();
    // What was on its way when it was noticed may come again.
    assert!(ours >= due, "{ours} of {due}");
}

/// Bounded, and said: nothing waits in memory for a server that is away.
#[tokio::test]
async fn a_server_that_is_away_is_told_at_once() {
    let house = House::new(&history(1_000));
    let bus = house.bus().await;
    let held = bus.held().await.unwrap();
    house.server.stop(Stop::Immediate).unwrap();
    let refused = timeout(Duration::from_secs(6), bus.held()).await.expect("no call hangs");
    assert!(matches!(refused, Err(BusError::Unavailable(_))), "{refused:?}");
    house.server.start_again().unwrap();
    let back = async {
        while bus.held().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, back).await.unwrap();
    assert_eq!(bus.held().await.unwrap(), held);
    let info = ask(&async_nats::connect(house.server.url()).await.unwrap(), "STREAM.LIST", &json!({})).await;
    assert_eq!(info["total"], 2);
}

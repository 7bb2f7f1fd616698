//! The relay on a bus in memory that fails, forgets and is shared.

use super::{PAGE, Relay};
use crate::{
    ports::{
        event_bus::ToldEvent,
        event_log::{EventLog, Recorded},
    },
    public_events::{PublicEventType, public},
    stop::{Stopper, Stopping},
    testing::{
        MemoryEventBus, RecordedLog, event_bus_kit,
        story::{Random, SECRET, Story},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;
use uuid::Uuid;

/// More than anything takes, on a clock that stands still while anybody works.
const BOUND: Duration = Duration::from_secs(600);

struct House {
    log: Arc<RecordedLog>,
    bus: Arc<MemoryEventBus>,
}

impl House {
    fn new(events: &[Recorded]) -> Self {
        Self { log: Arc::new(RecordedLog::new(events.to_vec())), bus: Arc::new(MemoryEventBus::new()) }
    }

    fn relay(&self) -> Relay {
        let (log, bus) = (Arc::clone(&self.log), Arc::clone(&self.bus));
        Relay::new(log, bus)
    }

    /// A relay runs until it has come to the log's end, and stops.
    async fn relays(&self) {
        let (relay, stopper) = (self.relay(), Stopper::new());
        let head = self.log.head().await.unwrap();
        let (mut relayed, signal) = (relay.relayed(), stopper.signal());
        let arrived = async {
            relayed.wait_for(|position| *position == head).await.unwrap();
            stopper.ask(Stopping::AtSafePoint);
        };
        let (ended, ()) = timeout(BOUND, async { tokio::join!(relay.run(&signal), arrived) }).await.unwrap();
        ended.unwrap();
        assert!(self.bus.notices().last().is_none_or(|notice| notice.mark.position == head));
    }
}

fn story(seed: u64) -> Vec<Recorded> {
    let events = Story::of_events(seed, 3, 3 * PAGE).events().to_vec();
    assert!(events.len() > 2 * PAGE, "several pages");
    events
}

/// What is due of these events: the ids of the public ones, in order.
fn due(events: &[Recorded]) -> Vec<Uuid> {
    events.iter().filter(|event| public(event).is_some()).map(|event| event.event_id).collect()
}

fn ids(told: &[ToldEvent]) -> Vec<Uuid> {
    told.iter().map(|event| event.mark.event).collect()
}

#[tokio::test]
async fn the_bus_in_memory_keeps_the_promises_of_the_port() {
    let bus = MemoryEventBus::new();
    let due = event_bus_kit::check(&bus).await;
    let told: Vec<u64> = bus.told().iter().map(|event| event.mark.position).collect();
    assert_eq!(told, due);
}

#[tokio::test(start_paused = true)]
async fn every_public_event_is_told_once_and_in_order() {
    let events = story(1);
    let house = House::new(&events);
    house.relays().await;
    let told = house.bus.told();
    assert_eq!(ids(&told), due(&events));
    assert!(told.len() < events.len(), "some are nobody's business");
    for event in told {
        assert!(event.event_type.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", event.event_type);
        assert_ne!(event.stream.category(), "account");
    }
    // One notice for each category and page.
    let notices = house.bus.notices();
    assert!(notices.len() <= events.len().div_ceil(PAGE) * 10, "{} notices", notices.len());
    let mut latest = BTreeMap::new();
    latest.extend(events.iter().map(|event| (event.stream.category(), event.position)));
    let noticed = notices.iter().map(|notice| (notice.stream.category(), notice.mark.position));
    assert_eq!(noticed.collect::<BTreeMap<_, _>>(), latest);
}

#[tokio::test(start_paused = true)]
async fn what_comes_later_is_told_without_being_asked_for() {
    let events = story(2);
    let house = House::new(&events[..100]);
    let (relay, stopper) = (house.relay(), Stopper::new());
    let signal = stopper.signal();
    let running = tokio::spawn(async move { relay.run(&signal).await });
    let mut told = 100;
    for (loud, next) in [(true, 101), (false, 150), (true, PAGE + 300), (false, events.len())] {
        let more = events[told..next].iter().cloned();
        if loud {
            house.log.push(more)
        } else {
            house.log.push_silently(more)
        }
        told = next;
        let arrived = async {
            while house.bus.notices().last().is_none_or(|notice| notice.mark.position < next as u64) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(BOUND, arrived).await.unwrap();
    }
    stopper.ask(Stopping::AtSafePoint);
    running.await.unwrap().unwrap();
    assert_eq!(ids(&house.bus.told()), due(&events));
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_breaks_anywhere_costs_time_only() {
    let events = story(3);
    let mut random = Random::new(3);
    for _ in 0..20 {
        let house = House::new(&events);
        let bus = Arc::clone(&house.bus);
        bus.take_only(Some(0));
        let breaking = async {
            for _ in 0..10 {
                bus.take_only(Some(1 + usize::try_from(random.below(700)).unwrap()));
                tokio::time::sleep(Duration::from_secs(random.below(4))).await;
            }
            bus.take_only(None);
        };
        tokio::join!(house.relays(), breaking);
        assert_eq!(ids(&house.bus.told()), due(&events));
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_dies_anywhere_is_followed_by_another() {
    let events = story(4);
    let mut random = Random::new(4);
    let house = House::new(&events);
    for _ in 0..30 {
        house.bus.take_only(Some(1 + usize::try_from(random.below(90)).unwrap()));
        let relay = house.relay();
        let running = tokio::spawn(async move { relay.run(&Stopper::new().signal()).await });
        tokio::time::sleep(Duration::from_millis(700)).await;
        running.abort();
    }
    house.bus.take_only(None);
    house.relays().await;
    assert_eq!(ids(&house.bus.told()), due(&events));
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_is_told_again_from_the_beginning() {
    let events = story(5);
    let house = House::new(&events);
    for forget in [MemoryEventBus::forget_told, MemoryEventBus::forget_notices] {
        house.relays().await;
        forget(&house.bus);
        house.relays().await;
        assert_eq!(ids(&house.bus.told()), due(&events), "the events by which the notices went, too");
    }
    // A relay that runs notices by itself.
    let (relay, stopper) = (house.relay(), Stopper::new());
    let signal = stopper.signal();
    let running = tokio::spawn(async move { relay.run(&signal).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    house.bus.forget_told();
    house.bus.forget_notices();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(ids(&house.bus.told()), due(&events));
    stopper.ask(Stopping::AtSafePoint);
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn several_relays_are_not_in_each_others_way() {
    for seed in 6..10 {
        let events = story(seed);
        let house = House::new(&events);
        tokio::join!(house.relays(), house.relays(), house.relays());
        assert_eq!(ids(&house.bus.told()), due(&events));
    }
}

/// Its numbers are given to other events then.
#[tokio::test(start_paused = true)]
async fn a_log_that_was_put_back_to_an_earlier_state_is_told_anew() {
    let before = story(10);
    let others =
        story(11).into_iter().map(|event| Recorded { event_id: Uuid::from_u64_pair(event.position, 11), ..event });
    let after: Vec<Recorded> = others.collect();
    let house = House::new(&before);
    house.relays().await;
    let restored = House { log: Arc::new(RecordedLog::new(after.clone())), bus: Arc::clone(&house.bus) };
    restored.relays().await;
    let told = house.bus.told();
    assert_eq!(ids(&told), [due(&before), due(&after)].concat());
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_told() {
    let events = story(12);
    assert!(format!("{events:?}").contains("Personal(…)"), "there is something to hide");
    let house = House::new(&events);
    house.relays().await;
    assert!(!format!("{:?}{:?}", house.bus.told(), house.bus.notices()).contains(SECRET));
}

#[test]
fn types_have_one_word_each() {
    let names: BTreeSet<String> = PublicEventType::ALL.iter().map(|kind| kind.camel_name()).collect();
    assert_eq!(names.len(), PublicEventType::ALL.len(), "no two have the same");
    for name in names {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphabetic()) && name.starts_with(char::is_uppercase);
        assert!(is_word, "{name}");
    }
    assert_eq!(PublicEventType::DubbingSourceReady.camel_name(), "DubbingSourceReady");
    assert_eq!(PublicEventType::UtterancesMerged.camel_name(), "UtteranceMerged");
}

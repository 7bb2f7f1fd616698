//! A listener hears each event once, whatever happens meanwhile, or is told that it was too slow.

use super::{After, Feed, Live, Next, TypeSet, Wanted};
use application::{
    aggregates::Aggregates,
    ports::event_log::{EventLog, Recorded, Tenant},
    public_events::public,
    testing::{RecordedLog, story::Story},
};
use std::{pin::pin, sync::Arc, task::Poll};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

struct World {
    log: Arc<RecordedLog>,
    live: Live,
    aggregates: Arc<Aggregates>,
    stop: CancellationToken,
}

impl World {
    fn new(events: &[Recorded], ring: usize) -> Self {
        let log = Arc::new(RecordedLog::new(events.to_vec()));
        let stop = CancellationToken::new();
        let port: Arc<dyn EventLog> = log.clone();
        let aggregates = Arc::new(Aggregates::new(port.clone()));
        Self { log, live: Live::new(port, stop.clone(), ring), aggregates, stop }
    }

    async fn listen(&self, after: After, dubbing: Option<Uuid>) -> Feed {
        let wanted = Wanted { tenant: Tenant::default(), dubbing, types: TypeSet::ALL };
        let feed = Feed::open(self.live.clone(), &self.aggregates, wanted, after).await.expect("a log");
        feed.unwrap_or_else(|head| panic!("the log ends at {head}"))
    }
}

/// Positions that are told of, until there is nothing else for a while.
async fn hear(feed: &mut Feed) -> Vec<u64> {
    let mut heard = Vec::new();
    while let Next::Event(frame) = feed.next().await {
        heard.push(frame.position);
    }
    heard
}

fn told(events: &[Recorded], after: u64, dubbing: Option<Uuid>) -> Vec<u64> {
    let events = events.iter().filter(|event| event.position > after).filter_map(public);
    events.filter(|event| dubbing.is_none() || event.dubbing == dubbing).map(|event| event.position).collect()
}

#[tokio::test(start_paused = true)]
async fn history_and_news_are_told_once_and_in_order() {
    let story = Story::of_events(7, 3, 1_200);
    let events = story.events();
    let dubbing = events[0].stream.subject();
    for known in [0, 1, 300, 700, 1_200] {
        let world = World::new(&events[..known], 4_096);
        let mut feeds = Vec::new();
        for after in [0, 1, 64, 299, 300, 1_200] {
            if after <= known as u64 {
                for dubbing in [None, Some(dubbing)] {
                    feeds.push((after, dubbing, world.listen(After::Position(after), dubbing).await, vec![]));
                }
            }
        }
        feeds.push((known as u64, None, world.listen(After::Now, None).await, vec![]));
        // News come before some have begun to read, and while others read.
        for (number, piece) in events[known..].chunks(37).enumerate() {
            world.log.push(piece.to_vec());
            let count = feeds.len();
            let (_, _, feed, heard) = &mut feeds[number % count];
            // Dropped before its end: nothing is lost by that.
            if let Poll::Ready(Next::Event(frame)) = futures::poll!(pin!(feed.next())) {
                heard.push(frame.position);
            }
        }
        for (after, dubbing, mut feed, mut heard) in feeds {
            heard.extend(hear(&mut feed).await);
            assert_eq!(heard, told(events, after, dubbing), "{known} {after} {dubbing:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_falls_behind_by_the_whole_ring_is_sent_away() {
    let story = Story::of_events(8, 2, 400);
    let (old, new) = story.events().split_at(100);
    let world = World::new(old, 16);
    let mut feed = world.listen(After::Now, None).await;
    assert!(matches!(feed.next().await, Next::Quiet), "it listens");
    world.log.push(new.to_vec());
    assert!(matches!(feed.next().await, Next::Slow));
    let mut again = world.listen(After::Position(feed.place()), None).await;
    assert_eq!(hear(&mut again).await, told(story.events(), 100, None), "it comes again and misses nothing");
}

#[tokio::test(start_paused = true)]
async fn a_position_beyond_the_end_is_refused() {
    let story = Story::of_events(9, 1, 50);
    let world = World::new(story.events(), 16);
    let wanted = Wanted { tenant: Tenant::default(), dubbing: None, types: TypeSet::ALL };
    let opened = Feed::open(world.live.clone(), &world.aggregates, wanted, After::Position(51)).await;
    assert_eq!(opened.expect("a log").err(), Some(50));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_server_ends_every_feed() {
    let story = Story::of_events(10, 1, 200);
    let world = World::new(story.events(), 16);
    let mut listening = world.listen(After::Now, None).await;
    assert!(matches!(listening.next().await, Next::Quiet));
    let mut reading = world.listen(After::Position(0), None).await;
    world.stop.cancel();
    assert!(matches!(listening.next().await, Next::Stopped));
    assert!(matches!(reading.next().await, Next::Stopped));
}

//! What stands on the bus, and who hears of it.

use super::{
    common::history,
    house::{House, SOON, ask, header},
};
use application::{
    ports::{
        event_bus::{BusPage, EventBus, Mark, Notice, ToldEvent},
        event_log::{Recorded, StreamId, Tenant},
    },
    public_events::{PublicEventType, public},
    testing::{event_bus_kit, story::SECRET},
    webhooks::payload::body,
};
use domain::value::{AssetId, DubbingId, GlossaryId, ProjectId, TrackId};
use futures::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::timeout;
use uuid::Uuid;

#[tokio::test]
async fn it_keeps_the_promises_of_the_port() {
    let house = House::new(&[]);
    let due = event_bus_kit::check(&house.bus().await).await;
    let told = house.told().await;
    let told: Vec<u64> = told.iter().map(|message| header(message, "Dragoman-Position").parse().unwrap()).collect();
    assert_eq!(told, due);
}

#[tokio::test]
async fn outsiders_get_every_public_event_once_and_in_order_by_its_public_schema() {
    let events = history(6_000);
    let house = House::new(&events);
    house.relays().await;
    house.has_told(&events).await;
    let told = house.told().await;
    let due: Vec<&Recorded> = events.iter().filter(|event| public(event).is_some()).collect();
    for (message, recorded) in told.iter().zip(due) {
        let event = public(recorded).unwrap();
        let subject = format!("dragoman.events.{}.{}", recorded.stream.category(), event.kind.camel_name());
        assert_eq!(message.subject.as_str(), subject);
        assert_eq!(message.payload, body(&event));
        assert_eq!(header(message, "Nats-Msg-Id"), event.id.to_string());
        assert_eq!(header(message, "Dragoman-Position"), event.position.to_string());
        assert_eq!(header(message, "Dragoman-Stream"), recorded.stream.to_string());
        assert_eq!(header(message, "Dragoman-Tenant"), recorded.tenant.id().to_string());
    }
}

#[tokio::test]
async fn nothing_personal_is_in_any_message() {
    let events = history(4_000);
    assert!(format!("{events:?}").contains("Personal(…)"), "there is something to hide");
    let house = House::new(&events);
    house.relays().await;
    let (told, notices) = (house.told().await, house.notices().await);
    assert!(!told.is_empty() && !notices.is_empty());
    for message in told.iter().chain(&notices) {
        let payload = String::from_utf8(message.payload.to_vec()).unwrap();
        let headers = format!("{:?}", message.headers);
        assert!(!format!("{} {headers} {payload}", message.subject).contains(SECRET), "{payload}");
    }
}

/// Whatever happens, and to whatever: the server takes it under its own subject, by which outsiders may choose.
#[tokio::test]
async fn every_type_of_event_has_a_subject() {
    let house = House::new(&[]);
    let bus = house.bus().await;
    let id = Uuid::from_u128(1);
    let streams = [
        StreamId::Dubbing(DubbingId(id)),
        StreamId::Track(TrackId { dubbing: DubbingId(id), language: "pt-BR".parse().unwrap() }),
        StreamId::Asset(AssetId(id)),
        StreamId::Project(ProjectId(id)),
        StreamId::Glossary(GlossaryId(id)),
    ];
    let all = streams.iter().flat_map(|stream| PublicEventType::ALL.iter().map(move |kind| (stream, kind)));
    let events = (1..).zip(all).map(|(position, (stream, kind))| ToldEvent {
        mark: Mark { position, event: Uuid::from_u128(position.into()) },
        stream: stream.clone(),
        event_type: kind.camel_name(),
        tenant: Tenant::default(),
        traceparent: None,
        body: String::new(),
    });
    let events: Vec<ToldEvent> = events.collect();
    let notices = vec![Notice { mark: events.last().unwrap().mark, stream: streams[0].clone() }];
    let held = bus.held().await.unwrap();
    bus.publish(&held.fence, &BusPage { events, notices }).await.unwrap();
    let subjects: BTreeSet<String> = house.told().await.iter().map(|message| message.subject.to_string()).collect();
    assert_eq!(subjects.len(), streams.len() * PublicEventType::ALL.len());
    assert!(subjects.contains("dragoman.events.track.TrackPublished"));
    assert!(subjects.iter().all(|subject| subject.split('.').count() == 4));
}

#[tokio::test]
async fn notices_tell_how_far_each_category_has_come() {
    let events = history(3_000);
    let house = House::new(&events);
    house.relays().await;
    let noticed: BTreeMap<String, String> = house
        .notices()
        .await
        .iter()
        .map(|message| (message.subject.to_string(), String::from_utf8(message.payload.to_vec()).unwrap()))
        .collect();
    let mut due = BTreeMap::new();
    for event in &events {
        let said = format!("{{\"position\":{},\"stream\":\"{}\"}}", event.position, event.stream);
        due.insert(format!("dragoman.log.{}", event.stream.category()), said);
    }
    assert_eq!(noticed, due, "the last of each category, and no other");
}

/// Those who come first, in the midst and last, and whatever happens to the server.
#[tokio::test]
async fn listeners_hear_how_far_the_log_has_come() {
    let events = history(2_000);
    let house = House::new(&events[..500]);
    let early = house.bus().await.notices().await.unwrap();
    assert_eq!(*early.positions().borrow(), 0, "nobody has said anything");
    let running = house.starts().await;
    let hears = |positions: tokio::sync::watch::Receiver<u64>, due: usize| async move {
        let mut positions = positions;
        timeout(SOON, positions.wait_for(|position| *position == due as u64)).await.expect("heard").unwrap();
    };
    hears(early.positions(), 500).await;
    let late = house.bus().await.notices().await.unwrap();
    assert_eq!(*late.positions().borrow(), 500, "it knows what was said before");
    house.log.push(events[500..501].iter().cloned());
    hears(early.positions(), 501).await;
    hears(late.positions(), 501).await;
    house.server.stop(scratch_nats::Stop::Immediate).unwrap();
    house.log.push(events[501..1_000].iter().cloned());
    house.server.start_again().unwrap();
    hears(early.positions(), 1_000).await;
    hears(late.positions(), 1_000).await;
    // What is no notice changes nothing, and what is told again neither.
    let client = async_nats::connect(house.server.url()).await.unwrap();
    for said in ["", "{}", "{\"position\":-1,\"stream\":\"\"}", "{\"position\":7,\"stream\":\"\"}"] {
        client.publish("dragoman.log.dubbing", said.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    house.log.push(events[1_000..].iter().cloned());
    hears(early.positions(), events.len()).await;
    running.stop().await;
}

/// By what any client does: a durable consumer with a filter.
#[tokio::test]
async fn an_outsider_chooses_by_subject_and_needs_little_for_it() {
    let events = history(3_000);
    // What `docs/events-for-others.md` says.
    let house = House::with(&events, |folder| {
        format!(
            "jetstream {{ store_dir: \"{}/store\" }}\n\
             authorization {{ users: [\n\
             {{ user: node, password: a }}\n\
             {{ user: outsider, password: a, permissions: {{ subscribe: [\"_INBOX.>\"], publish: [\n\
               \"$JS.API.STREAM.INFO.dragoman-events\", \"$JS.API.CONSUMER.*.dragoman-events.>\",\n\
               \"$JS.API.CONSUMER.DURABLE.CREATE.dragoman-events.>\",\n\
               \"$JS.API.CONSUMER.MSG.NEXT.dragoman-events.>\", \"$JS.ACK.dragoman-events.>\"] }} }}\n] }}\n\
             no_auth_user: node",
            folder.display()
        )
    });
    house.relays().await;
    let options = async_nats::ConnectOptions::with_user_and_password("outsider".to_owned(), "a".to_owned());
    let client = options.connect(house.server.url()).await.unwrap();
    ask(&client, "STREAM.INFO.dragoman-events", &serde_json::Value::Null).await;
    let config = serde_json::json!({
        "durable_name": "reports", "ack_policy": "explicit", "deliver_policy": "all",
        "filter_subject": "dragoman.events.track.TrackPublished",
    });
    let body = serde_json::json!({ "stream_name": "dragoman-events", "config": config });
    ask(&client, "CONSUMER.DURABLE.CREATE.dragoman-events.reports", &body).await;
    let due = events.iter().filter_map(public).filter(|event| event.kind == PublicEventType::TrackPublished);
    let due: Vec<String> = due.map(|event| event.id.to_string()).collect();
    assert!(!due.is_empty());
    let inbox = client.new_inbox();
    let heard = client.subscribe(inbox.clone()).await.unwrap();
    let next = format!("{{\"batch\":{},\"no_wait\":true}}", due.len());
    client.publish_with_reply("$JS.API.CONSUMER.MSG.NEXT.dragoman-events.reports", inbox, next.into()).await.unwrap();
    let got: Vec<_> = timeout(SOON, heard.take(due.len()).collect()).await.unwrap();
    assert_eq!(got.iter().map(|message| header(message, "Nats-Msg-Id")).collect::<Vec<_>>(), due);
    for message in &got {
        let ack = message.reply.clone().unwrap();
        timeout(SOON, client.request(ack, "+ACK".into())).await.unwrap().expect("the server has heard it");
    }
}

//! Shapes, names and order: what needs no server.

use crate::{
    lane::{Lane, Names, PRIORITIES},
    line::Line,
    take::{Numbers, numbers},
    wire::{WireError, decode, encode},
};
use application::ports::{
    event_log::{StreamId, Tenant},
    work_queue::{Claim, Work, WorkerClass},
};
use domain::{
    dubbing::Priority,
    flow::{Fence, Stage, TABLE, work_id},
    value::DubbingId,
};
use nats_connection::Prefix;
use std::time::Duration;
use uuid::Uuid;

fn work() -> Work {
    let stream = StreamId::Dubbing(DubbingId(Uuid::from_u128(1)));
    let fence = Fence { stage: Stage::AssignVoices, run: 2, attempt: 3 };
    let claim = Claim { tenant: Tenant("local".to_owned()), priority: Priority::High, traceparent: None };
    Work { id: work_id(&stream.to_string(), fence), stream, fence, claim }
}

/// Old and new programs take work from one queue: what is written stays readable.
#[test]
fn work_travels_in_a_shape_that_stays() {
    let text = String::from_utf8(encode(&work()).unwrap()).unwrap();
    let id = work().id.0;
    let golden = format!(
        "{{\"version\":1,\"id\":\"{id}\",\"stream\":\"dubbing-00000000-0000-0000-0000-000000000001\",\
         \"fence\":{{\"stage\":\"assign-voices\",\"run\":2,\"attempt\":3}},\"tenant\":\"local\",\"priority\":\"high\"}}"
    );
    assert_eq!(text, golden);
    assert_eq!(decode(golden.as_bytes()).unwrap(), work());
    let mut traced = work();
    traced.claim.traceparent = Some("00-1-2-01".to_owned());
    assert_eq!(decode(&encode(&traced).unwrap()).unwrap(), traced);
    let more = golden.replace("\"tenant\"", "\"added_later\":1,\"tenant\"");
    assert_eq!(decode(more.as_bytes()).unwrap(), work());
}

#[test]
fn what_is_no_work_is_told_from_what_a_newer_version_wrote() {
    for text in ["", "{}", "[]", "{\"version\":1}", "{\"version\":0}", "{\"version\":-1}"] {
        assert!(matches!(decode(text.as_bytes()), Err(WireError::Malformed(_))), "{text}");
    }
    assert!(matches!(decode(b"{\"version\":2,\"id\":5}"), Err(WireError::Newer(2))));
}

#[test]
fn subjects_tell_their_lane() {
    let names = Names::new(Prefix::try_new("acme.dragoman").unwrap());
    for row in TABLE {
        for class in WorkerClass::ALL {
            for priority in PRIORITIES {
                let lane = Lane { class, stage: row.stage, priority };
                let id = work().id.0;
                for subject in [names.work(lane, id), names.wake(lane, id), names.lane(lane)] {
                    assert_eq!(names.lane_of(&subject), Some(lane), "{subject}");
                }
            }
        }
    }
    for other in ["acme.dragoman.work.cpu.ingest", "acme.work.cpu.ingest.low.1", "acme.dragoman.work.tpu.ingest.low.1"]
    {
        assert_eq!(names.lane_of(other), None, "{other}");
    }
}

#[test]
fn acknowledgements_tell_how_often_and_which() {
    let told = |pending| Numbers { deliveries: 2, sequence: 7, pending };
    for (ack, due) in [
        ("$JS.ACK.W.A.2.7.9.1795987177027892411.0", Some(told(0))),
        ("$JS.ACK.hub.ACCOUNT.W.A.2.7.9.1795987177027892411.5", Some(told(5))),
        ("$JS.ACK.hub.ACCOUNT.W.A.2.7.9.1795987177027892411.5.token", Some(told(5))),
        ("$JS.ACK.W.A.2.7", None),
        ("$JS.ACK.W.A.x.7.9.1795987177027892411.0", None),
        ("_INBOX.1", None),
    ] {
        assert_eq!(numbers(ack), due, "{ack}");
    }
}

fn lane(stage: Stage, priority: Priority) -> Lane {
    Lane { class: WorkerClass::Cpu, stage, priority }
}

fn pop(line: &Line) -> Result<(Lane, bool), tokio::time::Instant> {
    line.pop(|_| Some(())).map(|(lane, is_last, ())| (lane, is_last))
}

#[tokio::test(start_paused = true)]
async fn lanes_are_asked_by_urgency_and_in_turn_and_none_starves() {
    let (urgent, usual, low) =
        (lane(Stage::Mix, Priority::High), lane(Stage::Mix, Priority::Normal), lane(Stage::Mix, Priority::Low));
    let other = lane(Stage::Fit, Priority::High);
    let line = Line::new(vec![urgent, usual, low, other], Duration::from_secs(1));
    assert!(!line.push(lane(Stage::Sign, Priority::High)), "not one of these");
    // All of them, at first.
    let all: Vec<Lane> = std::iter::from_fn(|| pop(&line).ok()).map(|(lane, _)| lane).collect();
    assert_eq!(all, [urgent, other, usual, low]);
    let next = pop(&line).unwrap_err();
    // What is busy goes to the end each time, and what waits less urgently comes after seven of those.
    for lane in [low, other, urgent] {
        assert!(line.push(lane));
        assert!(line.push(lane), "it stands there once");
    }
    let mut served = Vec::new();
    for _ in 0..9 {
        let (lane, _) = pop(&line).unwrap();
        line.served(lane, 0);
        line.push(lane);
        served.push(lane);
    }
    let busy = [other, urgent].into_iter().cycle();
    let due: Vec<Lane> = busy.clone().take(7).chain([low]).chain(busy.skip(7).take(1)).collect();
    assert_eq!(served, due);
    // Lanes in which nothing is found are passed over by nobody.
    for _ in 0..3 {
        pop(&line).unwrap();
    }
    assert_eq!(pop(&line), Err(next));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(std::iter::from_fn(|| pop(&line).ok()).count(), 4, "all of them once more");
}

/// A server far away, or a slow one.
#[tokio::test(start_paused = true)]
async fn lanes_are_all_asked_when_that_takes_longer_than_they_are_asked_anew() {
    let lanes: Vec<Lane> =
        [Priority::High, Priority::Normal, Priority::Low].map(|priority| lane(Stage::Mix, priority)).into();
    let line = Line::new(lanes.clone(), Duration::from_millis(500));
    let mut asked = Vec::new();
    for _ in 0..6 {
        asked.push(pop(&line).unwrap().0);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(asked, [&lanes[..], &lanes[..]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_lane_with_more_in_it_is_asked_by_several_at_a_time() {
    let only = lane(Stage::Mix, Priority::Normal);
    let line = Line::new(vec![only], Duration::from_secs(1));
    assert_eq!(pop(&line), Ok((only, true)));
    assert!(pop(&line).is_err(), "somebody asks already");
    line.served(only, 2);
    line.push(only);
    assert_eq!([pop(&line), pop(&line), pop(&line)], [Ok((only, false)), Ok((only, false)), Ok((only, true))]);
    assert!(pop(&line).is_err());
    line.served(only, 2);
    line.found_empty(only);
    line.push(only);
    assert_eq!(pop(&line), Ok((only, true)), "nobody knows of more");
}

#[tokio::test(start_paused = true)]
async fn lanes_of_a_stage_that_is_refused_keep_their_places_and_hold_up_no_other() {
    let (urgent, usual, low) =
        (lane(Stage::Mix, Priority::High), lane(Stage::Fit, Priority::Normal), lane(Stage::Mix, Priority::Low));
    let line = Line::new(vec![urgent, usual, low], Duration::from_secs(1));
    let without_mix = |stage| (stage != Stage::Mix).then_some(());
    assert_eq!(line.pop(without_mix).map(|(lane, ..)| lane), Ok(usual));
    let next = line.pop(without_mix).expect_err("the others are refused");
    assert_eq!(next, tokio::time::Instant::now() + Duration::from_secs(1));
    // What is not refused goes into the line again in time, and is not looked for without a pause.
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(line.pop(without_mix).map(|(lane, ..)| lane), Ok(usual));
    assert!(line.pop(without_mix).expect_err("refused") > tokio::time::Instant::now());
    let left: Vec<Lane> = std::iter::from_fn(|| pop(&line).ok()).map(|(lane, _)| lane).collect();
    assert_eq!(left, [urgent, low], "each once, in their order");
}

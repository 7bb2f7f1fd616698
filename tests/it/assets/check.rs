//! What the desk finds in files, and how it goes on when it cannot look.

use super::{
    house::{CONTENT, House, Life},
    ports::{Finds, Scanner, Told, film},
};
use application::{
    commands::{
        asset_desk::{AssetDesk, DeskStatus},
        check_asset::{CheckError, Checked},
    },
    ports::event_log::{DomainEvent, StreamId},
    stages::ingest::MediaInfo,
    stop::{Stopper, Stopping},
};
use domain::{
    asset::{AssetEvent, Phase, WhyNotScanned, WhyQuarantined},
    value::AssetId,
};
use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

async fn look(house: &House, name: &str) -> (Life, AssetId, Result<Checked, CheckError>) {
    let life = house.live_on();
    let id = house.hand_in(&life, 1, name, CONTENT).await;
    let checked = life.followed(life.check.run(id, 0)).await;
    (life, id, checked)
}

async fn check(name: &str, info: Result<MediaInfo, Told>, why: WhyQuarantined, code: &str) {
    let house = House::new();
    *house.engines.probe.lock().unwrap() = [info].into();
    let (life, id, checked) = look(&house, name).await;
    assert_eq!(checked.unwrap(), Checked::PutAside(why), "{code}");
    let Phase::Quarantined(quarantine) = &life.asset(id).await.phase else {
        panic!("{code}: not put aside");
    };
    assert_eq!((quarantine.why, quarantine.code.as_str()), (why, code));
    assert!(!quarantine.message.is_empty() && !life.has(CONTENT).await, "{code}: its file is deleted");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_dubbed_is_put_aside_with_the_reason() {
    use WhyQuarantined::{NotDubbable, Unsupported};
    check("talk.mp4", Err(Told::Rejected("not-media")), Unsupported, "not-media").await;
    check("talk.mp4", Err(Told::Rejected("undecodable")), Unsupported, "undecodable").await;
    check("talk.mp4", Err(Told::Rejected("truncated")), NotDubbable, "truncated").await;
    check("talk.mkv", Ok(film()), Unsupported, "extension-mismatch").await;
    for name in ["talk.exe", "talk.unknown", "talk.txt", "talk.jpg", "talk.bat", "talk.docx"] {
        check(name, Ok(film()), Unsupported, "extension-mismatch").await;
    }
    check("talk.mp4", Ok(MediaInfo { audio: vec![], ..film() }), NotDubbable, "no-audio").await;
    check("talk.mp4", Ok(MediaInfo { duration_ms: 0, ..film() }), NotDubbable, "empty").await;
    check("talk.mp4", Ok(MediaInfo { duration_ms: 1 << 40, ..film() }), NotDubbable, "over-limit").await;
}

#[tokio::test(start_paused = true)]
async fn what_can_be_dubbed_is_ready_and_not_looked_at_again() {
    for name in ["talk.mp4", "talk.MOV", "talk", "talk 2024.11.03"] {
        let house = House::new();
        let (life, id, checked) = look(&house, name).await;
        assert_eq!(checked.unwrap(), Checked::Ready, "{name}");
        let Phase::Ready(found) = &life.asset(id).await.phase else {
            panic!("{name} is not ready");
        };
        assert_eq!((found.duration_ms, found.audio.len(), found.loudness.db()), (60_000, 1, -23.0));
        assert_eq!(life.check.run(id, 0).await.unwrap(), Checked::NotWaiting);
        assert_eq!(house.engines.probed.load(Ordering::SeqCst), 1);
        assert!(life.has(CONTENT).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_lost_is_put_aside() {
    let house = House::new();
    let life = house.live_on();
    let id = house.hand_in(&life, 1, "talk.mp4", CONTENT).await;
    life.blobs.delete(&super::house::digest(CONTENT)).await.unwrap();
    let checked = life.followed(life.check.run(id, 0)).await.unwrap();
    assert_eq!(checked, Checked::PutAside(WhyQuarantined::NotDubbable));
}

async fn scan(finds: Finds, is_required: bool) -> (House, Life, AssetId, Result<Checked, CheckError>) {
    let mut house = House::new();
    house.scanner = Some((Arc::new(Scanner(Mutex::new(finds))), is_required));
    let (life, id, checked) = look(&house, "talk.mp4").await;
    (house, life, id, checked)
}

#[tokio::test(start_paused = true)]
async fn malware_is_looked_for_before_anything_opens_the_file() {
    let (house, life, _, checked) = scan(Finds::Malware, false).await;
    assert_eq!(checked.unwrap(), Checked::PutAside(WhyQuarantined::Infected));
    assert_eq!(house.engines.probed.load(Ordering::SeqCst), 0);
    assert!(!life.has(CONTENT).await);
    let (house, _, _, checked) = scan(Finds::Nothing, true).await;
    assert_eq!(checked.unwrap(), Checked::Ready);
    assert_eq!(house.log.head().await.unwrap(), 3, "handed in, scanned, found to be dubbable");
}

#[tokio::test(start_paused = true)]
async fn without_a_verdict_nothing_is_opened_where_one_is_required() {
    let (house, life, id, checked) = scan(Finds::NoAnswer, true).await;
    assert!(matches!(checked, Err(CheckError::Scan(_))), "{checked:?}");
    let again = life.followed(life.check.run(id, 1_000)).await;
    assert!(matches!(again, Err(CheckError::Scan(_))), "{again:?}");
    assert!(matches!(life.asset(id).await.phase, Phase::Uploaded { scanned: false }));
    assert_eq!(house.engines.probed.load(Ordering::SeqCst), 0);
    let (house, life, _, checked) = scan(Finds::TooMuch, true).await;
    assert_eq!(checked.unwrap(), Checked::PutAside(WhyQuarantined::NotDubbable));
    assert!(house.engines.probed.load(Ordering::SeqCst) == 0 && !life.has(CONTENT).await);
}

/// Events of an asset since it was handed in.
async fn told(house: &House, id: AssetId) -> Vec<AssetEvent> {
    let events = house.log.read_stream(&StreamId::Asset(id), 2, 10).await.unwrap();
    let events = events.into_iter().filter_map(|recorded| match recorded.event {
        DomainEvent::Asset(event) => Some(event),
        _ => None,
    });
    events.collect()
}

#[tokio::test(start_paused = true)]
async fn where_no_verdict_is_required_an_event_says_that_there_is_none() {
    let said = |events: Vec<AssetEvent>, reason| {
        let is_said = matches!(&events[..],
            [AssetEvent::AssetNotScanned { reason: why }, AssetEvent::AssetValidated(_)] if *why == reason);
        assert!(is_said, "{events:?}");
    };
    let (house, _, id, checked) = scan(Finds::TooMuch, false).await;
    assert_eq!(checked.unwrap(), Checked::Ready);
    said(told(&house, id).await, WhyNotScanned::TooLarge);
    // One that may answer soon is asked again first.
    let (house, life, id, checked) = scan(Finds::NoAnswer, false).await;
    assert!(matches!(checked, Err(CheckError::Scan(_))), "{checked:?}");
    assert_eq!(house.engines.probed.load(Ordering::SeqCst), 0);
    let ready = async || matches!(life.asset(id).await.phase, Phase::Ready(_));
    work_until(&house, &life, &DeskStatus::default(), ready).await;
    said(told(&house, id).await, WhyNotScanned::NoAnswer);
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_comes_back_gives_its_verdict() {
    let (house, life, id, checked) = scan(Finds::NoAnswer, false).await;
    assert!(matches!(checked, Err(CheckError::Scan(_))), "{checked:?}");
    let (scanner, _) = house.scanner.as_ref().unwrap();
    *scanner.0.lock().unwrap() = Finds::Nothing;
    let ready = async || matches!(life.asset(id).await.phase, Phase::Ready(_));
    work_until(&house, &life, &DeskStatus::default(), ready).await;
    let events = told(&house, id).await;
    assert!(matches!(events[..], [AssetEvent::AssetScanned { .. }, AssetEvent::AssetValidated(_)]), "{events:?}");
}

/// Lets the desk work until something is so.
async fn work_until(house: &House, life: &Life, status: &DeskStatus, is_so: impl AsyncFnMut() -> bool) {
    work_with(life, life.desk(house, status), is_so).await;
}

/// Lets this desk work until something is so.
async fn work_with(life: &Life, desk: AssetDesk, mut is_so: impl AsyncFnMut() -> bool) {
    let stopper = Stopper::new();
    let signal = stopper.signal();
    let watch = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stopper.ask(Stopping::AtSafePoint);
    };
    let work = life.followed(async { tokio::join!(watch, desk.run(&signal)) });
    tokio::time::timeout(Duration::from_secs(3_600), work).await.expect("it comes to be so");
}

#[tokio::test(start_paused = true)]
async fn the_desk_sees_to_what_waits_and_to_what_comes() {
    let house = House::new();
    let life = house.live_on();
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(house.hand_in(&life, number, "talk.mp4", &[CONTENT, &[number as u8]].concat()).await);
    }
    let status = DeskStatus::default();
    let mut has_come = false;
    work_until(&house, &life, &status, async || {
        if !has_come {
            has_come = true;
            ids.push(house.hand_in(&life, 6, "talk.mp4", CONTENT).await);
        }
        let mut ready = 0;
        for id in &ids {
            ready += u32::from(matches!(life.asset(*id).await.phase, Phase::Ready(_)));
        }
        ready == 6
    })
    .await;
    assert_eq!(house.engines.probed.load(Ordering::SeqCst), 6);
    assert_eq!(status.now(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn the_desk_is_fair_between_tenants() {
    let house = House::new();
    let life = house.live_on();
    for number in 1..=6 {
        house.hand_in_of(&life, "many", number, "talk.mp4", &[CONTENT, &[number as u8]].concat()).await;
    }
    let other = house.hand_in_of(&life, "other", 7, "talk.mp4", CONTENT).await;
    let desk_of_one = AssetDesk { at_once: 1, ..life.desk(&house, &DeskStatus::default()) };
    work_with(&life, desk_of_one, async || checked_in_order(&house).await.len() == 7).await;
    let order = checked_in_order(&house).await;
    let place = order.iter().position(|id| *id == other).unwrap();
    assert!(place <= 1, "whoever has one waits for one of the others at most: {order:?}");
}

/// Which assets were found to be dubbable, in the order in which they were.
async fn checked_in_order(house: &House) -> Vec<AssetId> {
    let page = house.log.read_log(0, 100).await.unwrap();
    let checked = page.events.iter().filter_map(|recorded| match (&recorded.stream, &recorded.event) {
        (StreamId::Asset(id), DomainEvent::Asset(AssetEvent::AssetValidated(_))) => Some(*id),
        _ => None,
    });
    checked.collect()
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_waited_out() {
    let house = House::new();
    *house.engines.probe.lock().unwrap() = [Err(Told::Transient), Err(Told::Missing), Ok(film())].into();
    let life = house.live_on();
    let id = house.hand_in(&life, 1, "talk.mp4", CONTENT).await;
    let status = DeskStatus::default();
    let mut troubles = Vec::new();
    work_until(&house, &life, &status, async || {
        troubles.extend(status.now().trouble);
        matches!(life.asset(id).await.phase, Phase::Ready(_))
    })
    .await;
    assert_eq!(troubles.first().map(String::as_str), Some("prober is not installed (Debian package media)"));
    assert_eq!(house.engines.probed.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_brings_its_engines_down_is_given_up() {
    let house = House::new();
    *house.engines.probe.lock().unwrap() = [Err(Told::Transient)].into();
    let life = house.live_on();
    let id = house.hand_in(&life, 1, "talk.mp4", CONTENT).await;
    work_until(
        &house,
        &life,
        &DeskStatus::default(),
        async || matches!(&life.asset(id).await.phase, Phase::Quarantined(why) if why.code == "check-failed"),
    )
    .await;
    assert_eq!(house.engines.probed.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_not_here_leaves_the_asset_waiting() {
    let house = House::new();
    *house.engines.probe.lock().unwrap() = [Err(Told::Missing)].into();
    let life = house.live_on();
    let id = house.hand_in(&life, 1, "talk.mp4", CONTENT).await;
    let status = DeskStatus::default();
    work_until(&house, &life, &status, async || house.engines.probed.load(Ordering::SeqCst) > 10).await;
    assert!(matches!(life.asset(id).await.phase, Phase::Uploaded { .. }));
    assert!(life.has(CONTENT).await);
}

//! What others write between our events, and what somebody did to ours.

use crate::{
    double::{Double, store::Stored},
    place::{Process, in_time, positions, process, whole},
};
use application::{
    ports::event_log::EventLog,
    testing::event_log_kit::{append, assert_sound, everything, plain, stream},
};
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_is_not_in_the_log() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    for number in 0..30 {
        double.world.write("$stats-0.0.0.0:2113", "$statsCollected", 1);
        // A name that begins as ours do, and is none of ours.
        double.world.write("main.dubbing-7", "SomethingElse", 1);
        log.append(append(number, stream(number % 3), number / 3, vec![plain(1)])).await.expect("appended");
        double.world.write("main", "SomethingElse", 1);
    }
    let all = positions(log.as_ref()).await;
    assert_eq!(all.len(), 30);
    assert!(all.windows(2).all(|pair| pair[1] > pair[0] + 1), "there are holes: {all:?}");
    assert_eq!(log.head().await.expect("read"), all[29]);
    assert_sound(log.as_ref(), 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_on_one_server_do_not_see_each_other() {
    let double = Double::start().await;
    let ours = process(&double, 1_000).await.log;
    let theirs = crate::place::connect(&format!("{}&streamPrefix=other", double.url())).await.expect("it is there");
    ours.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    theirs.append(append(1, stream(1), 0, vec![plain(2), plain(3)])).await.expect("appended");
    assert_sound(ours.as_ref(), 1).await;
    assert_sound(&theirs, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_stretch_of_others_keeps_no_reader() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    double.world.write("orders-1", "OrderPlaced", 10_000);
    log.append(append(2, stream(1), 1, vec![plain(2)])).await.expect("appended");
    let all = positions(log.as_ref()).await;
    // From here on a filtered read runs out of time among the events of others.
    double.world.patience.store(100, Ordering::SeqCst);
    let (mut after, mut seen, mut pages) = (0, Vec::new(), 0);
    while seen.len() < 2 {
        let page = in_time(log.read_log(after, 10)).await.expect("a page");
        assert!(page.scanned_to > after, "the reader sticks at {after}");
        assert!(page.scanned_to <= page.head);
        seen.extend(page.events.iter().map(|event| event.position));
        after = page.scanned_to;
        pages += 1;
    }
    assert_eq!(seen, all);
    assert!((3..=5).contains(&pages), "{pages} pages: bounded pieces, not one event at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_at_the_end_is_not_looked_through_by_readers() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    double.world.write("orders-1", "OrderPlaced", 5_000);
    let page = log.read_log(0, 10).await.expect("a page");
    assert_eq!((page.events.len(), page.scanned_to), (1, page.head), "a checkpoint never lies beyond the head");
    let page = log.read_log(page.scanned_to, 10).await.expect("a page");
    assert_eq!((page.events.len(), page.scanned_to), (0, page.head));
}

#[tokio::test(flavor = "multi_thread")]
async fn others_appends_wake_readers() {
    let double = Double::start().await;
    let (one, other) = (process(&double, 1_000).await.log, process(&double, 1_000).await.log);
    let mut wakeups = one.wakeups();
    // Checkpoints come in between, and are no news.
    double.world.write("orders-1", "OrderPlaced", 100);
    let told = other.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended").position;
    let seen = *in_time(wakeups.wait_for(|position| *position > 0)).await.expect("the log lives");
    assert_eq!(seen, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_and_named() {
    type Harm = fn(&mut Stored);
    let harms: [(Harm, &str); 4] = [
        (|event| event.data = b"{\"cues\":99,\"left_out\":0}".to_vec(), "was altered: it does not have the hash"),
        (|event| event.custom_metadata = b"{}".to_vec(), "was altered: a column does not hold"),
        (|event| event.id = uuid::Uuid::nil(), "does not have the id that its command gives it"),
        (
            |event| {
                let text = String::from_utf8(event.custom_metadata.clone()).expect("text");
                event.custom_metadata = text.replace("1970", "1971").into_bytes();
            },
            "was altered: it does not have the hash",
        ),
    ];
    for (harm, fault) in harms {
        let double = Double::start().await;
        let Process { log, .. } = process(&double, 1_000).await;
        log.append(append(1, stream(1), 0, vec![plain(1), plain(2), plain(3)])).await.expect("appended");
        harm(ours(double.world.store.lock().unwrap().events(), 1));
        let found = log.verify().await.expect("a verification");
        assert!(found.faults.iter().any(|found| found.contains(fault)), "{fault}: {:?}", found.faults);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_ours_in_a_stream_of_ours_is_an_error_and_no_hole() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    ours(double.world.store.lock().unwrap().events(), 0).custom_metadata.clear();
    let failed = log.read_log(0, 10).await.expect_err("it cannot be read");
    assert!(whole(&failed).contains("what is stored with the event is not what this program writes"), "{failed}");
    assert!(log.read_stream(&stream(1), 1, 10).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pages_make_a_stream() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    log.append(append(1, stream(1), 0, (0..1_100).map(plain).collect())).await.expect("appended");
    // Another process reads the whole stream before it writes to it.
    let other = process(&double, 1_000).await.log;
    other.append(append(2, stream(1), 1_100, vec![plain(7)])).await.expect("appended");
    let all = everything(log.as_ref()).await;
    assert_eq!(log.read_stream(&stream(1), 1, usize::MAX).await.expect("read"), all);
    assert_eq!(log.read_stream(&stream(1), 511, 520).await.expect("read"), all[510..1_030]);
    assert_eq!(all.len(), 1_101);
}

/// The event of ours with this number, from 0.
fn ours(events: &mut [Stored], number: usize) -> &mut Stored {
    events.iter_mut().filter(|event| event.stream.starts_with("main.dubbing-")).nth(number).expect("it is there")
}

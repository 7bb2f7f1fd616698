//! Answers that are lost, servers that go and come back, and processes that write the same.

use crate::{
    double::Double,
    place::{Process, in_time, process, whole},
};
use application::{
    ports::event_log::{AppendError, Appended, EventLog},
    testing::event_log_kit::{append, assert_sound, everything, plain, speech, stream},
};
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_was_lost_is_written_once() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    double.world.answers_to_lose.store(1, Ordering::SeqCst);
    let appended = in_time(log.append(append(2, stream(1), 1, vec![plain(2), speech("Hello.")]))).await;
    let appended = appended.expect("it was written, and found");
    assert_eq!(double.world.answers_to_lose.load(Ordering::SeqCst), 0, "the answer was lost");
    assert_eq!((appended.revision, appended.replayed), (3, false), "this very call has written it");
    let repeated = log.append(append(2, stream(1), 1, vec![plain(2), speech("Hello.")])).await.expect("an outcome");
    assert_eq!(repeated, Appended { replayed: true, ..appended });
    assert_sound(log.as_ref(), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_another_process_wrote_is_recognised() {
    let double = Double::start().await;
    let (one, other) = (process(&double, 1_000).await, process(&double, 2_000).await);
    let first = append(1, stream(1), 0, vec![plain(1), plain(2)]);
    let written = one.log.append(first.clone()).await.expect("appended");
    // The server takes a repetition at the same revision for a success: the log tells whose it was.
    let repeated = other.log.append(first.clone()).await.expect("an outcome");
    assert_eq!(repeated, Appended { replayed: true, ..written });
    // The stream has moved on, and this process knows nothing of it.
    one.log.append(append(2, stream(1), 2, vec![plain(3)])).await.expect("appended");
    let late = process(&double, 3_000).await;
    for expected_revision in [0, 1, 3] {
        let repeated = application::ports::event_log::Append { expected_revision, ..first.clone() };
        assert_eq!(late.log.append(repeated).await.expect("an outcome"), Appended { replayed: true, ..written });
    }
    let known = late.log.find_outcome(&first.tenant, first.command_id, &stream(1)).await.expect("read");
    assert_eq!(known, Some(Appended { replayed: true, ..written }));
    let reused = application::ports::event_log::Append { fingerprint: domain::value::Sha256::new([9; 32]), ..first };
    assert!(matches!(other.log.append(reused).await, Err(AppendError::CommandIdReused)));
    assert_sound(late.log.as_ref(), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_is_not_ours_is_a_wrong_revision() {
    let double = Double::start().await;
    let (one, other) = (process(&double, 1_000).await, process(&double, 1_000).await);
    one.log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    other.log.append(append(2, stream(1), 1, vec![plain(2)])).await.expect("appended");
    // What this process knows of the stream is old; the server knows better.
    let refused = one.log.append(append(3, stream(1), 1, vec![plain(3)])).await;
    assert!(matches!(refused, Err(AppendError::WrongRevision { expected: 1, actual: 2 })), "{refused:?}");
    one.log.append(append(3, stream(1), 2, vec![plain(3)])).await.expect("appended");
    // And the other way round: a revision that this process has not seen yet.
    let appended = other.log.append(append(4, stream(1), 3, vec![plain(4)])).await.expect("appended");
    assert_eq!(appended.revision, 4);
    assert_sound(one.log.as_ref(), 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_write_the_same_at_once_write_it_once() {
    let double = Double::start().await;
    let mut processes = Vec::new();
    for number in 0..4 {
        // Their clocks differ, so that each can tell its own events.
        processes.push(process(&double, 1_000 + number).await.log);
    }
    for command in 0..20 {
        let all = processes.iter().map(|log| log.append(append(command, stream(command), 0, vec![plain(1), plain(2)])));
        let outcomes = in_time(futures::future::join_all(all)).await;
        let outcomes: Vec<Appended> = outcomes.into_iter().map(|outcome| outcome.expect("an outcome")).collect();
        assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|one| (one.position, one.hash) == (outcomes[0].position, outcomes[0].hash)));
    }
    assert_sound(processes[0].as_ref(), 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_never_runs_backwards_in_a_stream_whoever_writes() {
    let double = Double::start().await;
    let (ahead, behind) = (process(&double, 9_000).await, process(&double, 1_000).await);
    ahead.log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    behind.log.append(append(2, stream(1), 1, vec![plain(2)])).await.expect("appended");
    let times: Vec<_> = everything(behind.log.as_ref()).await.iter().map(|event| event.recorded_at.unix_ms()).collect();
    assert_eq!(times, [9_000, 9_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_when_the_server_comes_back() {
    let mut double = Double::start().await;
    let Process { log, clock } = process(&double, 1_000).await;
    let mut wakeups = log.wakeups();
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    double.stop().await;
    let failed = in_time(log.read_log(0, 10)).await.expect_err("nobody answers");
    assert!(whole(&failed).contains("KurrentDB does not answer at 127.0.0.1:"), "{}", whole(&failed));
    // An append that begins while nobody is there waits a little for somebody.
    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.append(append(2, stream(1), 1, vec![plain(2)])).await }
    });
    double.start_again().await;
    let appended = in_time(waiting).await.expect("it does not panic").expect("appended");
    assert_eq!((appended.revision, appended.replayed), (2, false));
    drop(clock);
    // The subscription is back as well: what another process writes is told.
    let other = process(&double, 2_000).await;
    wakeups.mark_unchanged();
    let told = other.log.append(append(3, stream(2), 0, vec![plain(3)])).await.expect("appended").position;
    in_time(wakeups.wait_for(|position| *position >= told)).await.expect("the log lives");
    assert_sound(log.as_ref(), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_nobody_is_refused_in_time() {
    let mut double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    double.stop().await;
    let refused = in_time(log.append(append(1, stream(1), 0, vec![plain(1)]))).await.expect_err("nobody answers");
    assert!(whole(&refused).contains("KurrentDB does not answer at 127.0.0.1:"), "{}", whole(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_log_refuses() {
    let double = Double::start().await;
    let Process { log, .. } = process(&double, 1_000).await;
    log.close().await;
    let refused = log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect_err("it is closed");
    assert!(whole(&refused).ends_with("the event log is closed"), "{}", whole(&refused));
    assert!(log.head().await.is_err());
}

//! Who gets which work, how soon, and what becomes of messages that are none.

use super::{
    common::{at, settings, work},
    nothing_to_pull, pulled,
};
use application::ports::work_queue::WorkQueue;
use domain::flow::Stage;
use scratch_nats::ScratchNats;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use work_queue_nats::{NatsWorkQueue, Settings, WorkerClass};

const LEASE: Duration = Duration::from_secs(10);
const BRIEFLY: Duration = Duration::from_millis(700);

#[tokio::test]
async fn a_process_takes_work_of_its_stages_and_classes_only() {
    let server = ScratchNats::start().unwrap();
    let node = |stages: &[Stage], classes: &[WorkerClass]| Settings {
        stages: stages.iter().copied().collect(),
        classes: classes.iter().copied().collect(),
        gpu_stages: [Stage::Transcribe].into(),
        ..settings("dragoman", LEASE)
    };
    let all = [Stage::Ingest, Stage::Transcribe];
    let address = at(&server.url());
    let connect = |settings| NatsWorkQueue::connect(&address, settings);
    let dispatcher = connect(node(&[], &[])).await.unwrap();
    let plain = connect(node(&all, &[WorkerClass::Cpu])).await.unwrap();
    let graphic = connect(node(&all, &[WorkerClass::Gpu])).await.unwrap();
    for number in 1..=3 {
        dispatcher.publish(work(Stage::Ingest, number)).await.unwrap();
        dispatcher.publish(work(Stage::Transcribe, number)).await.unwrap();
        dispatcher.publish(work(Stage::Mix, number)).await.unwrap();
    }
    for (node, stage) in [(&plain, Stage::Ingest), (&graphic, Stage::Transcribe)] {
        for number in 1..=3 {
            let delivery = pulled(node).await;
            assert_eq!(delivery.work, work(stage, number));
            node.complete(delivery.receipt).await.unwrap();
        }
        nothing_to_pull(node, BRIEFLY).await;
    }
    nothing_to_pull(&dispatcher, BRIEFLY).await;
    let depth = dispatcher.depth().await.unwrap();
    assert_eq!(depth.keys().copied().collect::<Vec<_>>(), [Stage::Mix], "work that nobody takes is seen");
    assert_eq!(depth[&Stage::Mix].ready, 3);
}

#[tokio::test]
async fn stages_take_turns() {
    let server = ScratchNats::start().unwrap();
    let queue = NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", LEASE)).await.unwrap();
    for number in 1..=30 {
        queue.publish(work(Stage::Synthesise, number)).await.unwrap();
    }
    queue.publish(work(Stage::Publish, 1)).await.unwrap();
    let mut handed_out = BTreeMap::<Stage, u32>::new();
    for _ in 0..2 {
        *handed_out.entry(pulled(&queue).await.work.fence.stage).or_default() += 1;
    }
    assert_eq!(handed_out, BTreeMap::from([(Stage::Synthesise, 1), (Stage::Publish, 1)]));
}

/// Far sooner than by looking now and then.
#[tokio::test]
async fn another_process_is_woken_by_the_server() {
    const TIMES: u32 = 20;
    let server = ScratchNats::start().unwrap();
    let publisher = NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", LEASE)).await.unwrap();
    let worker = NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", LEASE)).await.unwrap();
    let began = Instant::now();
    for number in 1..=TIMES {
        let (delivery, published) = tokio::join!(pulled(&worker), publisher.publish(work(Stage::Ingest, number)));
        published.unwrap();
        worker.complete(delivery.receipt).await.unwrap();
    }
    assert!(began.elapsed() < TIMES * Duration::from_millis(100), "{TIMES} took {:?}", began.elapsed());
}

#[tokio::test]
async fn messages_that_are_no_work_are_put_out_of_the_way() {
    let server = ScratchNats::start().unwrap();
    let queue = NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", LEASE)).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    for (number, text) in ["", "{}", "[1]", r#"{"version":1,"id":"x"}"#, r#"{"version":99}"#].into_iter().enumerate() {
        let subject = format!("dragoman.work.cpu.ingest.normal.{number}");
        client.request(subject, text.into()).await.unwrap();
    }
    queue.publish(work(Stage::Ingest, 1)).await.unwrap();
    let delivery = pulled(&queue).await;
    assert_eq!(delivery.work, work(Stage::Ingest, 1));
    queue.complete(delivery.receipt).await.unwrap();
    nothing_to_pull(&queue, BRIEFLY).await;
    let left = queue.depth().await.unwrap()[&Stage::Ingest];
    assert_eq!((left.ready, left.leased), (0, 1), "what a newer version wrote waits for one that can read it");
}

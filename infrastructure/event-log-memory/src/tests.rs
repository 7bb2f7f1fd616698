//! The log in memory keeps the promises of the port.

use super::*;
use application::testing::{
    ManualClock, MemoryKeyVault, cluster_kit,
    event_log_kit::{self, Subject, append, plain, speech, stream},
};

async fn subject() -> Subject {
    let (clock, vault) = (Arc::new(ManualClock::default()), Arc::new(MemoryKeyVault::new(1)));
    let log = Arc::new(MemoryEventLog::new(EventCodec::new("main", vault.clone()), clock.clone()));
    Subject { log, clock, vault, keep: Box::new(()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_every_promise() {
    event_log_kit::run(subject).await;
}

#[tokio::test(start_paused = true)]
async fn it_keeps_every_promise_of_a_cluster() {
    cluster_kit::run(async || {
        let Subject { clock, vault, .. } = subject().await;
        let log = Arc::new(MemoryEventLog::new(EventCodec::new("main", vault), clock));
        cluster_kit::Subject { cluster: log.clone(), log, keep: Box::new(()) }
    })
    .await;
}

#[tokio::test]
async fn damage_is_found_and_named() {
    type Harm = fn(&mut Store);
    let harms: [(Harm, &str); 4] = [
        (|store| store.rows[1].content.data = "{\"cues\":99,\"left_out\":0}".to_owned(), "event 2 was altered"),
        (|store| drop(store.rows.remove(1)), "event 3 stands where event 2 is due"),
        (|store| store.rows.swap(0, 1), "event 2 stands where event 1 is due"),
        (|store| store.rows[2].prev_hash = store.rows[0].hash, "event 3 does not follow"),
    ];
    for (harm, fault) in harms {
        let vault = Arc::new(MemoryKeyVault::new(1));
        let log = MemoryEventLog::new(EventCodec::new("main", vault), Arc::new(ManualClock::default()));
        log.append(append(1, stream(1), 0, vec![plain(1), plain(2), speech("Hello.")])).await.expect("appended");
        harm(&mut log.store());
        let found = log.verify().await.expect("a verification");
        assert!(found.faults.iter().any(|found| found.contains(fault)), "{fault}: {:?}", found.faults);
    }
}

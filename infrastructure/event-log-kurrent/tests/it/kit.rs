//! The log keeps the promises of the port, as far as it declares: on the double, and on a real server where there is
//! one.

use crate::double::Double;
use application::testing::{
    ManualClock, MemoryKeyVault,
    event_log_kit::{self, Subject},
};
use event_codec::EventCodec;
use event_log_kurrent::KurrentEventLog;
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

async fn subject(url: &str, keep: impl Any + Send + Sync) -> Subject {
    let (clock, vault) = (Arc::new(ManualClock::default()), Arc::new(MemoryKeyVault::new(1)));
    let codec = EventCodec::new("main", vault.clone());
    let log = KurrentEventLog::connect(url, codec, clock.clone()).await.expect("the log is there");
    Subject { log: Arc::new(log), clock, vault, keep: Box::new(keep) }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_every_promise_that_it_declares() {
    event_log_kit::run(|| async {
        let double = Double::start().await;
        subject(&double.url(), double).await
    })
    .await;
}

/// On a real server. Each log of the kit gets streams of its own there, which stay: use a server that can be thrown
/// away.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "whoever runs it says where the server is")]
#[ignore = "needs a KurrentDB server: set KURRENTDB_URL"]
async fn it_keeps_every_promise_on_a_real_server() {
    let url = std::env::var("KURRENTDB_URL").expect("KURRENTDB_URL says where the server is");
    let run = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_nanos();
    let made = AtomicU64::new(0);
    event_log_kit::run(|| async {
        let mark = if url.contains('?') { '&' } else { '?' };
        let number = made.fetch_add(1, Ordering::SeqCst);
        subject(&format!("{url}{mark}streamPrefix=kit_{run}_{number}"), ()).await
    })
    .await;
}

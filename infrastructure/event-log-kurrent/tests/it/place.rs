//! A double, and logs on it as processes of their own would have them.

use crate::double::Double;
use application::{
    ports::event_log::EventLog,
    testing::{ManualClock, MemoryKeyVault},
};
use domain::value::Timestamp;
use event_codec::EventCodec;
use event_log_kurrent::{KurrentError, KurrentEventLog};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long anything here may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What can be found in a log besides.
pub struct Process {
    pub log: Arc<KurrentEventLog>,
    pub clock: Arc<ManualClock>,
}

/// A log as another process has it, whose clock shows this.
pub async fn process(double: &Double, unix_ms: u64) -> Process {
    let clock = Arc::new(ManualClock::default());
    clock.set(Timestamp::from_unix_ms(unix_ms));
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    let log = KurrentEventLog::connect(&double.url(), codec, clock.clone()).await.expect("the log is there");
    Process { log: Arc::new(log), clock }
}

/// What comes of connecting there.
pub async fn connect(url: &str) -> Result<KurrentEventLog, KurrentError> {
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    in_time(KurrentEventLog::connect(url, codec, Arc::new(ManualClock::default()))).await
}

/// What comes of something within its time.
pub async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("nothing hangs")
}

/// A failure and all that caused it, as one text.
pub fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Positions of everything in the log.
pub async fn positions(log: &dyn EventLog) -> Vec<u64> {
    let events = application::testing::event_log_kit::everything(log).await;
    events.iter().map(|event| event.position).collect()
}

//! What tests and measurements of the queue begin with.

use application::ports::{
    event_log::{StreamId, Tenant},
    work_queue::{Claim, Work},
};
use domain::{
    dubbing::Priority,
    flow::{Fence, Stage, TABLE, work_id},
    value::DubbingId,
};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;
use work_queue_nats::{Servers, Settings, Storage, WorkerClass};

/// A server at this address, without login or TLS.
pub fn at(url: &str) -> Servers {
    Servers { urls: vec![url.to_owned()], ..Servers::default() }
}

/// A node that does everything.
pub fn settings(prefix: &str, lease: Duration) -> Settings {
    Settings {
        prefix: prefix.to_owned(),
        installation: Uuid::from_u128(1),
        lease,
        replicas: 1,
        bytes_max: 64 << 20,
        storage: Storage::File,
        gpu_stages: BTreeSet::new(),
        stages: TABLE.iter().map(|row| row.stage).collect(),
        classes: WorkerClass::ALL.into(),
    }
}

/// Work of a stage, told apart by its attempt.
pub fn work(stage: Stage, number: u32) -> Work {
    let stream = StreamId::Dubbing(DubbingId(Uuid::from_u128(1)));
    let fence = Fence { stage, run: 1, attempt: number };
    let traceparent = Some(format!("00-{number:032x}-{number:016x}-01"));
    let claim = Claim { tenant: Tenant("local".to_owned()), priority: Priority::Normal, traceparent };
    Work { id: work_id(&stream.to_string(), fence), stream, fence, claim }
}

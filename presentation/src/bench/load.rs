//! A load: so many connections, each asking again as soon as it is answered.

use super::{
    client::{Connection, Text},
    figures::percentile,
    server::Target,
};
use crate::exit::Failure;
use hyper::Request;
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Connections that ask at the same time.
    pub connections: usize,
    /// How long before it is measured.
    pub warm_up: Duration,
    /// How long it is measured.
    pub measured: Duration,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Load {
    /// Answers that came within the measured time.
    pub per_second: f64,
    /// How long each of them took, in milliseconds, in order.
    pub took_ms: Vec<f64>,
}

/// Makes the request of a connection (counted from 0), its nth (from 0).
pub type Asking = Arc<dyn Fn(usize, u64) -> Result<Request<Text>, Failure> + Send + Sync>;

impl Load {
    /// The time within which so many percent were answered, in milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        percentile(&self.took_ms, percent)
    }
}

/// Puts a load on a server. Any answer that says no ends it: it would not have been the work that is measured.
pub async fn drive(target: &Target, shape: Shape, asking: Asking) -> Result<Load, Failure> {
    let begin = Instant::now() + shape.warm_up;
    let end = begin + shape.measured;
    let mut tasks = JoinSet::new();
    for place in 0..shape.connections {
        let (target, asking) = (target.clone(), asking.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(&target).await?;
            let mut took_ms = Vec::new();
            for nth in 0.. {
                let request = asking(place, nth)?;
                let asked = Instant::now();
                connection.ask(request).await?.well()?;
                let answered = Instant::now();
                if answered >= end {
                    break;
                }
                if answered >= begin {
                    took_ms.push((answered - asked).as_secs_f64() * 1_000.0);
                }
            }
            Ok::<_, Failure>(took_ms)
        });
    }
    let mut took_ms = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        took_ms.extend(ended.map_err(|error| Failure::internal(&error))??);
    }
    took_ms.sort_by(f64::total_cmp);
    Ok(Load { per_second: took_ms.len() as f64 / shape.measured.as_secs_f64(), took_ms })
}

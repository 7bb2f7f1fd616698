//! What `/metrics` and `/health` tell of the work that this process does, as it is when they are asked.

use application::{
    ports::work_queue::WorkQueue,
    room::{Figures, Room},
};
use async_trait::async_trait;
use domain::flow::Stage;
use http_api::{
    health::{Health, HealthCheck},
    metrics::Metrics,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{fmt, sync::Arc};

/// Registers the measures of a room for so much at a time.
pub fn register(metrics: &Metrics, room: &Room, slots: usize) {
    let measures = Measures { room: room.clone(), slots };
    metrics.register(|registry| registry.register_collector(Box::new(measures)));
}

#[derive(Debug)]
struct Measures {
    room: Room,
    slots: usize,
}

impl Collector for Measures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let figures = self.room.figures();
        let mut one = |name, help, value: u64| {
            let gauge = ConstGauge::new(signed(value));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        one("worker_slots", "Attempts at stages that this process makes at a time", self.slots as u64)?;
        one("worker_draining", "Whether it takes nothing new", figures.is_closed.into())?;
        if let Some(limit) = figures.memory_bytes {
            one("worker_memory_limit_bytes", "Memory that attempts may take together", limit)?;
        }
        one("worker_memory_held_bytes", "Memory that attempts under way are taken to take", figures.held_bytes)?;
        by_stage(&mut encoder, &figures)
    }
}

fn by_stage(encoder: &mut DescriptorEncoder, figures: &Figures) -> Result<(), fmt::Error> {
    let help = "Attempts under way";
    let mut family = encoder.encode_descriptor("worker_busy", help, None, MetricType::Gauge)?;
    for (stage, count) in &figures.at_work {
        let gauge = ConstGauge::new(signed(*count as u64));
        gauge.encode(family.encode_family(&of(*stage))?)?;
    }
    let help = "Memory that one attempt is taken to take";
    let mut family = encoder.encode_descriptor("worker_memory_need_bytes", help, None, MetricType::Gauge)?;
    for (stage, bytes) in &figures.needs {
        ConstGauge::new(signed(*bytes)).encode(family.encode_family(&of(*stage))?)?;
    }
    let help = "How often a stage could not be begun for want of memory, until it could";
    let mut family = encoder.encode_descriptor("worker_memory_waits", help, None, MetricType::Counter)?;
    for (stage, count) in &figures.waits {
        ConstCounter::new(*count).encode(family.encode_family(&of(*stage))?)?;
    }
    let help = "Attempts that this process made, by how they ended";
    let mut family = encoder.encode_descriptor("worker_attempts", help, None, MetricType::Counter)?;
    for ((stage, outcome), count) in &figures.ended {
        let labels = [("stage", stage.name()), ("outcome", *outcome)];
        ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn of(stage: Stage) -> [(&'static str, &'static str); 1] {
    [("stage", stage.name())]
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The work that this process does.
pub struct WorkHealth(pub Room);

#[async_trait]
impl HealthCheck for WorkHealth {
    fn name(&self) -> &'static str {
        "work"
    }

    async fn check(&self) -> Health {
        if self.0.figures().is_closed { Health::degraded("it takes nothing new: it is drained") } else { Health::up() }
    }
}

/// The queue that work comes from.
pub struct QueueReach(pub Arc<dyn WorkQueue>);

#[async_trait]
impl HealthCheck for QueueReach {
    fn name(&self) -> &'static str {
        "work-queue"
    }

    async fn check(&self) -> Health {
        self.0.depth().await.map_or_else(|_| Health::down("it cannot be reached"), |_| Health::up())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::{ports::work_queue::Door, room::RoomLimits};
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn what_goes_on_is_told() {
        let needs = BTreeMap::from([(Stage::Mix, 300)]);
        let room = Room::new(RoomLimits { memory_bytes: Some(500), needs, ..RoomLimits::default() });
        let metrics = Metrics::default();
        register(&metrics, &room, 4);
        let _pass = room.admit(Stage::Mix);
        let _at_work = room.at_work(Stage::Mix);
        assert!(room.admit(Stage::Mix).is_none());
        room.ended(Stage::Mix, "done", 0);
        let text = metrics.open_metrics().expect("a text");
        for line in [
            "worker_slots 4",
            "worker_draining 0",
            "worker_memory_limit_bytes 500",
            "worker_memory_held_bytes 300",
            "worker_busy{stage=\"mix\"} 1",
            "worker_memory_need_bytes{stage=\"mix\"} 300",
            "worker_memory_waits_total{stage=\"mix\"} 1",
            "worker_attempts_total{stage=\"mix\",outcome=\"done\"} 1",
        ] {
            assert!(text.contains(&format!("\ndragoman_{line}\n")), "{line}: {text}");
        }
        assert_eq!(WorkHealth(room.clone()).check().await, Health::up());
        room.close(true);
        assert!(WorkHealth(room).check().await != Health::up());
    }
}

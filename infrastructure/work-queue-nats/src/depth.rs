//! How much work there is, as the consumers count it.

use crate::{Inner, error::NatsQueueError};
use application::ports::work_queue::Depth;
use domain::flow::Stage;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Inner {
    /// What waits and what was handed out, by stage.
    pub(crate) async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, NatsQueueError> {
        self.topology.stream().await?;
        let name = format!("CONSUMER.LIST.{}", self.topology.names.stream());
        let mut depths = BTreeMap::<Stage, Depth>::new();
        let mut offset = 0;
        loop {
            let answer = self.link.api("the consumers of the work queue", &name, &json!({ "offset": offset })).await?;
            let consumers = answer.get("consumers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for consumer in consumers {
                let subjects = consumer.pointer("/config/filter_subject").and_then(Value::as_str);
                let Some(lane) = subjects.and_then(|subjects| self.topology.names.lane_of(subjects)) else { continue };
                let number = |field| consumer.get(field).and_then(Value::as_u64).unwrap_or_default();
                let count = |field| usize::try_from(number(field)).unwrap_or(usize::MAX);
                let depth = depths.entry(lane.stage).or_default();
                depth.ready += count("num_pending");
                depth.leased += count("num_ack_pending");
            }
            offset += consumers.len();
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or_default();
            if consumers.is_empty() || offset as u64 >= total {
                depths.retain(|_, depth| *depth != Depth::default());
                return Ok(depths);
            }
        }
    }
}

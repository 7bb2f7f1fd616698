//! How often engines are called, how that ends, and how long it takes: kept as measures from the start on.
//!
//! Whether anybody reads them is not known here: commands that end soon keep them, too, and forget them.

use application::measured::{CallOutcome, EngineCalls, Measured};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};
use std::{sync::Arc, time::Duration};

/// The measures. Clones are the same ones.
#[derive(Clone, Debug)]
pub struct CallMeasures {
    seconds: Family<Call, Histogram, fn() -> Histogram>,
}

/// What a call is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Call {
    stage: &'static str,
    engine: &'static str,
    outcome: &'static str,
}

impl Default for CallMeasures {
    fn default() -> Self {
        Self { seconds: Family::new_with_constructor(buckets) }
    }
}

impl CallMeasures {
    /// The family, to be registered.
    pub fn seconds(&self) -> Family<Call, Histogram, fn() -> Histogram> {
        self.seconds.clone()
    }

    /// The engine as this stage uses it.
    pub fn measured<T: ?Sized>(&self, stage: &'static str, name: &'static str, engine: Arc<T>) -> Arc<Measured<T>> {
        Arc::new(Measured { engine, name, stage, calls: Arc::new(self.clone()) })
    }
}

impl EngineCalls for CallMeasures {
    fn ended(&self, stage: &'static str, engine: &'static str, outcome: CallOutcome, took: Duration) {
        let call = Call { stage, engine, outcome: outcome.name() };
        self.seconds.get_or_create(&call).observe(took.as_secs_f64());
    }
}

/// From a hundredth of a second, in which a line is spoken, to half an hour.
fn buckets() -> Histogram {
    Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 90.0, 300.0, 900.0, 1_800.0])
}

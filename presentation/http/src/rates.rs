//! How long stages take here: measured from the newest finished runs, and remembered for a while.

use crate::{api::Api, columns, problem::Problem};
use application::{
    estimate::{FinishedRun, Rates},
    ports::read_store::{Condition, Order, PageQuery, Row},
};
use domain::value::Timestamp;
use projections::{engine_runs, jobs};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Newest finished runs that rates are made from. Older ones tell of engines and machines that were.
const RUNS_MAX: usize = 500;
/// How long rates are good enough for what is left of a dubbing, in milliseconds.
const LIFETIME_MS: u64 = 60_000;

/// The rates that were measured last. Cloning is cheap.
#[derive(Clone, Default)]
pub struct KnownRates(Arc<Mutex<Option<Measured>>>);

/// Rates, and when they were measured.
type Measured = (Timestamp, Arc<Rates>);

impl Api {
    /// Rates of the last minute; measured anew when there are none.
    pub(crate) async fn rates(&self) -> Result<Arc<Rates>, Problem> {
        let known = self.rates.get();
        match known.filter(|(at, _)| self.clock.now().since_ms(*at) < LIFETIME_MS) {
            Some((_, rates)) => Ok(rates),
            None => self.measure_rates().await,
        }
    }

    /// Rates as they are now.
    pub(crate) async fn measure_rates(&self) -> Result<Arc<Rates>, Problem> {
        let query = PageQuery {
            // Those that found earlier results took no time of their own.
            conditions: vec![Condition::Equals("state", json!("completed")), Condition::Equals("reused", json!(0))],
            order: Order { column: "ended_at", descending: true },
            after: None,
            limit: RUNS_MAX,
        };
        let runs = self.read_store.page(&engine_runs::TABLE, &query).await?;
        let mut keys: Vec<Vec<Value>> = runs.iter().filter_map(|run| Some(vec![run.get("job_id")?.clone()])).collect();
        keys.sort_by(|a, b| a.iter().map(Value::as_str).cmp(b.iter().map(Value::as_str)));
        keys.dedup();
        let found = self.read_store.load(&jobs::TABLE, &keys).await?;
        let jobs: HashMap<&str, &Row> =
            found.iter().flatten().filter_map(|job| Some((columns::text(job, "job_id")?, job))).collect();
        let rates = Arc::new(Rates::measured(runs.iter().filter_map(|run| finished(run, &jobs))));
        *self.rates.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.clock.now(), rates.clone()));
        Ok(rates)
    }
}

impl KnownRates {
    fn get(&self) -> Option<Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn finished(run: &Row, jobs: &HashMap<&str, &Row>) -> Option<FinishedRun> {
    let job = jobs.get(columns::text(run, "job_id")?)?;
    let stage = columns::text(run, "stage")?.parse().ok()?;
    // A transcript that is only read says nothing about recognition.
    let is_comparable = stage != domain::flow::Stage::Transcribe || columns::text(job, "transcript")? == "recognised";
    let (wall_ms, source_ms) = (columns::number(run, "wall_ms")?, columns::number(job, "duration_ms")?);
    is_comparable.then_some(FinishedRun { stage, wall_ms, source_ms })
}

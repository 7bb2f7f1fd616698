//! The folds, over stories that the domain tells: they say what the aggregates say, take anything, and
//! give the same rows however they are run.

mod charges;
mod folds;
pub mod hooked;
mod kept;
mod latency;
mod news;
mod parked;
mod revisions;
mod run;

use crate::{Runner, all};
use application::{
    ports::{
        event_log::{EventLog, Recorded},
        read_store::{ReadStore, Row, Table},
    },
    testing::{MemoryReadStore, RecordedLog},
};
use std::{collections::BTreeMap, sync::Arc};

pub type Models = BTreeMap<&'static str, Vec<Row>>;

/// Every row of every read model.
pub async fn models(store: &dyn ReadStore) -> Models {
    let mut models = Models::new();
    for projection in all() {
        let rows = store.query(projection.table(), &[]).await.unwrap();
        models.insert(projection.name(), rows);
    }
    models
}

/// The read models of a whole log, folded in one go.
pub async fn folded(events: &[Recorded]) -> Models {
    let store = Arc::new(MemoryReadStore::new());
    runner(&Arc::new(RecordedLog::new(events.to_vec())), &store).catch_up().await.unwrap();
    models(&*store).await
}

pub fn runner(log: &Arc<RecordedLog>, store: &Arc<MemoryReadStore>) -> Runner {
    Runner::new(Arc::clone(log) as Arc<dyn EventLog>, Arc::clone(store) as Arc<dyn ReadStore>)
}

fn tables() -> Vec<&'static Table> {
    all().iter().map(|projection| projection.table()).collect()
}

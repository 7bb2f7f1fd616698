//! A store that lets tests look at each call, and fail it, before it is done and after.

use application::{
    ports::{
        read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table},
        shadow_store::{ShadowStore, Standing},
    },
    testing::MemoryReadStore,
};
use async_trait::async_trait;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A call of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub name: &'static str,
    /// It is one of the shadows' store.
    pub of_shadows: bool,
    /// It has been done.
    pub is_done: bool,
}

/// What a test does at each call.
pub type Hook = Arc<dyn Fn(Call) -> Result<(), ReadStoreError> + Send + Sync>;

/// The store.
pub struct Hooked {
    rows: Arc<dyn ReadStore>,
    shadows: Option<Arc<MemoryReadStore>>,
    hook: Hook,
    /// How long each call takes.
    takes: Duration,
}

impl Hooked {
    /// Around a store in memory and its shadows.
    pub fn new(
        store: &Arc<MemoryReadStore>,
        hook: impl Fn(Call) -> Result<(), ReadStoreError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            rows: store.clone(),
            shadows: Some(store.clone()),
            hook: Arc::new(hook),
            takes: Duration::ZERO,
        })
    }

    /// Each call takes so long.
    pub fn taking(store: &Arc<MemoryReadStore>, takes: Duration) -> Arc<Self> {
        Arc::new(Self { rows: store.clone(), shadows: Some(store.clone()), hook: Arc::new(|_| Ok(())), takes })
    }

    async fn around<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, ReadStoreError>> + Send,
    ) -> Result<T, ReadStoreError> {
        let of_shadows = self.shadows.is_none();
        (self.hook)(Call { name, of_shadows, is_done: false })?;
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        let answer = call.await?;
        (self.hook)(Call { name, of_shadows, is_done: true })?;
        Ok(answer)
    }

    fn store(&self) -> &MemoryReadStore {
        self.shadows.as_ref().expect("shadows have no shadows")
    }
}

#[async_trait]
impl ReadStore for Hooked {
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError> {
        self.around("checkpoint", self.rows.checkpoint(projection)).await
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        self.around("load", self.rows.load(table, keys)).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        self.around("apply", self.rows.apply(batch)).await
    }

    async fn apply_all(&self, batches: Vec<Batch>) -> Result<(), ReadStoreError> {
        self.around("apply_all", self.rows.apply_all(batches)).await
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        self.around("query", self.rows.query(table, filter)).await
    }

    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError> {
        self.around("page", self.rows.page(table, query)).await
    }

    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError> {
        self.around("count", self.rows.count(table, conditions)).await
    }

    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError> {
        self.around("sums", self.rows.sums(table, columns, conditions)).await
    }

    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        self.around("reset", self.rows.reset(projection, table)).await
    }
}

#[async_trait]
impl ShadowStore for Hooked {
    fn shadows(&self) -> Arc<dyn ReadStore> {
        Arc::new(Self { rows: self.store().shadows(), shadows: None, hook: Arc::clone(&self.hook), takes: self.takes })
    }

    async fn begin(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        self.around("begin", self.store().begin(projection, table)).await
    }

    async fn swap(&self, projection: &'static str, table: &'static Table, at: u64) -> Result<(), ReadStoreError> {
        self.around("swap", self.store().swap(projection, table, at)).await
    }

    async fn roll_back(&self, projection: &'static str, table: &'static Table) -> Result<bool, ReadStoreError> {
        self.around("roll_back", self.store().roll_back(projection, table)).await
    }

    async fn discard(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        self.around("discard", self.store().discard(projection, table)).await
    }

    async fn standing(&self, projection: &'static str, table: &'static Table) -> Result<Standing, ReadStoreError> {
        self.around("standing", self.store().standing(projection, table)).await
    }
}

//! The database: a few connections, changes that are made once, and what to do when a connection is lost.

use super::{
    error::SharedStoreError,
    nodes::{self, Lease},
    schema::SCHEMA,
};
use crate::sql::{Work, ask};
use postgres_schema::{Kind, Servers};
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgPoolOptions};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

/// Connections at the same time, for all that is kept here.
const CONNECTIONS_MAX: u32 = 6;
/// How long to wait for one of them.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// How long one try may take: more than the server's own limits for a statement allow.
const TRY_MAX: Duration = Duration::from_secs(35);
/// How long a server that is away is waited for: it starts again, or another one takes over.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause before another try, at first; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Sessions' settings: tables are found without their schema's name, as in SQLite; what is asked for depends on its values so
/// much that one plan for all of them is a bad one.
pub(crate) const SESSION: [(&str, &str); 2] = [("search_path", SCHEMA.name), ("plan_cache_mode", "force_custom_plan")];

/// What the nodes of an installation share. Clones share the connections.
#[derive(Clone)]
pub struct SharedDatabase {
    shared: Arc<Shared>,
}

struct Shared {
    servers: Servers,
    pool: PgPool,
    node: Uuid,
    /// Who says that this node is alive; ends with this.
    _alive: JoinSet<()>,
}

/// What came of a change that was tried.
pub(crate) type Done<T> = Result<T, SharedStoreError>;

impl SharedDatabase {
    /// Connects to the database at this address, and makes the schema in one that has none; one that is not up to date is
    /// refused. To be called in a Tokio runtime, in which this process says that it is alive. `node` is what it is known by:
    /// an id that no other process ever had.
    pub async fn connect(url: &str, node: Uuid) -> Result<Self, SharedStoreError> {
        Self::connect_with(url, node, Lease::default()).await
    }

    /// The same, believed to be alive for so long.
    pub(crate) async fn connect_with(url: &str, node: Uuid, lease: Lease) -> Result<Self, SharedStoreError> {
        let servers = Servers::with(url, &SESSION)?;
        let mut connection = servers.primary().await?;
        SCHEMA.open(&mut connection).await?;
        // It is used from now on: nothing may be copied over it any more.
        ask("UPDATE origin SET is_copied = false WHERE is_copied").run(&mut connection).await?;
        connection.close().await?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_MAX);
        // Each is tried before it is used, so that those a server or a net has cut are replaced.
        let pool = pool.test_before_acquire(true).connect_lazy_with(servers.current().cloned().unwrap_or_default());
        nodes::say(&pool, node, lease).await?;
        let mut alive = JoinSet::new();
        alive.spawn(nodes::say_on(pool.clone(), node, lease));
        Ok(Self { shared: Arc::new(Shared { servers, pool, node, _alive: alive }) })
    }

    /// Says that this node is no more, and closes all connections. Dropping it without this is as safe as being killed: what
    /// it had in hand is free once its lease has run out.
    pub async fn close(&self) {
        // Without an answer, its lease runs out.
        let _left = timeout(ACQUIRE_MAX, nodes::leave(self.pool(), self.node())).await;
        self.pool().close().await;
    }

    /// What this process is known by.
    pub(crate) fn node(&self) -> Uuid {
        self.shared.node
    }

    /// The connections.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// Looks something up, and again while the server is away.
    pub(crate) async fn read<Asked: Sync, Found: Send>(
        &self,
        asked: &Asked,
        work: Work<PgConnection, Asked, Found>,
    ) -> Done<Found> {
        self.again(|| async {
            let mut connection = self.pool().acquire().await?;
            Ok(work(&mut connection, asked).await?)
        })
        .await
    }

    /// Changes something in one transaction, to its end even if whoever waits for it gives up. Tried again while the server
    /// is away: it must do no harm to do it twice, since the answer of one that was done may have been lost.
    pub(crate) async fn change<Asked: Send + Sync + 'static, Changed: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<PgConnection, Asked, Changed>,
    ) -> Done<Changed> {
        let database = self.clone();
        let work = async move {
            let attempt = || async {
                let mut change = database.pool().begin().await?;
                let done = work(&mut change, &asked).await?;
                change.commit().await?;
                Ok(done)
            };
            database.again(attempt).await
        };
        self.to_the_end(work).await
    }

    /// The same, for what must not be done twice. It is written down with itself; where the answer was lost, that tells
    /// whether it was done.
    pub(crate) async fn change_once<Asked: Send + Sync + 'static, Changed: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<PgConnection, Asked, Changed>,
    ) -> Done<Changed> {
        let (database, asked_at) = (self.clone(), Instant::now());
        self.to_the_end(async move { database.change_once_here(asked_at, &asked, work).await }).await
    }

    /// The same; its end is the caller's to see to. The server is waited for since `asked_at`, so that what stands in a line
    /// does not wait for it one after the other.
    pub(crate) async fn change_once_here<Asked: Sync, Changed: Send>(
        &self,
        asked_at: Instant,
        asked: &Asked,
        work: Work<PgConnection, Asked, Changed>,
    ) -> Done<Changed> {
        self.persist(asked_at, || self.try_once(asked, work)).await
    }

    async fn try_once<Asked: Sync, Changed: Send>(
        &self,
        asked: &Asked,
        work: Work<PgConnection, Asked, Changed>,
    ) -> Done<Changed> {
        let prepared = bounded(async {
            let mut change = self.pool().begin().await?;
            let done = work(&mut change, asked).await?;
            let id: Uuid = sqlx::query_scalar(WRITTEN_DOWN).fetch_one(&mut *change).await?;
            Ok((change, done, id))
        });
        let (change, done, id) = prepared.await?;
        match bounded(async { Ok(change.commit().await?) }).await {
            Ok(()) => Ok(done),
            Err(_) if self.was_done(id).await? => Ok(done),
            Err(error) => Err(error),
        }
    }

    /// Whether a change was done whose answer was lost. Asked by writing it down once more: that waits until it is done, if
    /// the server is still at it, and keeps it from being done if it was not.
    async fn was_done(&self, change: Uuid) -> Done<bool> {
        let asked = self.again(|| async {
            let again = ask("INSERT INTO changes (id) VALUES ($1) ON CONFLICT DO NOTHING").id(change);
            let mut connection = self.pool().acquire().await?;
            Ok(again.run(&mut *connection).await? == 0)
        });
        asked.await.map_err(|error| SharedStoreError::Unheard { source: Box::new(error) })
    }

    /// Runs work that must come to its end even if whoever waits for it gives up.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Done<T>> + Send + 'static,
    ) -> Done<T> {
        tokio::spawn(work).await.map_err(|_| SharedStoreError::Interrupted)?
    }

    /// Tries something until the server is not the reason any more that it fails, for a while.
    pub(crate) async fn again<T, Tried: Future<Output = Done<T>>>(&self, attempt: impl Fn() -> Tried) -> Done<T> {
        self.persist(Instant::now(), || bounded(attempt())).await
    }

    /// The same for what bounds its own time and was asked for at this moment.
    async fn persist<T, Tried: Future<Output = Done<T>>>(
        &self,
        asked_at: Instant,
        attempt: impl Fn() -> Tried,
    ) -> Done<T> {
        let mut pause = PAUSE_MIN;
        loop {
            match attempt().await {
                Err(error) if error.kind() == Kind::Passing && asked_at.elapsed() < PATIENCE => {
                    self.find_the_primary().await;
                }
                outcome => return outcome,
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Where an address names several servers, another one may take writes now.
    async fn find_the_primary(&self) {
        if self.shared.servers.are_several() && self.shared.servers.primary().await.is_ok() {
            self.pool().set_connect_options(self.shared.servers.current().cloned().unwrap_or_default());
        }
    }
}

/// Writes a change down, and forgets a few of those that nobody asks for any more.
const WRITTEN_DOWN: &str = "WITH gone AS (DELETE FROM changes WHERE id IN (SELECT id FROM changes \
     WHERE made_at < clock_timestamp() - interval '1 hour' ORDER BY made_at LIMIT 8 FOR UPDATE SKIP LOCKED)) \
     INSERT INTO changes (id) VALUES (gen_random_uuid()) RETURNING id";

/// A connection whose other end is gone without a word keeps nobody waiting for ever.
async fn bounded<T>(attempt: impl Future<Output = Done<T>>) -> Done<T> {
    timeout(TRY_MAX, attempt).await.unwrap_or(Err(SharedStoreError::Silent))
}

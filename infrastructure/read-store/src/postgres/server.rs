//! The server: connections that read and write, and what to do when one is lost.

use super::{columns::Columns, dialect::schema_of, error::PostgresStoreError};
use crate::sets::Set;
use application::ports::read_store::ReadStoreError;
use postgres_schema::{Migration, Schema, Step, connect, connect_options};
use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// Connections at the same time.
const CONNECTIONS_MAX: u32 = 8;
/// How long to wait for a connection: a server that starts again is waited for.
const ACQUIRE_MAX: Duration = Duration::from_secs(10);
/// How long to wait for an answer; statements end earlier by themselves, unless the connection is dead.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How often something is tried again, on another connection.
const RETRIES: u32 = 3;
/// The pause before the first of these; it doubles.
const PAUSE: Duration = Duration::from_millis(20);

/// Sessions' settings. What is asked for depends on its values so much that one plan for all of them is a bad one; read
/// models can be folded again, so that no commit waits for the disk.
const SESSION: [(&str, &str); 2] = [("plan_cache_mode", "force_custom_plan"), ("synchronous_commit", "off")];

/// The schema of the live rows; its migrations make the other sets' schemas, too.
pub(crate) const SCHEMA: Schema = Schema {
    name: schema_of(Set::Live),
    migrations: &[
        Migration {
            number: 1,
            name: "read_models",
            sql: include_str!("../../../../migrations/postgres/0001_read_models.sql"),
        },
        Migration {
            number: 50,
            name: "snapshots",
            sql: include_str!("../../../../migrations/postgres/0050_snapshots.sql"),
        },
    ],
};

/// A server. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pool: PgPool,
}

impl Server {
    /// Connects, and makes the schema in an empty database; one that is not up to date is refused.
    pub async fn connect(url: &str) -> Result<(Self, Columns), PostgresStoreError> {
        let options = connect_options(url)?.options(SESSION);
        let mut connection = connect(&options).await?;
        SCHEMA.open(&mut connection).await?;
        let columns = Columns::read(&mut connection, SCHEMA.name).await?;
        connection.close().await?;
        Ok((Self { pool: pool(options) }, columns))
    }

    /// The connections.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs work that must come to its end even if whoever waits for it gives up.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ReadStoreError>> + Send + 'static,
    ) -> Result<T, ReadStoreError> {
        tokio::spawn(work).await.map_err(|_| PostgresStoreError::Interrupted)?
    }

    /// Tries something until it does not fail for want of a connection any more, a few times. It must do no harm to do it
    /// twice: reading does none, and a step that was taken already is refused for its checkpoint.
    pub async fn again<T, Tried: Future<Output = Result<T, ReadStoreError>>>(
        &self,
        attempt: impl Fn() -> Tried,
    ) -> Result<T, ReadStoreError> {
        let mut pause = PAUSE;
        for _ in 0..RETRIES {
            match bounded(attempt()).await {
                Err(ReadStoreError::Unavailable(error)) if is_worth_another(&*error) => {}
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        bounded(attempt()).await
    }
}

/// The migrations that a database lacks. Changes nothing.
pub(crate) async fn pending(url: &str) -> Result<Vec<Step>, PostgresStoreError> {
    let mut connection = connect(&connect_options(url)?).await?;
    let steps = SCHEMA.pending(&mut connection).await?;
    connection.close().await?;
    Ok(steps)
}

/// Applies the migrations that a database lacks.
pub(crate) async fn migrate(url: &str) -> Result<Vec<Step>, PostgresStoreError> {
    let mut connection = connect(&connect_options(url)?).await?;
    let steps = SCHEMA.bring_up_to_date(&mut connection).await?;
    connection.close().await?;
    Ok(steps)
}

fn pool(options: PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_MAX);
    // Each is tried before it is used, so that those a server or a net has cut are replaced.
    pool.test_before_acquire(true).connect_lazy_with(options)
}

/// A connection whose other end is gone without a word keeps nobody waiting for ever.
async fn bounded<T>(attempt: impl Future<Output = Result<T, ReadStoreError>>) -> Result<T, ReadStoreError> {
    let silent = PostgresStoreError::Silent { seconds: ANSWER_MAX.as_secs() };
    tokio::time::timeout(ANSWER_MAX, attempt).await.unwrap_or(Err(silent.into()))
}

fn is_worth_another(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<PostgresStoreError>().is_some_and(|error| error.is_lost() || error.is_undone())
}

//! The nodes of an installation and their leases, in the database that has its log: only there can a lease that is lost
//! refuse an append. All times are the server's.

use crate::{PostgresEventLog, error::LogError, table::bound};
use application::ports::cluster::{Cluster, ClusterError, HeldTurn, Lease, Node, NodeCard, Turn, WorkCard};
use async_trait::async_trait;
use sqlx::postgres::types::PgInterval;
use std::{future::Future, time::Duration};
use uuid::Uuid;

/// How long a question may take: what is known of leases is old by then.
const PATIENCE: Duration = Duration::from_secs(5);

const NODES: &str = "SELECT id, name, roles, version, stages, slots, classes, draining FROM dragoman_log.nodes \
     WHERE until >= clock_timestamp() ORDER BY id";
const HELD: &str =
    "SELECT holder, name, number FROM dragoman_log.leases WHERE until >= clock_timestamp() ORDER BY name";

/// Id, name, roles, version, stages, slots, classes, whether it is draining.
type NodeRow = (Uuid, String, Vec<String>, String, Vec<String>, Option<i32>, Vec<String>, bool);

impl PostgresEventLog {
    /// Asks once: whoever holds leases asks again soon.
    async fn ask_once<T>(&self, asked: impl Future<Output = Result<T, sqlx::Error>> + Send) -> Result<T, ClusterError> {
        let answer = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(LogError::from),
            Err(_elapsed) => Err(LogError::Silent),
        };
        answer.map_err(|error| {
            self.follow_the_writer();
            ClusterError(Box::new(error))
        })
    }
}

#[async_trait]
impl Cluster for PostgresEventLog {
    async fn announce(&self, node: &NodeCard, term: Duration) -> Result<bool, ClusterError> {
        let work = node.work.as_ref();
        let (stages, classes) = work.map_or((&[][..], &[][..]), |work| (&work.stages[..], &work.classes[..]));
        let slots = work.map(|work| i32::try_from(work.slots).unwrap_or(i32::MAX));
        let asked = sqlx::query_scalar("SELECT dragoman_log.announce($1, $2, $3, $4, $5, $6, $7, $8)");
        let asked = asked.bind(node.id).bind(&node.name).bind(&node.roles).bind(&node.version);
        let asked = asked.bind(stages).bind(slots).bind(classes).bind(interval(term));
        self.ask_once(asked.fetch_one(&self.readers)).await
    }

    async fn leave(&self, node: Uuid) -> Result<(), ClusterError> {
        let asked = sqlx::query("SELECT dragoman_log.leave($1)").bind(node);
        self.ask_once(asked.execute(&self.readers)).await.map(|_| ())
    }

    async fn drain(&self, node: Uuid, is_wanted: bool) -> Result<bool, ClusterError> {
        let asked = sqlx::query_scalar("SELECT dragoman_log.drain($1, $2)").bind(node).bind(is_wanted);
        self.ask_once(asked.fetch_one(&self.readers)).await
    }

    async fn nodes(&self) -> Result<Vec<Node>, ClusterError> {
        let held: Vec<(Uuid, String, i64)> = self.ask_once(sqlx::query_as(HELD).fetch_all(&self.readers)).await?;
        let nodes: Vec<NodeRow> = self.ask_once(sqlx::query_as(NODES).fetch_all(&self.readers)).await?;
        let node = |(id, name, roles, version, stages, slots, classes, is_draining): NodeRow| {
            let own = held.iter().filter(|(holder, ..)| *holder == id);
            let holds = own.map(|(_, name, number)| lease((name.clone(), *number))).collect();
            let slots = slots.map(|slots| u32::try_from(slots).unwrap_or(0));
            let work = slots.map(|slots| WorkCard { stages, slots, classes });
            Node { card: NodeCard { id, name, roles, version, work }, is_draining, holds }
        };
        Ok(nodes.into_iter().map(node).collect())
    }

    async fn take(
        &self,
        node: Uuid,
        names: &[String],
        at_most: usize,
        term: Duration,
    ) -> Result<Vec<Lease>, ClusterError> {
        let at_most = i32::try_from(at_most).unwrap_or(i32::MAX);
        let asked = sqlx::query_as("SELECT name, number FROM dragoman_log.take_leases($1, $2, $3, $4)");
        let asked = asked.bind(node).bind(names).bind(at_most).bind(interval(term));
        let taken: Vec<(String, i64)> = self.ask_once(asked.fetch_all(&self.readers)).await?;
        Ok(taken.into_iter().map(lease).collect())
    }

    async fn renew(&self, node: Uuid, leases: &[Lease], term: Duration) -> Result<Vec<Lease>, ClusterError> {
        let (names, numbers) = arrays(leases);
        let asked = sqlx::query_as("SELECT name, number FROM dragoman_log.renew_leases($1, $2, $3, $4)");
        let asked = asked.bind(node).bind(names).bind(numbers).bind(interval(term));
        let held: Vec<(String, i64)> = self.ask_once(asked.fetch_all(&self.readers)).await?;
        Ok(held.into_iter().map(lease).collect())
    }

    async fn release(&self, node: Uuid, leases: &[Lease]) -> Result<(), ClusterError> {
        let (names, numbers) = arrays(leases);
        let asked = sqlx::query("SELECT dragoman_log.release_leases($1, $2, $3)").bind(node).bind(names).bind(numbers);
        self.ask_once(asked.execute(&self.readers)).await.map(|_| ())
    }

    async fn turn(&self, turn: Turn) -> Result<HeldTurn, ClusterError> {
        let (turns, lock) = match turn {
            Turn::UseFiles => (&self.turns, "SELECT pg_advisory_xact_lock_shared(1147237229, 2)"),
            Turn::DeleteFiles => (&self.turns, "SELECT pg_advisory_xact_lock(1147237229, 2)"),
            Turn::SetUp => (&self.turns, "SELECT pg_advisory_xact_lock(1147237229, 3)"),
            Turn::HoldBlobs => (&self.blob_turns, "SELECT pg_advisory_xact_lock_shared(1147237229, 4)"),
            Turn::CollectBlobs => (&self.blob_turns, "SELECT pg_advisory_xact_lock(1147237229, 4)"),
        };
        let asked = async {
            let mut turn = turns.begin().await?;
            // An upload may be on its way to the bucket for as long as that; whoever waits longer comes again.
            sqlx::raw_sql(
                "SET LOCAL idle_in_transaction_session_timeout = '10min'; SET LOCAL lock_timeout = '30s'; \
                 SET LOCAL statement_timeout = 0",
            )
            .execute(&mut *turn)
            .await?;
            sqlx::query(lock).execute(&mut *turn).await?;
            Ok(turn)
        };
        // Rolled back, and the lock let go of, when it is dropped.
        asked.await.map(HeldTurn::new).map_err(|error: sqlx::Error| ClusterError(Box::new(LogError::from(error))))
    }
}

fn arrays(leases: &[Lease]) -> (Vec<String>, Vec<i64>) {
    leases.iter().map(|lease| (lease.name.clone(), bound(lease.number))).unzip()
}

fn lease((name, number): (String, i64)) -> Lease {
    Lease { name, number: number.try_into().unwrap_or(0) }
}

fn interval(term: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(term.as_micros()).unwrap_or(i64::MAX) }
}

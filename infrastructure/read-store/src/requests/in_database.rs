//! Requests on PostgreSQL, by all nodes of an installation.
//!
//! Who carries a request out is a node, and does so as long as it is alive: what a dead one left running begins again with
//! its ids, on any node. A beginning looks first and writes then; where two nodes begin the same key at once, one of them
//! finds it there, and looks again. A node that stood still for longer than its lease may find that another one has begun
//! its request again, and its answer is not kept: what it brought about is in the log under the same ids.

use super::{
    judge::Judge,
    name,
    table::{Name, Request, State, answered, last_expired, sealed},
    writer::{Ask, What},
};
use crate::{
    shared::{Done, SharedDatabase},
    sql::{Ask as Statement, Cells, Value, ask, misshapen},
};
use application::ports::{
    clock::{Clock, Ids},
    event_log::Tenant,
    key_vault::Key,
    request_store::{Answer, Begun, RequestIds, RequestStore, RequestStoreError},
};
use async_trait::async_trait;
use domain::value::{Sha256, Timestamp};
use serde_json::json;
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// How often a beginning looks anew when others were faster.
const LOOKS_MAX: u32 = 8;
/// Expired rows removed with one new one: more than one, so that they go faster than they come.
const FORGOTTEN_MAX: i64 = 8;

/// Requests on PostgreSQL.
pub struct PostgresRequestStore {
    database: SharedDatabase,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    seal: Key,
    /// Beginnings of this process.
    turns: AtomicI64,
}

impl PostgresRequestStore {
    /// Those in this database. Answers are sealed under `seal`.
    pub fn new(database: SharedDatabase, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, seal: Key) -> Self {
        Self { database, clock, ids, seal, turns: AtomicI64::new(0) }
    }

    /// Ends what this node carries out.
    async fn end(&self, end: End) -> Result<(), RequestStoreError> {
        Ok(self.database.change(end, |connection, end| Box::pin(end.write(connection))).await?)
    }

    fn end_of(&self, tenant: &Tenant, key: &str) -> End {
        let (name, node, now) = (name(tenant, key), self.database.node(), self.clock.now());
        End { name, node, now, turn: None, status: None, headers: None, body: None }
    }
}

#[async_trait]
impl RequestStore for PostgresRequestStore {
    /// Comes to its end even if the asker goes: then nobody would ever end what has begun, and it is abandoned.
    async fn begin(&self, tenant: &Tenant, key: &str, fingerprint: &Sha256) -> Result<Begun, RequestStoreError> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let orphan = End { turn: Some(turn), ..self.end_of(tenant, key) };
        let asked = Beginning {
            ask: Ask { name: orphan.name.clone(), what: What::Begin(*fingerprint) },
            node: orphan.node,
            now: orphan.now,
            turn,
            ids: Arc::clone(&self.ids),
            seal: self.seal.clone(),
        };
        let (tell, told) = oneshot::channel();
        let database = self.database.clone();
        tokio::spawn(async move {
            let begun = database.change(asked, |connection, asked| Box::pin(asked.carry_out(connection))).await;
            let is_sure = begun.is_ok();
            let unheard = tell.send(begun);
            if !is_sure || matches!(unheard, Err(Ok(Begun::New(_)))) {
                // Should this fail, it stays running until this process ends.
                let _freed: Done<()> = database.change(orphan, |connection, end| Box::pin(end.write(connection))).await;
            }
        });
        let told = told.await.unwrap_or(Err(crate::SharedStoreError::Interrupted));
        Ok(told?)
    }

    async fn finish(&self, tenant: &Tenant, key: &str, answer: &Answer) -> Result<(), RequestStoreError> {
        let end = self.end_of(tenant, key);
        let request = State::Answered(answer.clone());
        let body = sealed(&end.name, &request, &self.seal);
        let body = body.map_err(|error| RequestStoreError::Unavailable(Box::new(error)))?;
        let headers = Some(json!(answer.headers).to_string());
        self.end(End { status: Some(answer.status), headers, body, ..end }).await
    }

    async fn abandon(&self, tenant: &Tenant, key: &str) -> Result<(), RequestStoreError> {
        self.end(self.end_of(tenant, key)).await
    }
}

/// A request that is to begin.
struct Beginning {
    ask: Ask,
    node: Uuid,
    turn: i64,
    now: Timestamp,
    ids: Arc<dyn Ids>,
    seal: Key,
}

impl Beginning {
    /// Looks, decides and writes.
    async fn carry_out(&self, connection: &mut PgConnection) -> Result<Begun, sqlx::Error> {
        for _ in 0..LOOKS_MAX {
            let known = match self.look(connection).await? {
                // The answer to an earlier try was lost.
                Some((request, true)) => return Ok(Begun::New(request.ids)),
                Some((request, false)) => HashMap::from([(self.ask.name.clone(), request)]),
                None => HashMap::new(),
            };
            let is_new = known.is_empty();
            let mut judge = Judge::new(known, self.now, &*self.ids);
            let begun = judge.decide(&self.ask).unwrap_or(Begun::Running);
            let Some((_, request)) = judge.changed().next() else { return Ok(begun) };
            if self.write(connection, request, is_new).await? {
                if is_new {
                    self.forget_expired(connection).await?;
                }
                return Ok(begun);
            }
        }
        // Others begin it again and again.
        Ok(Begun::Running)
    }

    /// The request as it is known, unless it is past its time, and whether it is this very beginning that carries it out.
    /// Nobody else changes it until the end.
    async fn look(&self, connection: &mut PgConnection) -> Result<Option<(Request, bool)>, sqlx::Error> {
        let found = ask("SELECT requests.*, is_alive(node) AS is_run FROM requests \
             WHERE tenant = $1 AND key = $2 AND begun_ms > $3 FOR NO KEY UPDATE OF requests");
        let found = named(found, &self.ask.name).number(last_expired(self.now)).first(connection).await?;
        let Some(row) = found else { return Ok(None) };
        let node = row.id_or_none("node")?;
        let is_mine = node == Some(self.node) && row.number("turn")? == self.turn;
        let is_run = row.flag("is_run")? || node == Some(self.node);
        Ok(Some((self.read(&row, is_run)?, is_mine)))
    }

    fn read(&self, row: &impl Cells, is_run: bool) -> Result<Request, sqlx::Error> {
        let state = match row.number_or_none("status")? {
            Some(status) => {
                let status = u16::try_from(status).map_err(|error| misshapen("status", error))?;
                let state = answered(&self.ask.name, status, &row.text("headers")?, &row.bytes("body")?, &self.seal);
                state.ok_or_else(|| misshapen("headers", "they are no headers"))?
            }
            None if is_run => State::Running,
            None => State::Free,
        };
        let ids = RequestIds { command: row.id("command")?, resource: row.id("resource")? };
        Ok(Request { fingerprint: row.digest("fingerprint")?, ids, begun_at: row.time("begun_ms")?, state })
    }

    /// Writes what begins: in place of what was looked at, or of what is past its time. `false` when somebody else was
    /// faster.
    async fn write(&self, connection: &mut PgConnection, request: &Request, is_new: bool) -> Result<bool, sqlx::Error> {
        let written = ask("INSERT INTO requests AS known \
             (tenant, key, fingerprint, command, resource, begun_ms, node, turn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (tenant, key) DO UPDATE SET fingerprint = excluded.fingerprint, command = excluded.command, \
             resource = excluded.resource, begun_ms = excluded.begun_ms, node = excluded.node, turn = excluded.turn, \
             status = NULL, headers = NULL, body = NULL WHERE known.begun_ms <= $9 OR NOT $10");
        let written = named(written, &self.ask.name)
            .digest(&request.fingerprint)
            .id(request.ids.command)
            .id(request.ids.resource)
            .time(request.begun_at)
            .id(self.node)
            .number(self.turn)
            .number(last_expired(self.now))
            .with(Value::Flag(is_new));
        Ok(written.run(connection).await? > 0)
    }

    async fn forget_expired(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let gone = ask("DELETE FROM requests WHERE (tenant, key) IN (SELECT tenant, key FROM requests \
             WHERE begun_ms <= $1 ORDER BY begun_ms LIMIT $2 FOR UPDATE SKIP LOCKED)");
        gone.number(last_expired(self.now)).number(FORGOTTEN_MAX).run(connection).await.map(drop)
    }
}

/// The end of a request that this node carries out: with an answer, or without one, so that it may begin again.
struct End {
    name: Name,
    node: Uuid,
    now: Timestamp,
    /// Only if this beginning carries it out.
    turn: Option<i64>,
    status: Option<u16>,
    headers: Option<String>,
    body: Option<Vec<u8>>,
}

impl End {
    async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let ended = ask("UPDATE requests SET node = NULL, status = $5, headers = $6, body = $7 \
             WHERE tenant = $1 AND key = $2 AND node = $3 AND status IS NULL AND begun_ms > $4 \
             AND turn = coalesce($8, turn)");
        let ended = named(ended, &self.name)
            .id(self.node)
            .number(last_expired(self.now))
            .with(Value::Number(self.status.map(i64::from)))
            .with(Value::Text(self.headers.clone()))
            .with(Value::Bytes(self.body.clone()))
            .with(Value::Number(self.turn));
        ended.run(connection).await.map(drop)
    }
}

/// The first two values of a statement.
fn named(statement: Statement, (tenant, key): &Name) -> Statement {
    statement.text(tenant.clone()).digest(key)
}

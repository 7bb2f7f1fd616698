//! How SQLite finds what is asked for often or while others wait: by an index, however long the history is.

use super::{beside, opened};
use crate::{
    sets::Set,
    sqlite::SqliteTables,
    tables::{Statement, count_statement, page_statement, sums_statement},
};
use application::ports::read_store::{Condition, Order, PageQuery, Table};
use projections::{assets, charges, engine_runs, glossaries, jobs, tracks};
use serde_json::{Value, json};
use sqlx::{Row as _, Sqlite};
use tempfile::TempDir;

const LIVE: SqliteTables = SqliteTables(Set::Live);

/// The steps of a plan, in SQLite's words.
async fn plan(folder: &TempDir, statement: Statement<Sqlite>) -> Vec<String> {
    let mut connection = beside(&folder.path().join("read.db")).await;
    let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.query.sql().as_str()));
    let steps = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
    steps.iter().map(|step| step.get("detail")).collect()
}

/// The table is searched by this index, and never read through.
#[track_caller]
fn check(plan: &[String], index: &str) {
    let is_search = |step: &String| step.contains("SEARCH kept USING") && step.contains(index);
    assert!(plan.iter().any(is_search), "{index}: {plan:?}");
    assert!(!plan.iter().any(|step| step.contains("SCAN kept")), "{index}: {plan:?}");
}

fn is(column: &'static str, value: Value) -> Condition {
    Condition::Equals(column, value)
}

#[tokio::test]
async fn users_of_a_file_are_found_by_its_hash() {
    let folder = TempDir::new().unwrap();
    opened(folder.path()).await.close().await;
    let users: [(&'static Table, &'static str, &str); 7] = [
        (&assets::TABLE, "sha256", "assets_by_content"),
        (&jobs::TABLE, "source_sha256", "jobs_by_source"),
        (&glossaries::TABLE, "sha256", "glossaries_by_content"),
        (&tracks::TABLE, "media_sha256", "tracks_by_media"),
        (&tracks::TABLE, "srt_sha256", "tracks_by_srt"),
        (&tracks::TABLE, "vtt_sha256", "tracks_by_vtt"),
        (&tracks::TABLE, "report_sha256", "tracks_by_report"),
    ];
    for (table, column, index) in users {
        let counted = count_statement(&LIVE, table, &[is(column, json!("00"))]).unwrap();
        check(&plan(&folder, counted).await, index);
    }
}

#[tokio::test]
async fn the_newest_finished_runs_are_found_without_sorting_all() {
    let folder = TempDir::new().unwrap();
    opened(folder.path()).await.close().await;
    let newest = PageQuery {
        conditions: vec![is("state", json!("completed")), is("reused", json!(0))],
        order: Order { column: "ended_at", descending: true },
        after: None,
        limit: 500,
    };
    let plan = plan(&folder, page_statement(&LIVE, &engine_runs::TABLE, &newest).unwrap()).await;
    check(&plan, "engine_runs_by_end");
    let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE")).count();
    assert!(sorts <= 1, "only the page itself is put in order: {plan:?}");
}

#[tokio::test]
async fn what_waits_is_found_among_what_owes_something() {
    let folder = TempDir::new().unwrap();
    opened(folder.path()).await.close().await;
    let states = ["queued", "preparing", "processing"].map(Value::from).to_vec();
    let oldest = PageQuery {
        conditions: vec![is("owes", json!(true)), Condition::OneOf("state", states)],
        order: Order { column: "started_at", descending: false },
        after: None,
        limit: 200,
    };
    let plan = plan(&folder, page_statement(&LIVE, &jobs::TABLE, &oldest).unwrap()).await;
    check(&plan, "jobs_by_debt");
}

#[tokio::test]
async fn what_a_tenant_uses_is_found_by_tenant_and_month() {
    let folder = TempDir::new().unwrap();
    opened(folder.path()).await.close().await;
    let of_month = [is("tenant", json!("local")), is("month", json!("2026-11"))];
    let ordered = plan(&folder, sums_statement(&LIVE, &charges::TABLE, &charges::CHARGED, &of_month).unwrap()).await;
    check(&ordered, "COVERING INDEX charges_by_month");
    let live = ["queued", "preparing", "processing", "parked", "paused"].map(Value::from).to_vec();
    let running =
        count_statement(&LIVE, &jobs::TABLE, &[is("tenant", json!("local")), Condition::OneOf("state", live)]).unwrap();
    check(&plan(&folder, running).await, "jobs_by_state");
}

//! How PostgreSQL finds what is asked for often or while others wait: by an index, however long the history is.

use super::postgres::{SERVER, database};
use crate::{
    PostgresReadStore,
    tables::{Reader, Statement, count_statement, page_statement, sums_statement},
};
use application::ports::read_store::{Condition, Order, PageQuery, Table};
use projections::{
    accounts, assets, charges, engine_runs, glossaries, jobs, projects, security_events, tracks, webhooks,
};
use serde_json::{Value, json};
use sqlx::{Connection, Execute, PgConnection, Postgres};

/// Rows of each table: enough that reading all of them is no choice.
const ROWS: u32 = 40_000;

/// A database with many rows of many tenants.
async fn filled() -> (PostgresReadStore, PgConnection) {
    let url = database();
    let store = PostgresReadStore::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let id = "md5(n::text)::uuid";
    let (tenant, time) = ("'tenant-' || n % 50", "to_timestamp(1700000000 + n)");
    let fill = [
        format!(
            "INSERT INTO jobs (job_id, tenant, project_id, asset_id, state, phase, identity, source_sha256, languages, started_at, owes) \
             SELECT {id}, {tenant}, md5((n % 20)::text)::uuid, {id}, 'completed', 'completed', n::text, md5(n::text), \
             ARRAY['es', 'x-' || n % 300], {time}, n % 1000 = 0"
        ),
        format!(
            "INSERT INTO tracks (job_id, language, tenant, state, media_sha256, srt_sha256, vtt_sha256, report_sha256) \
             SELECT {id}, 'es', {tenant}, 's' || n % 9, md5(n::text), md5(n::text), md5(n::text), md5(n::text)"
        ),
        format!(
            "INSERT INTO engine_runs (stream, stage, run, attempt, job_id, state, reused, ended_at) \
             SELECT 'dubbing-' || n, 's' || n % 15, 1, 1, {id}, 'completed', 0, {time}"
        ),
        format!(
            "INSERT INTO assets (asset_id, tenant, state, sha256, uploaded_at) \
             SELECT {id}, {tenant}, CASE WHEN n % 100 = 0 THEN 'uploaded' ELSE 'validated' END, md5(n::text), {time}"
        ),
        format!("INSERT INTO projects (project_id, tenant, created_at) SELECT {id}, {tenant}, {time}"),
        format!(
            "INSERT INTO glossaries (glossary_id, tenant, created_at, sha256) SELECT {id}, {tenant}, {time}, md5(n::text)"
        ),
        format!("INSERT INTO accounts (account_id, tenant, created_at) SELECT {id}, {tenant}, {time}"),
        format!("INSERT INTO webhooks (webhook_id, tenant, created_at) SELECT {id}, {tenant}, {time}"),
        "INSERT INTO security_events (position, tenant, type, account) SELECT n, 'tenant-' || n % 400, 't-' || n % 20, md5((n % 20)::text)::uuid".to_owned(),
        format!(
            "INSERT INTO charges (thing, month, tenant, source_ms, transcribe_ms, translate_ms, synthesise_ms, finish_ms) \
             SELECT 'dubbing-' || n, '2026-' || n % 12, {tenant}, 1, 1, 1, 1, 1"
        ),
    ];
    let mut all = String::from("SET search_path = dragoman_read;");
    fill.iter().for_each(|insert| all.push_str(&format!("{insert} FROM generate_series(1, {ROWS}) AS n;")));
    SERVER.sql(name, &all).unwrap();
    SERVER.sql(name, "VACUUM (ANALYZE)").unwrap();
    (store, PgConnection::connect(&url).await.unwrap())
}

/// The plan, in PostgreSQL's words.
async fn plan(connection: &mut PgConnection, mut statement: Statement<Postgres>) -> String {
    let mut query = statement.query.build();
    let values = query.take_arguments().unwrap().unwrap_or_default();
    let asked = sqlx::AssertSqlSafe(format!("EXPLAIN {}", query.sql().as_str()));
    let lines: Vec<String> = sqlx::query_scalar_with(asked, values).fetch_all(connection).await.unwrap();
    lines.join("\n")
}

/// The table is searched by this index, and never read through.
#[track_caller]
fn check(plan: &str, index: &str) {
    assert!(plan.contains(index) && plan.contains("Index Cond"), "{index}:\n{plan}");
    assert!(!plan.contains("Seq Scan"), "{index}:\n{plan}");
}

fn is(column: &'static str, value: Value) -> Condition {
    Condition::Equals(column, value)
}

fn newest(column: &'static str, conditions: Vec<Condition>) -> PageQuery {
    PageQuery { conditions, order: Order { column, descending: true }, after: None, limit: 50 }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_found_by_an_index() {
    let (store, mut connection) = filled().await;
    let (dialect, tenant) = (store.dialect(), || is("tenant", json!("tenant-7")));
    // What `md5` makes of a number, as the rows have it.
    let id = || json!("c4ca4238-a0b9-2382-0dcc-509a6f75849b");
    let one_of = |column, values: &[&str]| Condition::OneOf(column, values.iter().map(|value| json!(value)).collect());
    let counted: [(&'static Table, Vec<Condition>, &str); 16] = [
        (&security_events::TABLE, vec![tenant(), is("account", id())], "security_events_by_account"),
        (&security_events::TABLE, vec![tenant(), is("type", json!("t-1"))], "security_events_by_type"),
        (&assets::TABLE, vec![is("sha256", json!("00"))], "assets_by_content"),
        (&jobs::TABLE, vec![is("source_sha256", json!("00"))], "jobs_by_source"),
        (&jobs::TABLE, vec![is("identity", json!("00"))], "jobs_by_identity"),
        (&jobs::TABLE, vec![is("project_id", id())], "jobs_by_project"),
        (&jobs::TABLE, vec![is("asset_id", id()), one_of("phase", &["queued"])], "jobs_by_asset"),
        (&jobs::TABLE, vec![tenant(), one_of("state", &["queued", "parked"])], "jobs_by_state"),
        (&jobs::TABLE, vec![tenant(), Condition::Holds("languages", "x-1".to_owned())], "jobs_by_language"),
        (&glossaries::TABLE, vec![is("sha256", json!("00"))], "glossaries_by_content"),
        (&tracks::TABLE, vec![is("media_sha256", json!("00"))], "tracks_by_media"),
        (&tracks::TABLE, vec![is("srt_sha256", json!("00"))], "tracks_by_srt"),
        (&tracks::TABLE, vec![is("vtt_sha256", json!("00"))], "tracks_by_vtt"),
        (&tracks::TABLE, vec![is("report_sha256", json!("00"))], "tracks_by_report"),
        (&engine_runs::TABLE, vec![is("job_id", id())], "engine_runs_by_job"),
        (&tracks::TABLE, vec![tenant(), one_of("state", &["queued"])], "tracks_by_state"),
    ];
    for (table, conditions, index) in counted {
        let statement = count_statement(dialect, table, &conditions).unwrap();
        check(&plan(&mut connection, statement).await, index);
    }
    let month = [tenant(), is("month", json!("2026-1"))];
    let sums =
        plan(&mut connection, sums_statement(dialect, &charges::TABLE, &charges::CHARGED, &month).unwrap()).await;
    check(&sums, "charges_by_month");
    assert!(sums.contains("Index Only Scan"), "{sums}");
}

/// Pages are read in their order: what comes before or behind them is neither read nor sorted.
#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_page_by_page_in_the_order_of_an_index() {
    let (store, mut connection) = filled().await;
    let tenant = || is("tenant", json!("tenant-7"));
    // What `md5` makes of a number, as the rows have it.
    let id = || json!("c4ca4238-a0b9-2382-0dcc-509a6f75849b");
    let waiting = PageQuery {
        order: Order { column: "started_at", descending: false },
        ..newest("started_at", vec![is("owes", json!(true))])
    };
    let gone = PageQuery {
        order: Order { column: "asset_id", descending: false },
        ..newest("asset_id", vec![is("state", json!("uploaded"))])
    };
    let lists: [(&'static Table, PageQuery, &str); 11] = [
        (&jobs::TABLE, newest("started_at", vec![tenant()]), "jobs_by_start"),
        (&jobs::TABLE, newest("started_at", vec![is("project_id", id())]), "jobs_by_project"),
        (&jobs::TABLE, waiting, "jobs_by_debt"),
        (
            &engine_runs::TABLE,
            newest("ended_at", vec![is("state", json!("completed")), is("reused", json!(0))]),
            "engine_runs_by_end",
        ),
        (&assets::TABLE, newest("uploaded_at", vec![tenant()]), "assets_by_upload"),
        (&assets::TABLE, gone, "assets_by_state"),
        (&projects::TABLE, newest("created_at", vec![tenant()]), "projects_by_age"),
        (&glossaries::TABLE, newest("created_at", vec![tenant()]), "glossaries_by_age"),
        (&accounts::TABLE, newest("created_at", vec![tenant()]), "accounts_by_creation"),
        (&webhooks::TABLE, newest("created_at", vec![tenant()]), "webhooks_by_creation"),
        (&security_events::TABLE, newest("position", vec![tenant()]), "security_events_by_tenant"),
    ];
    for (table, query, index) in lists {
        let place = |at: &Value| {
            let key = table.key.iter().map(|column| match *column {
                "run" | "attempt" | "position" => json!(1),
                "stream" | "stage" => json!("s"),
                _ => id(),
            });
            [at.clone()].into_iter().chain(key).collect::<Vec<_>>()
        };
        let at = match query.order.column {
            "position" => json!(30_000),
            "asset_id" => id(),
            _ => json!("2024-01-01T00:00:00.000Z"),
        };
        for after in [None, Some(place(&at))] {
            let query = PageQuery { after, ..query.clone() };
            let plan = plan(&mut connection, page_statement(store.dialect(), table, &query).unwrap()).await;
            check(&plan, index);
            assert!(!plan.contains("->  Sort"), "read in order, {index}:\n{plan}");
        }
    }
}

//! Columns with real types give back what projections wrote, and compare as the port says, whatever they are asked.

use super::{models, opened, postgres::database};
use crate::PostgresReadStore;
use application::{
    ports::read_store::{Batch, Condition, Order, PageQuery, ReadStore, Row, Table},
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use projections::{Runner, jobs, webhooks};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tempfile::TempDir;

/// Events in which nearly every column is written.
const EVENTS: usize = 10_000;

/// Columns that may be null all through these histories, and what projections write there in others.
const SELDOM_SET: [(&str, &str, &str); 15] = [
    ("assets", "width", "1920"),
    ("assets", "height", "1080"),
    ("glossaries", "language", r#""es""#),
    ("jobs", "asset_id", r#""01890a5d-ac96-774b-bcce-b302099a8057""#),
    ("jobs", "forked_from", r#""01890a5d-ac96-774b-bcce-b302099a8057""#),
    ("tracks", "withdrawn_at", r#""2026-11-29T08:00:00.000Z""#),
    ("assets", "code", r#""not-a-video""#),
    ("assets", "why", r#""infected""#),
    ("charges", "from_stage", r#""translate""#),
    ("tenants", "minutes_a_month_max", "600"),
    ("tenants", "bytes_a_month_max", "9007199254740993"),
    ("tenants", "spend_a_month_max", "1"),
    ("accounts", "was", r#""active""#),
    ("accounts", "signed_in_at", r#""1970-01-01T00:00:00.001Z""#),
    ("webhooks", "why", r#""user""#),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_column_comes_back_as_projections_write_it_from_every_store() {
    let folder = TempDir::new().unwrap();
    let stores: [(&str, Arc<dyn ReadStore>); 3] = [
        ("memory", Arc::new(MemoryReadStore::new())),
        ("sqlite", Arc::new(opened(folder.path()).await)),
        ("postgres", Arc::new(PostgresReadStore::connect(&database()).await.unwrap())),
    ];
    let log = Arc::new(RecordedLog::new(Story::history_with_parked(EVENTS)));
    let mut found = BTreeMap::new();
    for (name, store) in &stores {
        Runner::new(log.clone(), Arc::clone(store)).catch_up().await.unwrap();
        found.insert(*name, models(&**store).await);
    }
    let mut poor = Vec::new();
    for projection in projections::all() {
        let (name, table) = (projection.name(), projection.table());
        let rows = &found["memory"][name];
        // Whole rows, to the byte.
        for store in ["sqlite", "postgres"] {
            assert_eq!(json!(found[store][name]).to_string(), json!(rows).to_string(), "{name} in {store}");
        }
        for column in table.columns {
            let is_set = rows.iter().any(|row| !row[*column].is_null());
            let other = SELDOM_SET.iter().find(|(of, which, _)| (*of, which) == (table.name, column));
            poor.extend((!is_set && other.is_none()).then(|| format!("{name}.{column}")));
            let Some((.., value)) = other else { continue };
            let mut row = rows[0].clone();
            row.insert((*column).to_owned(), serde_json::from_str(value).unwrap());
            for (_, store) in &stores {
                let at = store.checkpoint(name).await.unwrap();
                let upserts = vec![row.clone()];
                store
                    .apply(Batch { projection: "one", from: 0, to: 0, table, upserts, deletes: vec![] })
                    .await
                    .unwrap();
                let key = table.key.iter().map(|column| row[*column].clone()).collect();
                assert_eq!(store.load(table, &[key]).await.unwrap(), [Some(row.clone())], "{name}.{column}");
                assert_eq!(store.checkpoint(name).await.unwrap(), at);
            }
        }
    }
    assert_eq!(poor, Vec::<String>::new(), "these are poorly tried");
}

fn row_with(table: &'static Table, values: Value) -> Row {
    let mut row: Row = table.columns.iter().map(|column| ((*column).to_owned(), Value::Null)).collect();
    row.extend(values.as_object().unwrap().clone());
    row
}

fn id(number: u32) -> Value {
    json!(format!("01890a5d-ac96-774b-bcce-{number:012x}"))
}

/// Jobs with lists, times and ids of all shapes.
fn odd_jobs() -> Vec<Row> {
    let lists =
        [Value::Null, json!(""), json!(","), json!("es"), json!("es,fr"), json!("es-419,,fr"), json!("*,{\"x\"}")];
    let times = [
        Value::Null,
        json!("1970-01-01T00:00:00.000Z"),
        json!("2026-11-29T23:59:59.999Z"),
        json!("9999-12-31T00:00:00.001Z"),
    ];
    let texts = [Value::Null, json!(""), json!("a"), json!("A"), json!("ä"), json!("Z z"), json!("\u{10ffff}\u{1}\n'")];
    let numbers = [Value::Null, json!(i64::MIN), json!(-1), json!(0), json!(i64::MAX)];
    let truths = [Value::Null, json!(false), json!(true)];
    let nth = |values: &[Value], number: u32| values[number as usize % values.len()].clone();
    let job = |number: u32| {
        row_with(
            &jobs::TABLE,
            json!({
                "job_id": id(number), "languages": nth(&lists, number), "started_at": nth(&times, number),
                "client_reference": nth(&texts, number), "source_bytes": nth(&numbers, number),
                "owes": nth(&truths, number), "project_id": if number.is_multiple_of(3) { Value::Null } else { id(number % 5) },
            }),
        )
    };
    (0..40).map(job).collect()
}

fn odd_webhooks() -> Vec<Row> {
    let lists = [
        Value::Null,
        json!("[]"),
        json!("[\"\"]"),
        json!("[\"dubbing.\",\"track.\"]"),
        json!("[\"\\\"\\n\\u0001ä/\"]"),
        json!("[\", \",\"a\"]"),
    ];
    let hook = |number: usize| {
        row_with(&webhooks::TABLE, json!({"webhook_id": id(number as u32), "events": lists[number % lists.len()]}))
    };
    (0..12).map(hook).collect()
}

/// What may be asked of a column: values of rows, and such as no row can have.
fn asked(rows: &[Row], column: &str) -> Vec<Value> {
    let mut values: Vec<Value> = rows.iter().map(|row| row[column].clone()).collect();
    let texts =
        ["", "0", "es", "\0", "es\0", "01890A5D-AC96-774B-BCCE-000000000001", "01890a5d", "2026", "zz", "[", "9"];
    values.extend(texts.map(Value::from));
    values.extend([0, 1, 2, -7].map(Value::from));
    values.sort_by_key(Value::to_string);
    values.dedup();
    values
}

/// Both stores find the same rows.
async fn check(stores: &[Arc<dyn ReadStore>; 2], table: &'static Table, query: &PageQuery) {
    let [memory, postgres] = stores;
    let expected = memory.page(table, query).await.unwrap();
    assert_eq!(postgres.page(table, query).await.unwrap(), expected, "{query:?}");
    let counted = postgres.count(table, &query.conditions).await.unwrap();
    assert_eq!(counted, memory.count(table, &query.conditions).await.unwrap(), "{query:?}");
}

/// Every column, asked for every value in every way, as in memory: values of other kinds, too.
async fn check_all(table: &'static Table, columns: &[&'static str], rows: Vec<Row>) {
    let postgres = PostgresReadStore::connect(&database()).await.unwrap();
    let stores: [Arc<dyn ReadStore>; 2] = [Arc::new(MemoryReadStore::new()), Arc::new(postgres)];
    for store in &stores {
        let batch = Batch { projection: "one", from: 0, to: 1, table, upserts: rows.clone(), deletes: vec![] };
        store.apply(batch).await.unwrap();
    }
    for column in columns {
        for value in asked(&rows, column) {
            let text = value.as_str().unwrap_or("1").to_owned();
            let conditions = [
                Condition::Equals(column, value.clone()),
                Condition::OneOf(column, vec![value.clone(), rows[1][*column].clone()]),
                Condition::AtLeast(column, value.clone()),
                Condition::Below(column, value.clone()),
                Condition::Contains(column, text.clone()),
                Condition::Holds(column, text),
            ];
            for (place, condition) in conditions.into_iter().enumerate() {
                let order = Order { column, descending: place % 2 == 0 };
                check(&stores, table, &PageQuery { conditions: vec![condition], order, after: None, limit: 100 }).await;
            }
            for descending in [false, true] {
                let order = Order { column, descending };
                for key in [rows[5][table.key[0]].clone(), json!("01890a5d-ac96-774b-bcce-zz"), json!(3)] {
                    let after = Some(vec![value.clone(), key]);
                    check(&stores, table, &PageQuery { conditions: vec![], order, after, limit: 5 }).await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_every_type_compare_like_the_texts_they_stand_for() {
    let columns = ["job_id", "languages", "started_at", "client_reference", "source_bytes", "owes", "project_id"];
    check_all(&jobs::TABLE, &columns, odd_jobs()).await;
    check_all(&webhooks::TABLE, &["webhook_id", "events"], odd_webhooks()).await;
}

#[tokio::test]
async fn what_a_column_cannot_give_back_is_refused() {
    let store = PostgresReadStore::connect(&database()).await.unwrap();
    let job = json!({"job_id": id(1)});
    let cases = [
        ("job_id", json!("job")),
        ("job_id", json!("01890A5D-AC96-774B-BCCE-000000000001")),
        ("started_at", json!("2026-11-29")),
        ("started_at", json!("2026-11-29T08:00:00Z")),
        ("started_at", json!("2026-02-30T08:00:00.000Z")),
        ("languages", json!("es\0")),
        ("client_reference", json!("a\0b")),
        ("client_reference", json!(1)),
        ("owes", json!(2)),
        ("source_bytes", json!("1")),
    ];
    for (column, value) in cases {
        let mut row = row_with(&jobs::TABLE, job.clone());
        row.insert(column.to_owned(), value.clone());
        let batch =
            Batch { projection: "one", from: 0, to: 1, table: &jobs::TABLE, upserts: vec![row], deletes: vec![] };
        assert!(store.apply(batch).await.is_err(), "{column}: {value}");
    }
    let hook = |events: &str| row_with(&webhooks::TABLE, json!({"webhook_id": id(1), "events": events}));
    for events in ["", "[1]", "[ ]", "{}", "[\"a\", \"b\"]", "[\"\\u0000\"]", "[\"\\u0061\"]"] {
        let upserts = vec![hook(events)];
        let batch = Batch { projection: "one", from: 0, to: 1, table: &webhooks::TABLE, upserts, deletes: vec![] };
        assert!(store.apply(batch).await.is_err(), "{events}");
    }
    assert_eq!(store.checkpoint("one").await.unwrap(), 0);
}

//! The schema on PostgreSQL, and who may use it how.

use super::postgres::{SERVER, database, row};
use crate::PostgresReadStore;
use application::ports::{
    read_store::{Batch, ReadStore},
    shadow_store::ShadowStore,
};
use projections::{jobs, utterances};

fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

/// Every projection finds the table that it describes.
#[tokio::test]
async fn the_schema_is_what_the_projections_describe() {
    let url = database();
    let pending = PostgresReadStore::pending(&url).await.unwrap();
    assert!(!pending.is_empty(), "an empty database lacks all of them");
    assert_eq!(PostgresReadStore::migrate(&url).await.unwrap(), pending);
    assert!(PostgresReadStore::pending(&url).await.unwrap().is_empty());
    let tables = projections::all().into_iter().map(|projection| projection.table());
    for table in tables.chain([&projections::parked::TABLE]) {
        let of = |query: &str| SERVER.sql(name(&url), &query.replace("{table}", table.name)).unwrap();
        let columns = of("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute \
             WHERE attrelid = 'dragoman_read.{table}'::regclass AND attnum > 0");
        assert_eq!(columns, table.columns.join(","), "{}", table.name);
        let key = of("SELECT string_agg(attname, ',' ORDER BY array_position(indkey::int2[], attnum)) FROM pg_index \
             JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) \
             WHERE indrelid = 'dragoman_read.{table}'::regclass AND indisprimary");
        assert_eq!(key, table.key.join(","), "{}", table.name);
        let silent = of("SELECT count(*) FROM pg_attribute WHERE attrelid = 'dragoman_read.{table}'::regclass \
             AND attnum > 0 AND col_description(attrelid, attnum) IS NULL");
        assert_eq!(silent, "0", "every column of {} is described", table.name);
    }
}

/// The order of texts is by their bytes, though the database's own is another one.
#[tokio::test]
async fn no_text_is_in_the_order_of_a_language() {
    let url = database();
    PostgresReadStore::migrate(&url).await.unwrap();
    let others = "SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid \
         WHERE relnamespace = 'dragoman_read'::regnamespace AND relkind = 'r' AND relname <> 'migrations' \
         AND attcollation NOT IN (0, 'pg_catalog.\"C\"'::regcollation)";
    assert_eq!(SERVER.sql(name(&url), others).unwrap(), "0");
}

/// After any number of swaps, a table has the indexes, settings, comments and grants that it had, under the same names.
#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_table_is_like_the_first() {
    let url = database();
    let store = PostgresReadStore::connect(&url).await.unwrap();
    let sql = |statements: &str| SERVER.sql(name(&url), statements).unwrap();
    let role = format!("reports_{}", name(&url));
    sql(&format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA dragoman_read TO {role}; GRANT SELECT ON dragoman_read.jobs TO {role}; \
         GRANT UPDATE (state) ON dragoman_read.jobs TO {role}; GRANT SELECT ON dragoman_read.jobs TO PUBLIC"
    ));
    let of = |oid: &str| {
        sql(&format!(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {oid} ORDER BY 1; \
             SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {oid} ORDER BY 1; \
             SELECT attname, format_type(atttypid, NULL), attcollation, attnotnull, attacl, col_description(attrelid, attnum) \
             FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 ORDER BY attnum; \
             SELECT reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = {oid}; \
             SELECT unnest(relacl)::text FROM pg_class WHERE oid = {oid} ORDER BY 1"
        ))
    };
    let first = of("'dragoman_read.jobs'::regclass");
    assert!(first.contains("jobs_by_language") && first.contains("fillfactor") && first.contains(&role), "{first}");
    for round in 0..4 {
        store.begin("jobs", &jobs::TABLE).await.unwrap();
        store.swap("jobs", &jobs::TABLE, 0).await.unwrap();
        assert_eq!(of("'dragoman_read.jobs'::regclass"), first, "swapped, {round}");
        if round % 2 == 1 {
            assert!(store.roll_back("jobs", &jobs::TABLE).await.unwrap());
            assert_eq!(of("'dragoman_read.jobs'::regclass"), first, "put back, {round}");
        }
    }
}

/// A view of somebody else keeps a table from being dropped: that is said, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_a_table_is_named() {
    let url = database();
    let store = PostgresReadStore::connect(&url).await.unwrap();
    let upserts = vec![row(1, 1)];
    let batch = Batch { projection: "one", from: 0, to: 1, table: &utterances::TABLE, upserts, deletes: vec![] };
    store.apply(batch.clone()).await.unwrap();
    SERVER.sql(name(&url), "CREATE VIEW lines AS SELECT * FROM dragoman_read.utterances").unwrap();
    store.begin("one", &utterances::TABLE).await.unwrap();
    store.shadows().apply(batch).await.unwrap();
    store.swap("one", &utterances::TABLE, 1).await.unwrap();
    store.begin("one", &utterances::TABLE).await.unwrap();
    let again =
        Batch { projection: "one", from: 0, to: 1, table: &utterances::TABLE, upserts: vec![], deletes: vec![] };
    store.shadows().apply(again).await.unwrap();
    let error = store.swap("one", &utterances::TABLE, 1).await.unwrap_err();
    let mut said = format!("{error}");
    let mut beneath = std::error::Error::source(&error);
    while let Some(source) = beneath {
        said.push_str(&format!(": {source}"));
        beneath = source.source();
    }
    assert!(said.contains("drop it first") && said.contains("view lines"), "{said}");
    assert_eq!(store.query(&utterances::TABLE, &[]).await.unwrap(), [row(1, 1)]);
    SERVER.sql(name(&url), "DROP VIEW lines").unwrap();
    store.swap("one", &utterances::TABLE, 1).await.unwrap();
    assert!(store.query(&utterances::TABLE, &[]).await.unwrap().is_empty());
}

/// A role that only reads cannot write, and is told what it lacks where the schema is missing.
#[tokio::test]
async fn whoever_lacks_rights_is_told_so_at_the_start() {
    let url = database();
    let role = format!("visitor_{}", name(&url));
    SERVER.sql(name(&url), &format!("CREATE ROLE {role} LOGIN PASSWORD 'sesame'")).unwrap();
    let error = PostgresReadStore::connect(&SERVER.url_as(&role, "sesame", name(&url))).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains(&role) && said.contains("GRANT CREATE ON DATABASE") && !said.contains("sesame"), "{said}");
    let nobody = PostgresReadStore::connect("postgres://me:sesame@127.0.0.1:1/films").await.unwrap_err();
    assert!(nobody.to_string().contains("no PostgreSQL server answers at 127.0.0.1:1"), "{nobody}");
}

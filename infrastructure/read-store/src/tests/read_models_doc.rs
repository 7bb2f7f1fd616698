//! `docs/read-models.md` says what the migrations of PostgreSQL make. To write it anew:
//! `UPDATE_DOCS=1 cargo test -p read-store read_models_doc`.

use super::postgres::{SERVER, database};
use crate::PostgresReadStore;
use std::{fmt::Write, fs, path::Path};

#[tokio::test]
async fn the_page_of_read_models_is_up_to_date() {
    let url = database();
    PostgresReadStore::migrate(&url).await.unwrap();
    let page = page(url.rsplit('/').next().unwrap());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/read-models.md");
    #[expect(clippy::disallowed_methods, reason = "a person asks for it")]
    let is_asked_for = std::env::var_os("UPDATE_DOCS").is_some();
    if is_asked_for {
        fs::write(&file, &page).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == page,
        "docs/read-models.md is out of date: UPDATE_DOCS=1 cargo test -p read-store read_models_doc"
    );
}

fn page(database: &str) -> String {
    let mut page = String::from(HEAD);
    for table in lines(database, TABLES) {
        let (name, says) = table.split_once('|').unwrap();
        let _ = write!(page, "\n## {name}\n\n{says}\n\n| column | type | meaning |\n|---|---|---|\n");
        for column in lines(database, &COLUMNS.replace("{table}", name)) {
            let cells: Vec<_> = column.splitn(3, '|').collect();
            let _ = writeln!(page, "| `{}` | {} | {} |", cells[0], cells[1], cells[2]);
        }
        let _ = writeln!(page);
        for index in lines(database, &INDEXES.replace("{table}", name)) {
            let (index, columns) = index.split_once('|').unwrap();
            let _ = writeln!(page, "- `{index}`: `{columns}`");
        }
    }
    page
}

fn lines(database: &str, query: &str) -> Vec<String> {
    SERVER.sql(database, query).unwrap().lines().map(str::to_owned).collect()
}

const TABLES: &str = "SELECT relname, obj_description(pg_class.oid) FROM pg_class \
     WHERE relnamespace = 'dragoman_read'::regnamespace AND relkind = 'r' AND relname <> 'migrations' ORDER BY relname COLLATE \"C\"";

const COLUMNS: &str = "SELECT attname, format_type(atttypid, NULL) || CASE WHEN attnotnull THEN ', not null' ELSE '' END, \
     col_description(attrelid, attnum) FROM pg_attribute \
     WHERE attrelid = 'dragoman_read.{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

const INDEXES: &str = "SELECT relname, regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') \
     FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
     WHERE indrelid = 'dragoman_read.{table}'::regclass ORDER BY indisprimary DESC, relname COLLATE \"C\"";

const HEAD: &str = "# Read models on PostgreSQL

Generated from what `migrations/postgres/` makes; a test keeps it up to date. Do not edit it.

With `--read postgres://…`, everything that lists and queries show is in the schema `dragoman_read` of that database, and may
be read by others: dashboards, reports, spreadsheets. Rows are folded from the event log and follow it within
milliseconds; `checkpoints` says how far. Nothing personal is in them.

## Connecting

Give each tool a role of its own that reads and nothing else, made once by a superuser:

```sql
CREATE ROLE reports LOGIN PASSWORD '…';
GRANT CONNECT ON DATABASE dragoman TO reports;
GRANT USAGE ON SCHEMA dragoman_read TO reports;
GRANT SELECT ON ALL TABLES IN SCHEMA dragoman_read TO reports;
ALTER DEFAULT PRIVILEGES FOR ROLE dragoman IN SCHEMA dragoman_read GRANT SELECT ON TABLES TO reports;
ALTER ROLE reports SET statement_timeout = '60s';
ALTER ROLE reports SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE reports SET default_transaction_read_only = on;
```

`dragoman` stands for the role that owns the schema: the one in the server's own address. Large reports belong on a replica: a
query that runs there holds nobody up. On the primary, one that runs for minutes makes `dragoman projection swap` wait, and
everybody who comes after it.

## What is stable

- Names, types and meanings of the tables and columns below. New ones may come: name the columns that you want.
- Values of `state` and the like: new ones may come.
- Ids are UUIDs, times are in UTC to the millisecond, digests are hexadecimal, `text[]` holds lists and `jsonb` JSON lists.
- Texts compare and sort by their bytes (`COLLATE \"C\"`); say `ORDER BY name COLLATE \"en-x-icu\"` for another order.

Not stable: columns of the fold's own, indexes, the schemas `dragoman_read_shadow` and `dragoman_read_before`, and the
order of rows without `ORDER BY`.

A swap (`dragoman projection swap`) puts another table in a table's place. Queries by name see it at once, and grants are
kept. A *view* or a foreign key of yours would keep the old table, and keep it from being dropped: the next swap or rollback
is then refused until it is gone. Make such views materialised, or make them anew after a swap.

Useful questions:

```sql
-- Jobs with a given language that need somebody.
SELECT job_id, state, started_at FROM dragoman_read.jobs
WHERE tenant = 'local' AND languages @> ARRAY['es'] AND state IN ('parked', 'needs_attention')
ORDER BY started_at DESC;

-- How long each stage takes.
SELECT stage, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY wall_ms) AS p50_ms
FROM dragoman_read.engine_runs WHERE state = 'completed' AND reused = 0 GROUP BY stage;

-- Is all well?
SELECT * FROM dragoman_read.parked_keys;
```
";

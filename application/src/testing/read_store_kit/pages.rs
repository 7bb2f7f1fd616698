//! Pages, counts and sums: conditions, orders, and reading on while rows are written.

use super::{ONE, Sample};
use crate::ports::read_store::{Batch, Condition, Order, PageQuery, ReadStore, Row, RowKey};
use serde_json::{Value, json};
use std::{future::Future, sync::Arc};

/// Texts of the sample's rows: lists, letters of both cases, and what means something to SQL.
const TEXTS: [&str; 14] = [
    "es,fr",
    "es-419,pt-BR",
    "fr,de,es",
    "100 %",
    "100 percent",
    "a_b",
    "axb",
    "back\\slash",
    "Robert'); DROP TABLE lines;--",
    "\" OR 1=1 --",
    "Señal ÑANDÚ",
    "señal ñandú",
    "",
    ",",
];

/// Rows of the sample that these checks read.
const ROWS: u32 = 90;

pub(super) async fn check<Keep, Made: Future<Output = (Arc<dyn ReadStore>, Keep)>>(
    make: &impl Fn() -> Made,
    s: &Sample,
) {
    let (store, _keep) = make().await;
    nothing_has_an_empty_page(&*store, s).await;
    let rows: Vec<Row> = (0..ROWS).map(|number| s.varied(number)).collect();
    store.apply(s.batch(ONE, 0, 1, rows.clone())).await.unwrap();
    every_order_is_read_page_by_page(&*store, s, &rows).await;
    every_condition_finds_its_rows(&*store, s, &rows).await;
    all_conditions_must_be_met(&*store, s, &rows).await;
    values_are_values_and_never_statements(&*store, s, &rows).await;
    what_is_not_of_the_table_is_refused(&*store, s).await;
    sums_that_do_not_fit_are_refused(&*store, s).await;
    for descending in [false, true] {
        let (store, _keep) = make().await;
        rows_that_stay_come_once_while_others_are_written(&*store, s, descending).await;
    }
}

impl Sample {
    /// A row with ties and nulls in the columns that are asked for.
    fn varied(&self, number: u32) -> Row {
        let mut row = (self.row)(number, number % 5);
        let text = TEXTS.get(number as usize % (TEXTS.len() + 2)).map_or(Value::Null, |text| json!(text));
        let value = match number % 7 {
            0 => Value::Null,
            more => json!(i64::from(more) * 10 - 30),
        };
        row.insert(self.text.to_owned(), text);
        row.insert(self.number.to_owned(), value);
        row
    }

    fn first(&self, conditions: Vec<Condition>) -> PageQuery {
        let order = Order { column: self.number, descending: false };
        PageQuery { conditions, order, after: None, limit: usize::MAX }
    }
}

/// The order of values that the port promises.
fn rank(value: &Value) -> (u8, i64, String) {
    match value {
        Value::Null => (0, 0, String::new()),
        Value::String(text) => (2, 0, text.clone()),
        Value::Bool(truth) => (1, i64::from(*truth), String::new()),
        other => (1, other.as_i64().unwrap(), String::new()),
    }
}

fn sorted(s: &Sample, rows: &[Row], order: Order) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_cached_key(|row| order.place_of(s.table, row).iter().map(rank).collect::<Vec<_>>());
    if order.descending {
        rows.reverse();
    }
    rows
}

async fn nothing_has_an_empty_page(store: &dyn ReadStore, s: &Sample) {
    assert!(store.page(s.table, &s.first(vec![])).await.unwrap().is_empty());
    assert_eq!(store.count(s.table, &[]).await.unwrap(), 0);
    assert_eq!(store.sums(s.table, &[s.number], &[]).await.unwrap(), [0]);
    assert!(store.sums(s.table, &[], &[]).await.unwrap().is_empty());
}

async fn every_order_is_read_page_by_page(store: &dyn ReadStore, s: &Sample, rows: &[Row]) {
    let nulls = |column: &&str| rows.iter().filter(|row| row.get(*column).unwrap().is_null()).count();
    assert!([s.text, s.number].iter().all(|column| nulls(column) > 2), "a poor sample");
    for column in s.table.columns {
        for descending in [false, true] {
            let order = Order { column, descending };
            let expected = sorted(s, rows, order);
            for limit in [1, 7, ROWS as usize, usize::MAX] {
                let mut query = PageQuery { conditions: vec![], order, after: None, limit };
                let mut read = Vec::new();
                loop {
                    let page = store.page(s.table, &query).await.unwrap();
                    assert!(page.len() <= limit);
                    let Some(last) = page.last() else { break };
                    query.after = Some(order.place_of(s.table, last));
                    read.extend(page);
                    assert!(read.len() <= expected.len(), "{order:?} by {limit} goes round in circles");
                }
                assert!(read == expected, "{order:?} by {limit}");
            }
        }
    }
    let none = PageQuery { limit: 0, ..s.first(vec![]) };
    assert!(store.page(s.table, &none).await.unwrap().is_empty());
}

/// Finds, counts and sums by conditions, and compares with what `meets` says of each row.
async fn check_found(
    store: &dyn ReadStore,
    s: &Sample,
    rows: &[Row],
    conditions: Vec<Condition>,
    meets: impl Fn(&Row) -> bool,
) -> usize {
    let query = s.first(conditions);
    let expected: Vec<Row> = sorted(s, rows, query.order).into_iter().filter(meets).collect();
    let found = store.page(s.table, &query).await.unwrap();
    assert!(found == expected, "{:?}: {} rows instead of {}", query.conditions, found.len(), expected.len());
    assert_eq!(store.count(s.table, &query.conditions).await.unwrap(), expected.len() as u64);
    let sum: i64 = expected.iter().filter_map(|row| row.get(s.number).unwrap().as_i64()).sum();
    assert_eq!(store.sums(s.table, &[s.number, s.number], &query.conditions).await.unwrap(), [sum, sum]);
    expected.len()
}

async fn every_condition_finds_its_rows(store: &dyn ReadStore, s: &Sample, rows: &[Row]) {
    let mut found = Vec::new();
    for column in [s.text, s.number] {
        let mut values: Vec<Value> = rows.iter().map(|row| row.get(column).unwrap().clone()).collect();
        values.push(if column == s.text { json!("zz, not there") } else { json!(5) });
        for value in &values {
            let at = |row: &Row| row.get(column).unwrap().clone();
            let is_some = |row: &Row| !at(row).is_null() && !value.is_null();
            let equals = Condition::Equals(column, value.clone());
            found.push(check_found(store, s, rows, vec![equals], |row| at(row) == *value).await);
            let least = Condition::AtLeast(column, value.clone());
            check_found(store, s, rows, vec![least], |row| is_some(row) && rank(&at(row)) >= rank(value)).await;
            let below = Condition::Below(column, value.clone());
            check_found(store, s, rows, vec![below], |row| is_some(row) && rank(&at(row)) < rank(value)).await;
            let two = vec![value.clone(), values.first().unwrap().clone(), value.clone()];
            let one_of = Condition::OneOf(column, two.clone());
            check_found(store, s, rows, vec![one_of], |row| two.contains(&at(row))).await;
        }
        let none = Condition::OneOf(column, vec![]);
        assert_eq!(check_found(store, s, rows, vec![none], |_| false).await, 0);
        let many: Vec<Value> = (0..5_000).map(Value::from).chain(values.clone()).collect();
        let one_of = Condition::OneOf(column, many);
        assert_eq!(check_found(store, s, rows, vec![one_of], |_| true).await, rows.len());
    }
    assert!(found.contains(&0) && found.iter().any(|found| *found > 2), "a poor sample");
}

fn text<'a>(s: &Sample, row: &'a Row) -> Option<&'a str> {
    row.get(s.text).unwrap().as_str()
}

async fn values_are_values_and_never_statements(store: &dyn ReadStore, s: &Sample, rows: &[Row]) {
    let more =
        ["%", "_", "\\", "'", "\"", "--", ";", "1", "ES", "FR", "es-419", "pt-br", "ñ", "Ñ", "x'; SELECT 1", "\0"];
    for wanted in TEXTS.into_iter().chain(more) {
        let contains = Condition::Contains(s.text, wanted.to_owned());
        let folded = wanted.to_ascii_lowercase();
        let has = |row: &Row| text(s, row).is_some_and(|text| text.to_ascii_lowercase().contains(&folded));
        check_found(store, s, rows, vec![contains], has).await;
        let holds = Condition::Holds(s.text, wanted.to_owned());
        let has =
            |row: &Row| !wanted.is_empty() && text(s, row).is_some_and(|text| text.split(',').any(|e| e == wanted));
        check_found(store, s, rows, vec![holds], has).await;
        let equals = Condition::Equals(s.text, json!(wanted));
        check_found(store, s, rows, vec![equals], |row| text(s, row) == Some(wanted)).await;
        let after = |descending| PageQuery {
            order: Order { column: s.text, descending },
            after: Some([json!(wanted)].into_iter().chain(s.key(0)).collect()),
            ..s.first(vec![])
        };
        for descending in [false, true] {
            store.page(s.table, &after(descending)).await.unwrap();
        }
    }
    let count = |condition| async move { store.count(s.table, &[condition]).await.unwrap() };
    assert!(count(Condition::Holds(s.text, "es".to_owned())).await > 0, "a poor sample");
    assert!(count(Condition::Contains(s.text, "ROBERT'); d".to_owned())).await > 0, "a poor sample");
    // A number has no text in it, and is no list.
    assert_eq!(count(Condition::Contains(s.number, "1".to_owned())).await, 0);
    assert_eq!(count(Condition::Holds(s.number, "10".to_owned())).await, 0);
    assert_eq!(store.query(s.table, &[]).await.unwrap().len(), rows.len(), "nothing was dropped");
}

async fn all_conditions_must_be_met(store: &dyn ReadStore, s: &Sample, rows: &[Row]) {
    let conditions = vec![
        Condition::AtLeast(s.number, json!(-10)),
        Condition::Below(s.number, json!(30)),
        Condition::OneOf(s.text, vec![json!("es,fr"), Value::Null, json!("fr,de,es")]),
    ];
    let meets = |row: &Row| {
        let number = row.get(s.number).unwrap().as_i64();
        number.is_some_and(|number| (-10..30).contains(&number))
            && matches!(text(s, row), None | Some("es,fr" | "fr,de,es"))
    };
    let found = check_found(store, s, rows, conditions.clone(), meets).await;
    assert!(found > 3, "a poor sample");
    // Conditions hold on every page, in the part with nulls, too.
    for descending in [false, true] {
        let order = Order { column: s.text, descending };
        let mut query = PageQuery { conditions: conditions.clone(), order, after: None, limit: 1 };
        let mut read = Vec::new();
        while let Some(row) = store.page(s.table, &query).await.unwrap().pop() {
            query.after = Some(order.place_of(s.table, &row));
            read.push(row);
        }
        let expected: Vec<Row> = sorted(s, rows, order).into_iter().filter(meets).collect();
        assert!(read == expected, "{order:?}");
    }
}

async fn what_is_not_of_the_table_is_refused(store: &dyn ReadStore, s: &Sample) {
    let unknown = "1; DROP TABLE lines";
    let bad = [
        Condition::Equals(unknown, json!(1)),
        Condition::OneOf(unknown, vec![]),
        Condition::AtLeast(unknown, json!(1)),
        Condition::Below(unknown, json!(1)),
        Condition::Contains(unknown, String::new()),
        Condition::Holds(unknown, String::new()),
        Condition::Equals(s.text, json!([1])),
        Condition::OneOf(s.text, vec![json!("a"), json!({})]),
        Condition::AtLeast(s.number, json!(0.5)),
        Condition::Below(s.number, json!(u64::MAX)),
    ];
    for condition in bad {
        assert!(store.page(s.table, &s.first(vec![condition.clone()])).await.is_err(), "{condition:?}");
        assert!(store.count(s.table, std::slice::from_ref(&condition)).await.is_err(), "{condition:?}");
        assert!(store.sums(s.table, &[s.number], std::slice::from_ref(&condition)).await.is_err(), "{condition:?}");
    }
    assert!(store.sums(s.table, &[s.number, unknown], &[]).await.is_err());
    let order = Order { column: unknown, descending: true };
    assert!(store.page(s.table, &PageQuery { order, ..s.first(vec![]) }).await.is_err());
    let mut places: Vec<RowKey> = vec![vec![], s.key(1), vec![json!(1); s.table.key.len() + 2]];
    places.push(vec![json!([1]); s.table.key.len() + 1]);
    for after in places {
        let query = PageQuery { after: Some(after), ..s.first(vec![]) };
        assert!(store.page(s.table, &query).await.is_err(), "{query:?}");
    }
}

async fn sums_that_do_not_fit_are_refused(store: &dyn ReadStore, s: &Sample) {
    let mut rows = vec![(s.row)(ROWS + 1, 1), (s.row)(ROWS + 2, 1)];
    for row in &mut rows {
        row.insert(s.number.to_owned(), json!(i64::MAX));
    }
    store.apply(s.batch(ONE, 1, 2, rows)).await.unwrap();
    let largest = Condition::Equals(s.number, json!(i64::MAX));
    assert!(store.sums(s.table, &[s.number], &[largest]).await.is_err());
    let deletes = s.keys([ROWS + 1, ROWS + 2]);
    store.apply(Batch { deletes, ..s.batch(ONE, 2, 3, vec![]) }).await.unwrap();
}

/// Rows with odd numbers stay. After each page, even ones come before and behind the place reached, the
/// last row that was read goes and comes back changed elsewhere, and nothing of that skips or repeats one.
async fn rows_that_stay_come_once_while_others_are_written(store: &dyn ReadStore, s: &Sample, descending: bool) {
    let stays = |row: &Row| s.varied_number(row).is_some_and(|number| number % 2 == 1);
    let begin: Vec<Row> = (0..ROWS).map(|number| s.varied(number)).collect();
    store.apply(s.batch(ONE, 0, 1, begin.clone())).await.unwrap();
    let order = Order { column: s.number, descending };
    let mut query = PageQuery { conditions: vec![], order, after: None, limit: 4 };
    let (mut read, mut step) = (Vec::new(), 1);
    loop {
        let page = store.page(s.table, &query).await.unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some(order.place_of(s.table, last));
        let gone: Vec<RowKey> = page.iter().filter(|row| !stays(row)).map(|row| s.key_of(row)).collect();
        // New ones on both sides of the place reached, bounded so that reading ends.
        let new = (step as u32..step as u32 + 3).filter(|_| step < 20).map(|number| s.varied(ROWS + 2 * number));
        let batch = Batch { deletes: gone, ..s.batch(ONE, step, step + 1, new.collect()) };
        store.apply(batch).await.unwrap();
        step += 1;
        read.extend(page);
    }
    let stayed: Vec<Row> = read.into_iter().filter(stays).collect();
    let expected: Vec<Row> = sorted(s, &begin, order).into_iter().filter(stays).collect();
    assert!(step > 10 && stayed == expected, "descending: {descending}");
}

impl Sample {
    fn key_of(&self, row: &Row) -> RowKey {
        self.table.key.iter().map(|column| row.get(*column).cloned().unwrap()).collect()
    }

    /// The number that a row was made from: the last column of its key.
    fn varied_number(&self, row: &Row) -> Option<i64> {
        self.key_of(row).last().and_then(Value::as_i64)
    }
}

//! What projects and glossaries have in common: names, commands, and lists.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use crate::{
    api::Api,
    cache::{Ready, Tag},
    columns,
    extract::Caller,
    pages::{Cursor, Limit, Page},
    problem::{Code, Problem},
};
use application::ports::{
    event_log::Appended,
    read_store::{Condition, Order, PageQuery, Row, RowKey, Table},
};
use axum::{
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::{Personal, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::json;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};
use uuid::Uuid;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 200;
/// Newest first.
const ORDER: Order = Order { column: "created_at", descending: true };

/// What something is called: 1 to 200 characters, none of them for control.
#[derive(Clone, Debug)]
pub(crate) struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_name = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if is_name { Ok(Self(text)) } else { Err(D::Error::custom("a name has 1 to 200 characters on one line")) }
    }
}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(NAME_CHARS_MAX));
        text.pattern(Some("^[^\\u0000-\\u001F\\u007F-\\u009F]*$")).examples(["Autumn season"]).into()
    }
}

impl ToSchema for Name {}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// How many items at most.
    #[serde(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// Leads to the next items: `next_cursor` of the page before.
    #[param(inline)]
    pub cursor: Option<Cursor>,
}

/// How a row is shown in a list.
pub(crate) trait Listed: Serialize + Sized {
    /// The rows.
    const TABLE: &'static Table;

    /// The row, with its name, which it does not hold.
    fn of(api: &Api, row: &Row) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// Things that are there, page by page, newest first.
pub(crate) async fn list<T: Listed>(
    api: &Api,
    caller: &Caller,
    params: PageParams,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    list_where::<T>(api, caller, vec![equals("state", "active")], params, uri, headers).await
}

/// The tenant's things that meet these conditions, page by page, newest first.
pub(crate) async fn list_where<T: Listed>(
    api: &Api,
    caller: &Caller,
    conditions: Vec<Condition>,
    params: PageParams,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let make = || async {
        let rows = page(api, caller, T::TABLE, conditions, params).await?;
        let mut items = Vec::with_capacity(rows.items.len());
        for row in &rows.items {
            items.push(T::of(api, row).await?);
        }
        Ready::page(&Page { items, next_cursor: rows.next_cursor }, uri)
    };
    Ok(api.cached(caller, uri, &[Tag::List(T::TABLE.name)], make).await?.answer(headers))
}

async fn page(
    api: &Api,
    caller: &Caller,
    table: &'static Table,
    mut conditions: Vec<Condition>,
    params: PageParams,
) -> Result<Page<Row>, Problem> {
    let after = params.cursor.map(|cursor| place(&cursor)).transpose()?;
    conditions.push(equals("tenant", caller.tenant().0.as_str()));
    let query = PageQuery { conditions, order: ORDER, after, limit: params.limit.get() + 1 };
    let rows = api.read_store.page(table, &query).await?;
    Ok(Page::of(rows, params.limit, |row| ORDER.place_of(table, row)))
}

/// Where a page ended: a moment and an id.
fn place(cursor: &Cursor) -> Result<RowKey, Problem> {
    let (moment, id): (Timestamp, Uuid) = cursor.open()?;
    Ok(vec![json!(moment.to_string()), json!(id.to_string())])
}

/// The row of a thing that is there and the caller's: 404 otherwise.
pub(crate) async fn row(api: &Api, caller: &Caller, table: &'static Table, id: Uuid) -> Result<Row, Problem> {
    let found = api.read_store.load(table, &[vec![json!(id.to_string())]]).await?;
    let is = |row: &Row, column: &str, value: &str| columns::text(row, column) == Some(value);
    let ours = |row: &Row| is(row, "tenant", &caller.tenant().0) && is(row, "state", "active");
    found.into_iter().flatten().find(ours).ok_or_else(|| Problem::new(Code::NotFound))
}

/// Where the log holds what was asked for, and the revision: of what was written now, or of what was so already.
pub(crate) async fn outcome(api: &Api, written: Option<Appended>, revision: u64) -> Result<(u64, u64), Problem> {
    let position = api.position_of(written.map(|appended| appended.position)).await?;
    Ok((position, written.map_or(revision, |appended| appended.revision)))
}

/// A name, unless its key was destroyed.
pub(crate) fn revealed(name: Option<&Personal<String>>) -> Option<String> {
    name.and_then(Personal::reveal).cloned()
}

/// The id of a row.
pub(crate) fn id(row: &Row, column: &str) -> Result<Uuid, Problem> {
    columns::id(row, column).ok_or_else(|| Problem::internal("a row has no id"))
}

fn equals(column: &'static str, value: &str) -> Condition {
    Condition::Equals(column, value.into())
}

/// Puts what is personal in the place of its wrapping: null once its key was destroyed.
pub(crate) fn reveal(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => match fields.remove("$personal") {
            Some(personal) => *value = personal,
            None => fields.values_mut().for_each(reveal),
        },
        serde_json::Value::Array(items) => items.iter_mut().for_each(reveal),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

//! Finding the dubbings of a page.
//!
//! What read models hold, they filter. A text is also looked for in names, which are personal and stand in no read
//! model: each dubbing that the other filters leave is looked at, and its name revealed; so many a page and no more.

use super::{DubbingSummary, filter::ListQuery};
use crate::{api::Api, columns, extract::Caller, pages::Page, problem::Problem};
use application::ports::read_store::{Order, PageQuery, Row, RowKey};
use domain::value::DubbingId;
use projections::jobs;
use uuid::Uuid;

/// Dubbings that one page of a search looks at.
const LOOKED_AT_MAX: usize = 1_000;
/// Rows read in one go while searching.
const STRIDE: usize = 200;
/// Newest first; of those of one moment, the greatest id.
const ORDER: Order = Order { column: "started_at", descending: true };

/// One page.
pub(super) async fn page(api: &Api, caller: &Caller, query: ListQuery) -> Result<Page<DubbingSummary>, Problem> {
    let conditions = query.conditions(caller.tenant());
    let after = query.after()?;
    let wanted = query.limit.get() + 1;
    match query.text() {
        None => {
            let page = PageQuery { conditions, order: ORDER, after, limit: wanted };
            let mut found = Vec::new();
            for row in api.read_store.page(&jobs::TABLE, &page).await? {
                found.push(summary(api, &row).await?);
            }
            Ok(Page::of(found, query.limit, place))
        }
        Some(text) => {
            let page = PageQuery { conditions, order: ORDER, after, limit: STRIDE };
            let Search { found, ended_at } = search(api, page, text, wanted).await?;
            Ok(match ended_at.filter(|_| found.len() < wanted) {
                Some(at) => Page::until(found, &at),
                None => Page::of(found, query.limit, place),
            })
        }
    }
}

/// What a search came to.
struct Search {
    found: Vec<DubbingSummary>,
    /// The last one that was looked at, when there may be more behind it.
    ended_at: Option<Place>,
}

/// Where a dubbing stands in the list.
type Place = (String, Uuid);

fn place(item: &DubbingSummary) -> Place {
    (item.started_at.clone(), item.id)
}

async fn search(api: &Api, mut page: PageQuery, text: &str, wanted: usize) -> Result<Search, Problem> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    loop {
        let rows = api.read_store.page(&jobs::TABLE, &page).await?;
        for row in &rows {
            let item = summary(api, row).await?;
            if is_match(&item, text) {
                found.push(item);
            }
            if found.len() == wanted {
                return Ok(Search { found, ended_at: None });
            }
        }
        looked_at += rows.len();
        let Some(last) = rows.last().filter(|_| rows.len() == STRIDE) else {
            return Ok(Search { found, ended_at: None });
        };
        if looked_at >= LOOKED_AT_MAX {
            let at = columns::text(last, ORDER.column).map(str::to_owned).zip(columns::id(last, "job_id"));
            return Ok(Search { found, ended_at: at });
        }
        page.after = Some::<RowKey>(ORDER.place_of(&jobs::TABLE, last));
    }
}

async fn summary(api: &Api, row: &Row) -> Result<DubbingSummary, Problem> {
    let id = columns::id(row, "job_id").ok_or_else(|| Problem::internal("a row of the dubbings has no id"))?;
    let dubbing = api.aggregates.dubbing(DubbingId(id)).await?.state;
    let name = dubbing.request.as_ref().and_then(|request| request.name.reveal().cloned());
    DubbingSummary::new(row, name)
}

fn is_match(item: &DubbingSummary, text: &str) -> bool {
    let holds = |field: &Option<String>| field.as_ref().is_some_and(|field| field.to_lowercase().contains(text));
    holds(&item.name) || holds(&item.client_reference) || item.id.to_string().starts_with(text)
}

//! How long a new dubbing waits for its turn.
//!
//! An estimate from what is to be done before it: all that is unfinished, shared by as many as are worked on at a time.
//! Urgency and fairness between tenants are left out.

use crate::{api::Api, columns, problem::Problem};
use application::{
    estimate::{Prices, Rates, Work, estimate},
    ports::read_store::{Condition, Order, PageQuery, Row},
};
use projections::{assets, jobs};
use serde_json::{Value, json};

/// Unfinished dubbings that are looked at. When there are more, the others count as these do on average.
const LOOKED_AT_MAX: usize = 200;

/// Until its turn, in milliseconds; 0 while there is a place free.
pub(super) async fn wait_ms(api: &Api, rates: &Rates) -> Result<u64, Problem> {
    let (depth, limits) = (api.admission.depth(), api.admission.limits());
    let before = depth.active + depth.waiting + depth.backing_off + depth.reserved;
    if before < limits.active_max {
        return Ok(0);
    }
    let rows = unfinished(api).await?;
    let lengths = lengths(api, &rows).await?;
    let known: Vec<u64> =
        rows.iter().zip(lengths).filter_map(|(row, length)| Some(left_ms(row, length?, rates))).collect();
    let sum = known.iter().fold(0u64, |sum, left| sum.saturating_add(*left));
    let mean = sum.checked_div(known.len() as u64).unwrap_or(0);
    Ok(mean.saturating_mul(before as u64) / (limits.active_max.max(1) as u64))
}

/// Of all tenants: they wait in one line.
async fn unfinished(api: &Api) -> Result<Vec<Row>, Problem> {
    // Those that are paused or stand still take no turn.
    let states = ["queued", "preparing", "processing"].map(|state| json!(state));
    let query = PageQuery {
        // Whatever is in such a state owes something, and by that it is found among all that ever was.
        conditions: vec![Condition::Equals("owes", json!(true)), Condition::OneOf("state", states.into())],
        order: Order { column: "started_at", descending: false },
        after: None,
        limit: LOOKED_AT_MAX,
    };
    Ok(api.read_store.page(&jobs::TABLE, &query).await?)
}

/// How long their sources last: as they found themselves, else as their assets say.
async fn lengths(api: &Api, rows: &[Row]) -> Result<Vec<Option<u64>>, Problem> {
    let keys: Vec<Vec<Value>> =
        rows.iter().filter_map(|row| Some(vec![json!(columns::text(row, "asset_id")?)])).collect();
    let assets = api.read_store.load(&assets::TABLE, &keys).await?;
    let of_asset = |row: &Row| {
        let id = columns::text(row, "asset_id")?;
        let asset = assets.iter().flatten().find(|asset| columns::text(asset, "asset_id") == Some(id))?;
        columns::number(asset, "duration_ms")
    };
    Ok(rows.iter().map(|row| columns::number(row, "duration_ms").or_else(|| of_asset(row))).collect())
}

/// What is left of it: all, or half of it once it has begun.
fn left_ms(row: &Row, source_ms: u64, rates: &Rates) -> u64 {
    let work = Work {
        source_ms,
        is_recognised: columns::text(row, "transcript") == Some("recognised"),
        languages: columns::items(row, "languages").len(),
    };
    let all = estimate(work, rates, &Prices::default()).wall_ms;
    if columns::text(row, "state") == Some("queued") { all } else { all / 2 }
}

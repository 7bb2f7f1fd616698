//! `POST /v1/dubbings/estimate`.

mod waiting;

use super::{refusal::Asked, wish::DubbingWish};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, Json, Nothing, Query},
    problem::Problem,
};
use application::estimate::{Basis, Estimate, estimate as work_out};
use axum::extract::State;
use domain::flow::Stage;
use serde::Serialize;
use utoipa::ToSchema;

/// What a dubbing would take.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DubbingEstimate)]
pub(crate) struct EstimateDocument {
    /// How long the source lasts, in seconds.
    pub source_seconds: f64,
    /// Target languages.
    pub languages: usize,
    /// Time of all stages, one after another, in seconds. Languages that are made at the same time take less.
    pub seconds: f64,
    /// Time until its turn, in seconds, from what waits now; urgency is not taken into account.
    pub wait_seconds: f64,
    /// What it costs.
    pub cost: Money,
    /// Where the time comes from.
    pub basis: BasisName,
    /// By stage, in the order of the flow.
    pub stages: Vec<StageCost>,
}

/// What one stage would take.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StageEstimate)]
pub(crate) struct StageCost {
    /// Its name.
    #[schema(value_type = String, example = "transcribe")]
    pub stage: Stage,
    /// How often it runs: once, or once for each language.
    pub times: usize,
    /// Time of all its runs, one after another, in seconds.
    pub seconds: f64,
    /// What they cost together.
    pub cost: Money,
    /// Where the time comes from.
    pub basis: BasisName,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Money {
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: String,
    /// Exact, as a decimal number with six decimals.
    #[schema(example = "1.250000", pattern = "^[0-9]+[.][0-9]{6}$")]
    pub amount: String,
}

/// Where a time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EstimateBasis)]
pub(crate) enum BasisName {
    /// From what this server measured so far.
    Measured,
    /// Nothing, or not everything, was measured yet: figures of the documentation stand in.
    Assumed,
}

/// Estimate a dubbing
///
/// Time and cost of an order, by stage and in all, before anything runs. The body is that of an order, and is refused
/// where the order would be. Nothing begins and nothing is kept.
#[utoipa::path(post, path = "/v1/dubbings/estimate", tag = "dubbings", operation_id = "estimate_dubbing",
    request_body = DubbingWish,
    responses((status = 200, description = "What it would take", body = EstimateDocument))
)]
pub(crate) async fn estimate(
    State(api): State<Api>,
    caller: Caller,
    Query(Nothing {}): Query<Nothing>,
    Json(wish): Json<DubbingWish>,
) -> Result<Done<EstimateDocument>, Problem> {
    let order = wish.order()?;
    let asked = Asked { languages: order.languages.clone(), voices: order.wishes.voices.clone() };
    let checked = api.order_dubbing().check(&order, caller.tenant()).await;
    let work = checked.map_err(|error| asked.refusal(error))?;
    let rates = api.measure_rates().await?;
    let Estimate { stages, wall_ms, cost, basis } = work_out(work, &rates, &api.prices);
    let money = |micros| Money::new(&api.prices.currency, micros);
    Ok(Done::ok(EstimateDocument {
        source_seconds: seconds(work.source_ms),
        languages: work.languages,
        seconds: seconds(wall_ms),
        wait_seconds: seconds(waiting::wait_ms(&api, &rates).await?),
        cost: money(cost),
        basis: basis.into(),
        stages: stages
            .into_iter()
            .map(|stage| StageCost {
                stage: stage.stage,
                times: stage.times,
                seconds: seconds(stage.wall_ms),
                cost: money(stage.cost),
                basis: stage.basis.into(),
            })
            .collect(),
    }))
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

impl Money {
    /// So many millionths of the currency's unit.
    pub fn new(currency: &str, micros: u64) -> Self {
        let (units, rest) = (micros / 1_000_000, micros % 1_000_000);
        Self { currency: currency.to_owned(), amount: format!("{units}.{rest:06}") }
    }
}

impl From<Basis> for BasisName {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Measured => Self::Measured,
            Basis::Assumed => Self::Assumed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        let amount = |micros| Money::new("EUR", micros).amount;
        assert_eq!(
            (amount(0), amount(1), amount(1_250_000)),
            ("0.000000".into(), "0.000001".into(), "1.250000".into())
        );
        assert_eq!(amount(u64::MAX), "18446744073709.551615");
    }
}

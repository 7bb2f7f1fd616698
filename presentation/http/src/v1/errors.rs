//! The catalogue of everything that can be wrong, as a program reads it.

use crate::{
    extract::{Nothing, Path, Query},
    problem::{Code, Entry, FAULT_KINDS, FaultKind, Problem},
};
use application::reasons::{REASONS, Reason};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Every code that tells a program what is wrong.
#[derive(Serialize, ToSchema)]
pub struct Catalogue {
    /// The problems: `code` of a problem document.
    items: Vec<Entry>,
    /// The kinds of faults: `errors[].code` of a problem document.
    faults: &'static [FaultKind],
    /// Why work failed or stands still, or a file was put aside: `problem.code` of a dubbing, `reason` of an asset, and
    /// `code` in events.
    reasons: Vec<ReasonEntry>,
}

/// A reason.
#[derive(Serialize, ToSchema)]
#[schema(as = Reason)]
struct ReasonEntry {
    /// Stable name.
    #[schema(example = "engine-missing")]
    code: &'static str,
    /// A few words.
    title: &'static str,
    /// What to do about it.
    remedy: &'static str,
}

impl From<&Reason> for ReasonEntry {
    fn from(reason: &Reason) -> Self {
        let Reason { code, title, remedy } = *reason;
        Self { code, title, remedy }
    }
}

/// All that can be wrong
#[utoipa::path(get, path = "/v1/errors", tag = "errors", responses(
    (status = 200, description = "Every code, and what to do about it", body = Catalogue),
))]
pub(crate) async fn list(Query(Nothing {}): Query<Nothing>) -> Json<Catalogue> {
    Json(Catalogue {
        items: Code::ALL.iter().map(|code| *code.entry()).collect(),
        faults: FAULT_KINDS,
        reasons: REASONS.iter().map(ReasonEntry::from).collect(),
    })
}

/// One problem
///
/// The `type` of a problem document leads here.
#[utoipa::path(get, path = "/v1/errors/{code}", tag = "errors", params(("code" = String, Path, description = "Its code")), responses(
    (status = 200, description = "What it means and what to do about it", body = Entry),
))]
pub(crate) async fn get(Path(name): Path<String>, Query(Nothing {}): Query<Nothing>) -> Result<Json<Entry>, Problem> {
    let code = Code::ALL.iter().find(|code| code.entry().code == name);
    code.map(|code| Json(*code.entry())).ok_or_else(|| Problem::new(Code::NotFound))
}

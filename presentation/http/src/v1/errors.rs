//! The catalogue of problems, as a program reads it.

use crate::{
    extract::Path,
    problem::{Code, Entry, Problem},
};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Every problem that an answer can tell of.
#[derive(Serialize, ToSchema)]
pub struct Catalogue {
    /// The problems.
    items: Vec<Entry>,
}

/// All problems
#[utoipa::path(get, path = "/v1/errors", tag = "errors", responses(
    (status = 200, description = "Every code, with its status and what to do about it", body = Catalogue),
))]
pub(crate) async fn list() -> Json<Catalogue> {
    Json(Catalogue { items: Code::ALL.iter().map(|code| *code.entry()).collect() })
}

/// One problem
///
/// The `type` of a problem document leads here.
#[utoipa::path(get, path = "/v1/errors/{code}", tag = "errors", params(("code" = String, Path, description = "Its code")), responses(
    (status = 200, description = "What it means and what to do about it", body = Entry),
))]
pub(crate) async fn get(Path(name): Path<String>) -> Result<Json<Entry>, Problem> {
    let code = Code::ALL.iter().find(|code| code.entry().code == name);
    code.map(|code| Json(*code.entry())).ok_or_else(|| Problem::new(Code::NotFound))
}

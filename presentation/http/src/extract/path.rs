//! Parameters in a path. What cannot be an id names nothing: 404, as for an id that is unknown.

use crate::{
    api::Api,
    problem::{Code, Problem},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

/// The parameters of the path, read as `T`: one value, a tuple or a struct.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, api).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|_| Problem::new(Code::NotFound))
    }
}

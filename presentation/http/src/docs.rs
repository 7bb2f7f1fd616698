//! The page at `/docs`: Swagger UI over the document. All of it is in the program; it loads nothing from elsewhere.

use crate::problem::{Code, Problem};
use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

/// Scripts and styles come from here only. The page sets styles on its elements and draws its icons from `data:`.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) async fn to_folder() -> Redirect {
    Redirect::permanent("/docs/index.html")
}

pub(crate) async fn file(Path(file): Path<String>) -> Result<Response, Problem> {
    // Without a validator: it would send the document to a server of others.
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("/v1/openapi.json").validator_url("none")));
    let found =
        utoipa_swagger_ui::serve(&file, CONFIG.clone()).map_err(|error| Problem::internal(error.to_string()))?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let media_type = HeaderValue::try_from(found.content_type).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, found.bytes.into_owned()).into_response())
}

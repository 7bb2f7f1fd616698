//! The page at `/welcome`, on which somebody chooses a password with a link: of an invitation, or because the old one was
//! forgotten. All of it is in the program; it loads nothing from elsewhere.
//!
//! The link's ticket stands behind a `#`, so that neither this server's log nor a proxy's ever sees it. Deliberately
//! absent: signing in, which is the affair of whatever people use Dragoman with.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};

/// The page's own script, style and requests, and nothing else; scripts may make no markup.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

pub(crate) async fn page() -> Response {
    file("text/html; charset=utf-8", include_str!("welcome/welcome.html"))
}

pub(crate) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("welcome/welcome.js"))
}

pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("welcome/welcome.css"))
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (OPENER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (headers, text).into_response()
}

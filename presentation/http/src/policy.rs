//! What is different about some routes, in one table. A route that does not stand here needs a token, takes small
//! bodies, answers soon, and has repeated POSTs compared by all that they say.

use axum::http::Method;

/// How a route is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may call.
    pub access: Access,
    /// It streams, in or out: no bound on the time until the answer begins. What a keyed POST sends is not gathered to be
    /// compared with what the first one sent: its handler says the digest (`idempotency::BodyDigest`).
    pub streams: bool,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Who has a token.
    Token,
    /// Who has a token, or a signed link to read with.
    TokenOrLink,
    /// Who has a token, which browsers send as a subprotocol of their WebSocket.
    TokenOrSubprotocol,
    /// Everybody.
    Open,
}

const USUAL: Policy = Policy { access: Access::Token, streams: false };
const FILE: Policy = Policy { access: Access::TokenOrLink, streams: true };
const STREAM: Policy = Policy { access: Access::Token, streams: true };
const OPEN: Policy = Policy { access: Access::Open, streams: false };
const WEBSOCKET: Policy = Policy { access: Access::TokenOrSubprotocol, streams: true };

/// The exceptions: method (none: any), template of the path, policy.
pub(crate) const EXCEPTIONS: &[(Option<Method>, &str, Policy)] = &[
    (None, "/livez", OPEN),
    (None, "/readyz", OPEN),
    (None, "/docs", OPEN),
    (None, "/docs/{*file}", OPEN),
    (None, "/v1/openapi.json", OPEN),
    (None, "/v1/dubbings/{id}/tracks/{lang}/video", FILE),
    (None, "/v1/dubbings/{id}/tracks/{lang}/audio", FILE),
    (None, "/v1/dubbings/{id}/tracks/{lang}/subtitles.srt", FILE),
    (None, "/v1/dubbings/{id}/tracks/{lang}/subtitles.vtt", FILE),
    (None, "/v1/dubbings/{id}/tracks/{lang}/subtitles.ass", FILE),
    (None, "/v1/dubbings/{id}/tracks/{lang}/report", FILE),
    (None, "/v1/dubbings/{id}/tracks/{lang}/provenance", FILE),
    (None, "/v1/events", STREAM),
    (None, "/v1/dubbings/{id}/events", STREAM),
    (None, "/v1/ws", WEBSOCKET),
    (Some(Method::POST), "/v1/assets", STREAM),
    (Some(Method::POST), "/v1/uploads", STREAM),
    (Some(Method::PATCH), "/v1/uploads/{id}", STREAM),
    // Whoever asks for an upload that is complete and no asset yet waits until it is.
    (Some(Method::HEAD), "/v1/uploads/{id}", STREAM),
];

/// The policy of a route; `template` is `None` for paths that lead nowhere.
pub(crate) fn of(method: &Method, template: Option<&str>) -> Policy {
    let found = EXCEPTIONS
        .iter()
        .find(|(only, path, _)| Some(*path) == template && only.as_ref().is_none_or(|only| only == method));
    found.map_or(USUAL, |(_, _, policy)| *policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_needs_a_token() {
        assert_eq!(of(&Method::GET, Some("/livez")), OPEN);
        for template in [Some("/metrics"), Some("/health"), Some("/v1/errors"), Some("/docs/"), None] {
            assert_eq!(of(&Method::GET, template), USUAL, "{template:?}");
        }
    }
}

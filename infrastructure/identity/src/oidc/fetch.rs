//! From an issuer's name to its keys: OpenID Connect Discovery 1.0, then the JWK set that it names.

use super::keys::IssuerKeys;
use application::ports::outbound::{Outbound, OutboundMethod, OutboundRequest, Reach};
use serde_json::Value;
use std::time::Duration;

/// What is added to the issuer's name (Discovery, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// For each of the two answers.
const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The issuer's keys, or why there are none, for the operator.
pub(super) async fn fetch(outbound: &dyn Outbound, issuer: &str, reach: Reach) -> Result<IssuerKeys, String> {
    let at = format!("{}{DISCOVERY}", issuer.strip_suffix('/').unwrap_or(issuer));
    let document = get(outbound, at, reach).await.map_err(|reason| format!("its discovery document: {reason}"))?;
    // Section 4.3: else anybody's document could stand in for it.
    if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err("its discovery document is of another issuer".to_owned());
    }
    let at = document.get("jwks_uri").and_then(Value::as_str).ok_or("its discovery document names no keys")?;
    let is_plain = |address: &str| !address.starts_with("https://");
    if is_plain(at) && !is_plain(issuer) {
        return Err("its keys are not at an address of https".to_owned());
    }
    let jwks = get(outbound, at.to_owned(), reach).await.map_err(|reason| format!("its key set: {reason}"))?;
    let keys = IssuerKeys::read(&jwks).ok_or("its key set is none")?;
    if keys.is_empty() { Err("its key set holds no key of a kind that is accepted".to_owned()) } else { Ok(keys) }
}

async fn get(outbound: &dyn Outbound, url: String, reach: Reach) -> Result<Value, String> {
    let request = OutboundRequest {
        method: OutboundMethod::Get,
        url,
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
        reach,
        timeout: TIMEOUT,
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    let answer = outbound.send(request).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("answered with status {}", answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|_| "not JSON".to_owned())
}

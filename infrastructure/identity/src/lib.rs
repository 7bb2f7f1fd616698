//! Proofs of who somebody is: passwords, access tokens, second factors, and tokens of an outside issuer.
//!
//! Deliberately absent: storage, HTTP, and what anybody may do.

mod access_tokens;
mod jws;
mod oidc;
mod passwords;
mod second_factor;

pub use access_tokens::JwtAccessTokens;
pub use oidc::{OidcConfig, OidcIssuer};
pub use passwords::Argon2Passwords;
pub use second_factor::TotpSecondFactor;

//! What handlers take from a request, each strict: what is not understood is refused by name.

mod body;
mod caller;
mod form;
mod ids;
mod path;
mod plain;
mod position;
mod query;
mod revision;

pub use body::{Json, read_body};
pub use caller::Caller;
pub(crate) use form::FormOrJson;
pub use ids::CommandIds;
pub use path::Path;
pub use position::{MinPosition, wait_for};
pub use query::{Nothing, Query};
pub use revision::IfMatch;
pub(crate) use revision::mismatch;

//! How events are stored: their names and versions, their sealed personal fields, their hashes.
//!
//! Every event log goes through here, so that all of them store the same bytes and detect the same
//! damage. Deliberately absent: storage. The only thing asked for from outside is a key.

mod audit;
mod canon;
mod catalogue;
mod codec;
mod copy;
mod error;
mod row;
mod seal;
mod sealed;
mod shape;
mod upcast;

pub use audit::{Audit, FAULTS_MAX, Link};
pub use catalogue::{EventDoc, catalogue};
pub use codec::{Draft, EventCodec};
pub use copy::{Copied, CopyError, RowLog, copy};
pub use error::CodecError;
pub use row::{Content, Outcome, Prepared, Row, Tail, Verdict};
pub use seal::{OpenError, SealError, open_bytes, seal_bytes};

//! What users ask for, one file per use case.

pub mod deliver;
pub mod request_dub;

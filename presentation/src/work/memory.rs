//! What attempts take of memory, as far as it is known before any was seen.

use domain::flow::Stage;
use std::collections::BTreeMap;

const MIB: u64 = 1 << 20;
/// A recogniser with its models.
const RECOGNISER: u64 = 120 * MIB;
/// Recognisers that one attempt has side by side at most.
const RECOGNISERS_MAX: usize = 2;

/// Bytes by stage, with the engines of this program: the children that they start, and what they take in this process. Others
/// take nothing that counts.
pub fn needs(cores: usize) -> BTreeMap<Stage, u64> {
    let recognisers = u64::try_from(cores.clamp(1, RECOGNISERS_MAX)).unwrap_or(1);
    BTreeMap::from([
        (Stage::Ingest, 100 * MIB),
        (Stage::Separate, 100 * MIB),
        (Stage::Transcribe, recognisers * RECOGNISER),
        (Stage::Translate, 60 * MIB),
        (Stage::Synthesise, 40 * MIB),
        (Stage::Mix, 40 * MIB),
        (Stage::Mux, 160 * MIB),
        (Stage::Assess, 100 * MIB),
        (Stage::Sign, 60 * MIB),
    ])
}

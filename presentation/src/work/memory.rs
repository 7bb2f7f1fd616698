//! What attempts take of memory, as far as it is known before any was seen.
//!
//! A server that dubs a short film (320 × 240) says in `dragoman_worker_memory_need_bytes`, told beforehand that nothing is
//! needed, in MiB: ingest 32, separate 73, transcribe 101 with one recogniser, translate 63, synthesise 21, mux 77, assess 74,
//! sign 33. Here is some room above that; large pictures take more, which is seen at the first of them.

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
        (Stage::Translate, 80 * MIB),
        (Stage::Synthesise, 40 * MIB),
        (Stage::Mix, 40 * MIB),
        (Stage::Mux, 160 * MIB),
        (Stage::Assess, 100 * MIB),
        (Stage::Sign, 60 * MIB),
    ])
}

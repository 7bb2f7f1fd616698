//! What the manifest in a finished file names, told beside it.
//!
//! A claim, not a proof: the proof is in the file, and in the log.

use super::Shown;
use domain::{flow::Stage, value::Producer};
use serde::Serialize;
use utoipa::ToSchema;

/// How whoever has the file checks it.
const VERIFY: &str = "Run `dragoman verify FILE` on the finished file: it checks the manifest's signature and hashes, \
    that nothing of the file was changed since, and, where the log is, that it holds this very file.";

/// What the manifest of a finished file names, and how to check it.
#[derive(Serialize, ToSchema)]
#[schema(as = Provenance)]
pub(crate) struct ProvenanceDocument {
    /// Label of the C2PA manifest in the file; null when the file was not signed.
    manifest: Option<String>,
    /// Digest of the manifest store.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    manifest_sha256: Option<String>,
    /// Digest of the finished file.
    file_sha256: String,
    /// Its size in bytes.
    file_bytes: u64,
    /// Digest of the source as it was given.
    source_sha256: Option<String>,
    /// The language spoken in the source.
    source_language: Option<String>,
    /// The language of the dub.
    language: String,
    /// The stream in the log that tells how the file came to be.
    stream: String,
    /// Revision of that stream up to which the manifest vouches for it.
    revision: Option<u64>,
    /// The engines of each stage, in order.
    engines: Vec<EngineDocument>,
    /// How to check it.
    verify: &'static str,
}

/// An engine that took part.
#[derive(Serialize, ToSchema)]
#[schema(as = ProvenanceEngine)]
struct EngineDocument {
    /// The stage it ran.
    stage: &'static str,
    /// Its name.
    engine: String,
    /// Its version.
    version: String,
    /// Digest over its model files; null where it has none.
    model_sha256: Option<String>,
}

/// Of a track's result.
pub(super) fn of(shown: &Shown) -> ProvenanceDocument {
    let (request, signed) = (shown.dubbing.request.as_ref(), shown.with.signed.as_ref());
    let of_source = shown.dubbing.flow.summaries.iter().map(|(stage, summary)| (stage, &summary.producers));
    let of_track = shown.with.producers.iter();
    let engines = of_source.chain(of_track);
    ProvenanceDocument {
        manifest: signed.map(|signed| signed.manifest.clone()),
        manifest_sha256: signed.map(|signed| signed.manifest_sha256.to_string()),
        file_sha256: shown.published.media.sha256.to_string(),
        file_bytes: shown.published.media.bytes,
        source_sha256: request.map(|request| request.source.sha256.to_string()),
        source_language: request.map(|request| request.source_language.to_string()),
        language: shown.id.language.to_string(),
        stream: format!("track-{}", shown.id),
        revision: signed.map(|signed| signed.revision),
        engines: engines.flat_map(|(stage, producers)| producers.iter().map(|made| engine(*stage, made))).collect(),
        verify: VERIFY,
    }
}

fn engine(stage: Stage, producer: &Producer) -> EngineDocument {
    EngineDocument {
        stage: stage.name(),
        engine: producer.engine.clone(),
        version: producer.version.clone(),
        model_sha256: producer.model_digest.map(|digest| digest.to_string()),
    }
}

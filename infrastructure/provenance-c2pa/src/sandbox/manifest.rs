//! What the manifests say, as the library's definitions. The wording of the provenance lives here.
//! Deliberately without titles, names of files, texts and persons: see `docs.md`.

use crate::protocol::DubRequest;
use domain::value::Sha256;
use serde_json::{Value, json};

/// Assertion of a dub: which history it belongs to, and what took part.
pub(crate) const DUBBING_LABEL: &str = "org.dragoman.dubbing";
/// Assertion of an intake: the digest of what was opened.
pub(crate) const INTAKE_LABEL: &str = "org.dragoman.intake";
/// How actions refer to the one ingredient.
const SOURCE: &str = "source";
/// The specification that these manifests follow.
const SPEC_VERSION: &str = "2.3.0";
/// The IPTC's vocabulary of digital source types, with the members that a dub can be.
const IPTC: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";

/// The manifest of a source at intake: it was there already, so it was opened, not created. Nothing was
/// done to it; the digest ties the manifest to the bytes as they were given.
pub(crate) fn of_source(media_type: &str, source_sha256: Sha256, when: &str) -> Value {
    let actions = json!([opened(when)]);
    definition(media_type, actions, INTAKE_LABEL, json!({ "version": 1, "source_sha256": source_sha256 }))
}

/// The manifest of a finished dub.
pub(crate) fn of_dub(media_type: &str, dub: &DubRequest) -> Value {
    let mut translated = json!({
        "action": "c2pa.translated",
        "when": dub.when,
        "parameters": { "sourceLanguage": dub.source_language, "targetLanguage": dub.target_language },
    });
    let mut dubbed = json!({
        "action": "c2pa.dubbed",
        "when": dub.when,
        "digitalSourceType": format!("{IPTC}{}", composite_kind(dub.trained_voice)),
    });
    add_agent(&mut translated, dub, "translate");
    add_agent(&mut dubbed, dub, "synthesise");
    let history = json!({
        "version": 1,
        "dubbing": dub.dubbing,
        "track_stream": dub.stream,
        "revision": dub.revision,
        "revision_hash": dub.revision_hash,
        "source_sha256": dub.source_sha256,
        "voice": format!("{IPTC}{}", voice_kind(dub.trained_voice)),
        "engines": dub.engines,
    });
    definition(media_type, json!([opened(&dub.when), translated, dubbed]), DUBBING_LABEL, history)
}

/// The source, as an ingredient that the opened action refers to.
pub(crate) fn ingredient(media_type: &str) -> Value {
    json!({ "label": SOURCE, "relationship": "parentOf", "format": media_type })
}

fn opened(when: &str) -> Value {
    json!({ "action": "c2pa.opened", "when": when, "parameters": { "ingredientIds": [SOURCE] } })
}

/// A dub is a composite of captured picture and background with made speech. The IPTC's
/// `compositeSynthetic` means generative AI by definition, which rules of a formant synthesiser are not.
fn composite_kind(trained_voice: bool) -> &'static str {
    if trained_voice { "compositeWithTrainedAlgorithmicMedia" } else { "composite" }
}

/// The speech alone: made by an algorithm, with or without training data.
fn voice_kind(trained_voice: bool) -> &'static str {
    if trained_voice { "trainedAlgorithmicMedia" } else { "algorithmicMedia" }
}

fn add_agent(action: &mut Value, dub: &DubRequest, stage: &str) {
    if let Some(engine) = dub.engines.iter().find(|engine| engine.stage == stage) {
        action["softwareAgent"] = json!({ "name": engine.name, "version": engine.version });
    }
}

fn definition(media_type: &str, actions: Value, label: &str, own: Value) -> Value {
    json!({
        "claim_generator_info": [{
            "name": "Dragoman",
            "version": env!("CARGO_PKG_VERSION"),
            "specVersion": SPEC_VERSION,
        }],
        "format": media_type,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": true,
                "data": { "actions": actions, "allActionsIncluded": true },
            },
            { "label": label, "created": true, "data": own },
        ],
    })
}

//! Turns the library's reading of a manifest into the port's words. Deliberately tolerant: a stranger's
//! manifest may say anything, and what it does not say is simply missing here.

use application::ports::provenance::{Verdict, Verification, VerifiedAction, VerifiedIngredient};
use c2pa::{Ingredient, Manifest, Reader};
use serde_json::Value;

use super::manifest::DUBBING_LABEL;

/// What a manifest that could be read tells.
pub(crate) fn of(reader: &Reader, verdict: Verdict) -> Verification {
    let failures = failures(reader);
    let manifest = reader.active_manifest();
    let actions = manifest.map(actions_of).unwrap_or_default();
    let signer = manifest.and_then(signer_of);
    let summary = match verdict {
        Verdict::Unsigned => "The file carries no signed provenance.".to_owned(),
        Verdict::SignedByThisInstallation => "Signed by this installation; file and signature hold.".to_owned(),
        Verdict::Trusted => match &signer {
            Some(signer) => format!("Signed by {signer}, who is trusted here; file and signature hold."),
            None => "Signed under a trusted root; file and signature hold.".to_owned(),
        },
        Verdict::UnknownSigner if failures.iter().any(|code| code.ends_with(".expired")) => {
            "The file is as it was signed, but the signer's certificate has expired.".to_owned()
        }
        Verdict::UnknownSigner => "The file is as it was signed, but the signer is not known here.".to_owned(),
        Verdict::Broken => "The file or its provenance was changed after signing; do not rely on it.".to_owned(),
    };
    Verification {
        verdict,
        summary,
        signer,
        signed_at: manifest.and_then(|manifest| manifest.time().or_else(|| last_time(manifest))),
        actions,
        ingredients: manifest
            .map(|manifest| manifest.ingredients().iter().map(ingredient).collect())
            .unwrap_or_default(),
        dubbing: manifest.and_then(|manifest| assertion(manifest, DUBBING_LABEL)),
        failures,
    }
}

/// No manifest.
pub(crate) fn unsigned() -> Verification {
    without_manifest(Verdict::Unsigned, "The file carries no signed provenance.", Vec::new())
}

/// A manifest beyond reading.
pub(crate) fn broken(code: &str) -> Verification {
    let summary = "The file carries provenance that is damaged beyond reading; do not rely on it.";
    without_manifest(Verdict::Broken, summary, vec![code.to_owned()])
}

/// A manifest that holds, with something written into what must be empty.
pub(crate) fn padded(reader: &Reader) -> Verification {
    let mut told = of(reader, Verdict::Broken);
    told.failures.push("claimSignature.paddingNotEmpty".to_owned());
    told
}

/// The status codes that failed, each once, in their order.
pub(crate) fn failures(reader: &Reader) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    for status in reader.validation_status().unwrap_or_default() {
        if !codes.iter().any(|code| code == status.code()) {
            codes.push(status.code().to_owned());
        }
    }
    codes
}

fn without_manifest(verdict: Verdict, summary: &str, failures: Vec<String>) -> Verification {
    Verification {
        verdict,
        summary: summary.to_owned(),
        signer: None,
        signed_at: None,
        actions: Vec::new(),
        ingredients: Vec::new(),
        dubbing: None,
        failures,
    }
}

fn signer_of(manifest: &Manifest) -> Option<String> {
    let names: Vec<String> = [manifest.common_name(), manifest.issuer()].into_iter().flatten().collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn assertion(manifest: &Manifest, label: &str) -> Option<Value> {
    manifest.assertions().iter().find(|found| found.label() == label).and_then(|found| found.value().ok().cloned())
}

/// All actions, as JSON, with the list of agents they may point into.
fn raw_actions(manifest: &Manifest) -> Vec<(Value, Value)> {
    let assertions = manifest.assertions().iter().filter(|found| found.label().starts_with("c2pa.actions"));
    assertions
        .filter_map(|found| found.value().ok())
        .flat_map(|data| {
            let agents = data.get("softwareAgents").cloned().unwrap_or_default();
            let actions = data.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
            actions.into_iter().map(move |action| (action, agents.clone()))
        })
        .collect()
}

fn actions_of(manifest: &Manifest) -> Vec<VerifiedAction> {
    raw_actions(manifest).iter().filter_map(|(action, agents)| action_of(action, agents)).collect()
}

fn action_of(action: &Value, agents: &Value) -> Option<VerifiedAction> {
    let pointed = action.get("softwareAgentIndex").and_then(Value::as_u64).and_then(|index| agents.get(index as usize));
    let source_type = action.get("digitalSourceType").and_then(Value::as_str);
    let parameters = action.get("parameters").and_then(Value::as_object).map(|all| {
        // References by hash say nothing to a reader; the ingredients are listed on their own.
        let plain = all.iter().filter(|(name, _)| !matches!(name.as_str(), "ingredient" | "ingredients"));
        plain.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>()
    });
    Some(VerifiedAction {
        action: action.get("action")?.as_str()?.to_owned(),
        software_agent: action.get("softwareAgent").or(pointed).and_then(agent_of),
        parameters: parameters.filter(|parameters| !parameters.is_empty()).map(Value::Object),
        digital_source_type: source_type.and_then(|uri| uri.rsplit('/').next()).map(str::to_owned),
    })
}

fn agent_of(agent: &Value) -> Option<String> {
    if let Some(name) = agent.as_str() {
        return Some(name.to_owned());
    }
    let part = |name: &str| agent.get(name).and_then(Value::as_str);
    Some([part("name"), part("version")].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Without a time stamp the manifest still claims when its last action was.
fn last_time(manifest: &Manifest) -> Option<String> {
    let times = raw_actions(manifest).into_iter();
    times.filter_map(|(action, _)| action.get("when").and_then(Value::as_str).map(str::to_owned)).next_back()
}

fn ingredient(ingredient: &Ingredient) -> VerifiedIngredient {
    let relationship = serde_json::to_value(ingredient.relationship()).ok();
    VerifiedIngredient {
        relationship: relationship.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default(),
        signed: ingredient.active_manifest().is_some(),
    }
}

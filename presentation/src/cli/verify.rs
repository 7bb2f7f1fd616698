//! `dragoman verify`: what a file's provenance says, and whether file and signature hold.

use super::{VerifyArgs, dub::readable, print, print_json};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::Engines,
};
use application::ports::provenance::{Verdict, Verification};

/// Runs the command: exit 0 when file and signature hold, 3 when they do not or there is none.
pub async fn run(args: VerifyArgs, home: &Home) -> Result<Exit, Failure> {
    let file = readable(&args.file)?;
    let engines = Engines::new(home, args.signing.signing())?;
    let verification = engines.signer.verify(&file).await?;
    if args.json {
        print_json(&verification);
    } else {
        print(&page(&verification));
    }
    Ok(match verification.verdict {
        Verdict::SignedByThisInstallation | Verdict::Trusted | Verdict::UnknownSigner => Exit::Done,
        Verdict::Unsigned | Verdict::Broken => Exit::Rejected,
    })
}

fn page(verification: &Verification) -> String {
    let mut lines = vec![verification.summary.clone()];
    let mut say = |what: &str, text: String| lines.push(format!("  {what:<11} {text}"));
    if let Some(signer) = &verification.signer {
        say("signer", signer.clone());
    }
    if let Some(at) = &verification.signed_at {
        say("signed at", at.clone());
    }
    for action in &verification.actions {
        let mut text = action.action.clone();
        if let Some(agent) = &action.software_agent {
            text = format!("{text} by {agent}");
        }
        if let Some(parameters) = &action.parameters {
            let language = |key: &str| parameters.get(key).and_then(|value| value.as_str()).map(str::to_owned);
            if let (Some(from), Some(to)) = (language("sourceLanguage"), language("targetLanguage")) {
                text = format!("{text}, {from} → {to}");
            }
        }
        if let Some(kind) = &action.digital_source_type {
            text = format!("{text} ({kind})");
        }
        say("action", text);
    }
    for ingredient in &verification.ingredients {
        let signed = if ingredient.signed { "with provenance of its own" } else { "without provenance of its own" };
        say("ingredient", format!("{}, {signed}", ingredient.relationship));
    }
    if let Some(serde_json::Value::Object(facts)) = &verification.dubbing {
        for (key, value) in facts {
            say(key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    for failure in &verification.failures {
        say("broken", failure.clone());
    }
    lines.join("\n")
}

//! `dragoman verify`: what a file's provenance says, and whether file and signature hold.

use super::{VerifyArgs, dub::readable, print, print_json};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::{Engines, Reader},
};
use application::ports::{
    event_log::{DomainEvent, StreamId},
    provenance::{Verdict, Verification},
};
use domain::track::TrackEvent;
use serde::Serialize;
use std::path::PathBuf;

/// Events read in one go.
const PAGE: usize = 256;

/// What the event log of this installation says of a file that it signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Logged {
    /// These very bytes were signed.
    Same,
    /// Other bytes were signed: this file was changed where the signature does not look (C2PA leaves
    /// the file-type box and free space out).
    Differs,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    verification: Verification,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Logged>,
}

/// Runs the command: exit 0 when file and signature hold, 3 when they do not or there is none.
pub async fn run(args: VerifyArgs, home: &Home) -> Result<Exit, Failure> {
    let file = readable(&args.file)?;
    let engines = Engines::new(home, args.signing.signing())?;
    let mut verification = engines.signer.verify(&file).await?;
    let log = logged(&verification, file, home).await?;
    if log == Some(Logged::Differs) && verification.verdict != Verdict::Broken {
        verification.verdict = Verdict::Broken;
        verification.summary = "The signature holds, but these are not the bytes that were signed: the file was \
            changed where the signature does not look."
            .to_owned();
    }
    let verdict = verification.verdict;
    if args.json {
        print_json(&Document { verification, log });
    } else {
        let told = match log {
            Some(Logged::Same) => "\n  log         holds this file, byte for byte",
            Some(Logged::Differs) => "\n  log         holds another file for this dub",
            None => "",
        };
        print(&format!("{}{told}", page(&verification)));
    }
    Ok(match verdict {
        Verdict::SignedByThisInstallation | Verdict::Trusted | Verdict::UnknownSigner => Exit::Done,
        Verdict::Unsigned | Verdict::Broken => Exit::Rejected,
    })
}

/// Compares the file with what this installation's log says it signed; `None` when it says nothing.
async fn logged(verification: &Verification, file: PathBuf, home: &Home) -> Result<Option<Logged>, Failure> {
    let stream = verification.dubbing.as_ref().and_then(|facts| facts.get("track_stream")?.as_str()?.parse().ok());
    let Some(stream @ StreamId::Track(_)) = stream else {
        return Ok(None);
    };
    if !home.exists() {
        return Ok(None);
    }
    let hashed = tokio::task::spawn_blocking(move || blob_store::digest_file(&file)).await;
    let hashed = hashed.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let (sha256, _) = hashed.map_err(|error| Failure::internal(&error))?;
    let (log, mut from, mut found) = (Reader::open(home).await?.log, 1, None);
    loop {
        let page = log.read_stream(&stream, from, PAGE).await?;
        for recorded in &page {
            if let DomainEvent::Track(TrackEvent::ProvenanceSigned(signed)) = &recorded.event {
                if signed.media.sha256 == sha256 {
                    return Ok(Some(Logged::Same));
                }
                found = Some(Logged::Differs);
            }
        }
        match page.last() {
            Some(last) => from = last.revision + 1,
            None => return Ok(found),
        }
    }
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

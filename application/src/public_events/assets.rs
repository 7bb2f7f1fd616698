//! What those outside see of assets, projects and glossaries. Never what they are called.

use super::{PublicEventType as Type, data::Told};
use domain::{
    asset::{AssetEvent, ScanVerdict},
    glossary::{Content, GlossaryEvent},
    project::ProjectEvent,
};
use serde_json::{Value, json};

pub(super) fn asset(event: &AssetEvent) -> Told {
    match event {
        AssetEvent::AssetUploaded { media, .. } => {
            Told::with(Type::AssetUploaded, json!({"bytes": media.bytes, "media_type": media.media_type}))
        }
        AssetEvent::AssetScanned { scanner, verdict } => {
            let verdict = match verdict {
                ScanVerdict::Clean => "clean",
                ScanVerdict::Infected { .. } => "infected",
            };
            Told::with(Type::AssetScanned, json!({"engine": scanner.engine, "verdict": verdict}))
        }
        AssetEvent::AssetNotScanned { reason } => Told::with(Type::AssetNotScanned, json!({"reason": reason})),
        AssetEvent::AssetValidated(found) => Told::with(
            Type::AssetReady,
            json!({"duration_ms": found.duration_ms, "has_picture": !found.video.is_empty()}),
        ),
        AssetEvent::AssetQuarantined(why) => {
            Told::with(Type::AssetQuarantined, json!({"reason": why.why, "code": why.code}))
        }
        AssetEvent::AssetErased => Told::new(Type::AssetErased),
    }
}

pub(super) fn project(event: &ProjectEvent) -> Told {
    Told::new(match event {
        ProjectEvent::ProjectCreated { .. } => Type::ProjectCreated,
        ProjectEvent::ProjectRenamed { .. } => Type::ProjectRenamed,
        ProjectEvent::ProjectRemoved => Type::ProjectRemoved,
    })
}

pub(super) fn glossary(event: &GlossaryEvent) -> Told {
    match event {
        GlossaryEvent::GlossaryCreated(content) => {
            Told::with(Type::GlossaryCreated, terms(content)).into_language(content)
        }
        GlossaryEvent::GlossaryReplaced(content) => {
            Told::with(Type::GlossaryReplaced, terms(content)).into_language(content)
        }
        GlossaryEvent::GlossaryRemoved => Told::new(Type::GlossaryRemoved),
    }
}

fn terms(content: &Content) -> Value {
    json!({"terms": content.count})
}

impl Told {
    /// About the language that a glossary is for, if it is for one.
    fn into_language(self, content: &Content) -> Self {
        Self { language: content.language.clone(), ..self }
    }
}

//! What can be asked for here and now: voices, languages, and the engines behind them.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::dubbings::wish::Language;
use crate::{
    api::Api,
    extract::{Nothing, Query},
    probes::Listed,
    problem::Problem,
};
use application::stages::synthesise::{Gender, Voice};
use axum::{Json, extract::State};
use domain::value::LanguageTag;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which voices.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VoicesQuery {
    /// Only voices for this language.
    #[param(inline)]
    language: Option<Language>,
}

/// Voices.
#[derive(Serialize, ToSchema)]
pub(crate) struct Voices {
    /// The voices; of each language, the first of each gender is taken unless told.
    items: Vec<VoiceDocument>,
}

/// A voice.
#[derive(Serialize, ToSchema)]
pub(crate) struct VoiceDocument {
    /// Its name, as orders and corrections take it.
    #[schema(example = "es+f2")]
    name: String,
    /// The language that it speaks.
    #[schema(example = "es")]
    language: String,
    /// How it sounds: `male` is low, `female` is high.
    #[schema(example = "female")]
    gender: &'static str,
}

/// Voices to choose from
#[utoipa::path(get, path = "/v1/voices", tag = "abilities", operation_id = "list_voices", params(VoicesQuery),
    responses((status = 200, description = "The voices that are installed", body = Voices)))]
pub(crate) async fn voices(State(api): State<Api>, Query(query): Query<VoicesQuery>) -> Result<Json<Voices>, Problem> {
    let language = query.language.map(|language| language.0);
    let voices = api.probes().voices(language.as_ref()).await?;
    Ok(Json(Voices { items: voices.iter().map(VoiceDocument::of).collect() }))
}

/// From which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LanguagesQuery {
    /// Also tell into which languages speech in this one can be dubbed.
    #[param(inline)]
    from: Option<Language>,
}

/// What is understood, spoken and translated.
#[derive(Serialize, ToSchema)]
#[schema(as = LanguageAbilities)]
pub(crate) struct Languages {
    /// Speech in these is understood; in others a transcript must be given.
    understood: Vec<String>,
    /// These can be spoken.
    speakable: Vec<String>,
    /// Into these, speech in the language asked about can be dubbed; absent when none was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    targets: Option<Vec<TargetDocument>>,
}

/// A language that can be dubbed into.
#[derive(Serialize, ToSchema)]
pub(crate) struct TargetDocument {
    /// The language.
    #[schema(example = "es")]
    language: String,
    /// The languages that the translation goes over, from the first to the last.
    #[schema(example = json!(["en", "es"]))]
    route: Vec<String>,
}

/// Languages to choose from
#[utoipa::path(get, path = "/v1/languages", tag = "abilities", operation_id = "list_languages", params(LanguagesQuery),
    responses((status = 200, description = "What is understood, spoken, and translated between", body = Languages)))]
pub(crate) async fn languages(
    State(api): State<Api>,
    Query(query): Query<LanguagesQuery>,
) -> Result<Json<Languages>, Problem> {
    let (understood, speakable) = (api.probes().understood().await?, api.probes().spoken().await?);
    let targets = match query.from {
        None => None,
        Some(Language(from)) => {
            let targets = api.probes().targets(&from).await?;
            let target = |language: &LanguageTag, route| TargetDocument { language: language.to_string(), route };
            Some(targets.iter().map(|found| target(&found.language, texts(&found.route))).collect())
        }
    };
    Ok(Json(Languages { understood: texts(&understood), speakable: texts(&speakable), targets }))
}

/// Engines.
#[derive(Serialize, ToSchema)]
pub(crate) struct Engines {
    /// The engines, by stage.
    items: Vec<EngineDocument>,
}

/// An engine, or what is missing.
#[derive(Serialize, ToSchema)]
pub(crate) struct EngineDocument {
    /// What it is for: a stage, or `media`.
    #[schema(example = "translate")]
    stage: &'static str,
    /// Whether it can work.
    installed: bool,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// What it does, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    purpose: Option<String>,
    /// The version of what is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<String>,
    /// SPDX expression of the licence of program and model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    licence: Option<String>,
    /// Its languages, where that has a meaning.
    languages: Vec<String>,
    /// Why it cannot work.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<String>,
    /// The Debian package that brings what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    package: Option<String>,
}

/// Engines that do the work
#[utoipa::path(get, path = "/v1/engines", tag = "abilities", operation_id = "list_engines",
    responses((status = 200, description = "What is installed, and what is missing", body = Engines)))]
pub(crate) async fn engines(
    State(api): State<Api>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<Engines>, Problem> {
    let listing = api.probes().engines().await?;
    Ok(Json(Engines { items: listing.iter().map(EngineDocument::of).collect() }))
}

impl VoiceDocument {
    fn of(voice: &Voice) -> Self {
        let gender = match voice.gender {
            Gender::Male => "male",
            Gender::Female => "female",
        };
        Self { name: voice.name.clone(), language: voice.language.to_string(), gender }
    }
}

impl EngineDocument {
    fn of(listed: &Listed) -> Self {
        let (info, missing) = (listed.engine.as_ref().ok(), listed.engine.as_ref().err());
        Self {
            stage: listed.stage,
            installed: info.is_some(),
            name: info.map(|info| info.name.clone()),
            purpose: info.map(|info| info.purpose.clone()),
            version: info.map(|info| info.version.clone()),
            licence: info.map(|info| info.licence.clone()),
            languages: info.map(|info| texts(&info.languages)).unwrap_or_default(),
            problem: missing.map(|missing| missing.message.clone()),
            package: missing.and_then(|missing| missing.package.clone()),
        }
    }
}

fn texts(tags: &[LanguageTag]) -> Vec<String> {
    tags.iter().map(ToString::to_string).collect()
}

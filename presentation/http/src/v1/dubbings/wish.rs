//! What clients ask for: the body of an order, and the parts that orders of languages share with it.

mod choice;
mod language;

pub(crate) use choice::{GlossaryChoice, TranscriptChoice};
pub(crate) use language::{Language, Languages};

use crate::problem::{Code, Fault, Problem};
use application::commands::order_dubbing::{DubbingOrder, TrackWishes};
use domain::{
    dubbing::Priority,
    track::Background,
    value::{AssetId, ProjectId},
};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, Type},
};
use uuid::Uuid;

/// Speakers with a voice of their own, and phrases to keep: each list has at most so many.
const LIST_MAX: usize = 200;
/// Longest name of a speaker or a voice, and longest phrase, in characters.
const NAME_CHARS_MAX: usize = 200;
/// Longest reference of a client, in characters.
const REFERENCE_CHARS_MAX: usize = 128;

/// A dubbing to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DubbingOrder)]
pub(crate) struct DubbingWish {
    /// The source: an asset whose state is `ready`.
    pub asset: Uuid,
    /// Which sound of the source is dubbed, counted from 0; the best one unless told.
    #[schema(maximum = 255)]
    pub audio_stream: Option<u8>,
    /// The language spoken in it; `en` is assumed unless told.
    pub source_language: Option<Language>,
    /// The languages to make it in.
    pub target_languages: Languages,
    /// Where the words come from.
    #[serde(default)]
    pub transcript: TranscriptChoice,
    /// Terms and how they are translated.
    pub glossary: Option<GlossaryChoice>,
    /// Voices by speaker.
    #[serde(default)]
    #[schema(schema_with = voices)]
    pub voices: BTreeMap<String, String>,
    /// Phrases that are heard in the original.
    #[serde(default)]
    #[schema(schema_with = phrases)]
    pub keep_phrases: Vec<String>,
    /// What becomes of the original sound.
    #[serde(default)]
    pub background: BackgroundChoice,
    /// Whether subtitles stand inside the video. As files of their own they can always be fetched.
    #[serde(default)]
    pub subtitles: SubtitleChoice,
    /// Whether the original sound comes along as a second track.
    #[serde(default)]
    pub keep_original: bool,
    /// How urgent it is among all that wait.
    #[serde(default)]
    pub priority: PriorityChoice,
    /// The project it belongs to.
    pub project: Option<Uuid>,
    /// A name of your own for it: visible ASCII characters. It is kept as plain text and can be searched for, so it
    /// must not tell of a person.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    pub client_reference: Option<String>,
}

/// What becomes of the original sound.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Background, default = "duck")]
pub(crate) enum BackgroundChoice {
    /// Lowered by 18 dB under speech.
    #[default]
    Duck,
    /// As it is.
    Keep,
    /// Silent.
    Off,
}

/// Where subtitles stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Subtitles, default = "none")]
pub(crate) enum SubtitleChoice {
    /// In files of their own only.
    #[default]
    None,
    /// Inside the video too.
    Embed,
}

/// How urgent it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Priority, default = "normal")]
pub(crate) enum PriorityChoice {
    /// When nothing else waits.
    Low,
    /// As most are.
    #[default]
    Normal,
    /// Somebody waits for it.
    High,
}

impl DubbingWish {
    /// The order; a fault for everything that is out of bounds.
    pub fn order(self) -> Result<DubbingOrder, Problem> {
        let mut faults = self.target_languages.faults();
        faults.extend(self.transcript.faults());
        faults.extend(self.glossary.iter().flat_map(GlossaryChoice::faults));
        faults.extend(faults_of_names(&self.voices, &self.keep_phrases));
        if self.client_reference.as_deref().is_some_and(|reference| !is_reference(reference)) {
            faults.push(invalid("/client_reference", "a reference is 1 to 128 visible ASCII characters"));
        }
        refuse(faults)?;
        Ok(DubbingOrder {
            asset: AssetId(self.asset),
            audio_stream: self.audio_stream.map(u32::from),
            source_language: self.source_language.map(|language| language.0),
            transcript: self.transcript.into(),
            languages: self.target_languages.tags(),
            wishes: TrackWishes {
                glossary: GlossaryChoice::order(self.glossary),
                keep_phrases: self.keep_phrases,
                voices: self.voices,
                background: self.background.into(),
                keep_original: self.keep_original,
                embed_subtitles: self.subtitles == SubtitleChoice::Embed,
            },
            priority: self.priority.into(),
            project: self.project.map(ProjectId),
            client_reference: self.client_reference,
        })
    }
}

/// Speaker to voice.
pub(crate) fn voices() -> Object {
    let about = "Voices by speaker: the speaker as the transcript names them, or `S1`, `S2` in the order of first speech; \
                 the voice as `GET /v1/voices` names it. It is used in the languages that it speaks: one of those asked \
                 for at least";
    let voices =
        ObjectBuilder::new().schema_type(Type::Object).max_properties(Some(LIST_MAX)).property_names(Some(name()));
    voices.additional_properties(Some(name())).description(Some(about)).build()
}

/// Phrases that are heard in the original.
pub(crate) fn phrases() -> Array {
    let phrases = ArrayBuilder::new().items(name()).max_items(Some(LIST_MAX));
    phrases.description(Some("Phrases that are heard in the original")).build()
}

/// A name or phrase: not blank.
fn name() -> ObjectBuilder {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"\S"));
    name.min_length(Some(1)).max_length(Some(NAME_CHARS_MAX))
}

/// What is out of bounds in voices and phrases.
pub(crate) fn faults_of_names(voices: &BTreeMap<String, String>, phrases: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    for (field, count) in [("/voices", voices.len()), ("/keep_phrases", phrases.len())] {
        if count > LIST_MAX {
            faults.push(invalid(field, "there are at most 200"));
        }
    }
    if voices.iter().any(|(speaker, voice)| !is_name(speaker) || !is_name(voice)) {
        faults.push(invalid("/voices", "names of speakers and voices have 1 to 200 characters"));
    }
    for (place, _) in phrases.iter().take(LIST_MAX).enumerate().filter(|(_, phrase)| !is_name(phrase)) {
        faults.push(invalid(format!("/keep_phrases/{place}"), "a phrase has 1 to 200 characters"));
    }
    faults
}

/// A problem that names all faults, if there are any.
pub(crate) fn refuse(faults: Vec<Fault>) -> Result<(), Problem> {
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.into_iter().fold(Problem::new(Code::InvalidRequest), Problem::fault))
}

fn invalid(pointer: impl Into<String>, detail: &str) -> Fault {
    Fault::at(pointer, "invalid-value", detail)
}

fn is_reference(text: &str) -> bool {
    (1..=REFERENCE_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl From<BackgroundChoice> for Background {
    fn from(choice: BackgroundChoice) -> Self {
        match choice {
            BackgroundChoice::Duck => Background::Duck,
            BackgroundChoice::Keep => Background::Keep,
            BackgroundChoice::Off => Background::Off,
        }
    }
}

impl From<PriorityChoice> for Priority {
    fn from(choice: PriorityChoice) -> Self {
        match choice {
            PriorityChoice::Low => Priority::Low,
            PriorityChoice::Normal => Priority::Normal,
            PriorityChoice::High => Priority::High,
        }
    }
}

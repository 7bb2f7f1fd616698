//! Order a dubbing of an asset: a new job, or more languages for one.

use super::release_file::FileUse;
use crate::{
    abilities::{Abilities, Unable},
    aggregates::{Aggregates, CommandError, CommandMeta, sha256},
    estimate::Work,
    ports::{
        blob_store::{BlobError, BlobStore},
        event_log::{Appended, ReadError, StreamId, Tenant},
    },
    text::{
        glossary::{Glossary as Terms, GlossaryError},
        subtitles::{self, SubtitleError},
    },
};
use domain::{
    asset::{Phase as AssetPhase, Quarantine, Uploaded, ValidatedAsset},
    dubbing::{Dubbing, DubbingCommand, DubbingRejection, Order, Priority, Start, TrackRequest, Transcript},
    glossary::Content,
    track::{Background, TrackSettings},
    value::{AssetId, DubbingId, GlossaryId, LanguageTag, Personal, ProjectId, Sha256},
};
use std::{collections::BTreeMap, sync::Arc};
use thiserror::Error;

/// The language that is assumed when nobody says.
const ASSUMED: &str = "en";

/// The use case, with what it needs.
#[derive(Clone)]
pub struct OrderDubbing {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where transcripts and glossaries are kept.
    pub blobs: Arc<dyn BlobStore>,
    /// What can be asked for.
    pub abilities: Abilities,
    /// Turns with those who delete files.
    pub files: FileUse,
}

/// What is ordered.
#[derive(Clone, Debug)]
pub struct DubbingOrder {
    /// The source.
    pub asset: AssetId,
    /// The sound asked for, by its number.
    pub audio_stream: Option<u32>,
    /// The language spoken; English is assumed otherwise.
    pub source_language: Option<LanguageTag>,
    /// Where the words come from.
    pub transcript: TranscriptOrder,
    /// The languages to make it in; each once.
    pub languages: Vec<LanguageTag>,
    /// How they are made.
    pub wishes: TrackWishes,
    /// How urgent it is.
    pub priority: Priority,
    /// The project it belongs to.
    pub project: Option<ProjectId>,
    /// The client's own name for it.
    pub client_reference: Option<String>,
}

/// Where the words come from.
#[derive(Clone, Debug)]
pub enum TranscriptOrder {
    /// Speech recognition.
    Recognise,
    /// The text track inside the source.
    Embedded,
    /// SRT or WebVTT.
    Text(Vec<u8>),
}

/// How a language is to be made.
#[derive(Clone, Debug)]
pub struct TrackWishes {
    /// Terms and their translations.
    pub glossary: GlossaryOrder,
    /// Phrases that stay in the original.
    pub keep_phrases: Vec<String>,
    /// Voices by speaker.
    pub voices: BTreeMap<String, String>,
    /// What becomes of the original sound.
    pub background: Background,
    /// Whether the original sound comes along as a second track.
    pub keep_original: bool,
    /// Whether subtitles are embedded.
    pub embed_subtitles: bool,
}

/// Where terms come from.
#[derive(Clone, Debug)]
pub enum GlossaryOrder {
    /// There are none.
    None,
    /// A glossary that is kept.
    Kept(GlossaryId),
    /// A CSV with the columns source and target.
    Csv(Vec<u8>),
}

/// Why nothing was ordered.
#[derive(Debug, Error)]
pub enum OrderError {
    /// There is no such asset.
    #[error("there is no such asset")]
    NoSuchAsset,
    /// It has not been looked at yet.
    #[error("the asset is being looked at; try again in a moment")]
    AssetNotReady,
    /// It cannot be dubbed.
    #[error("{}", .0.message)]
    NotDubbable(Quarantine),
    /// It has no such sound.
    #[error("the asset has no audio stream {asked}; it has {count}, counted from 0")]
    NoSuchSound {
        /// The number asked for.
        asked: u32,
        /// How many there are.
        count: usize,
    },
    /// It has no text track inside.
    #[error("the asset has no text track; give a transcript, or leave it to recognition")]
    NoTextTrack,
    /// There is no such project.
    #[error("there is no such project")]
    NoSuchProject,
    /// There is no such glossary.
    #[error("there is no such glossary")]
    NoSuchGlossary,
    /// The glossary is for a language that is not asked for.
    #[error("the glossary is for {0}, which is not asked for; leave it out, or choose another one")]
    ForeignGlossary(LanguageTag),
    /// The transcript cannot be read.
    #[error(transparent)]
    Transcript(#[from] SubtitleError),
    /// The terms cannot be read.
    #[error(transparent)]
    Terms(#[from] GlossaryError),
    /// No engine here can do it.
    #[error(transparent)]
    Unable(#[from] Unable),
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<DubbingRejection>),
    /// Something could not be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl OrderDubbing {
    /// Begins a job under this id. Giving the same command again, by `meta`, answers as the first time.
    pub async fn begin(
        &self,
        id: DubbingId,
        order: DubbingOrder,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, OrderError> {
        let stream = StreamId::Dubbing(id);
        let asset = order.asset;
        let start = match self.start(order, &meta.tenant.clone().unwrap_or_default()).await {
            Ok(start) => start,
            Err(refusal) => return Ok(Some(self.aggregates.unless_given(&stream, meta, refusal).await?)),
        };
        let _turn = self.files.begin().await?;
        if !matches!(self.aggregates.asset(asset).await?.state.phase, AssetPhase::Ready(_)) {
            // It was erased meanwhile.
            return Ok(Some(self.aggregates.unless_given(&stream, meta, OrderError::NoSuchAsset).await?));
        }
        Ok(self.aggregates.begin::<Dubbing>(&stream, DubbingCommand::Start(Box::new(start)), meta).await?)
    }

    /// The order as its dubbing begins with it.
    async fn start(&self, order: DubbingOrder, tenant: &Tenant) -> Result<Start, OrderError> {
        let Vetted { uploaded, source_language, .. } = self.vet(&order, tenant).await?;
        let transcript = self.transcript(order.transcript).await?;
        let tracks = self.tracks(order.languages, order.wishes, tenant).await?;
        Ok(Start {
            identity: identity(&uploaded.media.sha256, order.audio_stream, &source_language, &transcript),
            source: uploaded.media.clone(),
            name: uploaded.name.clone(),
            audio_stream: order.audio_stream,
            language_assumed: order.source_language.is_none(),
            source_language,
            transcript,
            delivery: None,
            order: Order {
                asset: Some(order.asset),
                project: order.project,
                client_reference: order.client_reference,
                priority: order.priority,
                forked_from: None,
            },
            tracks,
        })
    }

    /// Asks a job for more languages, or for languages made in another way. Giving the same command again, by `meta`,
    /// answers as the first time.
    pub async fn extend(
        &self,
        id: DubbingId,
        languages: Vec<LanguageTag>,
        wishes: TrackWishes,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, OrderError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let dubbing = self.aggregates.dubbing(id).await?;
        let Some(request) = dubbing.state.request.as_ref().filter(|_| dubbing.is_of(&tenant)) else {
            return Err(CommandError::NotFound.into());
        };
        let stream = StreamId::Dubbing(id);
        let tracks = match self.requests(&request.source_language, languages, wishes, &tenant).await {
            Ok(tracks) => tracks,
            Err(refusal) => return Ok(Some(self.aggregates.unless_given(&stream, meta, refusal).await?)),
        };
        let command = DubbingCommand::RequestTracks { tracks, delivery: None };
        Ok(self.aggregates.execute::<Dubbing>(&stream, command, meta).await?)
    }

    /// The languages as a job is asked for them.
    async fn requests(
        &self,
        from: &LanguageTag,
        languages: Vec<LanguageTag>,
        wishes: TrackWishes,
        tenant: &Tenant,
    ) -> Result<Vec<TrackRequest>, OrderError> {
        self.require_wishes(from, &languages, &wishes, tenant).await?;
        self.tracks(languages, wishes, tenant).await
    }

    /// Whether a job could begin so, and how much there is to do. Nothing begins, and nothing is kept.
    pub async fn check(&self, order: &DubbingOrder, tenant: &Tenant) -> Result<Work, OrderError> {
        let vetted = self.vet(order, tenant).await?;
        let is_recognised = matches!(order.transcript, TranscriptOrder::Recognise);
        Ok(Work { source_ms: vetted.source_ms, is_recognised, languages: order.languages.len() })
    }

    async fn vet(&self, order: &DubbingOrder, tenant: &Tenant) -> Result<Vetted, OrderError> {
        let asset = self.aggregates.asset(order.asset).await?;
        let (AssetPhase::Ready(found), Some(uploaded), true) =
            (&asset.state.phase, &asset.state.uploaded, asset.is_of(tenant))
        else {
            return Err(unusable(&asset.state.phase, asset.is_of(tenant)));
        };
        let assumed = || ASSUMED.parse().map_err(|_| OrderError::NoTextTrack);
        let source_language = order.source_language.clone().map_or_else(assumed, Ok)?;
        match &order.transcript {
            TranscriptOrder::Recognise => {}
            TranscriptOrder::Embedded if found.subtitles.is_empty() => return Err(OrderError::NoTextTrack),
            TranscriptOrder::Embedded => {}
            TranscriptOrder::Text(bytes) => drop(subtitles::parse(bytes)?),
        }
        self.require_project(order.project, tenant).await?;
        check_sound(order.audio_stream, found)?;
        if matches!(order.transcript, TranscriptOrder::Recognise) {
            self.abilities.require_words(&source_language, &Transcript::Recognised)?;
        }
        self.require_wishes(&source_language, &order.languages, &order.wishes, tenant).await?;
        Ok(Vetted { uploaded: uploaded.clone(), source_ms: found.duration_ms, source_language })
    }

    async fn require_wishes(
        &self,
        from: &LanguageTag,
        languages: &[LanguageTag],
        wishes: &TrackWishes,
        tenant: &Tenant,
    ) -> Result<(), OrderError> {
        for language in languages {
            self.abilities.require_target(from, language).await?;
        }
        self.abilities.require_voices(wishes.voices.values(), languages).await?;
        match &wishes.glossary {
            GlossaryOrder::None => {}
            GlossaryOrder::Csv(bytes) => drop(Terms::parse(bytes)?),
            GlossaryOrder::Kept(id) => drop(self.kept_terms(*id, languages, tenant).await?),
        }
        Ok(())
    }

    /// What is asked of each language: the same, but that a glossary is used only in the language that it is for.
    async fn tracks(
        &self,
        languages: Vec<LanguageTag>,
        wishes: TrackWishes,
        tenant: &Tenant,
    ) -> Result<Vec<TrackRequest>, OrderError> {
        let (terms, is_for) = match wishes.glossary {
            GlossaryOrder::None => (None, None),
            GlossaryOrder::Csv(bytes) => (Some(self.blobs.put_bytes(bytes, "text/csv").await?), None),
            GlossaryOrder::Kept(id) => {
                let Content { terms, language, .. } = self.kept_terms(id, &languages, tenant).await?;
                (Some(terms), language)
            }
        };
        let settings = TrackSettings {
            glossary: terms,
            keep_phrases: Personal::new(wishes.keep_phrases),
            voices: Personal::new(wishes.voices),
            background: wishes.background,
            keep_original: wishes.keep_original,
            embed_subtitles: wishes.embed_subtitles,
        };
        let in_language = |language: LanguageTag| {
            let glossary = settings.glossary.clone().filter(|_| is_used(is_for.as_ref(), &language));
            TrackRequest { settings: TrackSettings { glossary, ..settings.clone() }, language }
        };
        Ok(languages.into_iter().map(in_language).collect())
    }

    async fn transcript(&self, order: TranscriptOrder) -> Result<Transcript, OrderError> {
        match order {
            TranscriptOrder::Recognise => Ok(Transcript::Recognised),
            TranscriptOrder::Embedded => Ok(Transcript::Embedded),
            TranscriptOrder::Text(bytes) => {
                Ok(Transcript::Imported { file: self.blobs.put_bytes(bytes, "text/vtt").await? })
            }
        }
    }

    /// A glossary that is kept, and of use in at least one of the languages.
    async fn kept_terms(
        &self,
        id: GlossaryId,
        languages: &[LanguageTag],
        tenant: &Tenant,
    ) -> Result<Content, OrderError> {
        let glossary = self.aggregates.glossary(id).await?;
        let content = glossary.state.content.clone().filter(|_| glossary.is_of(tenant));
        let content = content.ok_or(OrderError::NoSuchGlossary)?;
        match &content.language {
            Some(language) if !languages.iter().any(|asked| language.covers(asked)) => {
                Err(OrderError::ForeignGlossary(language.clone()))
            }
            Some(_) | None => Ok(content),
        }
    }

    async fn require_project(&self, project: Option<ProjectId>, tenant: &Tenant) -> Result<(), OrderError> {
        let Some(id) = project else {
            return Ok(());
        };
        let project = self.aggregates.project(id).await?;
        let is_there = project.state.name.is_some() && project.is_of(tenant);
        if is_there { Ok(()) } else { Err(OrderError::NoSuchProject) }
    }
}

/// What stands behind an order that can be fulfilled.
struct Vetted {
    uploaded: Uploaded,
    source_ms: u64,
    source_language: LanguageTag,
}

/// Whether a glossary is used in a language; one that is for none in particular is used in all.
fn is_used(is_for: Option<&LanguageTag>, language: &LanguageTag) -> bool {
    is_for.is_none_or(|is_for| is_for.covers(language))
}

fn unusable(phase: &AssetPhase, is_ours: bool) -> OrderError {
    match phase {
        AssetPhase::Uploaded { .. } if is_ours => OrderError::AssetNotReady,
        AssetPhase::Quarantined(why) if is_ours => OrderError::NotDubbable(why.clone()),
        AssetPhase::Absent | AssetPhase::Erased | AssetPhase::Uploaded { .. } => OrderError::NoSuchAsset,
        AssetPhase::Ready(_) | AssetPhase::Quarantined(_) => OrderError::NoSuchAsset,
    }
}

fn check_sound(asked: Option<u32>, asset: &ValidatedAsset) -> Result<(), OrderError> {
    match asked {
        Some(asked) if !asset.audio.iter().any(|sound| sound.index == asked) => {
            Err(OrderError::NoSuchSound { asked, count: asset.audio.len() })
        }
        Some(_) | None => Ok(()),
    }
}

/// What makes a second order the same job: source, sound, language and words.
pub(crate) fn identity(
    source: &Sha256,
    audio_stream: Option<u32>,
    source_language: &LanguageTag,
    transcript: &Transcript,
) -> Sha256 {
    let words = match transcript {
        Transcript::Recognised => "recognised".to_owned(),
        Transcript::Imported { file } => file.sha256.to_string(),
        Transcript::Embedded => "embedded".to_owned(),
    };
    let sound = audio_stream.map_or("best".to_owned(), |number| number.to_string());
    sha256([source.to_string(), sound, source_language.to_string(), words].join("\n").as_bytes())
}

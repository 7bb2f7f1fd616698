//! The composition root: the only place that names adapters. One line per engine.

pub mod bench;
pub mod bench_flow;
mod collecting;
mod databases;
mod kept;
mod nodes;
mod people;
mod read_models;
mod stores;

pub use collecting::{collector, collector_alone};
pub use databases::{CopiedAll, admit, copy_log, migrate, put_away};
pub use http_outbound::choose_cryptography;
pub use kept::Kept;
pub use nodes::event_bus;
pub use people::{mailer, outbound, outside_issuer};
pub use read_models::{ReadModels, read_models};

use crate::{
    config::{Config, Limits, Scan, Uploads},
    engine_calls::CallMeasures,
    exit::{Exit, Failure},
    home::Home,
    siblings::JobsOfSource,
    work::WorkPlan,
};
use application::{
    abilities::Abilities,
    aggregates::Aggregates,
    commands::{deliver::Deliver, release_file::FileUse, request_dub::RequestDub},
    ports::{
        blob_store::BlobStore,
        child::ChildProcesses,
        clock::{Clock, Ids},
        cluster::Cluster,
        engine::Engine,
        event_log::EventLog,
        key_vault::KeyVault,
        meter::EngineMeter,
        provenance::ProvenanceSigner,
        read_store::ReadStore,
        scanner::MalwareScanner,
        upload_store::UploadStore,
    },
    process_manager::ProcessManager,
    report::TRUE_PEAK_MAX_DBTP,
    room::Room,
    stages::{
        assess::{Assess, Inspector},
        assign_voices::AssignVoices,
        clean::Clean,
        fit::Fit,
        handler::StageKit,
        ingest::{Ingest, MediaProber, SourceLimits},
        mark::Mark,
        mix::{Mix, Mixer},
        mux::{Mux, Muxer},
        publish::Publish,
        separate::{Separate, Separator},
        sign::Sign,
        sync_lips::SyncLips,
        synthesise::{Synthesise, Synthesiser},
        transcribe::{Diariser, EmbeddedSubtitles, Recogniser, SpeechDetector, Transcribe},
        translate::{Translate, Translator},
    },
    worker::{Handlers, LEASE, Worker},
};
use blob_store::{LocalShelf, LocalUploadStore, UploadTarget};
use child_process::LocalChildren;
use domain::{flow::Stage, value::Decibel};
use engine_diarise_spectral::SpectralEngine;
use engine_mix_ducking::{DuckingMixer, MixConfig};
use engine_segment_earshot::{EarshotConfig, EarshotEngine};
use engine_synthesise_espeak::{EspeakConfig, EspeakEngine};
use engine_transcribe_pocketsphinx::{PocketsphinxConfig, PocketsphinxEngine};
use engine_translate_apertium::{ApertiumConfig, ApertiumEngine};
use event_codec::EventCodec;
use event_log_sqlite::LogError;
use host::{RandomIds, SystemClock};
use key_vault::FileKeyVault;
use media_gstreamer::{GstMedia, MediaLimits, NoSeparator};
use projections::Runner;
use provenance_c2pa::{C2paSigner, SigningConfig};
use read_store::StoreError;
use scan_clamd::{ClamdScanner, Timeouts};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};
use stores::LogOfNodes;
use telemetry::{LogFilter, OtelTraces, Sampling, TelemetryConfig};

/// The name of the one log.
const LOG: &str = "main";
/// Decibels between the peak of the mix and that of the finished file: encoding overshoots.
const ENCODER_HEADROOM_DB: f64 = 1.0;
/// What reads and writes media, by the name that it gives itself.
const GSTREAMER: &str = "gstreamer";
/// What measures call the look at a file that was handed in: no stage, but engines work for it.
const ASSET_CHECK: &str = "asset-check";

/// The user's own certificate, when there is one.
#[derive(Clone, Debug, Default)]
pub struct Signing {
    /// Certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Private key, PEM.
    pub key: Option<PathBuf>,
}

/// Logs and traces as configured. Where nobody chose what is logged, a server speaks of itself, and any other command
/// only to who gave it.
pub fn telemetry(config: &Config, is_server: bool) -> TelemetryConfig {
    let unless_chosen = || if is_server { LogFilter::info() } else { LogFilter::default() };
    let chosen = &config.telemetry;
    TelemetryConfig {
        log_format: chosen.log_format,
        log_filter: chosen.log_filter.clone().unwrap_or_else(unless_chosen),
        endpoint: chosen.otlp_endpoint.clone(),
        headers: chosen.otlp_headers.clone(),
        service_name: chosen.service_name.clone(),
        service_version: env!("CARGO_PKG_VERSION").to_owned(),
        sampling: Sampling::try_new(chosen.sample_ratio).unwrap_or(Sampling::ALL),
    }
}

/// What looks for malware in uploads, if anything does.
pub fn scanner(config: &Scan) -> Option<Arc<dyn MalwareScanner>> {
    let address = config.clamd.clone()?;
    Some(Arc::new(ClamdScanner::new(address, Timeouts::default())))
}

/// What is taken as a source.
pub fn source_limits(config: &Limits) -> SourceLimits {
    SourceLimits {
        duration_ms_max: u64::try_from(config.source_duration_max.as_millis()).unwrap_or(u64::MAX),
        pixels_max: config.source_pixels_max,
        streams_max: usize::try_from(config.source_streams_max).unwrap_or(usize::MAX),
    }
}

/// Every engine of this program.
#[derive(Clone)]
pub struct Engines {
    /// How long engines were at work.
    pub meter: Arc<EngineMeter>,
    /// Probes, decodes, muxes and measures.
    pub media: Arc<GstMedia>,
    /// Parts speech from background.
    pub separator: Arc<dyn Separator>,
    /// Finds speech.
    pub detector: Arc<dyn SpeechDetector>,
    /// Understands it.
    pub recogniser: Arc<dyn Recogniser>,
    /// Tells speakers apart.
    pub diariser: Arc<dyn Diariser>,
    /// Translates.
    pub translator: Arc<dyn Translator>,
    /// Speaks.
    pub synthesiser: Arc<dyn Synthesiser>,
    /// Mixes.
    pub mixer: Arc<dyn Mixer>,
    /// Signs and verifies.
    pub signer: Arc<dyn ProvenanceSigner>,
    /// Hears of every call that stages make.
    pub calls: CallMeasures,
}

impl Engines {
    /// All engines, with certificates kept in `home`.
    pub fn new(home: &Home, signing: Signing) -> Result<Self, Failure> {
        let meter = Arc::new(EngineMeter::default());
        let children: Arc<dyn ChildProcesses> =
            Arc::new(LocalChildren::new(Arc::clone(&meter)).traced(Arc::new(OtelTraces)));
        let program = std::env::current_exe().map_err(|error| Failure::internal(&error))?;
        let internal = |operation: &str| vec![OsString::from("internal"), OsString::from(operation)];
        let media_sandbox = media_gstreamer::SandboxProgram { program: program.clone(), args: internal("media") };
        let sign_sandbox = provenance_c2pa::SandboxProgram { program, args: internal("provenance") };
        let signing = SigningConfig {
            home: home.signing(),
            certificate: signing.certificate,
            key: signing.key,
            trust_anchors: vec![],
            clock: Arc::new(SystemClock),
        };
        let media = Arc::new(GstMedia::new(Arc::clone(&children), media_sandbox, MediaLimits::default()));
        Ok(Self {
            separator: Arc::new(NoSeparator::new(Arc::clone(&media))),
            detector: Arc::new(EarshotEngine::new(EarshotConfig::default(), Arc::clone(&meter))),
            recogniser: Arc::new(PocketsphinxEngine::new(PocketsphinxConfig::default(), Arc::clone(&children))),
            diariser: Arc::new(SpectralEngine::new(Arc::clone(&meter))),
            translator: Arc::new(ApertiumEngine::new(ApertiumConfig::default(), Arc::clone(&children))),
            synthesiser: Arc::new(EspeakEngine::new(EspeakConfig::default(), Arc::clone(&children))),
            mixer: Arc::new(DuckingMixer::new(MixConfig::default(), Arc::clone(&meter))),
            signer: Arc::new(C2paSigner::new(signing, children, sign_sandbox)),
            media,
            meter,
            calls: CallMeasures::default(),
        })
    }

    /// What can be asked of them.
    pub fn abilities(&self) -> Abilities {
        Abilities {
            recogniser: self.recogniser.clone(),
            translator: self.translator.clone(),
            synthesiser: self.synthesiser.clone(),
        }
    }

    /// Each engine once, as the listing and the doctor show them.
    pub fn all(&self) -> Vec<(&'static str, &dyn Engine)> {
        vec![
            ("media", &*self.media as &dyn Engine),
            ("separate", &*self.separator),
            ("transcribe", &*self.detector),
            ("transcribe", &*self.recogniser),
            ("transcribe", &*self.diariser),
            ("translate", &*self.translator),
            ("synthesise", &*self.synthesiser),
            ("mix", &*self.mixer),
            ("sign", &*self.signer),
        ]
    }

    /// As [`Engines::all`], to be kept.
    pub fn shared(&self) -> Vec<(&'static str, Arc<dyn Engine>)> {
        vec![
            ("media", self.media.clone() as Arc<dyn Engine>),
            ("separate", self.separator.clone()),
            ("transcribe", self.detector.clone()),
            ("transcribe", self.recogniser.clone()),
            ("transcribe", self.diariser.clone()),
            ("translate", self.translator.clone()),
            ("synthesise", self.synthesiser.clone()),
            ("mix", self.mixer.clone()),
            ("sign", self.signer.clone()),
        ]
    }

    /// Who looks into files before anything else does.
    pub fn asset_checks(&self) -> (Arc<dyn MediaProber>, Arc<dyn Inspector>) {
        let prober = self.calls.measured(ASSET_CHECK, GSTREAMER, self.media.clone() as Arc<dyn MediaProber>);
        (prober, self.calls.measured(ASSET_CHECK, GSTREAMER, self.media.clone() as Arc<dyn Inspector>))
    }

    /// Who does which stage. Each engine goes by the name that it gives itself.
    fn handlers(&self, siblings: JobsOfSource, files: FileUse, limits: SourceLimits) -> Handlers {
        let peak = Decibel::from_db(TRUE_PEAK_MAX_DBTP);
        let mix_peak = Decibel::from_db(TRUE_PEAK_MAX_DBTP - ENCODER_HEADROOM_DB);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (calls, media) = (&self.calls, &self.media);
        let prober = calls.measured("ingest", GSTREAMER, media.clone() as Arc<dyn MediaProber>);
        let muxer = calls.measured("mux", GSTREAMER, media.clone() as Arc<dyn Muxer>);
        let inspector = calls.measured("assess", GSTREAMER, media.clone() as Arc<dyn Inspector>);
        let separator = calls.measured("separate", "none", self.separator.clone());
        let translator = calls.measured("translate", "apertium", self.translator.clone());
        let synthesiser = calls.measured("synthesise", "espeak-ng", self.synthesiser.clone());
        let mixer = calls.measured("mix", "ducking", self.mixer.clone());
        let signer = |stage| calls.measured(stage, "c2pa", self.signer.clone());
        let transcribe = Transcribe {
            detector: calls.measured("transcribe", "earshot", self.detector.clone()),
            recogniser: calls.measured("transcribe", "pocketsphinx", self.recogniser.clone()),
            diariser: calls.measured("transcribe", "spectral", self.diariser.clone()),
            subtitles: calls.measured("transcribe", GSTREAMER, media.clone() as Arc<dyn EmbeddedSubtitles>),
            limits: domain::segment::Limits::default(),
        };
        Handlers::default()
            .dubbing(Stage::Ingest, Ingest { prober, signer: signer("ingest"), limits })
            .dubbing(Stage::Separate, Separate { separator })
            .dubbing(Stage::Transcribe, transcribe)
            .track(Stage::Translate, Translate { translator })
            .track(Stage::AssignVoices, AssignVoices { synthesiser: self.synthesiser.clone() })
            .track(Stage::Synthesise, Synthesise { synthesiser })
            .track(Stage::Fit, Fit { limits: domain::fit::Limits::default(), version })
            .track(Stage::SyncLips, SyncLips)
            .track(Stage::Mix, Mix { mixer, true_peak_max: mix_peak })
            .track(Stage::Mark, Mark)
            .track(Stage::Mux, Mux { muxer, true_peak_max: peak })
            .track(Stage::Assess, Assess { inspector })
            .track(Stage::Sign, Sign { signer: signer("sign"), trained_voices: vec![] })
            .track(Stage::Publish, Publish)
            .dubbing(Stage::Clean, Clean { siblings: Arc::new(siblings), files })
    }
}

/// The whole program over a data folder that this process owns.
pub struct App {
    /// The engines.
    pub engines: Engines,
    /// The event log.
    pub log: Arc<dyn EventLog>,
    /// Who else shares it, where others may.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Aggregates over it.
    pub aggregates: Arc<Aggregates>,
    /// Media.
    pub blobs: Arc<dyn BlobStore>,
    /// The same, where uploads become blobs.
    pub upload_target: Arc<dyn UploadTarget>,
    /// Turns of those who begin to use files and those who delete them.
    pub files: FileUse,
    /// What is kept beside the log.
    pub kept: Kept,
    /// Read models.
    pub read_store: Arc<dyn ReadStore>,
    /// Folds events into read models.
    pub projections: Runner,
    /// Asks for what is owed.
    pub manager: ProcessManager,
    /// Does it; clone one per slot.
    pub worker: Worker,
    /// Begins jobs.
    pub request_dub: RequestDub,
    /// Puts results in place.
    pub deliver: Deliver,
    /// Keys of what is personal.
    pub vault: Arc<dyn KeyVault>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// How many engines may work at a time.
    pub cores: usize,
}

impl App {
    /// Opens everything in the data folder, which the caller owns, with a queue of this process's own; sources beyond these
    /// limits are rejected.
    pub async fn open(home: &Home, engines: Engines, limits: SourceLimits) -> Result<Self, Failure> {
        Self::open_with(home, engines, limits, None).await
    }

    /// The same; with a plan, work comes from the installation's queue by it. What others share is opened after the log,
    /// which knows its installation: a stranger leaves no trace there.
    pub async fn open_with(
        home: &Home,
        engines: Engines,
        limits: SourceLimits,
        plan: Option<&WorkPlan>,
    ) -> Result<Self, Failure> {
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(RandomIds));
        let fail = |error: &(dyn std::error::Error + 'static)| Failure::internal(error);
        let vault: Arc<dyn KeyVault> = Arc::new(FileKeyVault::open(home.keys()).map_err(|error| fail(&error))?);
        let codec = EventCodec::new(LOG, Arc::clone(&vault));
        let LogOfNodes { log, cluster } = stores::event_log(home, codec, Arc::clone(&clock)).await?;
        let queue = nodes::work_queue(home, plan).await?;
        let upload_target = nodes::blob_store(home, &*ids, cluster.clone()).await?;
        let blobs: Arc<dyn BlobStore> = Arc::clone(&upload_target) as Arc<dyn BlobStore>;
        let kept = Kept::open(home, &*ids).await?;
        let memos = kept.memos(Arc::clone(&vault)).await?;
        let stores = stores::row_stores(home).await?;
        let (snapshots, read_store) = (stores.snapshots(home, Arc::clone(&vault)).await?, stores.rows);
        let aggregates = Arc::new(Aggregates::new(Arc::clone(&log)).with_snapshots(snapshots));
        let files = cluster.clone().map_or_else(FileUse::default, FileUse::among);
        let siblings = JobsOfSource { read_store: Arc::clone(&read_store), aggregates: Arc::clone(&aggregates) };
        let kit = StageKit {
            aggregates: Arc::clone(&aggregates),
            blobs: Arc::clone(&blobs),
            memos,
            ids: Arc::clone(&ids),
            cores: cores(),
        };
        Ok(Self {
            projections: Runner::new(Arc::clone(&log), Arc::clone(&read_store)),
            manager: ProcessManager {
                under: None,
                aggregates: Arc::clone(&aggregates),
                queue: Arc::clone(&queue),
                clock: Arc::clone(&clock),
            },
            worker: Worker {
                queue,
                handlers: engines.handlers(siblings, files.clone(), limits),
                kit,
                clock,
                traces: Arc::new(OtelTraces),
                lease: home.queue().map_or(LEASE, |queue| queue.lease),
                room: Room::unbounded(),
            },
            request_dub: RequestDub {
                aggregates: Arc::clone(&aggregates),
                blobs: Arc::clone(&blobs),
                ids: Arc::clone(&ids),
            },
            deliver: Deliver {
                aggregates: Arc::clone(&aggregates),
                blobs: Arc::clone(&blobs),
                shelf: Arc::new(LocalShelf),
                ids: Arc::clone(&ids),
            },
            engines,
            log,
            cluster,
            aggregates,
            blobs,
            upload_target,
            files,
            kept,
            read_store,
            vault,
            ids,
            cores: cores(),
        })
    }
}

/// How many engines may work at a time.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Where uploads grow until they are complete.
pub fn upload_store(blobs: Arc<dyn UploadTarget>, config: &Uploads) -> Result<Arc<dyn UploadStore>, Failure> {
    let open_max = usize::try_from(config.open_max).unwrap_or(usize::MAX);
    let store =
        LocalUploadStore::open_shared(blobs, config.bytes_max, open_max).map_err(|error| Failure::internal(&error))?;
    Ok(Arc::new(store))
}

/// What can be looked at while another process owns the data folder.
pub struct Reader {
    /// The event log, for reading.
    pub log: Arc<dyn EventLog>,
    /// Aggregates over it.
    pub aggregates: Aggregates,
    /// Read models, up to date when they could be written.
    pub read_store: Arc<dyn ReadStore>,
}

impl Reader {
    /// Opens the log for reading and brings the read models up to date with it.
    pub async fn open(home: &Home) -> Result<Self, Failure> {
        let root = home.root().display();
        let none = || Failure::usage(format!("there are no jobs in {root} yet; begin with `dragoman dub`"));
        Self::find(home).await?.ok_or_else(none)
    }

    /// The same, unless there is no log yet: its owner may just be making it, or was killed then.
    pub async fn find(home: &Home) -> Result<Option<Self>, Failure> {
        if !home.exists() {
            return Ok(None);
        }
        let vault = FileKeyVault::open(home.keys()).map_err(|error| Failure::internal(&error))?;
        let codec = EventCodec::new(LOG, Arc::new(vault) as Arc<dyn KeyVault>);
        let Some(log) = stores::event_log_to_read(home, codec).await? else { return Ok(None) };
        let read_store = rows_as_of_now(home, &log).await?;
        Ok(Some(Self { aggregates: Aggregates::new(Arc::clone(&log)), log, read_store }))
    }
}

/// The read models as of now. They hold nothing that is not in the log, and two runners do each other no harm: what a
/// killed owner had not folded yet is folded here, and so are read models that were lost. Where they cannot be
/// written (a full disk, somebody else's folder), they are read as they are; where there are none to read either, the
/// failure says why none could be made.
async fn rows_as_of_now(home: &Home, log: &Arc<dyn EventLog>) -> Result<Arc<dyn ReadStore>, Failure> {
    match written_rows(home, log).await {
        Ok(rows) => Ok(rows),
        Err(unwritten) => stores::rows_as_they_are(home).await.map_err(|_| unwritten),
    }
}

async fn written_rows(home: &Home, log: &Arc<dyn EventLog>) -> Result<Arc<dyn ReadStore>, Failure> {
    let rows = stores::row_stores(home).await?.rows;
    let folded = Runner::new(Arc::clone(log), Arc::clone(&rows)).catch_up().await;
    folded.map(|_| rows).map_err(|error| Failure::internal(&error))
}

fn log_failure(home: &Home, error: &LogError) -> Failure {
    match error {
        error if error.is_out_of_room() => Failure::out_of_room(),
        LogError::Newer { .. } => Failure::internal(error),
        error => {
            let log = home.log();
            let advice = "bring it back from a backup, or begin anew with another --data-dir";
            Failure::new(Exit::Internal, format!("the event log {} cannot be used ({error}); {advice}", log.display()))
        }
    }
}

/// Read models and memos can be made anew, so that losing them loses nothing.
fn store_failure(file: &Path, error: &StoreError) -> Failure {
    match error {
        error if error.is_out_of_room() => Failure::out_of_room(),
        StoreError::Damaged { what, .. } | StoreError::Foreign { what } => {
            let file = file.display();
            let advice = "nothing is lost: delete it, and it is made anew";
            Failure::new(Exit::Internal, format!("the file of {what} {file} is damaged; {advice}"))
        }
        error => Failure::internal(error),
    }
}

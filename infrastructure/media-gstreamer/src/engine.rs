//! The parent side: each port is one errand for a child. No media library is touched here.

use crate::config::{MediaLimits, SandboxProgram};
use crate::fault::{Fault, Measure};
use crate::protocol::{Job, Reply, Request};
use application::ports::child::{Child, ChildError, ChildLimits, ChildProcesses};
use application::ports::engine::{Engine, EngineError, EngineInfo};
use application::stages::assess::{Inspection, Inspector};
use application::stages::ingest::{MediaInfo, MediaProber};
use application::stages::mux::{MuxInput, Muxed, Muxer, SubtitleCue};
use application::stages::separate::{SeparateInput, Separator, Stems};
use application::stages::transcribe::EmbeddedSubtitles;
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use std::{ffi::OsString, path::Path, sync::Arc, time::Duration};

/// The Debian package that brings GStreamer's tools and base elements.
const PACKAGE: &str = "gstreamer1.0-plugins-base";

/// Media work in children of this binary: prober, reader of subtitles, muxer and inspector; the
/// separator is [`NoSeparator`] over it.
pub struct GstMedia {
    children: Arc<dyn ChildProcesses>,
    sandbox: SandboxProgram,
    limits: MediaLimits,
}

impl GstMedia {
    /// Media work by `sandbox`, started through `children`, on files within `limits`.
    pub fn new(children: Arc<dyn ChildProcesses>, sandbox: SandboxProgram, limits: MediaLimits) -> Self {
        Self { children, sandbox, limits }
    }

    /// Checks what can be known without opening the file as media; returns its size in bytes.
    fn check_file(&self, file: &Path) -> Result<u64, Fault> {
        let about = std::fs::metadata(file).map_err(|_| Fault::Unreadable)?;
        if about.is_dir() {
            return Err(Fault::Folder);
        }
        if !about.is_file() || file.to_str().is_none() || std::fs::File::open(file).is_err() {
            return Err(Fault::Unreadable);
        }
        match about.len() {
            0 => Err(Fault::Empty),
            size if size > self.limits.size_bytes_max => Err(Fault::OverLimit(Measure::Size)),
            size => Ok(size),
        }
    }

    /// Runs one errand on `file`. The child keeps finer bounds itself, since it learns the duration.
    async fn on_file<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        file: &Path,
        job: Job,
        wall: impl FnOnce(&MediaLimits, u64) -> Duration,
    ) -> Result<T, EngineError> {
        let size = self.check_file(file).map_err(|fault| fault.into_engine_error(operation))?;
        self.run(operation, job, wall(&self.limits, size)).await
    }

    async fn run<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        job: Job,
        wall: Duration,
    ) -> Result<T, EngineError> {
        let broken = |what: &str| Fault::broken(what).into_engine_error(operation);
        let request = serde_json::to_vec(&Request { job, limits: self.limits })
            .map_err(|_| Fault::Unreadable.into_engine_error(operation))?;
        let limits = ChildLimits { wall, memory_bytes: Some(self.limits.memory_bytes_max), ..ChildLimits::default() };
        let mut child = Child::new(&self.sandbox.program).stdin(request).limits(limits);
        child.args.clone_from(&self.sandbox.args);
        child.env = quiet_environment();
        let mut outcome = self.children.run(child.clone()).await;
        if let Err(ChildError::Killed { .. }) = outcome {
            // The machine can kill a child too, as it does when memory runs out: only a second death is the file's.
            outcome = self.children.run(child).await;
        }
        let output = outcome.map_err(|error| from_child(operation, error))?;
        // The reply is the last line: whatever a library may have printed comes before it.
        let line = output.stdout.trim_ascii().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let reply: Reply = serde_json::from_slice(line).map_err(|_| broken("the reply of the media process"))?;
        let value = reply.map_err(|fault| fault.into_engine_error(operation))?;
        serde_json::from_value(value).map_err(|_| broken("the reply of the media process"))
    }

    async fn info(&self, name: &str, purpose: &str) -> Result<EngineInfo, EngineError> {
        let version = self.run("describe", Job::Describe, self.limits.probe_wall).await?;
        Ok(EngineInfo {
            name: name.to_owned(),
            purpose: purpose.to_owned(),
            version,
            languages: Vec::new(),
            licence: "LGPL-2.1-or-later".to_owned(),
            model_digest: None,
        })
    }
}

/// No debug log whatever the user's shell says, and few malloc arenas, so that memory stays flat.
fn quiet_environment() -> Vec<(OsString, OsString)> {
    [("GST_DEBUG", "0"), ("GST_DEBUG_NO_COLOR", "1"), ("MALLOC_ARENA_MAX", "2")]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec()
}

/// A crash that comes again, a hang or a crossed limit is the file's doing: it would end the same way once more.
fn from_child(operation: &'static str, error: ChildError) -> EngineError {
    match error {
        ChildError::TimedOut { .. } | ChildError::Killed { .. } | ChildError::TooMuchOutput { .. } => {
            Fault::Undecodable.into_engine_error(operation)
        }
        other => EngineError::from_child(operation, PACKAGE, other),
    }
}

/// For decoding and muxing: the parent does not know the duration yet, so it allows real time at
/// 32 kbit/s, at most the longest duration allowed. The child itself stops at the real duration.
fn work_wall(limits: &MediaLimits, size_bytes: u64) -> Duration {
    let longest = Duration::from_millis(limits.duration_ms_max).as_secs();
    limits.look_wall(size_bytes) + limits.work_wall * 4 + Duration::from_secs((size_bytes / 4_000).min(longest))
}

#[async_trait]
impl Engine for GstMedia {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        self.info("gstreamer", "reading, decoding and writing media files").await
    }
}

#[async_trait]
impl MediaProber for GstMedia {
    async fn probe(&self, file: &Path) -> Result<MediaInfo, EngineError> {
        self.on_file("probe", file, Job::Probe { file: file.to_owned() }, MediaLimits::look_wall).await
    }
}

#[async_trait]
impl EmbeddedSubtitles for GstMedia {
    async fn read(&self, file: &Path, stream: u32) -> Result<Vec<SubtitleCue>, EngineError> {
        self.on_file("read subtitles", file, Job::Subtitles { file: file.to_owned(), stream }, work_wall).await
    }
}

#[async_trait]
impl Inspector for GstMedia {
    async fn inspect(&self, file: &Path) -> Result<Inspection, EngineError> {
        self.on_file("inspect", file, Job::Inspect { file: file.to_owned() }, work_wall).await
    }
}

#[async_trait]
impl Muxer for GstMedia {
    async fn mux(&self, input: MuxInput) -> Result<Muxed, EngineError> {
        let mut size = 0;
        let source = input.video_stream.map(|_| &input.source);
        for file in source.into_iter().chain([&input.dub]).chain(input.original.as_ref().map(|sound| &sound.wav)) {
            size += self.check_file(file).map_err(|fault| fault.into_engine_error("mux"))?;
        }
        // Encoding a picture anew takes far longer than copying it.
        self.run("mux", Job::Mux(input), work_wall(&self.limits, size) * 4).await
    }
}

/// The separator `none`: decodes the sound once and takes nothing out of it.
pub struct NoSeparator(Arc<GstMedia>);

impl NoSeparator {
    /// Decodes through `media`.
    pub fn new(media: Arc<GstMedia>) -> Self {
        Self(media)
    }
}

#[async_trait]
impl Engine for NoSeparator {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        self.0.info("none", "decoding the sound, without separating speech from background").await
    }
}

#[async_trait]
impl Separator for NoSeparator {
    async fn separate(&self, input: SeparateInput) -> Result<Stems, EngineError> {
        let file = input.file.clone();
        self.0.on_file("separate", &file, Job::Separate(input), work_wall).await
    }
}

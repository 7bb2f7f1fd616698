//! What parent and child say to each other: one JSON request, one JSON reply.

use crate::config::MediaLimits;
use crate::fault::Fault;
use application::stages::{mux::MuxInput, separate::SeparateInput};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One errand.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// What to do.
    pub job: Job,
    /// Within which bounds.
    pub limits: MediaLimits,
}

/// What a child can do; the reply's type is named beside each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Job {
    /// The version of GStreamer: `String`.
    Describe,
    /// `MediaInfo`.
    Probe {
        /// The file to look at.
        file: PathBuf,
    },
    /// `Stems`.
    Separate(SeparateInput),
    /// `Vec<SubtitleCue>`.
    Subtitles {
        /// The file to read.
        file: PathBuf,
        /// Number among its text streams.
        stream: u32,
    },
    /// `Muxed`.
    Mux(MuxInput),
    /// `Inspection`.
    Inspect {
        /// The file to measure.
        file: PathBuf,
    },
}

/// The answer; the value's type depends on the job.
pub(crate) type Reply = Result<serde_json::Value, Fault>;

//! Which bucket, as whom, and with how much patience and room.

use std::{fmt, time::Duration};
use thiserror::Error;
use uuid::Uuid;

/// Where blobs are.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// The bucket, which exists.
    pub bucket: String,
    /// What the names of all objects begin with, without a slash at its ends: one for each installation. May be empty.
    pub prefix: String,
    /// Whose blobs these are. Another installation is refused.
    pub installation: Uuid,
    /// Address of the server with scheme, as in `https://s3.example.org`; `None` for Amazon's in the region.
    pub endpoint: Option<String>,
    /// The region, by which requests are signed. Servers of others often take any; `us-east-1` is their usual name.
    pub region: String,
    /// Whether the bucket stands in the path, as most servers of others want it, and not in the host's name.
    pub path_style: bool,
    /// Whether the endpoint may be one without encryption.
    pub allow_http: bool,
    /// As whom.
    pub credentials: S3Credentials,
    /// What copies may take.
    pub cache: S3CacheLimits,
    /// How long to wait and how long to try.
    pub patience: S3Patience,
}

/// Bounds of the copies on the local disk.
#[derive(Clone, Copy, Debug)]
pub struct S3CacheLimits {
    /// Bytes that copies may take together. Beyond it, those go that were not used for longest.
    pub bytes_max: u64,
    /// How long a copy stays after its path was handed out, whatever the budget says: somebody may be reading it, or be
    /// about to. So this should be longer than any stage runs between asking and opening.
    pub handed_out_for: Duration,
}

impl Default for S3CacheLimits {
    fn default() -> Self {
        Self { bytes_max: 10 << 30, handed_out_for: Duration::from_secs(3600) }
    }
}

/// How long to wait and how long to try. No transfer is bounded as a whole: only what makes no progress is given up.
#[derive(Clone, Copy, Debug)]
pub struct S3Patience {
    /// After how long without a byte more, sent or received, a request is made anew.
    pub idle: Duration,
    /// How long a request is tried anew while it makes no progress.
    pub retry: Duration,
    /// The first wait between two tries. It doubles each time, up to a hundred times as much.
    pub back_off: Duration,
}

impl Default for S3Patience {
    fn default() -> Self {
        let (idle, retry) = (Duration::from_secs(30), Duration::from_secs(90));
        Self { idle, retry, back_off: Duration::from_millis(100) }
    }
}

/// As whom a bucket is used.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Credentials {
    /// The name of the key, which is no secret.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
    /// What goes with keys that are for a while.
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Why a text holds no credentials. It names no value of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// There is no such section.
    #[error("there is no section [{0}]")]
    NoProfile(String),
    /// The section lacks a key.
    #[error("the section [{profile}] has no {key}")]
    NoKey {
        /// The section.
        profile: String,
        /// What is missing.
        key: &'static str,
    },
    /// A line is none of such a file.
    #[error("line {0} is neither a section, nor a key with its value, nor a remark")]
    NoLine(usize),
}

impl S3Credentials {
    /// Reads them from the text of a credentials file as Amazon's programs have it (`~/.aws/credentials`): sections in
    /// brackets, in them `aws_access_key_id`, `aws_secret_access_key` and perhaps `aws_session_token`.
    pub fn parse(text: &str, profile: &str) -> Result<Self, CredentialsError> {
        let (mut is_wanted, mut is_found) = (false, false);
        let (mut access_key, mut secret_key, mut session_token) = (None, None, None);
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                is_wanted = section.trim() == profile;
                is_found |= is_wanted;
                continue;
            }
            let (key, value) = line.split_once('=').ok_or(CredentialsError::NoLine(number))?;
            let place = match key.trim() {
                "aws_access_key_id" => &mut access_key,
                "aws_secret_access_key" => &mut secret_key,
                "aws_session_token" => &mut session_token,
                _ => continue,
            };
            if is_wanted {
                *place = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            }
        }
        if !is_found {
            return Err(CredentialsError::NoProfile(profile.to_owned()));
        }
        let lacks = |key| CredentialsError::NoKey { profile: profile.to_owned(), key };
        Ok(Self {
            access_key: access_key.ok_or_else(|| lacks("aws_access_key_id"))?,
            secret_key: secret_key.ok_or_else(|| lacks("aws_secret_access_key"))?,
            session_token,
        })
    }
}

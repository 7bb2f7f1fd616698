//! An S3 server of one's own, in a scratch folder and on a free port: for tests, measurements and demonstrations.
//!
//! It runs in a thread of its starter and ends with it. It has two users: one who may do everything, and one who may
//! only read. Deliberately absent: anything that a server with data to keep would need, TLS among it.

mod access;
mod error;
mod proxy;
mod serve;
#[cfg(test)]
mod tests;

pub use error::ScratchError;
pub use proxy::{Fault, Proxy};

use serve::Serving;
use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Who may do everything: name and secret. Nobody but this machine's users reaches the server.
pub const WRITER: (&str, &str) = ("scratch-writer", "scratch-writer-secret");
/// Who may only read: name and secret.
pub const READER: (&str, &str) = ("scratch-reader", "scratch-reader-secret");
/// The region that it is in.
pub const REGION: &str = "us-east-1";

/// A server. Dropping it stops it, and removes what it kept when the folder is its own.
#[derive(Debug)]
pub struct ScratchS3 {
    folder: PathBuf,
    bucket: String,
    address: SocketAddr,
    /// `None` while it is stopped.
    serving: Option<Serving>,
    _own: Option<TempDir>,
}

impl ScratchS3 {
    /// Starts a server with one empty bucket, in a folder that is removed at the end.
    pub fn start(bucket: &str) -> Result<Self, ScratchError> {
        let own = tempfile::Builder::new().prefix("scratch-s3-").tempdir().map_err(ScratchError::Folder)?;
        let server = Self::start_in(own.path(), bucket, 0)?;
        Ok(Self { _own: Some(own), ..server })
    }

    /// Starts a server on what is in this folder, which stays at the end. Without that bucket, it is made; port 0
    /// stands for a free one.
    pub fn start_in(folder: &Path, bucket: &str, port: u16) -> Result<Self, ScratchError> {
        fs::create_dir_all(folder.join(bucket)).map_err(ScratchError::Folder)?;
        let listener = TcpListener::bind(("127.0.0.1", port)).map_err(ScratchError::Listen)?;
        let address = listener.local_addr().map_err(ScratchError::Listen)?;
        let serving = Some(Serving::start(folder, listener)?);
        Ok(Self { folder: folder.to_owned(), bucket: bucket.to_owned(), address, serving, _own: None })
    }

    /// Stops it: connections are cut, and new ones refused. What it keeps stays.
    pub fn stop(&mut self) {
        self.serving = None;
    }

    /// Starts it after a stop, on the same port.
    pub fn start_again(&mut self) -> Result<(), ScratchError> {
        self.stop();
        let listener = TcpListener::bind(self.address).map_err(ScratchError::Listen)?;
        self.serving = Some(Serving::start(&self.folder, listener)?);
        Ok(())
    }

    /// Where it listens, as an address with scheme. Buckets are in the path.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same without scheme.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its first bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The file that holds an object of that bucket. Writing there damages what clients have kept.
    pub fn file(&self, key: &str) -> PathBuf {
        self.folder.join(&self.bucket).join(key)
    }

    /// The names of all objects of that bucket, in order.
    pub fn keys(&self) -> Result<Vec<String>, ScratchError> {
        let bucket = self.folder.join(&self.bucket);
        let mut keys = Vec::new();
        list(&bucket, &bucket, &mut keys).map_err(ScratchError::Folder)?;
        keys.sort();
        Ok(keys)
    }

    /// How many uploads in parts were begun, and neither completed nor aborted.
    pub fn unfinished_uploads(&self) -> Result<usize, ScratchError> {
        let entries = fs::read_dir(&self.folder).map_err(ScratchError::Folder)?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| name.starts_with(".upload-") && name.ends_with(".json")).count())
    }
}

fn list(bucket: &Path, folder: &Path, keys: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(bucket, &path, keys)?;
        } else if let Ok(key) = path.strip_prefix(bucket) {
            keys.push(key.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

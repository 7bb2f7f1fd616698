//! Ports that fail once a fuse has burnt down, and engines that do as they are told.

use application::{
    ports::{
        blob_store::{BlobError, BlobStore, StoredBlob},
        engine::{Engine, EngineError, EngineInfo},
        event_log::Tenant,
        key_vault::{Key, KeyVault, KeyVaultError},
        scanner::{MalwareScanner, ScanError, Verdict},
        upload_store::{Expired, NewUpload, Upload, UploadError, UploadStore, UploadWriter},
    },
    stages::{
        assess::{Inspection, Inspector},
        ingest::{AudioStream, MediaInfo, MediaProber},
    },
};
use async_trait::async_trait;
use domain::value::{Artefact, Decibel, Sha256, Timestamp};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use uuid::Uuid;

/// How many steps the program still lives. Clones are the same.
#[derive(Clone)]
pub struct Fuse(Arc<AtomicU64>);

impl Fuse {
    pub fn of(steps: u64) -> Self {
        Self(Arc::new(AtomicU64::new(steps)))
    }

    fn burn(&self) -> io::Result<()> {
        let lit = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        lit.map(drop).map_err(|_| io::Error::other("the program is dead"))
    }
}

/// A port that dies before its next step, or right behind it.
pub struct Mortal<P: ?Sized>(pub Arc<P>, pub Fuse);

#[async_trait]
impl UploadStore for Mortal<dyn UploadStore> {
    async fn create(&self, upload: NewUpload) -> Result<Upload, UploadError> {
        self.0.create(upload).await
    }

    async fn get(&self, tenant: &Tenant, id: Uuid) -> Result<Option<Upload>, UploadError> {
        self.0.get(tenant, id).await
    }

    async fn open(&self, tenant: &Tenant, id: Uuid, offset: u64) -> Result<Box<dyn UploadWriter>, UploadError> {
        self.0.open(tenant, id, offset).await
    }

    async fn finish(&self, tenant: &Tenant, id: Uuid) -> Result<Artefact, UploadError> {
        self.1.burn().map_err(UploadError::Io)?;
        let finished = self.0.finish(tenant, id).await;
        self.1.burn().map_err(UploadError::Io)?;
        finished
    }

    async fn terminate(&self, tenant: &Tenant, id: Uuid) -> Result<(), UploadError> {
        self.1.burn().map_err(UploadError::Io)?;
        let ended = self.0.terminate(tenant, id).await;
        self.1.burn().map_err(UploadError::Io)?;
        ended
    }

    async fn expire(&self, now: Timestamp, apart_from: &[Uuid]) -> Result<Expired, UploadError> {
        self.0.expire(now, apart_from).await
    }

    async fn unfinished(&self) -> Result<Vec<Upload>, UploadError> {
        self.0.unfinished().await
    }

    async fn finished(&self) -> Result<Vec<Upload>, UploadError> {
        self.0.finished().await
    }
}

impl KeyVault for Mortal<dyn KeyVault> {
    fn ensure(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        self.1.burn()?;
        self.0.ensure(owner)?;
        Ok(self.1.burn()?)
    }

    fn key(&self, owner: Uuid) -> Result<Option<Key>, KeyVaultError> {
        self.0.key(owner)
    }

    fn destroy(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        self.1.burn()?;
        self.0.destroy(owner)?;
        Ok(self.1.burn()?)
    }
}

#[async_trait]
impl BlobStore for Mortal<dyn BlobStore> {
    async fn put_file(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        self.0.put_file(file, media_type).await
    }

    async fn adopt(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        self.0.adopt(file, media_type).await
    }

    async fn put_bytes(&self, bytes: Vec<u8>, media_type: &str) -> Result<Artefact, BlobError> {
        self.0.put_bytes(bytes, media_type).await
    }

    async fn path(&self, blob: &Sha256) -> Result<Option<PathBuf>, BlobError> {
        self.0.path(blob).await
    }

    async fn hold(&self, blob: &Sha256) -> Result<bool, BlobError> {
        self.0.hold(blob).await
    }

    async fn list(&self, after: Option<&Sha256>, limit: usize) -> Result<Vec<StoredBlob>, BlobError> {
        self.0.list(after, limit).await
    }

    async fn collect(&self, blob: &Sha256, put_before: Timestamp) -> Result<bool, BlobError> {
        self.0.collect(blob, put_before).await
    }

    async fn get_bytes(&self, blob: &Sha256) -> Result<Option<Vec<u8>>, BlobError> {
        self.0.get_bytes(blob).await
    }

    async fn delete(&self, blob: &Sha256) -> Result<(), BlobError> {
        self.1.burn().map_err(BlobError::Io)?;
        self.0.delete(blob).await?;
        self.1.burn().map_err(BlobError::Io)
    }

    async fn scratch(&self, name: &str) -> Result<PathBuf, BlobError> {
        self.0.scratch(name).await
    }

    async fn clear_scratch(&self, name: Option<&str>) -> Result<(), BlobError> {
        self.0.clear_scratch(name).await
    }
}

/// What an engine is to answer, one after the other; the last answer stays.
type Answers<T> = Mutex<VecDeque<Result<T, Told>>>;

/// How an engine is to fail.
#[derive(Clone, Debug)]
pub enum Told {
    Rejected(&'static str),
    Transient,
    Missing,
}

impl From<Told> for EngineError {
    fn from(told: Told) -> Self {
        match told {
            Told::Rejected(code) => EngineError::Rejected { code, message: format!("{code}, mend it") },
            Told::Transient => {
                EngineError::Transient { operation: "probe", detail: "killed".to_owned(), retry_after: None }
            }
            Told::Missing => EngineError::Missing { engine: "prober".to_owned(), package: "media".to_owned() },
        }
    }
}

/// Looks and measures as it is told.
pub struct Engines {
    pub probe: Answers<MediaInfo>,
    pub inspect: Mutex<Result<(), Told>>,
    pub probed: AtomicU64,
}

impl Default for Engines {
    fn default() -> Self {
        Self { probe: Mutex::new([Ok(film())].into()), inspect: Mutex::new(Ok(())), probed: AtomicU64::new(0) }
    }
}

/// A minute of MP4 with one sound.
pub fn film() -> MediaInfo {
    let sound = AudioStream {
        index: 0,
        codec: "audio/mpeg".to_owned(),
        channels: 2,
        rate_hz: 48_000,
        bitrate: 0,
        language: None,
    };
    MediaInfo {
        container: "video/quicktime".to_owned(),
        duration_ms: 60_000,
        video: vec![],
        audio: vec![sound],
        subtitles: vec![],
    }
}

#[async_trait]
impl Engine for Engines {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(info("engines"))
    }
}

fn info(name: &str) -> EngineInfo {
    EngineInfo {
        name: name.to_owned(),
        purpose: "tests".to_owned(),
        version: "1".to_owned(),
        languages: vec![],
        licence: "MIT".to_owned(),
        model_digest: None,
    }
}

#[async_trait]
impl MediaProber for Engines {
    async fn probe(&self, _: &Path) -> Result<MediaInfo, EngineError> {
        self.probed.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.probe.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(answer.unwrap()?)
    }
}

#[async_trait]
impl Inspector for Engines {
    async fn inspect(&self, _: &Path) -> Result<Inspection, EngineError> {
        self.inspect.lock().unwrap().clone()?;
        Ok(Inspection {
            media: film(),
            sound_ms: 60_000,
            loudness: Decibel::from_db(-23.0),
            true_peak: Decibel::from_db(-1.0),
            silences: vec![],
        })
    }
}

/// Finds what it is told in every file.
pub struct Scanner(pub Mutex<Finds>);

#[derive(Clone, Copy, Debug)]
pub enum Finds {
    Nothing,
    Malware,
    NoAnswer,
    TooMuch,
}

#[async_trait]
impl Engine for Scanner {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(info("scanner"))
    }
}

#[async_trait]
impl MalwareScanner for Scanner {
    async fn scan(&self, _: &Path) -> Result<Verdict, ScanError> {
        match *self.0.lock().unwrap() {
            Finds::Nothing => Ok(Verdict::Clean),
            Finds::Malware => Ok(Verdict::Infected { signature: "Test.Signature".to_owned() }),
            Finds::NoAnswer => Err(ScanError::TimedOut { seconds: 1 }),
            Finds::TooMuch => Err(ScanError::TooLarge { bytes: 9 }),
        }
    }

    async fn ping(&self) -> Result<(), ScanError> {
        Ok(())
    }
}

//! Everything that assets need, in one place; it can be built again over the same files and log, as after a crash.

use super::ports::{Engines, Fuse, Mortal, Scanner};
use application::{
    aggregates::{Aggregates, CommandMeta},
    commands::{
        asset_desk::{AssetDesk, DeskStatus},
        check_asset::{CheckAsset, Scan},
        erase_asset::EraseAsset,
        import_asset::ImportAsset,
        release_file::{FileUse, ReleaseFile},
    },
    ports::{
        blob_store::BlobStore,
        event_log::{EventLog, Tenant},
        key_vault::KeyVault,
        trace::NoTraces,
        upload_store::{NewUpload, UploadStore},
    },
    stages::ingest::SourceLimits,
    testing::{ManualClock, MemoryKeyVault, MemoryReadStore},
};
use blob_store::{LocalBlobStore, LocalUploadStore};
use domain::{
    asset::Asset,
    value::{AssetId, Personal, Sha256, Timestamp},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use projections::{Runner, asset_index::AssetRows};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

pub const CONTENT: &[u8] = b"a film";

/// What outlives the program.
pub struct House {
    pub folder: TempDir,
    pub log: Arc<dyn EventLog>,
    pub vault: Arc<MemoryKeyVault>,
    pub rows: Arc<MemoryReadStore>,
    pub engines: Arc<Engines>,
    pub scanner: Option<(Arc<Scanner>, bool)>,
}

/// The program, as long as its fuse burns.
pub struct Life {
    pub aggregates: Arc<Aggregates>,
    pub uploads: Arc<dyn UploadStore>,
    pub blobs: Arc<dyn BlobStore>,
    pub import: ImportAsset,
    pub check: CheckAsset,
    pub erase: EraseAsset,
    pub runner: Runner,
}

impl House {
    pub fn new() -> Self {
        let vault = Arc::new(MemoryKeyVault::new(1));
        let log = MemoryEventLog::new(EventCodec::new("test", vault.clone()), Arc::new(ManualClock::default()));
        Self {
            folder: tempfile::tempdir().unwrap(),
            log: Arc::new(log),
            vault,
            rows: Arc::new(MemoryReadStore::new()),
            engines: Arc::new(Engines::default()),
            scanner: None,
        }
    }

    /// The program, to live so many steps.
    pub fn live(&self, fuse: &Fuse) -> Life {
        let blobs = LocalBlobStore::open(self.folder.path()).unwrap();
        let uploads: Arc<dyn UploadStore> = Arc::new(LocalUploadStore::open(blobs.clone(), 1 << 20, 100).unwrap());
        let uploads: Arc<dyn UploadStore> = Arc::new(Mortal(uploads, fuse.clone()));
        let blobs: Arc<dyn BlobStore> = Arc::new(Mortal(Arc::new(blobs) as Arc<dyn BlobStore>, fuse.clone()));
        let vault: Arc<dyn KeyVault> = Arc::new(Mortal(self.vault.clone() as Arc<dyn KeyVault>, fuse.clone()));
        let aggregates = Arc::new(Aggregates::new(self.log.clone()));
        let files = FileUse::default();
        let index = Arc::new(AssetRows::new(self.rows.clone()));
        let release = ReleaseFile { log: self.log.clone(), blobs: blobs.clone(), index, files: files.clone() };
        let import = ImportAsset { aggregates: aggregates.clone(), uploads: uploads.clone(), files };
        let check = CheckAsset {
            aggregates: aggregates.clone(),
            blobs: blobs.clone(),
            scan: self.scanner.clone().map(|(scanner, is_required)| Scan { scanner, is_required }),
            prober: self.engines.clone(),
            inspector: self.engines.clone(),
            limits: SourceLimits::default(),
            release: release.clone(),
        };
        let erase = EraseAsset { aggregates: aggregates.clone(), vault, uploads: uploads.clone(), release };
        let runner = Runner::new(self.log.clone(), self.rows.clone());
        Life { aggregates, uploads, blobs, import, check, erase, runner }
    }

    /// The program, to live for ever.
    pub fn live_on(&self) -> Life {
        self.live(&Fuse::of(u64::MAX))
    }

    pub fn vault_has(&self, owner: Uuid) -> bool {
        self.vault.key(owner).unwrap().is_some()
    }

    /// An asset that was handed in under this name.
    pub async fn hand_in(&self, life: &Life, number: u128, name: &str, content: &[u8]) -> AssetId {
        self.hand_in_of(life, &Tenant::default().0, number, name, content).await
    }

    /// The same of this tenant.
    pub async fn hand_in_of(&self, life: &Life, tenant: &str, number: u128, name: &str, content: &[u8]) -> AssetId {
        let tenant = Tenant(tenant.to_owned());
        upload_of(life, &tenant, number, name, content).await;
        let giver = CommandMeta::given(tenant, "test", Uuid::from_u128(0xff));
        let imported = life.import.run(Uuid::from_u128(number), &giver).await.unwrap();
        life.runner.catch_up().await.unwrap();
        imported.asset
    }
}

impl Life {
    pub async fn asset(&self, id: AssetId) -> Arc<Asset> {
        self.aggregates.asset(id).await.unwrap().state
    }

    pub async fn has(&self, content: &[u8]) -> bool {
        self.blobs.path(&digest(content)).await.unwrap().is_some()
    }

    /// Does something while the read models follow the log.
    pub async fn followed<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            error = self.runner.run() => panic!("{error}"),
        }
    }

    pub fn desk(&self, house: &House, status: &DeskStatus) -> AssetDesk {
        AssetDesk {
            aggregates: self.aggregates.clone(),
            index: Arc::new(AssetRows::new(house.rows.clone())),
            check: self.check.clone(),
            erase: self.erase.clone(),
            at_once: 2,
            status: status.clone(),
            traces: Arc::new(NoTraces),
        }
    }
}

/// A complete upload.
pub async fn upload(life: &Life, number: u128, name: &str, content: &[u8]) {
    upload_of(life, &Tenant::default(), number, name, content).await;
}

async fn upload_of(life: &Life, tenant: &Tenant, number: u128, name: &str, content: &[u8]) {
    let id = Uuid::from_u128(number);
    let new = NewUpload {
        id,
        tenant: tenant.clone(),
        length: Some(content.len() as u64),
        name: Personal::new(name.to_owned()),
        media_type: "video/mp4".to_owned(),
        sha256: None,
        expires_at: Timestamp::from_unix_ms(4_000_000_000_000),
    };
    life.uploads.create(new).await.unwrap();
    let mut writer = life.uploads.open(tenant, id, 0).await.unwrap();
    writer.write(content).await.unwrap();
    writer.keep().await.unwrap();
}

pub fn giver() -> CommandMeta {
    CommandMeta::given(Tenant::default(), "test", Uuid::from_u128(0xff))
}

pub fn digest(content: &[u8]) -> Sha256 {
    application::aggregates::sha256(content)
}

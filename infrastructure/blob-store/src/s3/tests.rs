//! The store on a real server, in this process.

mod connect;
mod copies;
mod faults;

use super::*;
use application::{
    aggregates::sha256, commands::release_file::FileUse, ports::event_log::Tenant, testing::blob_store_kit,
};
use domain::value::{Personal, Timestamp};
use scratch_s3::{Proxy, REGION, ScratchS3, WRITER};
use std::{fs, time::Duration};
use tempfile::TempDir;
use uuid::Uuid;

/// More than two parts.
const LARGE: usize = (20 << 20) + 12_345;

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|place| (place * 31 + place / 977) as u8).collect()
}

fn credentials((access_key, secret_key): (&str, &str)) -> S3Credentials {
    S3Credentials { access_key: access_key.to_owned(), secret_key: secret_key.to_owned(), session_token: None }
}

/// Little patience: what fails here fails for good.
fn config(server: &ScratchS3) -> S3Config {
    S3Config {
        bucket: server.bucket().to_owned(),
        prefix: "home".to_owned(),
        installation: Uuid::from_u128(1),
        endpoint: Some(server.endpoint()),
        region: REGION.to_owned(),
        path_style: true,
        allow_http: true,
        credentials: credentials(WRITER),
        cache: S3CacheLimits::default(),
        patience: S3Patience {
            idle: Duration::from_secs(1),
            retry: Duration::from_secs(3),
            back_off: Duration::from_millis(10),
        },
    }
}

/// A server, a folder, and a store on both.
struct House {
    server: ScratchS3,
    folder: TempDir,
    store: S3BlobStore,
}

impl House {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl Fn(&mut S3Config)) -> Self {
        let server = ScratchS3::start("films").unwrap();
        let (folder, store) = open(&server, change).await;
        Self { server, folder, store }
    }

    /// The file that the server keeps a blob in.
    fn object(&self, blob: &Sha256) -> PathBuf {
        let name = blob.to_string();
        self.server.file(&format!("home/{}/{name}", &name[..2]))
    }

    /// The copies, and everything half there.
    fn copies(&self) -> Vec<PathBuf> {
        assert_eq!(fs::read_dir(self.folder.path().join("tmp")).unwrap().count(), 0, "nothing is half there");
        files(&self.folder.path().join("cache"))
    }
}

/// Another process on the same bucket.
async fn open(server: &ScratchS3, change: impl Fn(&mut S3Config)) -> (TempDir, S3BlobStore) {
    let folder = TempDir::new().unwrap();
    let mut config = config(server);
    change(&mut config);
    let store =
        S3BlobStore::connect(&config, folder.path(), Uuid::from_u128(7), FileUse::of_blobs(None)).await.unwrap();
    (folder, store)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let outside = TempDir::new().unwrap();
    let make = || async {
        let house = House::new().await;
        (Arc::new(house.store.clone()) as Arc<dyn BlobStore>, house)
    };
    blob_store_kit::run(make, outside.path()).await;
}

/// Contents around the lengths at which another way of sending begins.
#[tokio::test(flavor = "multi_thread")]
async fn contents_of_all_lengths_come_whole_to_another_process() {
    let house = House::new().await;
    let (_folder, other) = open(&house.server, |_| {}).await;
    for bytes in [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 16 << 20, LARGE] {
        let content = content(bytes);
        let file = house.folder.path().join("film");
        fs::write(&file, &content).unwrap();
        let kept = house.store.put_file(&file, "video/mp4").await.unwrap();
        assert_eq!((kept.sha256, kept.bytes), (sha256(&content), bytes as u64));
        assert!(other.has(&kept.sha256).await.unwrap());
        let path = other.path(&kept.sha256).await.unwrap().unwrap();
        assert!(fs::read(path).unwrap() == content, "{bytes} bytes");
        assert!(fs::read(house.object(&kept.sha256)).unwrap() == content, "{bytes} bytes under their own name");
    }
    assert_eq!(house.server.unfinished_uploads().unwrap(), 0);
    assert_eq!(house.server.keys().unwrap().len(), 8, "and whose they are, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_sent_again() {
    let house = House::new().await;
    let proxy = Proxy::before(&house.server).await.unwrap();
    let (_folder, other) = open(&house.server, |config| config.endpoint = Some(proxy.endpoint())).await;
    let kept = house.store.put_bytes(content(LARGE), "video/mp4").await.unwrap();
    let sent = || proxy.count("PUT") + proxy.count("POST");
    let before = sent();
    assert_eq!(other.put_bytes(content(LARGE), "video/mp4").await.unwrap(), kept);
    assert_eq!((sent(), proxy.count("PUT /films/home/marks/")), (before + 1, 1), "only that somebody relies on it");
    assert_eq!(fs::read(house.server.file(&format!("home/marks/{}", kept.sha256))).unwrap(), b"");
    // With another length it is no blob, whoever wrote it.
    fs::write(house.object(&kept.sha256), b"half").unwrap();
    house.store.put_bytes(content(LARGE), "video/mp4").await.unwrap();
    assert!(fs::read(house.object(&kept.sha256)).unwrap() == content(LARGE), "it is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_deletes_is_no_blob_any_more() {
    let house = House::new().await;
    let (_folder, other) = open(&house.server, |_| {}).await;
    let kept = house.store.put_bytes(b"one".to_vec(), "text/vtt").await.unwrap();
    assert!(other.path(&kept.sha256).await.unwrap().is_some());
    other.delete(&kept.sha256).await.unwrap();
    assert!(!house.store.has(&kept.sha256).await.unwrap(), "though there is a copy");
    assert!(!other.has(&kept.sha256).await.unwrap());
    assert_eq!(other.path(&kept.sha256).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_to_the_content_for_a_while() {
    let house = House::new().await;
    let kept = house.store.put_bytes(content(100_000), "video/mp4").await.unwrap();
    let disposition = "attachment; filename*=UTF-8''a%20film.mp4";
    let link = Link { valid_for: Duration::from_secs(60), disposition, media_type: "video/mp4" };
    let address = house.store.link(&kept.sha256, &link).await.unwrap().unwrap();
    assert!(address.contains("response-content-disposition=attachment%3B%20filename"), "{address}");
    assert!(!address.contains(WRITER.1), "no secret in it");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(&address).send().await.unwrap();
    // This server gives the type that the object was kept with.
    assert_eq!(answer.headers()["content-type"], "video/mp4");
    assert!(answer.bytes().await.unwrap() == content(100_000));
    // Whoever changes it has no right.
    let changed = address.replace("a%2520film", "b%2520film");
    assert_ne!(changed, address);
    assert_eq!(client.get(&changed).send().await.unwrap().status(), 403);
    assert_eq!(house.store.link(&Sha256::new([7; 32]), &link).await.unwrap(), None);
}

/// An upload that is finished is a blob of the bucket, and a second finish changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_become_blobs_of_the_bucket() {
    use crate::LocalUploadStore;
    use application::ports::upload_store::{NewUpload, UploadError, UploadStore};
    let mut house = House::new().await;
    let (content, tenant, id) = (content(LARGE), Tenant::default(), Uuid::from_u128(9));
    let uploads = LocalUploadStore::open(house.store.clone(), 1 << 30, 10).unwrap();
    let new = NewUpload {
        id,
        tenant: tenant.clone(),
        length: Some(LARGE as u64),
        name: Personal::new("film.mp4".to_owned()),
        media_type: "video/mp4".to_owned(),
        sha256: Some(sha256(&content)),
        expires_at: Timestamp::from_unix_ms(0),
    };
    uploads.create(new).await.unwrap();
    let mut writer = uploads.open(&tenant, id, 0).await.unwrap();
    writer.write(&content).await.unwrap();
    writer.keep().await.unwrap();
    house.server.stop();
    assert!(matches!(uploads.finish(&tenant, id).await, Err(UploadError::Io(_))), "there is nowhere to keep it");
    house.server.start_again().unwrap();
    for _ in 0..2 {
        assert_eq!(uploads.finish(&tenant, id).await.unwrap().sha256, sha256(&content));
    }
    assert!(fs::read(house.object(&sha256(&content))).unwrap() == content);
    assert!(house.store.path(&sha256(&content)).await.unwrap().is_some());
}

//! Uploads on a real disk.

use super::LocalUploadStore;
use crate::LocalBlobStore;
use application::{
    aggregates::sha256,
    ports::{
        blob_store::BlobStore,
        event_log::Tenant,
        upload_store::{Expired, NewUpload, Upload, UploadError, UploadStore, UploadWriter},
    },
};
use domain::value::{Personal, Timestamp};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use uuid::Uuid;

/// What an upload may have here at most, in bytes.
const LIMIT: u64 = 8 << 20;
const OPEN_MAX: usize = 8;
const ID: Uuid = Uuid::from_u128(7);

struct House {
    folder: TempDir,
    blobs: LocalBlobStore,
    store: LocalUploadStore,
    us: Tenant,
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let blobs = LocalBlobStore::open(folder.path()).unwrap();
        let store = LocalUploadStore::open(blobs.clone(), LIMIT, OPEN_MAX).unwrap();
        Self { folder, blobs, store, us: Tenant::default() }
    }

    /// Another process, after this one's end.
    fn again(self) -> Self {
        let blobs = LocalBlobStore::open(self.folder.path()).unwrap();
        let store = LocalUploadStore::open(blobs.clone(), LIMIT, OPEN_MAX).unwrap();
        Self { blobs, store, ..self }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("uploads").join(ID.to_string()).join(name)
    }

    async fn begin(&self, length: Option<u64>) -> Upload {
        self.store.create(NewUpload { length, ..new_upload() }).await.unwrap()
    }

    async fn open(&self, offset: u64) -> Box<dyn UploadWriter> {
        self.store.open(&self.us, ID, offset).await.unwrap()
    }

    async fn add(&self, offset: u64, bytes: &[u8]) -> u64 {
        let mut writer = self.open(offset).await;
        writer.write(bytes).await.unwrap();
        writer.keep().await.unwrap()
    }

    async fn get(&self) -> Upload {
        self.store.get(&self.us, ID).await.unwrap().unwrap()
    }

    async fn blob(&self, content: &[u8]) -> Option<Vec<u8>> {
        self.blobs.get_bytes(&sha256(content)).await.unwrap()
    }
}

fn new_upload() -> NewUpload {
    NewUpload {
        id: ID,
        tenant: Tenant::default(),
        length: None,
        name: Personal::new("../../../etc/passwd\0.mp4".to_owned()),
        media_type: "video/mp4".to_owned(),
        sha256: None,
        expires_at: Timestamp::from_unix_ms(1_000),
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|place| (place * 31 + place / 977) as u8).collect()
}

#[tokio::test]
async fn an_upload_in_pieces_becomes_a_blob() {
    // Pieces below, at and above the block that is written at once; hashed on the way, or after a restart.
    for restarts in [false, true] {
        for sizes in [vec![], vec![0], vec![1], vec![256 << 10; 3], vec![700_001, 1, 0, (256 << 10) - 1, 99]] {
            let mut house = House::new();
            let content = content(sizes.iter().sum());
            let upload = house.begin(Some(content.len() as u64)).await;
            assert_eq!((upload.offset, upload.finished), (0, None));
            let mut end = 0;
            for size in sizes {
                end = house.add(end, &content[end as usize..][..size]).await;
                if restarts {
                    house = house.again();
                }
                assert_eq!(house.get().await.offset, end);
            }
            assert_eq!(house.store.unfinished().await.unwrap().len(), 1);
            let kept = house.store.finish(&house.us, ID).await.unwrap();
            assert_eq!((kept.sha256, kept.bytes), (sha256(&content), content.len() as u64));
            assert_eq!(kept.media_type, "video/mp4");
            assert_eq!(house.blob(&content).await, Some(content));
        }
    }
}

#[tokio::test]
async fn what_is_known_of_an_upload_comes_back() {
    let house = House::new();
    let new = NewUpload { length: Some(3), sha256: Some(sha256(b"abc")), ..new_upload() };
    let created = house.store.create(new.clone()).await.unwrap();
    let house = house.again();
    let found = house.get().await;
    assert_eq!(found, created);
    assert_eq!((found.length, found.sha256, found.expires_at), (Some(3), new.sha256, new.expires_at));
    assert_eq!((&found.name, &found.media_type, &found.tenant), (&new.name, &new.media_type, &new.tenant));
    for (file, mode) in [("", 0o700), ("meta.json", 0o600), ("data", 0o600)] {
        let found = fs::metadata(house.path(file)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{file}");
    }
    assert_eq!(fs::read_dir(house.path("")).unwrap().count(), 2, "a name is no path");
}

#[tokio::test]
async fn beginning_again_finds_the_upload_and_another_one_is_refused() {
    let house = House::new();
    house.begin(Some(6)).await;
    house.add(0, b"abc").await;
    let again = NewUpload { length: Some(6), expires_at: Timestamp::from_unix_ms(9_000), ..new_upload() };
    let found = house.store.create(again.clone()).await.unwrap();
    assert_eq!((found.offset, found.expires_at), (3, Timestamp::from_unix_ms(1_000)));
    let others = [
        NewUpload { length: Some(7), ..again.clone() },
        NewUpload { length: None, ..again.clone() },
        NewUpload { tenant: Tenant("other".into()), ..again.clone() },
        NewUpload { name: Personal::new("other.mp4".into()), ..again.clone() },
        NewUpload { media_type: "audio/wav".into(), ..again.clone() },
        NewUpload { sha256: Some(sha256(b"")), ..again },
    ];
    for other in others {
        let refused = house.store.create(other).await;
        assert!(matches!(refused, Err(UploadError::AlreadyExists)), "{refused:?}");
    }
    let large = NewUpload { id: Uuid::from_u128(8), length: Some(LIMIT + 1), ..new_upload() };
    assert!(matches!(house.store.create(large).await, Err(UploadError::TooLarge { limit: LIMIT })));
}

#[tokio::test]
async fn nobody_reaches_the_uploads_of_others() {
    let house = House::new();
    house.begin(Some(3)).await;
    let writer = house.open(0).await;
    for (tenant, id) in [(Tenant("other".into()), ID), (house.us.clone(), Uuid::from_u128(8))] {
        assert_eq!(house.store.get(&tenant, id).await.unwrap(), None);
        assert!(matches!(house.store.open(&tenant, id, 0).await.err(), Some(UploadError::NotFound)));
        assert!(matches!(house.store.finish(&tenant, id).await, Err(UploadError::NotFound)));
        assert!(matches!(house.store.terminate(&tenant, id).await, Err(UploadError::NotFound)));
    }
    writer.keep().await.unwrap();
    assert_eq!(house.get().await.offset, 0);
}

#[tokio::test]
async fn one_works_on_an_upload_at_a_time_and_at_its_end() {
    let house = House::new();
    house.begin(Some(6)).await;
    let mut writer = house.open(0).await;
    writer.write(b"abc").await.unwrap();
    let us = &house.us;
    assert!(matches!(house.store.open(us, ID, 0).await.err(), Some(UploadError::Locked)));
    assert!(matches!(house.store.finish(us, ID).await, Err(UploadError::Locked)));
    assert!(matches!(house.store.terminate(us, ID).await, Err(UploadError::Locked)));
    let late = Timestamp::from_unix_ms(5_000);
    assert_eq!(house.store.expire(late, &[]).await.unwrap(), Expired::default(), "what is written stays");
    assert_eq!((writer.offset(), writer.keep().await.unwrap()), (3, 3));
    for offset in [0, 2, 4, u64::MAX] {
        let refused = house.store.open(us, ID, offset).await.err();
        assert!(matches!(refused, Some(UploadError::OffsetMismatch { actual: 3 })), "{offset}: {refused:?}");
    }
    let refused = house.store.finish(us, ID).await;
    assert!(matches!(refused, Err(UploadError::Incomplete { offset: 3, length: 6 })), "{refused:?}");
    assert_eq!(house.add(3, b"def").await, 6);
    house.store.finish(us, ID).await.unwrap();
    assert!(matches!(house.store.open(us, ID, 6).await.err(), Some(UploadError::Finished)));
}

#[tokio::test]
async fn a_piece_is_taken_back_whole() {
    let house = House::new();
    house.begin(None).await;
    let good = content(300_000);
    house.add(0, &good[..200_000]).await;
    for size in [0, 1, 900_000] {
        let mut writer = house.open(200_000).await;
        writer.write(&vec![9; size]).await.unwrap();
        assert_eq!(writer.discard().await.unwrap(), 200_000);
        assert_eq!(house.get().await.offset, 200_000);
    }
    house.add(200_000, &good[200_000..]).await;
    let kept = house.store.finish(&house.us, ID).await.unwrap();
    assert_eq!(kept.sha256, sha256(&good), "what was taken back is not in the digest");
    assert_eq!(house.blob(&good).await, Some(good));
}

#[tokio::test]
async fn more_than_was_announced_or_allowed_is_not_taken() {
    let house = House::new();
    house.begin(Some(5)).await;
    let mut writer = house.open(0).await;
    writer.write(b"abc").await.unwrap();
    assert!(matches!(writer.write(b"def").await, Err(UploadError::BeyondLength { length: 5 })));
    writer.write(b"de").await.unwrap();
    assert!(matches!(writer.write(b"f").await, Err(UploadError::BeyondLength { length: 5 })));
    assert_eq!(writer.keep().await.unwrap(), 5);
    assert_eq!(house.store.finish(&house.us, ID).await.unwrap().sha256, sha256(b"abcde"));

    let house = House::new();
    house.begin(None).await;
    let mut writer = house.open(0).await;
    writer.write(&vec![1; LIMIT as usize]).await.unwrap();
    assert!(matches!(writer.write(b"x").await, Err(UploadError::TooLarge { limit: LIMIT })));
    assert_eq!(writer.keep().await.unwrap(), LIMIT);
}

/// The client vanishes: the writer is dropped at any point, even while a thread writes for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_vanished_client_sent_is_a_prefix_and_can_be_continued() {
    let house = Arc::new(House::new());
    let content = Arc::new(content(6_000_000));
    house.begin(Some(content.len() as u64)).await;
    let mut rounds = 0;
    loop {
        let begin = house.get().await.offset;
        if begin == content.len() as u64 {
            break;
        }
        let sending = tokio::spawn({
            let (house, content) = (Arc::clone(&house), Arc::clone(&content));
            async move {
                let mut writer = house.open(begin).await;
                for piece in content[begin as usize..].chunks(16_384) {
                    writer.write(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        for _ in 0..rounds {
            tokio::task::yield_now().await;
        }
        sending.abort();
        let _gone_or_done = sending.await;
        // The thread that writes for nobody ends its write first.
        while let Err(error) = house.store.open(&house.us, ID, house.get().await.offset).await {
            assert!(matches!(error, UploadError::Locked | UploadError::OffsetMismatch { .. }), "{error}");
        }
        let end = house.get().await.offset;
        assert!(end >= begin && fs::read(house.path("data")).unwrap() == content[..end as usize], "a prefix");
        rounds += 1;
        assert!(rounds < 5_000, "it comes to an end");
    }
    let kept = house.store.finish(&house.us, ID).await.unwrap();
    assert_eq!(kept.sha256, sha256(&content));
}

#[tokio::test]
async fn content_that_was_damaged_is_not_finished() {
    let house = House::new();
    house.store.create(NewUpload { sha256: Some(sha256(b"abc")), ..new_upload() }).await.unwrap();
    house.add(0, b"abd").await;
    for _ in 0..2 {
        let refused = house.store.finish(&house.us, ID).await;
        assert!(matches!(refused, Err(UploadError::DigestMismatch)), "{refused:?}");
    }
    assert_eq!(house.blob(b"abd").await, None);
    house.store.terminate(&house.us, ID).await.unwrap();
    assert_eq!(house.store.get(&house.us, ID).await.unwrap(), None);
    assert!(!house.path("").exists());
}

/// A crash at each step of finishing: finishing again gives the same blob.
#[tokio::test]
async fn finishing_goes_on_after_a_crash() {
    let mut house = House::new();
    house.begin(Some(3)).await;
    house.add(0, b"abc").await;
    let kept = house.store.finish(&house.us, ID).await.unwrap();
    let finished = house.get().await;
    assert_eq!((finished.offset, finished.finished.as_ref()), (3, Some(&kept)));
    assert_eq!(house.store.unfinished().await.unwrap(), []);
    house = house.again();
    assert_eq!(house.get().await, finished);
    assert_eq!(house.store.finish(&house.us, ID).await.unwrap(), kept, "after everything");

    // Before the data were moved: they are here still, and already for reading only.
    let blob = house.blobs.path(&kept.sha256).await.unwrap().unwrap();
    fs::rename(&blob, house.path("data")).unwrap();
    house = house.again();
    let found = house.get().await;
    assert_eq!((found.offset, found.finished), (3, None));
    assert_eq!(house.store.unfinished().await.unwrap().len(), 1);
    assert!(matches!(house.store.open(&house.us, ID, 3).await.err(), Some(UploadError::Finished)));
    assert_eq!(house.store.finish(&house.us, ID).await.unwrap(), kept);
    assert_eq!(house.blob(b"abc").await.as_deref(), Some(&b"abc"[..]));

    // The blob was deleted since: there is nothing to give.
    house.blobs.delete(&kept.sha256).await.unwrap();
    assert!(matches!(house.store.finish(&house.us, ID).await, Err(UploadError::NotFound)));
    house.store.terminate(&house.us, ID).await.unwrap();
}

#[tokio::test]
async fn what_is_past_its_time_goes_and_blobs_stay() {
    let house = House::new();
    let id = |number: u128| Uuid::from_u128(number);
    for (number, tenant, expires_ms) in [(1, "local", 10), (2, "other", 20), (3, "local", 30), (4, "local", 10)] {
        let (tenant, expires_at) = (Tenant(tenant.to_owned()), Timestamp::from_unix_ms(expires_ms));
        house
            .store
            .create(NewUpload { id: id(number), tenant: tenant.clone(), expires_at, ..new_upload() })
            .await
            .unwrap();
        let mut writer = house.store.open(&tenant, id(number), 0).await.unwrap();
        writer.write(&vec![1; number as usize * 1_000]).await.unwrap();
        writer.keep().await.unwrap();
    }
    let kept = house.store.finish(&house.us, id(4)).await.unwrap();
    let expired = |now| house.store.expire(Timestamp::from_unix_ms(now), &[]);
    assert_eq!(expired(9).await.unwrap(), Expired::default());
    let all = [id(1), id(2), id(4)];
    assert_eq!(house.store.expire(Timestamp::from_unix_ms(20), &all).await.unwrap(), Expired::default());
    assert_eq!(expired(20).await.unwrap(), Expired { uploads: 3, bytes: 3_000 }, "of all tenants");
    assert_eq!(expired(20).await.unwrap(), Expired::default());
    let left: Vec<Uuid> = house.store.unfinished().await.unwrap().iter().map(|upload| upload.id).collect();
    assert_eq!(left, [id(3)]);
    assert!(house.blobs.path(&kept.sha256).await.unwrap().is_some());
    assert_eq!(fs::read_dir(house.folder.path().join("uploads")).unwrap().count(), 1);
}

#[tokio::test]
async fn no_more_are_begun_than_may_be_unfinished() {
    let house = House::new();
    let id = Uuid::from_u128;
    let begin = async |store: &LocalUploadStore, number| {
        let new = NewUpload { id: id(number), length: Some(1), ..new_upload() };
        store.create(new).await.map(drop)
    };
    let full = |begun: Result<(), UploadError>| matches!(begun, Err(UploadError::TooMany { limit: OPEN_MAX }));
    for number in 0..OPEN_MAX as u128 {
        begin(&house.store, number).await.unwrap();
    }
    assert!(full(begin(&house.store, 100).await));
    assert!(begin(&house.store, 0).await.is_ok(), "it is there already");
    let house = house.again();
    assert!(full(begin(&house.store, 100).await), "after a restart, too");
    // Finished, removed, past its time: each makes room for one.
    let mut writer = house.store.open(&house.us, id(0), 0).await.unwrap();
    writer.write(b"a").await.unwrap();
    writer.keep().await.unwrap();
    house.store.finish(&house.us, id(0)).await.unwrap();
    house.store.terminate(&house.us, id(1)).await.unwrap();
    begin(&house.store, 100).await.unwrap();
    begin(&house.store, 101).await.unwrap();
    assert!(full(begin(&house.store, 102).await));
    house.store.expire(Timestamp::from_unix_ms(u64::MAX), &[]).await.unwrap();
    begin(&house.store, 102).await.unwrap();
}

#[tokio::test]
async fn an_upload_is_kept_as_long_as_was_promised_last() {
    let house = House::new();
    let at = Timestamp::from_unix_ms;
    let begun = house.begin(Some(9)).await;
    let mut writer = house.open(0).await;
    writer.write(b"abc").await.unwrap();
    let later = begun.expires_at.plus_ms(5);
    assert_eq!(writer.renew(later).await.unwrap(), later);
    assert_eq!(writer.renew(at(1)).await.unwrap(), later, "no promise is taken back");
    writer.write(b"def").await.unwrap();
    assert_eq!(writer.keep().await.unwrap(), 6);
    // A crash while the note was written leaves the one before.
    fs::write(house.path("meta.json.new"), b"{").unwrap();
    let house = house.again();
    assert_eq!((house.get().await.expires_at, house.get().await.offset), (later, 6));
    assert_eq!(house.store.expire(begun.expires_at, &[]).await.unwrap(), Expired::default());
    assert_eq!(house.add(6, b"ghi").await, 9);
    let kept = house.store.finish(&house.us, ID).await.unwrap();
    assert_eq!(kept.sha256, sha256(b"abcdefghi"), "and the digest goes on");
    assert_eq!(house.store.expire(later, &[]).await.unwrap().uploads, 1);
}

#[tokio::test]
async fn leftovers_of_beginning_and_ending_are_removed() {
    let house = House::new();
    house.begin(Some(3)).await;
    house.add(0, b"ab").await;
    let uploads = house.folder.path().join("uploads");
    let folder = |number: u128| uploads.join(Uuid::from_u128(number).to_string());
    for number in [20, 21, 22] {
        fs::create_dir(folder(number)).unwrap();
        fs::write(folder(number).join("data"), b"x").unwrap();
    }
    fs::write(folder(21).join("meta.json.new"), b"{").unwrap();
    fs::write(folder(22).join("meta.json"), b"{}").unwrap();
    fs::write(uploads.join("notes.txt"), b"theirs").unwrap();
    let house = house.again();
    assert!([20, 21, 22].iter().all(|number| !folder(*number).exists()));
    assert!(uploads.join("notes.txt").exists());
    assert_eq!(house.get().await.offset, 2);
    assert_eq!(house.add(2, b"c").await, 3);
}

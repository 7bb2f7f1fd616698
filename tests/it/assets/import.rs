//! Uploads become assets, whatever dies.

use super::{
    house::{CONTENT, House, Life, giver, upload},
    ports::Fuse,
};
use application::{
    commands::{
        expire_uploads::ExpireUploads,
        import_asset::{ImportError, Recovered},
    },
    ports::{
        event_log::Tenant,
        upload_store::{NewUpload, UploadError},
    },
    testing::ManualClock,
};
use domain::{
    asset::Phase,
    value::{AssetId, Personal, Sha256, Timestamp},
};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

const NUMBER: u128 = 7;
const ID: AssetId = AssetId(Uuid::from_u128(NUMBER));

#[tokio::test]
async fn an_upload_becomes_an_asset_once() {
    let house = House::new();
    let life = house.live_on();
    upload(&life, NUMBER, "talk.mp4", CONTENT).await;
    let first = life.import.run(ID.0, &giver()).await.unwrap();
    let again = life.import.run(ID.0, &giver()).await.unwrap();
    assert_eq!((first.asset, again.asset), (ID, ID));
    assert_eq!(first.appended.map(|it| it.position), again.appended.map(|it| it.position));
    let asset = life.asset(ID).await;
    let uploaded = asset.uploaded.as_ref().unwrap();
    assert_eq!((uploaded.name.reveal().unwrap().as_str(), uploaded.media.bytes), ("talk.mp4", CONTENT.len() as u64));
    assert!(life.has(CONTENT).await);
    assert_eq!(house.log.head().await.unwrap(), 1);
}

#[tokio::test]
async fn a_program_that_dies_between_two_steps_makes_it_good_at_its_start() {
    let mut deaths = 0;
    for steps in 0..20 {
        let house = House::new();
        let fuse = Fuse::of(steps);
        let life = house.live(&fuse);
        upload(&life, NUMBER, "talk.mp4", CONTENT).await;
        let died = life.import.run(ID.0, &giver()).await.is_err();
        drop(life);
        let life = house.live_on();
        let recovered = life.import.recover().await.unwrap();
        assert_eq!(recovered, Recovered { imported: u64::from(died), ..Recovered::default() }, "after {steps} steps");
        assert!(life.has(CONTENT).await);
        assert!(matches!(life.asset(ID).await.phase, Phase::Uploaded { scanned: false }));
        assert_eq!(life.asset(ID).await.uploaded.as_ref().unwrap().name.reveal().unwrap(), "talk.mp4");
        assert_eq!(house.log.head().await.unwrap(), 1, "after {steps} steps");
        assert_eq!(life.import.recover().await.unwrap(), Recovered::default());
        if !died {
            break;
        }
        deaths += 1;
    }
    assert_eq!(deaths, 2, "before and behind finishing");
}

#[tokio::test]
async fn a_complete_upload_whose_import_failed_is_not_lost_when_its_time_is_up() {
    for steps in [0, 1] {
        let house = House::new();
        let fuse = Fuse::of(steps);
        let life = house.live(&fuse);
        upload(&life, NUMBER, "talk.mp4", CONTENT).await;
        life.import.run(ID.0, &giver()).await.unwrap_err();
        let clock = Arc::new(ManualClock::default());
        clock.set(Timestamp::from_unix_ms(4_000_000_000_000));
        let round = |life: &Life| ExpireUploads {
            import: life.import.clone(),
            uploads: life.uploads.clone(),
            clock: clock.clone(),
            every: Duration::from_secs(60),
        };
        // The import fails again, before it became a blob or when its blob is asked for: it stays for the next round.
        let expired = round(&life).run().await.unwrap();
        assert_eq!(expired.uploads, 0, "after {steps} steps");
        drop(life);
        let life = house.live_on();
        round(&life).run().await.unwrap();
        assert!(matches!(life.asset(ID).await.phase, Phase::Uploaded { .. }), "after {steps} steps");
        assert!(life.has(CONTENT).await && life.uploads.finished().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_can_never_be_an_asset_is_removed_at_start() {
    let house = House::new();
    let life = house.live_on();
    let new = |number, length, sha256| NewUpload {
        id: Uuid::from_u128(number),
        tenant: Tenant::default(),
        length,
        name: Personal::new(String::new()),
        media_type: "video/mp4".to_owned(),
        sha256,
        expires_at: Timestamp::from_unix_ms(4_000_000_000_000),
    };
    life.uploads.create(new(1, None, None)).await.unwrap();
    life.uploads.create(new(2, Some(0), Some(Sha256::new([1; 32])))).await.unwrap();
    life.uploads.create(new(3, Some(9), None)).await.unwrap();
    let refused = life.import.run(Uuid::from_u128(2), &giver()).await;
    assert!(matches!(refused, Err(ImportError::Upload(UploadError::DigestMismatch))));
    let refused = life.import.run(Uuid::from_u128(3), &giver()).await;
    assert!(matches!(refused, Err(ImportError::Upload(UploadError::Incomplete { .. }))));
    let recovered = life.import.recover().await.unwrap();
    assert_eq!(recovered, Recovered { removed: 2, ..Recovered::default() });
    let left: Vec<Uuid> = life.uploads.unfinished().await.unwrap().into_iter().map(|upload| upload.id).collect();
    assert_eq!(left, [Uuid::from_u128(3)], "its client may come back");
}

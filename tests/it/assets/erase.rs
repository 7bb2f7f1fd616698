//! Erasing leaves nothing behind, and nothing that others need goes with it.

use super::{
    house::{CONTENT, House, giver},
    ports::Fuse,
};
use application::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    commands::{asset_desk::DeskStatus, erase_asset::EraseError},
    ports::event_log::{StreamId, Tenant},
    stop::{Stopper, Stopping},
};
use domain::{
    asset::Phase,
    dubbing::{Dubbing, DubbingCommand, Order, Priority, Start, Transcript},
    value::{Artefact, AssetId, DubbingId, Personal, Sha256},
};
use std::time::Duration;
use uuid::Uuid;

const JOB: DubbingId = DubbingId(Uuid::from_u128(0xd0b));

async fn dub(aggregates: &Aggregates, asset: AssetId, source: Artefact) {
    let start = Start {
        identity: Sha256::new([9; 32]),
        source,
        name: Personal::new("talk".to_owned()),
        audio_stream: None,
        source_language: "en".parse().unwrap(),
        language_assumed: true,
        transcript: Transcript::Recognised,
        delivery: None,
        order: Order {
            asset: Some(asset),
            project: None,
            client_reference: None,
            priority: Priority::Normal,
            forked_from: None,
        },
        tracks: vec![],
    };
    let meta = CommandMeta::fresh("test", Uuid::from_u128(1));
    aggregates
        .execute::<Dubbing>(&StreamId::Dubbing(JOB), DubbingCommand::Start(Box::new(start)), &meta)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_asset_that_is_being_dubbed_stays_and_so_does_the_source_of_what_was_dubbed() {
    let house = House::new();
    let life = house.live_on();
    let id = house.hand_in(&life, 1, "talk.mp4", CONTENT).await;
    let media = life.asset(id).await.uploaded.as_ref().unwrap().media.clone();
    dub(&life.aggregates, id, media).await;
    let refused = life.followed(life.erase.run(id, &giver())).await;
    assert!(matches!(refused, Err(EraseError::InUse)), "{refused:?}");
    assert!(matches!(life.asset(id).await.phase, Phase::Uploaded { .. }));
    let meta = CommandMeta::fresh("test", Uuid::from_u128(2));
    life.aggregates.execute::<Dubbing>(&StreamId::Dubbing(JOB), DubbingCommand::Cancel, &meta).await.unwrap();
    life.followed(life.erase.run(id, &giver())).await.unwrap();
    assert_eq!(life.asset(id).await.phase, Phase::Erased);
    assert!(life.has(CONTENT).await, "a dubbing was made from it");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_were_handed_in_twice_go_with_the_last_one() {
    let house = House::new();
    let life = house.live_on();
    let one = house.hand_in(&life, 1, "a.mp4", CONTENT).await;
    let two = house.hand_in(&life, 2, "b.mp4", CONTENT).await;
    life.followed(life.erase.run(one, &giver())).await.unwrap();
    assert!(life.has(CONTENT).await);
    life.followed(life.erase.run(two, &giver())).await.unwrap();
    assert!(!life.has(CONTENT).await);
    assert_eq!(life.uploads.finished().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn an_asset_of_others_is_none() {
    let house = House::new();
    let life = house.live_on();
    let id = house.hand_in(&life, 1, "a.mp4", CONTENT).await;
    let other = CommandMeta::given(Tenant("other".to_owned()), "test", Uuid::from_u128(3));
    let refused = life.followed(life.erase.run(id, &other)).await;
    assert!(matches!(refused, Err(EraseError::Command(CommandError::NotFound))), "{refused:?}");
    assert!(life.has(CONTENT).await);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_dies_between_two_steps_erases_the_rest_at_its_start() {
    let mut deaths = 0;
    for steps in 0..20 {
        let house = House::new();
        let id = house.hand_in(&house.live_on(), 1, "talk.mp4", CONTENT).await;
        let life = house.live(&Fuse::of(steps));
        let died = life.followed(life.erase.run(id, &giver())).await.is_err();
        drop(life);
        let life = house.live_on();
        life.runner.catch_up().await.unwrap();
        let stopper = Stopper::new();
        let (desk, signal) = (life.desk(&house, &DeskStatus::default()), stopper.signal());
        let erased = async {
            while life.has(CONTENT).await || house.vault_has(id.0) || !life.uploads.finished().await.unwrap().is_empty()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stopper.ask(Stopping::AtSafePoint);
        };
        let bounded = tokio::time::timeout(
            Duration::from_secs(60),
            life.followed(async {
                tokio::join!(erased, desk.run(&signal));
            }),
        );
        assert!(bounded.await.is_ok(), "after {steps} steps");
        assert_eq!(life.asset(id).await.phase, Phase::Erased);
        if !died {
            break;
        }
        deaths += 1;
    }
    assert_eq!(deaths, 6, "before and behind the key, the note and the file");
}

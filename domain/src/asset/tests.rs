//! Each command to an asset: accepted, refused, silent.

use super::{Asset, AssetCommand, AssetEvent, AssetRejection, Quarantine, ScanVerdict, ValidatedAsset, WhyQuarantined};
use crate::{
    spec::given,
    value::{Artefact, Decibel, Personal, Producer, Sha256},
};

fn media(byte: u8) -> Artefact {
    Artefact { sha256: Sha256::new([byte; 32]), media_type: "video/mp4".to_owned(), bytes: 10 }
}

fn register(byte: u8) -> AssetCommand {
    AssetCommand::Register { media: media(byte), name: Personal::new("talk.mp4".to_owned()) }
}

fn uploaded() -> AssetEvent {
    AssetEvent::AssetUploaded { media: media(1), name: Personal::new("talk.mp4".to_owned()) }
}

fn scanner() -> Producer {
    Producer { engine: "clamd".to_owned(), version: "1.4".to_owned(), model_digest: None }
}

fn found() -> ValidatedAsset {
    ValidatedAsset {
        container: "video/quicktime".to_owned(),
        duration_ms: 60_000,
        video: vec![],
        audio: vec![],
        subtitles: vec![],
        loudness: Decibel::from_db(-16.0),
        true_peak: Decibel::from_db(-1.0),
    }
}

fn quarantine() -> Quarantine {
    let (code, message) = ("no-audio".to_owned(), "there is no sound".to_owned());
    Quarantine { why: WhyQuarantined::NotDubbable, code, message }
}

#[test]
fn an_asset_is_handed_in_once() {
    given::<Asset>([]).when(register(1)).then([uploaded()]);
    given::<Asset>([uploaded()]).when(register(1)).then_silent();
    given::<Asset>([uploaded()]).when(register(2)).then_refused(&AssetRejection::AlreadyRegistered);
    given::<Asset>([uploaded(), AssetEvent::AssetErased]).when(register(1)).then_refused(&AssetRejection::Erased);
}

#[test]
fn an_asset_is_scanned_and_put_aside_when_it_is_infected() {
    let scan = |verdict| AssetCommand::RecordScan { scanner: scanner(), verdict };
    let scanned = |verdict| AssetEvent::AssetScanned { scanner: scanner(), verdict };
    given::<Asset>([uploaded()]).when(scan(ScanVerdict::Clean)).then([scanned(ScanVerdict::Clean)]);
    given::<Asset>([uploaded(), scanned(ScanVerdict::Clean)]).when(scan(ScanVerdict::Clean)).then_silent();
    let infected = ScanVerdict::Infected { signature: "Eicar".to_owned() };
    let events = given::<Asset>([uploaded()]).when(scan(infected.clone()));
    events.then([scanned(infected), AssetEvent::AssetQuarantined(super::decide::infected())]);
    given::<Asset>([]).when(scan(ScanVerdict::Clean)).then_refused(&AssetRejection::Unknown);
}

#[test]
fn that_an_asset_was_not_scanned_is_said_once_and_a_verdict_may_come_later() {
    use super::WhyNotScanned::{NoAnswer, TooLarge};
    let clean = AssetCommand::RecordScan { scanner: scanner(), verdict: ScanVerdict::Clean };
    let scanned = AssetEvent::AssetScanned { scanner: scanner(), verdict: ScanVerdict::Clean };
    let unscanned = |reason| AssetEvent::AssetNotScanned { reason };
    let not_scanned = AssetCommand::RecordNotScanned;
    given::<Asset>([uploaded()]).when(not_scanned(NoAnswer)).then([unscanned(NoAnswer)]);
    given::<Asset>([uploaded(), unscanned(NoAnswer)]).when(not_scanned(NoAnswer)).then_silent();
    given::<Asset>([uploaded(), unscanned(NoAnswer)]).when(not_scanned(TooLarge)).then([unscanned(TooLarge)]);
    given::<Asset>([uploaded(), unscanned(NoAnswer)]).when(clean).then([scanned.clone()]);
    given::<Asset>([uploaded(), scanned]).when(not_scanned(NoAnswer)).then_silent();
    let late = given::<Asset>([uploaded(), AssetEvent::AssetValidated(found())]).when(not_scanned(NoAnswer));
    late.then_refused(&AssetRejection::AlreadyChecked);
    given::<Asset>([]).when(not_scanned(NoAnswer)).then_refused(&AssetRejection::Unknown);
}

#[test]
fn an_asset_is_found_to_be_dubbable_or_not_and_only_once() {
    let validate = || AssetCommand::Validate(Box::new(found()));
    let validated = AssetEvent::AssetValidated(found());
    given::<Asset>([uploaded()]).when(validate()).then([validated.clone()]);
    given::<Asset>([uploaded(), validated.clone()]).when(validate()).then_silent();
    let quarantined = AssetEvent::AssetQuarantined(quarantine());
    given::<Asset>([uploaded()]).when(AssetCommand::Quarantine(quarantine())).then([quarantined.clone()]);
    given::<Asset>([uploaded(), quarantined.clone()]).when(AssetCommand::Quarantine(quarantine())).then_silent();
    given::<Asset>([uploaded(), quarantined]).when(validate()).then_refused(&AssetRejection::AlreadyChecked);
    let late = AssetCommand::Quarantine(quarantine());
    given::<Asset>([uploaded(), validated]).when(late).then_refused(&AssetRejection::AlreadyChecked);
}

#[test]
fn an_asset_is_erased_once() {
    given::<Asset>([uploaded()]).when(AssetCommand::Erase).then([AssetEvent::AssetErased]);
    given::<Asset>([uploaded(), AssetEvent::AssetErased]).when(AssetCommand::Erase).then_silent();
    given::<Asset>([]).when(AssetCommand::Erase).then_refused(&AssetRejection::Unknown);
}

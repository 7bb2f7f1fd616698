//! What a command to an asset brings about.

use super::{Asset, AssetCommand, AssetEvent, AssetRejection, Phase, Quarantine, ScanVerdict, WhyQuarantined};
use crate::decider::Decider;

impl Decider for Asset {
    type State = Asset;
    type Command = AssetCommand;
    type Event = AssetEvent;
    type Rejection = AssetRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(asset: &Asset, command: AssetCommand) -> Result<Vec<AssetEvent>, AssetRejection> {
        match (&asset.phase, command) {
            (Phase::Absent, AssetCommand::Register { media, name }) => {
                Ok(vec![AssetEvent::AssetUploaded { media, name }])
            }
            (Phase::Absent, _) => Err(AssetRejection::Unknown),
            (Phase::Erased, AssetCommand::Erase) => Ok(vec![]),
            (Phase::Erased, _) => Err(AssetRejection::Erased),
            (Phase::Uploaded { .. } | Phase::Ready(_) | Phase::Quarantined(_), AssetCommand::Erase) => {
                Ok(vec![AssetEvent::AssetErased])
            }
            (_, AssetCommand::Register { media, .. }) => {
                let same = asset.uploaded.as_ref().is_some_and(|uploaded| uploaded.media.sha256 == media.sha256);
                if same { Ok(vec![]) } else { Err(AssetRejection::AlreadyRegistered) }
            }
            (Phase::Uploaded { scanned }, command) => Ok(check(asset, *scanned, command)),
            (Phase::Ready(found), AssetCommand::Validate(again)) if *found == again => Ok(vec![]),
            (Phase::Quarantined(why), AssetCommand::Quarantine(again)) if *why == again => Ok(vec![]),
            (Phase::Ready(_) | Phase::Quarantined(_), _) => Err(AssetRejection::AlreadyChecked),
        }
    }

    fn evolve(asset: &mut Asset, event: &AssetEvent) {
        asset.evolve(event);
    }
}

/// What those who look at it find. What is infected is put aside in the same append.
fn check(asset: &Asset, scanned: bool, command: AssetCommand) -> Vec<AssetEvent> {
    match command {
        AssetCommand::RecordScan { verdict: ScanVerdict::Clean, .. } if scanned => vec![],
        AssetCommand::RecordScan { scanner, verdict } => {
            let infected = match &verdict {
                ScanVerdict::Infected { .. } => Some(AssetEvent::AssetQuarantined(infected())),
                ScanVerdict::Clean => None,
            };
            [AssetEvent::AssetScanned { scanner, verdict }].into_iter().chain(infected).collect()
        }
        AssetCommand::RecordNotScanned(reason) if scanned || asset.not_scanned == Some(reason) => vec![],
        AssetCommand::RecordNotScanned(reason) => vec![AssetEvent::AssetNotScanned { reason }],
        AssetCommand::Validate(found) => vec![AssetEvent::AssetValidated(*found)],
        AssetCommand::Quarantine(why) => vec![AssetEvent::AssetQuarantined(why)],
        // Both are decided before.
        AssetCommand::Register { .. } | AssetCommand::Erase => vec![],
    }
}

pub(super) fn infected() -> Quarantine {
    Quarantine {
        why: WhyQuarantined::Infected,
        code: "infected".to_owned(),
        message: "the scanner found malware in the file; hand in a clean copy".to_owned(),
    }
}

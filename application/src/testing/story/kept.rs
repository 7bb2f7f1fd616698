//! What else happens beside jobs: sources are handed in and looked at, projects and glossaries are made, changed and
//! removed.

use super::{Random, SECRET, facts, history::History, people};
use domain::{
    asset::{
        AssetCommand, AssetSound, AssetText, AssetVideo, Quarantine, ScanVerdict, ValidatedAsset, WhyNotScanned,
        WhyQuarantined,
    },
    glossary::{Content, GlossaryCommand},
    project::ProjectCommand,
    value::{AssetId, Decibel, GlossaryId, Personal, Producer, ProjectId},
};
use uuid::Uuid;

/// How many there are of each kind.
const MANY: u64 = 5;

/// Something happens to one of them, or nothing.
pub(super) fn step(history: &mut History, random: &mut Random) {
    let id = Uuid::from_u128(u128::from(random.below(MANY) + 5));
    match random.below(6) {
        4 | 5 => people::step(history, random),
        0 => history.project(ProjectId(id), project(random)),
        1 => history.glossary(GlossaryId(id), glossary(random)),
        _ => {
            let command = asset(random);
            history.asset(AssetId(id), command);
        }
    }
}

fn name(random: &mut Random) -> Personal<String> {
    Personal::new(format!("{SECRET} {}", random.below(3)))
}

fn project(random: &mut Random) -> ProjectCommand {
    match random.below(6) {
        0 => ProjectCommand::Remove,
        1 | 2 => ProjectCommand::Rename { name: name(random) },
        _ => ProjectCommand::Create { name: name(random) },
    }
}

fn glossary(random: &mut Random) -> GlossaryCommand {
    let content = Content {
        name: name(random),
        language: random.one_in(2).then(|| super::tag("es")),
        terms: facts::artefact(random, "text/csv"),
        count: u32::try_from(random.below(100)).unwrap_or(0),
    };
    match random.below(6) {
        0 => GlossaryCommand::Remove,
        1 | 2 => GlossaryCommand::Replace(content),
        _ => GlossaryCommand::Create(content),
    }
}

fn asset(random: &mut Random) -> AssetCommand {
    match random.below(12) {
        0 => AssetCommand::Erase,
        1 => AssetCommand::Quarantine(Quarantine {
            why: WhyQuarantined::NotDubbable,
            code: "no-audio".to_owned(),
            message: "there is no sound".to_owned(),
        }),
        2 | 3 => AssetCommand::Validate(Box::new(ValidatedAsset {
            container: "video/quicktime".to_owned(),
            duration_ms: 1 + random.below(100_000),
            video: (0..random.below(2)).map(|_| picture()).collect(),
            audio: vec![AssetSound {
                index: 0,
                codec: "audio/mpeg".to_owned(),
                channels: 2,
                rate_hz: 48_000,
                language: None,
            }],
            subtitles: vec![AssetText { index: 0, codec: "text/x-raw".to_owned(), language: None }],
            loudness: Decibel::from_db(-23.45),
            true_peak: Decibel::from_db(-1.07),
        })),
        4..=6 => {
            let scanner = Producer { engine: "clamd".to_owned(), version: "1.4".to_owned(), model_digest: None };
            let signature = "Eicar-Test-Signature".to_owned();
            let verdict = if random.one_in(6) { ScanVerdict::Infected { signature } } else { ScanVerdict::Clean };
            AssetCommand::RecordScan { scanner, verdict }
        }
        7 => AssetCommand::RecordNotScanned(WhyNotScanned::NoAnswer),
        _ => AssetCommand::Register { media: facts::artefact(random, "video/mp4"), name: name(random) },
    }
}

fn picture() -> AssetVideo {
    AssetVideo { index: 0, codec: "video/x-h264".to_owned(), width: 1280, height: 720 }
}

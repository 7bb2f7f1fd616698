//! Every event ever written stays readable: one golden file per type and version.
//!
//! A golden file is a row as stored, written once from a sample and never changed. To add those that
//! are missing: `UPDATE_GOLDEN=1 cargo test -p tests events_golden`. That never rewrites a file: a
//! shape that changes needs a new version in `event-codec`, an upcaster, and a new file.

#![expect(clippy::expect_used, reason = "a test that cannot go on says where it stopped")]

mod samples;

use application::{
    commands::collect_blobs::references,
    ports::event_log::{Append, Recorded, Tenant},
    testing::MemoryKeyVault,
};
use domain::value::{Sha256, Timestamp};
use event_codec::{Content, EventCodec, Row, Tail, catalogue};
use samples::{Sample, samples};
use serde_json::{Value, json};
use sha2::Digest;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    str::FromStr,
    sync::Arc,
};
use uuid::Uuid;

#[test]
fn every_sample_is_stored_as_in_its_golden_file() {
    let golden = golden();
    for (name, row) in encoded() {
        let file = golden.get(&name).unwrap_or_else(|| panic!("{name}.json is missing: see this file's header"));
        assert_eq!(file, &file_of(&row), "{name} is stored otherwise than before: it needs a new version");
        assert_eq!(data_of(file), row.content.data, "{name}");
    }
}

#[test]
fn every_golden_file_reads_as_its_sample() {
    let codec = codec();
    let samples: BTreeMap<String, Sample> =
        samples().into_iter().map(|sample| (encode(&codec, &sample).content.event_type, sample)).collect();
    for (name, file) in golden() {
        let recorded: Recorded = codec.decode(row_of(&file)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let (stream, event) = &samples[&recorded.event_type];
        assert_eq!((&recorded.stream, &recorded.event), (stream, event), "{name}");
    }
}

#[test]
fn every_type_and_version_has_a_file_and_every_file_has_a_type() {
    let expected: BTreeSet<String> = catalogue()
        .iter()
        .flat_map(|doc| (1..=doc.version).map(|version| format!("{}.{version}", doc.event_type)))
        .collect();
    assert_eq!(golden().into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn no_golden_file_has_changed() {
    write_missing();
    let frozen: BTreeSet<String> =
        fs::read_to_string(digests()).expect("the digests").lines().map(ToOwned::to_owned).collect();
    let there: BTreeSet<String> = golden_names().iter().map(|name| digest_line(name)).collect();
    assert_eq!(there, frozen, "golden files are never changed and never removed");
}

#[test]
fn a_golden_file_is_sealed() {
    for (name, row) in encoded() {
        for word in ["Ann", "talk", "evening", "noite", "luck"] {
            assert!(!row.content.data.contains(word), "{name} holds a personal value in the open");
        }
    }
}

/// Whatever a stored event refers to is known to who removes what nothing refers to.
#[test]
fn references_are_those_that_are_stored() {
    let mut kinds = BTreeSet::new();
    for file in golden().into_values() {
        let mut known = BTreeSet::new();
        let recorded: Recorded = codec().decode(row_of(&file)).expect("an event");
        references(&recorded.event, &mut |artefact| {
            known.insert(artefact.sha256.to_string());
        });
        let stored = file["artefacts"].as_array().expect("a list").iter();
        let stored: BTreeSet<String> =
            stored.map(|artefact| artefact["sha256"].as_str().expect("a digest").to_owned()).collect();
        if !stored.is_empty() {
            kinds.insert(recorded.event_type.clone());
        }
        assert_eq!(known, stored, "{}", recorded.event_type);
    }
    assert!(kinds.len() >= 15, "only {kinds:?} refer to anything");
}

/// The golden files by type and version.
pub fn golden() -> BTreeMap<String, Value> {
    write_missing();
    let read = |name: String| {
        let text = fs::read_to_string(folder().join(format!("{name}.json"))).expect("a golden file");
        (name, serde_json::from_str(&text).expect("JSON"))
    };
    golden_names().into_iter().map(read).collect()
}

/// The golden files, read as events.
pub fn recorded() -> Vec<Recorded> {
    let codec = codec();
    golden().into_values().map(|file| codec.decode(row_of(&file)).expect("an event")).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/events")
}

fn digests() -> PathBuf {
    folder().with_file_name("events.sha256")
}

fn golden_names() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("the golden folder").map(|entry| entry.expect("a file").file_name());
    let mut names: Vec<String> = files
        .map(|name| name.to_str().and_then(|name| name.strip_suffix(".json")).expect("a JSON file").to_owned())
        .collect();
    names.sort();
    names
}

fn codec() -> EventCodec {
    EventCodec::new("main", Arc::new(MemoryKeyVault::new(42)))
}

fn encoded() -> BTreeMap<String, Row> {
    let codec = codec();
    let named = |row: Row| (format!("{}.{}", row.content.event_type, row.content.schema_version), row);
    samples().iter().map(|sample| named(encode(&codec, sample))).collect()
}

/// The sample as the first event of its stream, by a command that follows from nothing but the type.
fn encode(codec: &EventCodec, (stream, event): &Sample) -> Row {
    let append = Append {
        tenant: Tenant::default(),
        actor: "golden".to_owned(),
        command_id: Uuid::from_u128(0x0198_7f00_0000_7000_8000_0000_0000_00c0),
        fingerprint: Sha256::new([0xf0; 32]),
        causation_id: Some(Uuid::from_u128(0x0198_7f00_0000_5000_8000_0000_0000_00ca)),
        traceparent: None,
        stream: stream.clone(),
        expected_revision: 0,
        under: None,
        events: vec![event.clone()],
    };
    let prepared = codec.prepare(append).expect("a sample is encoded");
    prepared.chain(&Tail::EMPTY, 0, Timestamp::from_unix_ms(1_769_846_400_000)).1.remove(0)
}

/// A row as a golden file. Keys in order, whatever order serde_json keeps.
fn file_of(row: &Row) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("stored JSON");
    let Content { stream, revision, event_id, event_type, schema_version, tenant, actor, .. } = &row.content;
    json!({
        "actor": actor,
        "artefacts": parsed(&row.content.artefacts),
        "causation_id": row.content.causation_id,
        "command_id": row.content.command_id,
        "correlation_id": row.content.correlation_id,
        "data": parsed(&row.content.data),
        "event_id": event_id,
        "event_type": event_type,
        "fingerprint": row.content.fingerprint,
        "hash": row.hash,
        "ordinal": row.content.ordinal,
        "position": row.position,
        "prev_hash": row.prev_hash,
        "recorded_at": row.recorded_at,
        "revision": revision,
        "schema_version": schema_version,
        "stream": stream,
        "subject_keys": parsed(&row.content.subject_keys),
        "tenant": tenant,
    })
}

fn row_of(file: &Value) -> Row {
    Row {
        position: number(file, "position"),
        recorded_at: parsed(file, "recorded_at"),
        prev_hash: parsed(file, "prev_hash"),
        hash: parsed(file, "hash"),
        content: Content {
            stream: parsed(file, "stream"),
            revision: number(file, "revision"),
            event_id: parsed(file, "event_id"),
            event_type: parsed(file, "event_type"),
            schema_version: u16::try_from(number(file, "schema_version")).expect("a version"),
            tenant: parsed(file, "tenant"),
            actor: parsed(file, "actor"),
            command_id: parsed(file, "command_id"),
            fingerprint: parsed(file, "fingerprint"),
            ordinal: u32::try_from(number(file, "ordinal")).expect("an ordinal"),
            traceparent: None,
            causation_id: Some(parsed(file, "causation_id")),
            correlation_id: parsed(file, "correlation_id"),
            subject_keys: file["subject_keys"].to_string(),
            artefacts: file["artefacts"].to_string(),
            data: data_of(file),
        },
    }
}

/// The stored text of the data: the file has its keys in the stored order.
fn data_of(file: &Value) -> String {
    file["data"].to_string()
}

fn number(file: &Value, field: &str) -> u64 {
    file[field].as_u64().expect("a number")
}

fn parsed<T: FromStr<Err: std::fmt::Debug>>(file: &Value, field: &str) -> T {
    file[field].as_str().expect("a text").parse().expect("a value")
}

fn digest_line(name: &str) -> String {
    let bytes = fs::read(folder().join(format!("{name}.json"))).expect("a golden file");
    format!("{}  {name}.json", Sha256::new(sha2::Sha256::digest(&bytes).into()))
}

/// Writes golden files that are missing, when asked to; once, before any test of this process goes on.
fn write_missing() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if !crate::asked_for("UPDATE_GOLDEN") {
            return;
        }
        fs::create_dir_all(folder()).expect("the golden folder");
        let frozen = fs::read_to_string(digests()).unwrap_or_default();
        let mut lines: BTreeSet<String> = frozen.lines().map(ToOwned::to_owned).collect();
        for (name, row) in encoded() {
            let path = folder().join(format!("{name}.json"));
            if !path.exists() && !frozen.contains(&format!("  {name}.json\n")) {
                let text = serde_json::to_string_pretty(&file_of(&row)).expect("JSON");
                fs::write(path, text + "\n").expect("written");
                lines.insert(digest_line(&name));
            }
        }
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_by_key(|line| line.split_once("  ").map(|(_, name)| name.to_owned()));
        fs::write(digests(), lines.join("\n") + "\n").expect("written");
    });
}

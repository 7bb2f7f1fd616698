//! What the codec stores, and what it refuses to read.

use super::*;
use crate::row::Tail;
use application::{
    ports::event_log::{TenancyEvent, TenancyStream},
    testing::{
        MemoryKeyVault,
        event_log_kit::{append, dubbing, plain, speech, stream, track_stream},
    },
};
use domain::{
    account::AccountEvent,
    dubbing::{DubbingEvent, IngestedSource},
    flow::{Fence, FlowEvent, Stage},
    security::{By, SecurityEvent},
    tenant::TenantEvent,
    track::TrackEvent,
    value::{
        AccountId, Artefact, Personal, SecurityDayId, Sha256, SpeakerId, TenantId, Timestamp, UtteranceId, WebhookId,
    },
    webhook::WebhookEvent,
};

fn codec() -> (EventCodec, Arc<MemoryKeyVault>) {
    let vault = Arc::new(MemoryKeyVault::new(1));
    (EventCodec::new("main", vault.clone()), vault)
}

fn rows(codec: &EventCodec, stream: StreamId, events: Vec<DomainEvent>) -> Vec<Row> {
    let prepared = codec.prepare(append(1, stream, 0, events)).expect("prepared");
    prepared.chain(&Tail::EMPTY, 0, Timestamp::from_unix_ms(0)).1
}

fn row(codec: &EventCodec, event: DomainEvent) -> Row {
    rows(codec, stream(1), vec![event]).remove(0)
}

fn speaker(name: &str, number: u32) -> DomainEvent {
    DomainEvent::Dubbing(DubbingEvent::SpeakerIdentified {
        speaker: SpeakerId(number),
        name: Some(Personal::new(name.to_owned())),
        pitch_hz: None,
        utterances: vec![UtteranceId(1)],
    })
}

/// Why a row does not decode.
fn refusal(codec: &EventCodec, row: Row) -> CodecError {
    codec.recorded(row).expect_err("a refusal")
}

#[test]
fn what_is_personal_is_stored_sealed_and_read_back_open() {
    let (codec, _) = codec();
    let stored = row(&codec, speech("Ask Ann Smith."));
    let whole = format!("{stored:?}");
    assert!(!whole.contains("Ann") && !whole.contains("Smith") && !whole.contains("$personal"), "{whole}");
    assert!(stored.content.data.contains("\"text\":{\"$sealed\":\""), "{whole}");
    assert_eq!(stored.content.subject_keys, format!("[\"{}\"]", dubbing(1)));
    assert_eq!(codec.decode(stored).expect("decoded").event, speech("Ask Ann Smith."));
}

#[test]
fn what_is_told_of_tenants_and_people_is_read_back_as_it_was_written() {
    let (codec, _) = codec();
    let id = Uuid::from_u128(7);
    let by = By { account: Some(AccountId(id)), key: None, address: Some(Personal::new("192.0.2.1".to_owned())) };
    let name = Personal::new("Ann".to_owned());
    let told = [
        (TenancyStream::Tenant(TenantId(id)), TenancyEvent::Tenant(TenantEvent::TenantCreated { name })),
        (TenancyStream::Account(AccountId(id)), TenancyEvent::Account(AccountEvent::AccountDeactivated)),
        (TenancyStream::Webhook(WebhookId(id)), TenancyEvent::Webhook(WebhookEvent::WebhookRemoved)),
        (
            TenancyStream::Security(SecurityDayId(id)),
            TenancyEvent::Security(SecurityEvent::RecordsExported { by, what: "links".to_owned() }),
        ),
    ];
    for (stream, event) in told {
        let (stream, event) = (StreamId::Tenancy(stream), DomainEvent::Tenancy(event));
        let stored = rows(&codec, stream.clone(), vec![event.clone()]).remove(0);
        assert_eq!(codec.decode(stored).expect("decoded").event, event, "{stream}");
    }
}

#[test]
fn nothing_is_made_for_what_is_not_personal() {
    let (codec, vault) = codec();
    let stored = row(&codec, plain(1));
    assert_eq!(
        (stored.content.subject_keys.as_str(), stored.content.data.as_str()),
        ("[]", "{\"cues\":1,\"left_out\":0}")
    );
    assert!(vault.key(dubbing(1).0).expect("vault").is_none());
}

#[test]
fn the_same_append_is_stored_the_same_and_another_is_not() {
    let (codec, _) = codec();
    let stored = |codec: &EventCodec, text| row(codec, speech(text));
    assert_eq!(stored(&codec, "Hello."), stored(&codec, "Hello."));
    assert_ne!(stored(&codec, "Hello.").hash, stored(&codec, "Hullo.").hash);
    let other_log = EventCodec::new("other", Arc::new(MemoryKeyVault::new(1)));
    assert_ne!(stored(&codec, "Hello.").content.data, stored(&other_log, "Hello.").content.data);
    // Equal texts in one event do not show that they are equal.
    let twins = rows(&codec, stream(1), vec![speaker("Ann", 1), speaker("Ann", 1)]);
    assert_ne!(twins[0].content.data, twins[1].content.data);
}

#[test]
fn without_keys_what_is_personal_reads_as_erased_and_everything_else_as_it_is() {
    let blind = EventCodec::without_keys("main");
    for event in [speaker("Ann", 1), speech("Ask Ann Smith."), plain(1)] {
        let (codec, vault) = codec();
        let stored = row(&codec, event);
        vault.destroy(dubbing(1).0).expect("destroyed");
        assert_eq!(blind.decode(stored.clone()).expect("decoded"), codec.decode(stored).expect("decoded"));
    }
    assert!(matches!(blind.prepare(append(1, stream(1), 0, vec![speaker("Ann", 1)])), Err(CodecError::Erased)));
}

#[test]
fn a_destroyed_key_reads_as_erased_and_seals_nothing_more() {
    let (codec, vault) = codec();
    let stored = row(&codec, speaker("Ann", 1));
    vault.destroy(dubbing(1).0).expect("destroyed");
    let DomainEvent::Dubbing(DubbingEvent::SpeakerIdentified { name, .. }) =
        codec.decode(stored).expect("decoded").event
    else {
        panic!("a speaker")
    };
    assert_eq!(name, Some(Personal::erased()));
    assert!(matches!(codec.prepare(append(1, stream(1), 0, vec![speaker("Ann", 1)])), Err(CodecError::Erased)));
    // What was read as erased may be written again: there is nothing in it.
    let erased = DomainEvent::Dubbing(DubbingEvent::SpeakerIdentified {
        speaker: SpeakerId(1),
        name: Some(Personal::erased()),
        pitch_hz: None,
        utterances: vec![],
    });
    let stored = row(&codec, erased.clone());
    assert_eq!(stored.content.subject_keys, "[]");
    assert_eq!(codec.decode(stored).expect("decoded").event, erased);
}

#[test]
fn sealed_values_open_only_where_they_were_written() {
    let (codec, _) = codec();
    let stored = row(&codec, speech("Hello."));
    let [name, later] = &rows(&codec, stream(1), vec![speaker("Ann", 1), speaker("Bob", 2)])[..] else {
        panic!("two rows")
    };
    let mut altered = stored.clone();
    altered.content.data = flip_last_sealed_digit(&altered.content.data);
    assert!(matches!(refusal(&codec, altered), CodecError::Open { path, .. } if path == "/words"));
    let mut moved = name.clone();
    moved.content.data = later.content.data.clone();
    assert!(matches!(refusal(&codec, moved), CodecError::Open { path, .. } if path == "/name"));
    let mut misplaced = stored.clone();
    misplaced.content.data = stored.content.data.replace("\"text\"", "\"x\"").replace("\"words\"", "\"text\"");
    assert!(matches!(refusal(&codec, misplaced), CodecError::Open { .. }));
    let mut broken = stored;
    broken.content.data = "{\"text\":{\"$sealed\":\"not hexadecimal\"}}".to_owned();
    assert!(matches!(refusal(&codec, broken), CodecError::Open { path, .. } if path == "/text"));
}

fn flip_last_sealed_digit(data: &str) -> String {
    let end = data.rfind("\"}").expect("a sealed value");
    let digit = if data[..end].ends_with('0') { '1' } else { '0' };
    format!("{}{digit}{}", &data[..end - 1], &data[end..])
}

#[test]
fn what_this_program_does_not_know_is_refused_and_named() {
    let (codec, _) = codec();
    for (event_type, version) in [("TranscriptImported", 2), ("TranscriptImported", 0), ("Flow", 1), ("TrackMixed", 1)]
    {
        let mut stored = row(&codec, plain(1));
        (stored.content.event_type, stored.content.schema_version) = (event_type.to_owned(), version);
        let refused = refusal(&codec, stored);
        assert!(matches!(&refused, CodecError::Unknown { .. }), "{event_type} {version}: {refused:?}");
    }
    let mut elsewhere = row(&codec, plain(1));
    elsewhere.content.stream = "asset-1".to_owned();
    assert!(matches!(refusal(&codec, elsewhere), CodecError::Stream));
}

#[test]
fn an_error_never_quotes_what_was_stored() {
    let (codec, _) = codec();
    let mut stored = row(&codec, plain(1));
    stored.content.data = "{\"cues\":\"Ann Smith\",\"left_out\":0}".to_owned();
    let refused = codec.decode(stored).expect_err("a refusal");
    let told = format!("{refused} {refused:?}");
    assert!(told.contains("TranscriptImported") && !told.contains("Ann"), "{told}");
}

#[test]
fn flow_events_are_stored_under_their_own_names_in_both_streams() {
    let (codec, _) = codec();
    let fence = Fence { stage: Stage::Mix, run: 1, attempt: 2 };
    for flow in [FlowEvent::StageLost { fence }, FlowEvent::FlowResumed] {
        let of_dubbing = DomainEvent::Dubbing(DubbingEvent::Flow(flow.clone()));
        let of_track = DomainEvent::Track(TrackEvent::Flow(flow));
        let one = rows(&codec, stream(1), vec![of_dubbing.clone()]).remove(0);
        let other = rows(&codec, track_stream(1), vec![of_track.clone()]).remove(0);
        assert_eq!((&one.content.event_type, &one.content.data), (&other.content.event_type, &other.content.data));
        assert_ne!(one.content.event_type, "Flow");
        assert_eq!(codec.decode(one).expect("decoded").event, of_dubbing);
        assert_eq!(codec.decode(other).expect("decoded").event, of_track);
    }
}

#[test]
fn artefacts_are_listed_with_the_fields_that_hold_them() {
    let (codec, _) = codec();
    let media = Artefact { sha256: Sha256::new([7; 32]), media_type: "video/mp4".to_owned(), bytes: 42 };
    let ingested = DomainEvent::Dubbing(DubbingEvent::SourceIngested(IngestedSource {
        media: media.clone(),
        signed: true,
        container: "video/quicktime".to_owned(),
        duration_ms: 1_000,
        picture: None,
        audio_stream: 0,
        audio_codec: "audio/mpeg".to_owned(),
        audio_channels: 2,
        subtitles: vec![],
    }));
    let expected =
        format!("[{{\"bytes\":42,\"media_type\":\"video/mp4\",\"role\":\"media\",\"sha256\":\"{}\"}}]", media.sha256);
    assert_eq!(row(&codec, ingested).content.artefacts, expected);
}

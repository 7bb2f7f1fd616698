//! One event of every type, with every optional field filled in.

mod asset;
mod dubbing;
mod flow;
mod kept;
mod tenancy;
mod track;

use application::ports::event_log::{DomainEvent, StreamId};
use domain::value::{Artefact, DubbingId, LanguageTag, Personal, Producer, Sha256, Span, TrackId};
use uuid::Uuid;

/// A stream and an event that stands in it.
pub type Sample = (StreamId, DomainEvent);

/// One event of every type.
pub fn samples() -> Vec<Sample> {
    [dubbing::samples(), track::samples(), flow::samples(), asset::samples(), kept::samples(), tenancy::samples()]
        .concat()
}

fn dubbing_id() -> DubbingId {
    DubbingId(Uuid::from_u128(0x0198_7f00_0000_7000_8000_0000_0000_0001))
}

fn dubbing_stream() -> StreamId {
    StreamId::Dubbing(dubbing_id())
}

fn track_stream() -> StreamId {
    StreamId::Track(TrackId { dubbing: dubbing_id(), language: language("pt-BR") })
}

fn language(tag: &str) -> LanguageTag {
    tag.parse().expect("a language")
}

fn sha256(byte: u8) -> Sha256 {
    Sha256::new([byte; 32])
}

fn artefact(byte: u8, media_type: &str) -> Artefact {
    Artefact { sha256: sha256(byte), media_type: media_type.to_owned(), bytes: 1_000 + u64::from(byte) }
}

fn personal(text: &str) -> Personal<String> {
    Personal::new(text.to_owned())
}

fn span(start_ms: u64, end_ms: u64) -> Span {
    Span::try_new(start_ms, end_ms).expect("a span")
}

fn producer() -> Producer {
    Producer { engine: "pocketsphinx".to_owned(), version: "5.0.0".to_owned(), model_digest: Some(sha256(0xcc)) }
}

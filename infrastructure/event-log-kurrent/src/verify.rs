//! The check of the whole log: every event in order of position, then every stream in order of revision. In memory that
//! grows with the number of streams, not of events.

use crate::{
    error::KurrentError,
    link::{Link, PAGE, Place},
    reader::is_ours,
    stored::{position_of, row_of},
};
use application::ports::event_log::LogVerification;
use event_codec::{Audit, EventCodec, Link as Chained};
use std::collections::BTreeSet;

/// Checks everything that is there now.
pub(crate) async fn verify(link: &Link, codec: &EventCodec) -> Result<LogVerification, KurrentError> {
    let mut audit = Audit::sparse(codec);
    let mut streams = BTreeSet::new();
    let mut from = Place::Start;
    let mut after = None;
    loop {
        let (page, failed) = link.read_all(from, PAGE, true, None).await?;
        failed.map_or(Ok(()), Err)?;
        for event in page.iter().filter(|event| is_ours(event, link.prefix())) {
            let position = position_of(event)?;
            if after == Some(position) {
                continue;
            }
            streams.insert(event.stream_id().to_owned());
            match row_of(event, link.prefix()) {
                Ok(row) => audit.row(&row),
                Err(_) => audit.unreadable(position),
            }
        }
        let Some(last) = page.last().filter(|_| page.len() == PAGE) else { break };
        after = Some(last.position.commit);
        from = Place::At(last.position.commit);
    }
    for stream in &streams {
        check_stream(link, stream, &mut audit).await?;
    }
    Ok(audit.finish())
}

async fn check_stream(link: &Link, stream: &str, audit: &mut Audit<'_>) -> Result<(), KurrentError> {
    let mut from = Place::Start;
    loop {
        let page = link.read_stream(stream, from, PAGE).await?;
        for event in &page {
            // What does not read as a row was already named by the first pass.
            if let Ok(row) = row_of(event, link.prefix()) {
                audit.link(Chained {
                    position: row.position,
                    stream: row.content.stream,
                    revision: row.content.revision,
                    prev_hash: row.prev_hash,
                    hash: row.hash,
                });
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => from = Place::At(last.revision + 1),
            Some(_) | None => return Ok(()),
        }
    }
}

//! The check of the whole file, in one snapshot and in flat memory.

use crate::{
    error::{Kind, LogError, kind},
    table::{READ_ALL, READ_LINKS, link_of, position_of, row_of},
};
use application::ports::event_log::LogVerification;
use event_codec::{Audit, EventCodec};
use futures::TryStreamExt;
use sqlx::SqliteConnection;

/// Checks the file, its rows and its chains. Damage that keeps SQLite from reading on is a fault too.
pub(crate) async fn verify(connection: &mut SqliteConnection, codec: &EventCodec) -> Result<LogVerification, LogError> {
    let mut audit = Audit::new(codec);
    match look(connection, &mut audit).await {
        Ok(()) => {}
        Err(LogError::Storage(error)) if kind(&error) == Kind::Damaged => {
            audit.fault("the event log's file is damaged: SQLite cannot read on".to_owned());
        }
        Err(error) => return Err(error),
    }
    Ok(audit.finish())
}

async fn look(connection: &mut SqliteConnection, audit: &mut Audit<'_>) -> Result<(), LogError> {
    {
        let mut rows = sqlx::query(READ_ALL).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            match row_of(&row) {
                Ok(row) => audit.row(&row),
                Err(_) => audit.unreadable(position_of(&row)?),
            }
        }
    }
    {
        let mut rows = sqlx::query(READ_LINKS).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            // A row that does not read as a link was already named by the first pass.
            if let Ok(link) = link_of(&row) {
                audit.link(link);
            }
        }
    }
    let reports: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(connection).await?;
    for report in reports.into_iter().filter(|report| report != "ok") {
        audit.fault(format!("the event log's file is damaged: {report}"));
    }
    Ok(())
}

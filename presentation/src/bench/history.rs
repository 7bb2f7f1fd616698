//! A long log, and read models that have come to its end.

use crate::{
    exit::Failure,
    home::Home,
    wiring::{App, Engines, Signing},
};
use application::{
    ports::event_log::{Append, AppendError, Appended, DomainEvent, StreamId, Tenant},
    stages::ingest::SourceLimits,
};
use domain::{
    project::ProjectEvent,
    value::{Personal, ProjectId, Sha256},
};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Events of one stream.
const IN_STREAM: u64 = 1_000;
/// Events written in one go.
const IN_APPEND: u64 = 100;
/// Streams written at the same time.
const STREAMS: usize = 16;
/// Events folded in one step.
const FOLDED: usize = 4_096;

/// Writes so many events of projects into an empty data folder.
pub async fn write(home: &Home, events: u64) -> Result<(), Failure> {
    let _owned = home.own()?;
    let app = Arc::new(App::open(home, Engines::new(home, Signing::default())?, SourceLimits::default()).await?);
    let mut streams = JoinSet::new();
    let mut left = events;
    while left > 0 || !streams.is_empty() {
        while left > 0 && streams.len() < STREAMS {
            let length = left.min(IN_STREAM);
            left -= length;
            streams.spawn(write_stream(app.clone(), length));
        }
        if let Some(ended) = streams.join_next().await {
            ended.map_err(|error| Failure::internal(&error))??;
        }
    }
    let folded = app.projections.clone().with_batch(FOLDED).catch_up().await;
    folded.map(drop).map_err(|error| Failure::internal(&error))
}

/// A project that was made once, and renamed again and again.
async fn write_stream(app: Arc<App>, length: u64) -> Result<(), Failure> {
    let project = ProjectId(app.ids.next());
    let mut revision = 0;
    while revision < length {
        let until = (revision + IN_APPEND).min(length);
        let events = (revision..until).map(event).collect();
        revision = append(&app, project, app.ids.next(), revision, events).await?.revision;
    }
    Ok(())
}

async fn append(
    app: &App,
    project: ProjectId,
    command_id: Uuid,
    expected_revision: u64,
    events: Vec<DomainEvent>,
) -> Result<Appended, AppendError> {
    let append = Append {
        tenant: Tenant::default(),
        actor: "bench".to_owned(),
        command_id,
        fingerprint: Sha256::new([0; 32]),
        causation_id: None,
        traceparent: None,
        stream: StreamId::Project(project),
        expected_revision,
        under: None,
        events,
    };
    app.log.append(append).await
}

fn event(nth: u64) -> DomainEvent {
    let name = Personal::new(format!("bench {nth}"));
    DomainEvent::Project(match nth {
        0 => ProjectEvent::ProjectCreated { name },
        _ => ProjectEvent::ProjectRenamed { name },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_is_as_long_as_asked_and_read_models_are_at_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::locate(Some(folder.path().to_owned())).map_err(|failure| failure.message).expect("a home");
        write(&home, 2_150).await.map_err(|failure| failure.message).expect("written");
        let engines = Engines::new(&home, Signing::default()).map_err(|failure| failure.message).expect("engines");
        let app = App::open(&home, engines, SourceLimits::default()).await;
        let app = app.map_err(|failure| failure.message).expect("an open folder");
        assert_eq!(app.log.head().await.expect("read"), 2_150);
        assert_eq!(app.read_store.checkpoint("projects").await.expect("read"), 2_150);
        assert_eq!(app.log.verify().await.expect("read").faults, Vec::<String>::new());
    }
}

//! Who else needs what a job has done with, found in the read models.

use application::{
    aggregates::Aggregates,
    ports::{
        event_log::ReadError,
        read_store::{Condition, ReadStore, ReadStoreError, Row, Table},
    },
    stages::{clean::Siblings, handler::StageError},
};
use async_trait::async_trait;
use domain::{
    dubbing::Phase,
    value::{DubbingId, Sha256},
};
use projections::{assets, jobs, tracks};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How long the read models may take to come up to the log; somebody is taken to need the file otherwise.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at how far they are.
const LOOK: Duration = Duration::from_millis(10);

/// Finds jobs by their source, and others who have the same bytes.
pub struct JobsOfSource {
    /// Where jobs, assets and results are listed.
    pub read_store: Arc<dyn ReadStore>,
    /// Where jobs stand.
    pub aggregates: Arc<Aggregates>,
}

#[async_trait]
impl Siblings for JobsOfSource {
    async fn is_any_unfinished(&self, source: &Sha256, apart_from: DubbingId) -> Result<bool, StageError> {
        if !self.catch_up(&["jobs"]).await? {
            return Ok(true);
        }
        let filter = [("source_sha256", Value::from(source.to_string()))];
        let rows = self.read_store.query(&jobs::TABLE, &filter).await.map_err(unavailable)?;
        let id_of = |row: &Row| row.get("job_id")?.as_str()?.parse::<DubbingId>().ok();
        for id in rows.iter().filter_map(id_of).filter(|id| *id != apart_from) {
            if self.aggregates.dubbing(id).await?.state.phase == Phase::Processing {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_kept(&self, source: &Sha256) -> Result<bool, StageError> {
        if !self.catch_up(&["assets", "tracks"]).await? {
            return Ok(true);
        }
        let live = ["uploaded", "ready"].map(Value::from).to_vec();
        let named = |column| Condition::Equals(column, source.to_string().into());
        let handed_in = self.is_any(&assets::TABLE, &[named("sha256"), Condition::OneOf("state", live)]).await?;
        Ok(handed_in || self.is_any(&tracks::TABLE, &[named("media_sha256")]).await?)
    }
}

impl JobsOfSource {
    /// Waits until these read models hold what is in the log now; whether they do.
    async fn catch_up(&self, names: &[&str]) -> Result<bool, StageError> {
        let head = self.aggregates.log().head().await?;
        let deadline = Instant::now() + PATIENCE;
        for name in names {
            while self.read_store.checkpoint(name).await.map_err(unavailable)? < head {
                if Instant::now() >= deadline {
                    return Ok(false);
                }
                sleep(LOOK).await;
            }
        }
        Ok(true)
    }

    async fn is_any(&self, table: &'static Table, conditions: &[Condition]) -> Result<bool, StageError> {
        Ok(self.read_store.count(table, conditions).await.map_err(unavailable)? > 0)
    }
}

fn unavailable(error: ReadStoreError) -> StageError {
    ReadError::Unavailable(Box::new(error)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        home::Home,
        wiring::{App, Engines, Signing},
    };
    use application::{aggregates::CommandMeta, ports::event_log::StreamId, stages::ingest::SourceLimits};
    use domain::{
        asset::{Asset, AssetCommand},
        value::{Artefact, AssetId, Personal},
    };

    const FILE: Sha256 = Sha256::new([7; 32]);
    const OTHER: Sha256 = Sha256::new([8; 32]);

    #[tokio::test]
    async fn what_was_handed_in_is_kept_until_it_is_erased() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = |failure: crate::exit::Failure| failure.message;
        let home = Home::locate(Some(folder.path().to_owned())).map_err(said).expect("a home");
        let engines = Engines::new(&home, Signing::default()).map_err(said).expect("engines");
        let app = App::open(&home, engines, SourceLimits::default()).await.map_err(said).expect("an open folder");
        let siblings =
            JobsOfSource { read_store: Arc::clone(&app.read_store), aggregates: Arc::clone(&app.aggregates) };
        let asset = AssetId(app.ids.next());
        app.vault.ensure(asset.0).expect("a key");
        let media = Artefact { sha256: FILE, media_type: "video/mp4".to_owned(), bytes: 1 };
        let hand_in = AssetCommand::Register { media, name: Personal::new("talk.mp4".to_owned()) };
        for (command, is_kept) in [(hand_in, true), (AssetCommand::Erase, false)] {
            let meta = CommandMeta::fresh("test", app.ids.next());
            app.aggregates.execute::<Asset>(&StreamId::Asset(asset), command, &meta).await.expect("accepted");
            let asked = async {
                let of_file = siblings.is_kept(&FILE).await.expect("read");
                (of_file, siblings.is_kept(&OTHER).await.expect("read"))
            };
            let (answers, folded) = tokio::join!(asked, app.projections.catch_up());
            folded.expect("folded");
            assert_eq!(answers, (is_kept, false));
        }
    }
}

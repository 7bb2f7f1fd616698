//! From the start of the program until it says that it is ready: with nothing, and with a long log.

use super::{
    Scratch, Sizes,
    figures::{Figure, median},
    history,
    server::{OwnServer, data},
};
use crate::{cli::complain, exit::Failure, home::Home};
use std::path::Path;

/// Seconds, with an empty data folder.
const EMPTY_MAX: f64 = 1.0;
/// Seconds, with a long log.
const LONG_MAX: f64 = 3.0;

/// Starts servers.
pub async fn measure(scratch: &Scratch, sizes: &Sizes) -> Result<Vec<Figure>, Failure> {
    let mut empty = Vec::new();
    for nth in 0..sizes.starts {
        let folder = scratch.folder(&format!("empty-{nth}"))?;
        empty.push(start(&folder).await?);
        scratch.clear(&folder);
    }
    let folder = scratch.folder("long")?;
    complain(&format!("writing {} events, and read models of them", sizes.events));
    history::write(&Home::locate(Some(data(&folder)))?, sizes.events).await?;
    // Once before: whoever wrote the log left its tidying up to the next one who opens it.
    start(&folder).await?;
    let mut long = Vec::new();
    for _ in 0..sizes.starts {
        long.push(start(&folder).await?);
    }
    scratch.clear(&folder);
    Ok(vec![
        Figure::below("start to ready, empty data folder", median(&empty), "s", EMPTY_MAX),
        Figure::below(format!("start to ready, {} events", sizes.events), median(&long), "s", LONG_MAX),
    ])
}

/// Seconds until it was ready.
async fn start(folder: &Path) -> Result<f64, Failure> {
    let server = OwnServer::start(folder).await?;
    let seconds = server.ready_after().as_secs_f64();
    server.stop().await?;
    Ok(seconds)
}

//! `dragoman resume`: go on with what a crash, a kill or a fixed problem interrupted.

use super::{ResumeArgs, dub::conclude, jobs::find};
use crate::{
    config::Limits,
    exit::{Exit, Failure},
    home::Home,
    interrupt::Interrupt,
    progress::Progress,
    session,
    wiring::{App, Engines, source_limits},
};
use domain::value::DubbingId;

/// Runs the command.
pub async fn run(args: ResumeArgs, home: &Home, limits: &Limits) -> Result<Exit, Failure> {
    if !home.exists() {
        let root = home.root().display();
        return Err(Failure::usage(format!("there are no jobs in {root}; begin with `dragoman dub`")));
    }
    let _owned = home.own()?;
    let interrupt = Interrupt::listen()?;
    home.works_alone()?;
    let app = App::open(home, Engines::new(home, args.signing.signing())?, source_limits(limits)).await?;
    app.projections.catch_up().await.map_err(|error| Failure::internal(&error))?;
    let jobs = match &args.job {
        Some(part) => vec![find(&*app.read_store, part).await?],
        None => unfinished(&app).await?,
    };
    if jobs.is_empty() {
        if !args.json {
            super::print("Nothing to resume: every job is finished.");
        }
        return Ok(Exit::Done);
    }
    let mut worst = Exit::Done;
    for job in jobs {
        let exit = match go_on(&app, job, &interrupt, args.json).await {
            Ok(exit) => exit,
            // One job that cannot go on does not hold up the others.
            Err(failure) => {
                super::complain(&failure.message);
                failure.exit
            }
        };
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        if worst == Exit::Done || (worst == Exit::Attention && exit != Exit::Done) {
            worst = exit;
        }
    }
    Ok(worst)
}

async fn go_on(app: &App, job: DubbingId, interrupt: &Interrupt, json: bool) -> Result<Exit, Failure> {
    let session = session::drive(app, job, &Progress::new(), interrupt).await?;
    conclude(app, job, session, interrupt, json).await
}

/// Jobs that still owe something, and finished ones whose files are not all in place, oldest first.
async fn unfinished(app: &App) -> Result<Vec<DubbingId>, Failure> {
    let rows = app.read_store.query(&projections::jobs::TABLE, &[]).await;
    let rows = rows.map_err(|error| Failure::internal(&error))?;
    let mut jobs = Vec::new();
    for row in rows {
        let id = row.get("job_id").and_then(|id| id.as_str()).and_then(|id| id.parse::<DubbingId>().ok());
        let Some(id) = id else {
            continue;
        };
        if is_unfinished(app, id).await? {
            jobs.push(id);
        }
    }
    jobs.sort();
    Ok(jobs)
}

async fn is_unfinished(app: &App, id: DubbingId) -> Result<bool, Failure> {
    use domain::dubbing::Phase;
    let dubbing = app.aggregates.dubbing(id).await?.state;
    match dubbing.phase {
        Phase::NotStarted => Ok(false),
        Phase::Processing => Ok(true),
        Phase::Failed | Phase::Cancelled => Ok(!dubbing.flow.ended),
        Phase::Completed => Ok(!app.deliver.is_delivered(id).await?),
    }
}

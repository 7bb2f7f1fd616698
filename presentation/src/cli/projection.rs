//! `dragoman projection`: how the read models stand, and how they are folded anew.

mod args;
mod show;

pub use args::{ProjectionArgs, ProjectionCommand};

use super::{print, print_json};
use crate::{
    config::nearest,
    exit::{Exit, Failure},
    home::Home,
    wiring,
};
use projections::{
    Projection,
    rebuild::{Rebuild, RebuildError},
};
use serde_json::json;
use show::Bar;
use std::sync::Arc;

/// Runs the command.
pub async fn run(args: ProjectionArgs, home: &Home) -> Result<Exit, Failure> {
    let wiring::ReadModels { log, rows, shadows } = wiring::read_models(home).await?;
    obey(args, &Rebuild::new(log, rows, shadows)).await
}

async fn obey(args: ProjectionArgs, rebuild: &Rebuild) -> Result<Exit, Failure> {
    match args.command {
        ProjectionCommand::List => {
            let models = rebuild.list().await.map_err(failure)?;
            say(args.json, &show::models_document(&models), || show::models(&models));
        }
        ProjectionCommand::Rebuild { names, all, shadow } => {
            let models = if all { projections::all() } else { named(&names)? };
            fold_anew(rebuild, &models, shadow, args.json).await?;
        }
        ProjectionCommand::Diff { name, rows } => return diff(rebuild, &name, rows, args.json).await,
        ProjectionCommand::Swap { name } => {
            let model = one(&name)?;
            let bar = Bar::new(&name);
            let at = rebuild.swap(&model, &|pace| bar.show(pace)).await.map_err(failure)?;
            let undo = format!("`dragoman projection rollback {name}` undoes it");
            say(args.json, &json!({ "projection": name, "swapped_at": at }), || {
                format!("{name}: the shadow took the live rows' place at event {at}; {undo}.")
            });
        }
        ProjectionCommand::Rollback { name } => {
            let model = one(&name)?;
            let bar = Bar::new(&name);
            let at = rebuild.roll_back(&model, &|pace| bar.show(pace)).await.map_err(failure)?;
            say(args.json, &json!({ "projection": name, "live": at }), || {
                format!("{name}: the rows of before the swap are back, and up to date with event {at}.")
            });
        }
        ProjectionCommand::Discard { name } => {
            rebuild.discard(&one(&name)?).await.map_err(failure)?;
            say(args.json, &json!({ "projection": name, "shadow": null }), || format!("{name}: its shadow is gone."));
        }
    }
    Ok(Exit::Done)
}

async fn fold_anew(
    rebuild: &Rebuild,
    models: &[Arc<dyn Projection>],
    as_shadow: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let names = models.iter().map(|model| model.name()).collect::<Vec<_>>().join(", ");
    let bar = Bar::new(if models.len() == 1 { &names } else { "read models" });
    let tell = |pace| bar.show(pace);
    let outcome = if as_shadow { rebuild.shadow(models, &tell).await } else { rebuild.in_place(models, &tell).await };
    let at = outcome.map_err(failure)?;
    let took = bar.took();
    let document = json!({
        "projections": models.iter().map(|model| model.name()).collect::<Vec<_>>(),
        "shadow": as_shadow,
        "events": at,
        "seconds": took.as_secs_f64(),
    });
    say(as_json, &document, || {
        let done = format!("{names}: folded anew from {at} events in {:.1} s.", took.as_secs_f64());
        match models {
            [model] if as_shadow => format!(
                "{done} Compare with `dragoman projection diff {0}`, then `dragoman projection swap {0}`.",
                model.name()
            ),
            _ => done,
        }
    });
    Ok(())
}

/// Ends with [`Exit::Attention`] where rows differ.
async fn diff(rebuild: &Rebuild, name: &str, rows: usize, as_json: bool) -> Result<Exit, Failure> {
    let model = one(name)?;
    let bar = Bar::new(name);
    let found = rebuild.diff(&model, rows, &|pace| bar.show(pace)).await.map_err(failure)?;
    say(as_json, &show::diff_document(name, &found), || show::diff(name, &found));
    Ok(if found.is_none() { Exit::Done } else { Exit::Attention })
}

fn say(as_json: bool, document: &serde_json::Value, text: impl FnOnce() -> String) {
    if as_json { print_json(document) } else { print(&text()) }
}

/// The read models of these names, each once.
fn named(names: &[String]) -> Result<Vec<Arc<dyn Projection>>, Failure> {
    let mut models: Vec<Arc<dyn Projection>> = Vec::new();
    for name in names {
        let model = one(name)?;
        if models.iter().all(|known| known.name() != model.name()) {
            models.push(model);
        }
    }
    Ok(models)
}

fn one(name: &str) -> Result<Arc<dyn Projection>, Failure> {
    let all = projections::all();
    let found = all.iter().find(|model| model.name() == name).cloned();
    found.ok_or_else(|| {
        let meant = nearest(name, all.iter().map(|model| model.name()));
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        Failure::usage(format!("there is no read model {name}{meant} (`dragoman projection list` names all of them)"))
    })
}

fn failure(error: RebuildError) -> Failure {
    let said = error.to_string();
    match error {
        RebuildError::NoShadow(name) => {
            Failure::usage(format!("{said}; make one with `dragoman projection rebuild {name} --shadow`"))
        }
        RebuildError::NothingBefore(_) => Failure::usage(format!("{said}; there is nothing to undo")),
        RebuildError::Restless(_) => {
            Failure::new(Exit::Internal, format!("{said}; run the command again when less is going on"))
        }
        RebuildError::Fold(error) => Failure::internal(&error),
    }
}

#[cfg(test)]
mod tests;

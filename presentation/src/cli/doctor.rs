//! `dragoman doctor`: what is missing, and the one command that installs it.

use super::{JsonArgs, print, print_json};
use crate::{
    config::Scan,
    exit::{Exit, Failure},
    home::Home,
    wiring::{self, Engines, Signing},
};
use application::ports::engine::{Engine, EngineError};
use serde_json::json;
use std::collections::BTreeSet;

/// Runs the command: exit 4 when anything is missing.
pub async fn run(args: JsonArgs, home: &Home, scan: &Scan) -> Result<Exit, Failure> {
    let engines = Engines::new(home, Signing::default())?;
    let (mut lines, mut packages) = (Vec::new(), BTreeSet::new());
    let scanner = wiring::scanner(scan);
    let scanner = scanner.iter().map(|scanner| ("scan", &**scanner as &dyn Engine));
    for (stage, engine) in engines.all().into_iter().chain(scanner) {
        match engine.describe().await {
            Ok(info) => lines.push(format!("  ok       {stage:<11} {} {}", info.name, info.version)),
            Err(EngineError::Missing { engine, package }) => {
                lines.push(format!("  missing  {stage:<11} {engine}"));
                packages.extend(package.split_whitespace().map(str::to_owned));
            }
            Err(error) => lines.push(format!("  broken   {stage:<11} {error}")),
        }
    }
    let is_broken = lines.iter().any(|line| line.starts_with("  broken"));
    let packages: Vec<String> = packages.into_iter().collect();
    let command = (!packages.is_empty()).then(|| format!("sudo apt-get install {}", packages.join(" ")));
    if args.json {
        print_json(&json!({ "checks": lines.iter().map(|line| line.trim()).collect::<Vec<_>>(),
            "missing_packages": packages, "command": command }));
    } else {
        print(&lines.join("\n"));
        print(&match (&command, is_broken) {
            (Some(command), _) => format!("\nInstall what is missing with:\n  {command}"),
            (None, true) => "\nNothing is missing, but something does not work: see above.".to_owned(),
            (None, false) => "\nEverything is installed.".to_owned(),
        });
    }
    Ok(if command.is_some() || is_broken { Exit::EngineMissing } else { Exit::Done })
}

//! `dragoman config`: the values in force, and whether a file holds.

use super::{ConfigCommand, JsonArgs, print, print_json, table};
use crate::{
    config::{self, Fault, Inputs, Loaded},
    exit::{Exit, Failure},
    serve::listener,
};
use serde_json::json;

/// Runs the command: exit 2 when the configuration cannot be used.
pub fn run(command: &ConfigCommand, mut inputs: Inputs) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Show(args) => show(*args, &load(&inputs)?),
        ConfigCommand::Example => print(config::example().trim_end()),
        ConfigCommand::Check { file } => {
            inputs.file = file.clone().or(inputs.file);
            let loaded = load(&inputs)?;
            listener::tls(&loaded.config.http)?;
            print(&match loaded.file {
                Some(file) => format!("{} can be used", file.display()),
                None => "there is no file; defaults and the environment can be used".to_owned(),
            });
        }
    }
    Ok(Exit::Done)
}

/// Why nothing can begin: one sentence per fault.
pub fn refuse(faults: &[Fault]) -> Failure {
    Failure::usage(match faults {
        [fault] => format!("configuration: {fault}"),
        faults => {
            let lines = faults.iter().map(|fault| format!("\n  {fault}")).collect::<String>();
            format!("{} things in the configuration are wrong:{lines}", faults.len())
        }
    })
}

fn load(inputs: &Inputs) -> Result<Loaded, Failure> {
    config::load(inputs).map_err(|faults| refuse(&faults))
}

fn show(args: JsonArgs, loaded: &Loaded) {
    if args.json {
        let values = loaded
            .effective
            .iter()
            .map(|one| json!({ "key": one.key, "value": one.value, "source": one.source.to_string() }));
        let file = loaded.file.as_ref().map(|file| file.display().to_string());
        return print_json(&json!({ "file": file, "values": values.collect::<Vec<_>>() }));
    }
    let rows = loaded.effective.iter().map(|one| {
        let value = one.value.clone().unwrap_or_else(|| "(unset)".to_owned());
        vec![one.key.to_owned(), value, one.source.to_string()]
    });
    print(&table(&rows.collect::<Vec<_>>()));
}

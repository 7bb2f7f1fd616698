//! `dragoman`: dub videos into other languages, and prove how it was done.

mod bench;
mod cli;
mod config;
mod engine_calls;
mod exit;
mod home;
mod interrupt;
mod open_files;
mod progress;
mod serve;
mod session;
mod siblings;
mod wiring;
mod work;

use clap::{CommandFactory, Parser, error::ErrorKind};
use cli::{Cli, Command, Internal, JobCommand};
use config::Loaded;
use exit::{Exit, Failure};
use home::Home;
use std::{io, process::ExitCode, time::Duration};

/// What is left of the traces at the end may take so long to be sent.
const LAST_TRACES_MAX: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return explain(&refusal),
    };
    if let Command::Internal(operation) = &cli.command {
        return run_internal(*operation);
    }
    match run(cli) {
        // Whoever reads the results has not got them all.
        Ok(Exit::Done | Exit::Attention) if cli::has_lost_output() => ExitCode::from(Exit::Internal as u8),
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            cli::complain(&failure.message);
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Help and version as they are; anything else as one sentence, like all that this program says.
fn explain(refusal: &clap::Error) -> ExitCode {
    if !refusal.use_stderr() || refusal.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nobody is left to tell when the reader is gone.
        let _told = refusal.print();
        return ExitCode::from(if refusal.use_stderr() { Exit::Usage as u8 } else { Exit::Done as u8 });
    }
    let text = refusal.render().to_string();
    let said = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = said.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let sentence = said.collect::<Vec<_>>().join(" ").replace(" tip: ", "; ");
    let sentence = sentence.strip_prefix("error: ").unwrap_or(&sentence);
    // The list would name the commands that are not for people, too.
    let sentence = sentence.split_once(" [subcommands:").map_or(sentence, |(said, _)| said);
    cli::complain(&format!("{sentence}; `dragoman --help` and `dragoman COMMAND --help` say more"));
    ExitCode::from(Exit::Usage as u8)
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    wiring::choose_cryptography();
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "dragoman", &mut script);
        cli::print(String::from_utf8_lossy(&script).trim_end());
        return Ok(Exit::Done);
    }
    if let Command::Config(command) = &cli.command {
        return cli::config::run(command, cli.inputs());
    }
    let loaded = config::load(&cli.inputs()).map_err(|faults| cli::config::refuse(&faults))?;
    let is_server = matches!(cli.command, Command::Serve(_) | Command::Worker(_));
    let telemetry = telemetry::start(&wiring::telemetry(&loaded.config, is_server));
    let telemetry = telemetry.map_err(|error| Failure::internal(&error))?;
    let exit = run_configured(cli.command, &loaded);
    // What is left after that is dropped: traces are an aid, and change no result.
    let _all_sent = telemetry.stop(LAST_TRACES_MAX);
    exit
}

fn run_configured(mut command: Command, loaded: &Loaded) -> Result<Exit, Failure> {
    command.sign_with(&loaded.config.signing);
    let home = Home::locate(loaded.config.data_dir.clone())?.keeping(loaded.config.keeping());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(&error))?;
    let exit = runtime.block_on(dispatch(command, &home, loaded));
    // A blocking read of a hanging file system must not keep the program.
    runtime.shutdown_background();
    exit
}

async fn dispatch(command: Command, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    match command {
        Command::Dub(args) => cli::dub::run(*args, home, &loaded.config.limits).await,
        Command::Serve(args) => serve::run(args, home, loaded).await,
        Command::Worker(args) => cli::worker::run(args, home, &loaded.config).await,
        Command::Resume(args) => cli::resume::run(args, home, &loaded.config.limits).await,
        Command::Jobs(args) => cli::jobs::list(args, home).await,
        Command::Job(JobCommand::Verb(verb)) => cli::verbs::run(verb, home, loaded).await,
        Command::Job(JobCommand::Look(look)) => cli::jobs::one(look, home).await,
        Command::Verify(args) => cli::verify::run(args, home).await,
        Command::Log(command) => cli::log::run(command, home).await,
        Command::Migrate(args) => cli::migrate::run(args, home).await,
        Command::Projection(args) => cli::projection::run(args, home).await,
        Command::Engines(args) => cli::engines::list(args, home).await,
        Command::Voices(args) => cli::engines::voices(args, home).await,
        Command::Account(args) => cli::account::run(args, home, loaded).await,
        Command::Key(args) => cli::key::run(args, home, loaded).await,
        Command::Tenant(args) => cli::tenant::run(args, home, loaded).await,
        Command::Blobs(command) => cli::blobs::run(command, home, &loaded.config).await,
        Command::Node(args) => cli::node::run(args, home, loaded).await,
        Command::Queue(args) => cli::queue::run(args, home, loaded).await,
        Command::Bench(command) => cli::bench::run(command).await,
        Command::Doctor(args) => cli::doctor::run(args, home, &loaded.config.scan).await,
        // All of them are done before the runtime starts.
        Command::Completions { .. } | Command::Config(_) | Command::Internal(_) => Ok(Exit::Done),
    }
}

/// A child of this program: one request on standard input, one answer on standard output.
fn run_internal(operation: Internal) -> ExitCode {
    let (stdin, stdout) = (io::stdin().lock(), io::stdout().lock());
    let code = match operation {
        Internal::Media => media_gstreamer::sandbox_main(stdin, stdout),
        Internal::Provenance => provenance_c2pa::sandbox_main(stdin, stdout),
        Internal::BenchPeer { bytes } => i32::from(bench::peer::serve(bytes, stdin, stdout).is_err()),
    };
    ExitCode::from(u8::try_from(code).unwrap_or(Exit::Internal as u8))
}

//! The command line: what can be typed, and where each command lives.

pub mod account;
pub mod bench;
pub mod blobs;
pub mod config;
pub mod doctor;
pub mod dub;
pub mod engines;
pub mod jobs;
pub mod key;
pub mod log;
pub mod migrate;
pub mod node;
mod output;
pub mod projection;
pub mod queue;
pub mod remote;
pub mod resume;
pub mod summary;
pub mod tenant;
pub mod verbs;
pub mod verify;
pub mod worker;

pub use output::{complain, has_lost_output, print, print_json, table};

use crate::{
    config::{self as configuration, Flag, Inputs},
    wiring::Signing,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{track::Background, value::LanguageTag};
use std::{ffi::OsString, path::PathBuf};

/// Dub videos into other languages, and prove how it was done.
#[derive(Debug, Parser)]
#[command(name = "dragoman", version, about, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// Where jobs, events and media are kept; $DRAGOMAN_DATA_DIR or ~/.local/share/dragoman otherwise.
    #[arg(long, global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// The configuration; ~/.config/dragoman/dragoman.toml or /etc/dragoman/dragoman.toml otherwise.
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Where the event log is, postgres://… or kurrentdb://…, if not in the data folder. Others on this machine see what is
    /// typed; $DRAGOMAN_LOG__URL and the configuration keep a password to themselves.
    #[arg(long, global = true, value_name = "URL")]
    pub log: Option<String>,
    /// Where the read models are, postgres://…, if not in the data folder; also $DRAGOMAN_READ__URL.
    #[arg(long, global = true, value_name = "URL")]
    pub read: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// All that the configuration is made from.
    pub fn inputs(&self) -> Inputs {
        let (listen, proxies, roles) = match &self.command {
            Command::Serve(args) => (args.listen.clone(), args.behind_proxy.clone(), args.roles.clone()),
            _ => (None, None, None),
        };
        let window = match &self.command {
            Command::Worker(args) => args.http.clone(),
            _ => None,
        };
        let text = |given: &Option<String>| given.clone().map(OsString::from);
        let flags = [
            ("data_dir", "--data-dir", self.data_dir.clone().map(OsString::from)),
            ("log.url", "--log", text(&self.log)),
            ("read.url", "--read", text(&self.read)),
            ("http.listen", "--listen", text(&listen)),
            ("http.behind_proxy", "--behind-proxy", text(&proxies)),
            ("node.roles", "--roles", text(&roles)),
            ("worker.listen", "--http", text(&window)),
        ];
        let given = flags.into_iter().filter_map(|(key, name, value)| Some(Flag { key, name, value: value? }));
        Inputs::of_process(self.config.clone(), given.collect())
    }
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 internal error, or the machine is in the way (disk full, data \
folder in use) · 2 wrong usage · 3 input rejected · 4 an engine is missing · 5 done, but something needs \
attention (lines, differences, migrations) · 130 interrupted (go on with `dragoman resume`)";

/// What helps somebody who serves for the first time.
const SERVE_HELP: &str = "Listens on 127.0.0.1:8080 unless told otherwise, for this machine only; any other address \
needs http.tls_cert and http.tls_key, or --behind-proxy where a proxy with TLS stands in front. The first start \
writes a token into the data folder (api-token); send it as `Authorization: Bearer TOKEN`. The API is browsable at \
/docs. Everything else is configured by dragoman.toml and DRAGOMAN_* variables: `dragoman config example`.";

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Dub a video (or a sound) into one or more languages.
    #[command(after_help = "Example: dragoman dub talk.mp4 --to es,ca --glossary terms.csv --keep-original")]
    Dub(Box<DubArgs>),
    /// Serve the HTTP API: upload, dub, follow, correct, download.
    #[command(after_help = SERVE_HELP)]
    Serve(ServeArgs),
    /// Do work that a server on this machine or another one has put into the queue.
    #[command(after_help = worker::HELP)]
    Worker(worker::WorkerArgs),
    /// Continue what a crash, a kill or a fixed problem interrupted.
    #[command(after_help = "Finished stages and lines are not done again. `dragoman jobs` lists jobs and their ids.")]
    Resume(ResumeArgs),
    /// List all jobs.
    Jobs(JsonArgs),
    /// Look at one job, or at what is parked; pause, resume, retry, skip, replay, fork, cancel.
    #[command(subcommand)]
    Job(JobCommand),
    /// Say what a file's signed provenance tells, and whether file and signature hold.
    #[command(after_help = "Ends with 0 when both hold, with 3 when they do not or when nothing is signed.")]
    Verify(VerifyArgs),
    /// Look after the event log.
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Look after the files of media.
    #[command(subcommand)]
    Blobs(blobs::BlobsCommand),
    /// Look after the read models: see how they stand, fold them anew.
    Projection(projection::ProjectionArgs),
    /// Bring the schemas of databases up to date.
    #[command(after_help = migrate::HELP)]
    Migrate(migrate::MigrateArgs),
    /// List the engines that are installed, with versions, languages and licences.
    Engines(JsonArgs),
    /// List the voices, of one language or of all.
    Voices(VoicesArgs),
    /// Say who may sign in, and as what.
    Account(account::AccountArgs),
    /// Make and revoke keys for programs.
    Key(key::KeyArgs),
    /// Say who has a part of this installation, and how much they may use.
    Tenant(tenant::TenantArgs),
    /// List the nodes that share this installation, or let one do nothing new.
    Node(node::NodeArgs),
    /// List the queues of work, or pause and resume one.
    Queue(queue::QueueArgs),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Say what is missing on this machine, and the one command that installs it.
    Doctor(JsonArgs),
    /// Measure a server on this machine against its limits.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print a script for tab completion: `source <(dragoman completions bash)`.
    #[command(after_help = "For every new shell: add `source <(dragoman completions bash)` to ~/.bashrc.")]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// What child processes of this program run. Not for people.
    #[command(subcommand, hide = true)]
    Internal(Internal),
}

impl Command {
    /// Takes the certificate of the configuration where none was given.
    pub fn sign_with(&mut self, configured: &configuration::Signing) {
        let given = match self {
            Command::Dub(args) => &mut args.signing,
            Command::Resume(args) => &mut args.signing,
            Command::Serve(args) => &mut args.signing,
            Command::Verify(args) => &mut args.signing,
            Command::Worker(args) => &mut args.signing,
            Command::Jobs(_)
            | Command::Job(_)
            | Command::Log(_)
            | Command::Blobs(_)
            | Command::Projection(_)
            | Command::Migrate(_)
            | Command::Engines(_)
            | Command::Voices(_)
            | Command::Account(_)
            | Command::Key(_)
            | Command::Tenant(_)
            | Command::Node(_)
            | Command::Queue(_)
            | Command::Config(_)
            | Command::Doctor(_)
            | Command::Bench(_)
            | Command::Completions { .. }
            | Command::Internal(_) => return,
        };
        if given.signing_cert.is_none() && given.signing_key.is_none() {
            given.signing_cert.clone_from(&configured.cert);
            given.signing_key.clone_from(&configured.key);
        }
    }
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show each value and where it comes from; secrets as (set).
    Show(JsonArgs),
    /// Check a file, together with the environment; the one that would be read otherwise.
    Check {
        /// The file.
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print a file with every key, its meaning, what is allowed and its default.
    Example,
}

/// What child processes of this program run.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Internal {
    /// One media operation: a JSON request on standard input, a JSON answer on standard output.
    Media,
    /// One provenance operation, likewise.
    Provenance,
    /// A bare HTTP server that `bench api` compares with, until standard input ends.
    BenchPeer {
        /// Bytes of its answer.
        #[arg(long)]
        bytes: usize,
    },
}

/// `bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Drive the HTTP API from a second process over loopback.
    #[command(after_help = BENCH_HELP)]
    Api(ApiArgs),
    /// Append to an event log of its own, beside plain inserts and the disk.
    #[command(after_help = bench::LOG_HELP)]
    Log(bench::LogArgs),
    /// Drive jobs whose stages do nothing through the flow.
    #[command(after_help = bench::FLOW_HELP)]
    Flow(bench::FlowArgs),
}

const BENCH_HELP: &str = "Starts servers of its own in a scratch folder, unless --server names one that runs already: \
then projects, and a dubbing that is cancelled at once, stay behind in it. Takes about five minutes and 5 GB of disk, \
with --quick half a minute. A missed limit is printed, and is no failure: keep the machine quiet meanwhile.";

/// `bench api`.
#[derive(Clone, Debug, Args)]
pub struct ApiArgs {
    /// Only these parts, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    pub only: Vec<Part>,
    /// Smaller and shorter, for a first impression.
    #[arg(long)]
    pub quick: bool,
    /// A server that runs already: http://127.0.0.1:8080.
    #[arg(long, value_name = "URL", requires = "token_file", requires = "pid", conflicts_with = "scratch")]
    pub server: Option<String>,
    /// The file with its token.
    #[arg(long, value_name = "FILE", requires = "server", value_hint = clap::ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Its process, whose memory is read.
    #[arg(long, value_name = "PID", requires = "server")]
    pub pid: Option<u32>,
    /// Where scratch folders are made; the system's folder for temporary files otherwise.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub scratch: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// A part of `bench api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Cached reads, against a bare handler.
    Reads,
    /// Durable commands.
    Commands,
    /// Many listeners to events.
    Sse,
    /// Large uploads.
    Upload,
    /// Many who are signed in.
    People,
    /// From start to ready.
    Start,
}

/// `dub`.
#[derive(Debug, Args)]
pub struct DubArgs {
    /// The video or sound to dub.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub input: PathBuf,
    /// Languages to dub into, separated by commas: es,ca.
    #[arg(long, required = true, value_delimiter = ',', value_name = "LANG")]
    pub to: Vec<LanguageTag>,
    /// The language spoken in the input; English is assumed otherwise.
    #[arg(long, value_name = "LANG")]
    pub from: Option<LanguageTag>,
    /// Folder for the results; beside the input otherwise.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Take the words from an SRT or WebVTT file, or `embedded`: from the input's own text track.
    #[arg(long, value_name = "FILE|embedded", value_hint = clap::ValueHint::FilePath)]
    pub transcript: Option<PathBuf>,
    /// Terms and their translations: a CSV with the columns source,target.
    #[arg(long, value_name = "CSV", value_hint = clap::ValueHint::FilePath)]
    pub glossary: Option<PathBuf>,
    /// What becomes of the original sound under the dub.
    #[arg(long, value_enum, default_value_t = BackgroundArg::Duck)]
    pub background: BackgroundArg,
    /// Keep the original sound as a second track.
    #[arg(long)]
    pub keep_original: bool,
    /// Subtitles: as files beside the video, embedded, both or none.
    #[arg(long, value_enum, default_value_t = SubtitlesArg::Sidecar)]
    pub subtitles: SubtitlesArg,
    /// The voice of a speaker: Ann=es+f2. It is used in the languages that it speaks; `dragoman voices es` lists those
    /// of one. May be repeated.
    #[arg(long, value_name = "SPEAKER=VOICE")]
    pub voice: Vec<String>,
    /// A phrase that stays in the original. May be repeated.
    #[arg(long, value_name = "TEXT")]
    pub keep_phrase: Vec<String>,
    /// The audio stream to dub, counted from 0; the best one otherwise.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub audio_stream: Option<u32>,
    /// Overwrite files in the way that this job did not make.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document at the end.
    #[arg(long)]
    pub json: bool,
    /// The user's own certificate, if any.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// A certificate of the user's own, for commands that sign or verify.
#[derive(Clone, Debug, Args)]
pub struct SigningArgs {
    /// A certificate chain (PEM) to sign with instead of this installation's own.
    #[arg(long, env = "DRAGOMAN_SIGNING_CERT", value_name = "PEM", requires = "signing_key")]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub signing_cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, env = "DRAGOMAN_SIGNING_KEY", value_name = "PEM", requires = "signing_cert")]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub signing_key: Option<PathBuf>,
}

impl SigningArgs {
    /// As the composition root takes it.
    pub fn signing(&self) -> Signing {
        Signing { certificate: self.signing_cert.clone(), key: self.signing_key.clone() }
    }
}

/// What becomes of the original sound.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BackgroundArg {
    /// Lowered under speech.
    Duck,
    /// As it is.
    Keep,
    /// Silent.
    Off,
}

impl From<BackgroundArg> for Background {
    fn from(arg: BackgroundArg) -> Background {
        match arg {
            BackgroundArg::Duck => Background::Duck,
            BackgroundArg::Keep => Background::Keep,
            BackgroundArg::Off => Background::Off,
        }
    }
}

/// Where subtitles go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SubtitlesArg {
    /// Files beside the video.
    Sidecar,
    /// A text track in the video.
    Embed,
    /// Both.
    Both,
    /// Neither.
    None,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Behind so many proxies of yours, one if no number is given: what they say about from where a client comes is
    /// believed, and TLS is theirs.
    #[arg(long, value_name = "HOPS", num_args = 0..=1, default_missing_value = "1")]
    pub behind_proxy: Option<String>,
    /// What this node does, of api, flow and project; all of it unless told otherwise. Several nodes that share a log on
    /// PostgreSQL share in it.
    #[arg(long, value_name = "ROLE,…")]
    pub roles: Option<String>,
    /// The user's own certificate, if any.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The job, by its id or a part of it; all unfinished ones otherwise.
    pub job: Option<String>,
    /// Print one JSON document at the end of each job.
    #[arg(long)]
    pub json: bool,
    /// The user's own certificate, if any: give it again when the job was begun with it.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// Commands without arguments of their own.
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `job`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Looks at one.
    #[command(flatten)]
    Look(JobLook),
    /// Does something about one, or finds out which needs it.
    #[command(flatten)]
    Verb(verbs::JobVerb),
}

/// Ways to look at a job.
#[derive(Debug, Subcommand)]
pub enum JobLook {
    /// Show a job: its stages, tracks and lines.
    Show {
        /// The job, by its id or a part of it.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a job's events.
    Events {
        /// The job, by its id or a part of it.
        job: String,
        /// Wait for more, until the job is settled.
        #[arg(long)]
        follow: bool,
        /// Print one JSON document per line.
        #[arg(long)]
        json: bool,
        /// Show what is personal: texts, names, paths.
        #[arg(long)]
        reveal: bool,
    },
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The user's own certificate, if any: what it signed is trusted.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// `voices`.
#[derive(Debug, Args)]
pub struct VoicesArgs {
    /// Only voices of this language.
    pub language: Option<LanguageTag>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_behind_one_proxy_unless_it_says_how_many() {
        let check = |args: &[&str], expected: &[(&str, &str)]| {
            let cli = Cli::try_parse_from(["dragoman", "serve"].iter().chain(args)).expect("it can be typed");
            let flags = cli.inputs().flags;
            let found: Vec<_> = flags.iter().map(|flag| (flag.key, flag.value.to_str().expect("a text"))).collect();
            assert_eq!(found, expected, "{args:?}");
        };
        let listen = ("http.listen", "0.0.0.0:80");
        check(&[], &[]);
        check(&["--behind-proxy"], &[("http.behind_proxy", "1")]);
        check(&["--behind-proxy", "--listen", "0.0.0.0:80"], &[listen, ("http.behind_proxy", "1")]);
        check(&["--listen", "0.0.0.0:80", "--behind-proxy", "2"], &[listen, ("http.behind_proxy", "2")]);
    }
}

//! `dragoman job parked|pause|resume|retry|skip|replay|fork|cancel`: what operators do about jobs. Each asks the API, as
//! `dragoman node` does.

use super::{
    account::{known, text},
    complain, print, print_json,
    queue::stage,
    remote::{Ask, Remote, ServerArgs, with},
    table,
};
use crate::{
    config::Loaded,
    exit::{Exit, Failure},
    home::Home,
};
use clap::{Args, Subcommand};
use domain::{
    flow::{Scope, Stage, scope_of},
    value::{DubbingId, LanguageTag},
};
use serde_json::{Value, json};

const SKIP_HELP: &str = "The job goes on without the stage, and its report says so. Only what nothing else needs can be \
skipped: sync-lips, mark, clean.\n\nExample: dragoman job skip 0198 sync-lips --lang es --reason 'the engine does not know \
this face'";
const REPLAY_HELP: &str = "Runs that stage and all that follow once more, of a language that is finished or parked; what \
nothing differs in is found again. Without --from it makes anew only what is stale, as `regenerate` in the API does.\n\n\
Example: dragoman job replay 0198 --lang es --from mix";

/// What is done about jobs.
#[derive(Debug, Subcommand)]
pub enum JobVerb {
    /// List what is out of attempts: which stages of which jobs, since when, and why.
    #[command(after_help = "Example: dragoman job parked --json | jq -r '.[].dubbing'")]
    Parked {
        /// Whom to ask.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Begin nothing more of a job, and give back what is under way.
    Pause(JobArgs),
    /// Let a job go on that was paused.
    Resume(JobArgs),
    /// Give what is out of attempts new ones.
    Retry(JobArgs),
    /// Go on without a stage that is out of attempts.
    #[command(after_help = SKIP_HELP)]
    Skip(SkipArgs),
    /// Replay a language: run it anew from a stage on.
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArgs),
    /// Make a new job that takes over what this one found before a stage, and runs anew from there.
    #[command(after_help = "Example: dragoman job fork 0198 --from translate")]
    Fork(ForkArgs),
    /// Call a job off; what was finished is kept.
    Cancel(JobArgs),
}

/// A job, and whom to ask.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The job, by its id or a part of it.
    pub job: String,
    /// Whom to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// A stage of a job that is out of attempts.
#[derive(Debug, Args)]
pub struct SkipArgs {
    /// The job, and whom to ask.
    #[command(flatten)]
    pub of: JobArgs,
    /// The stage.
    #[arg(value_parser = stage)]
    pub stage: Stage,
    /// The language whose stage it is; not for stages of the whole job.
    #[arg(long, value_name = "LANG")]
    pub lang: Option<LanguageTag>,
    /// Why. It stands in the log and in the report as it is: name no people.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// A language of a job, and where it begins anew.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The job, and whom to ask.
    #[command(flatten)]
    pub of: JobArgs,
    /// The language.
    #[arg(long, value_name = "LANG")]
    pub lang: LanguageTag,
    /// The first stage that runs anew; only what is stale is made anew otherwise.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    pub from: Option<Stage>,
}

/// A job, and where it is forked.
#[derive(Debug, Args)]
pub struct ForkArgs {
    /// The job, and whom to ask.
    #[command(flatten)]
    pub of: JobArgs,
    /// The first stage that runs anew.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    pub from: Stage,
}

/// Runs the command.
pub async fn run(verb: JobVerb, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let server = verb.server().clone();
    let as_json = server.json;
    let works_alone = home.works_alone().is_ok();
    with(&server, home, loaded, async |remote| {
        let is_alone = works_alone && matches!(remote, Remote::Here(_));
        carry_out(&Operator { remote, as_json, is_alone }, verb).await
    })
    .await?;
    Ok(Exit::Done)
}

impl JobVerb {
    fn server(&self) -> &ServerArgs {
        match self {
            Self::Parked { server } => server,
            Self::Pause(job) | Self::Resume(job) | Self::Retry(job) | Self::Cancel(job) => &job.server,
            Self::Skip(SkipArgs { of, .. }) | Self::Replay(ReplayArgs { of, .. }) | Self::Fork(ForkArgs { of, .. }) => {
                &of.server
            }
        }
    }
}

/// Whom an operator's wish is told, and how it is answered.
struct Operator<'a> {
    remote: &'a Remote,
    as_json: bool,
    /// Nobody else works on what is in the data folder: what is owed waits for `dragoman resume`.
    is_alone: bool,
}

async fn carry_out(operator: &Operator<'_>, verb: JobVerb) -> Result<(), Failure> {
    let Operator { remote, as_json, .. } = *operator;
    match verb {
        JobVerb::Parked { .. } => parked(remote, as_json).await,
        JobVerb::Pause(job) => operator.tell(&job.job, "pause", None, "is paused").await,
        JobVerb::Resume(job) => operator.tell(&job.job, "resume", None, "goes on").await,
        JobVerb::Retry(job) => operator.tell(&job.job, "retry", None, "is tried again").await,
        JobVerb::Cancel(job) => operator.tell(&job.job, "cancel", None, "is called off").await,
        JobVerb::Skip(SkipArgs { of, stage, lang, reason }) => {
            let path = match (scope_of(stage), lang) {
                (Scope::Dubbing, None) => format!("stages/{stage}/skip"),
                (Scope::Track, Some(language)) => format!("tracks/{language}/stages/{stage}/skip"),
                (Scope::Track, None) => {
                    return Err(Failure::usage(format!("each language has a {stage}; say which is meant with --lang")));
                }
                (Scope::Dubbing, Some(_)) => {
                    return Err(Failure::usage(format!("{stage} is a stage of the whole job; leave --lang out")));
                }
            };
            let said = format!("goes on without {stage}");
            operator.tell(&of.job, &path, Some(json!({ "reason": reason })), &said).await
        }
        JobVerb::Replay(ReplayArgs { of, lang, from }) => {
            let from = from.map_or(String::new(), |stage| format!("?from={stage}"));
            operator.tell(&of.job, &format!("tracks/{lang}/regenerate{from}"), None, "is replayed").await
        }
        JobVerb::Fork(ForkArgs { of, from }) => {
            let id = id_of(remote, &of.job).await?;
            let forked = remote.ask(Ask::post(format!("/v1/dubbings/{id}/fork?from={from}"), None)).await?;
            if as_json {
                print_json(&forked);
            } else {
                print(text(&forked, "id"));
                let next = if operator.is_alone { "; no server runs here, so `dragoman resume` makes it" } else { "" };
                complain(&format!("{id} was forked; the new job takes over what it found before {from}{next}"));
            }
            Ok(())
        }
    }
}

impl Operator<'_> {
    async fn tell(&self, job: &str, verb: &str, body: Option<Value>, said: &str) -> Result<(), Failure> {
        let id = id_of(self.remote, job).await?;
        let answer = self.remote.ask(Ask::post(format!("/v1/dubbings/{id}/{verb}"), body)).await?;
        if self.as_json {
            print_json(&answer);
            return Ok(());
        }
        let next = match (self.is_alone, verb) {
            // Nothing has to be done for it.
            (_, "pause") | (false, _) => format!("`dragoman job show {id}` tells how it stands"),
            (true, _) => format!("no server runs here, so `dragoman resume {id}` carries it out"),
        };
        complain(&format!("{id} {said}; {next}"));
        Ok(())
    }
}

async fn parked(remote: &Remote, as_json: bool) -> Result<(), Failure> {
    let stages = remote.list("/v1/parked-stages").await?;
    if as_json {
        print_json(&stages);
    } else if stages.is_empty() {
        print("Nothing is parked.");
    } else {
        print(&table(&rows(&stages)));
    }
    Ok(())
}

fn rows(stages: &[Value]) -> Vec<Vec<String>> {
    let head = ["JOB", "LANG", "STAGE", "SINCE", "TRIED", "CODE", "WHY"].map(str::to_owned).to_vec();
    let row = |stage: &Value| {
        let told = |key: &str| text(stage, key).to_owned();
        let since = text(stage, "since").chars().take(19).collect();
        let tried = stage["attempts"].as_u64().unwrap_or_default().to_string();
        vec![told("dubbing"), known(stage, "language", "-"), told("stage"), since, tried, told("code"), told("message")]
    };
    [head].into_iter().chain(stages.iter().map(row)).collect()
}

/// The whole id of the job that a part of it means.
async fn id_of(remote: &Remote, part: &str) -> Result<String, Failure> {
    if let Ok(id) = part.parse::<DubbingId>() {
        return Ok(id.to_string());
    }
    let wanted = part.to_lowercase();
    let jobs = remote.list("/v1/dubbings").await?;
    let mut matching = jobs.iter().map(|job| text(job, "id")).filter(|id| id.contains(&wanted));
    match (matching.next(), matching.count()) {
        (Some(id), 0) => Ok(id.to_owned()),
        (Some(_), more) => {
            Err(Failure::usage(format!("{part} could be any of {} jobs; give more of the id", more + 1)))
        }
        (None, _) => Err(Failure::usage(format!("there is no job {part}; `dragoman jobs` lists them"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parked_is_told_with_where_since_when_and_why() {
        let stages = [
            json!({"dubbing": "01a", "language": "es", "stage": "mix", "since": "2026-11-30T08:00:00.000Z", "attempts": 4,
                "code": "engine-failed", "message": "it broke"}),
            json!({"dubbing": "01a", "stage": "clean", "since": "", "attempts": 25, "code": "lost-too-often"}),
        ];
        let shown = rows(&stages);
        assert_eq!(shown[1], ["01a", "es", "mix", "2026-11-30T08:00:00", "4", "engine-failed", "it broke"]);
        assert_eq!(shown[2], ["01a", "-", "clean", "", "25", "lost-too-often", ""]);
    }
}

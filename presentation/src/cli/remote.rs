//! Where the commands about accounts, keys and tenants go: each is a request to the API, whoever answers it.
//!
//! A server elsewhere, with somebody's token; or the server that owns the data folder, with the folder's token; or, when
//! nobody owns the folder, this very process, through the same router. So there is one code path, one policy and one
//! trail for all three. Deliberately absent: what is asked, and secrets as arguments, which others could read in the list
//! of processes.

mod here;
mod server;

use super::complain;
use crate::{
    config::Loaded,
    exit::{Exit, Failure},
    home::Home,
};
use clap::Args;
use here::Here;
use serde_json::Value;
use server::Server;
use std::path::PathBuf;

/// Which server is asked.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// A server elsewhere: https://dub.example.org. Otherwise the one that runs in the data folder, or, when none does,
    /// the folder itself.
    #[arg(long, global = true, value_name = "URL", value_hint = clap::ValueHint::Url)]
    pub server: Option<String>,
    /// The file with an access token or a key for it.
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads it.
    Get,
    /// Makes something, or acts on it.
    Post,
    /// Changes it.
    Patch,
    /// Ends it.
    Delete,
}

/// A request. It has no `Debug` form: what is asked is personal.
pub struct Ask {
    /// What is done.
    pub verb: Verb,
    /// The path, with its query.
    pub path: String,
    /// The document that is sent, if one is.
    pub body: Option<Value>,
}

/// An answer, as it came. It has no `Debug` form: keys and links are in it.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Where the log holds what was written.
    pub position: Option<u64>,
    /// When to ask again, in seconds.
    pub retry_after: Option<u64>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Whoever answers.
pub enum Remote {
    /// A server.
    Server(Server),
    /// This process, which owns the data folder meanwhile.
    Here(Box<Here>),
}

impl Ask {
    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self { verb: Verb::Get, path: path.into(), body: None }
    }

    /// Makes, or acts.
    pub fn post(path: impl Into<String>, body: Option<Value>) -> Self {
        Self { verb: Verb::Post, path: path.into(), body }
    }

    /// Changes.
    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { verb: Verb::Patch, path: path.into(), body: Some(body) }
    }

    /// Ends.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { verb: Verb::Delete, path: path.into(), body: None }
    }
}

impl Remote {
    /// Finds out who answers.
    pub async fn find(args: &ServerArgs, home: &Home, loaded: &Loaded) -> Result<Self, Failure> {
        match (&args.server, &args.token_file) {
            (Some(url), Some(file)) => Ok(Self::Server(Server::elsewhere(url, file)?)),
            (Some(_), None) => {
                Err(Failure::usage("--server needs --token-file: the file with a token or a key for it"))
            }
            (None, Some(_)) => Err(Failure::usage("--token-file needs --server: whom the token is for")),
            (None, None) => match home.try_own()? {
                Ok(owned) => Ok(Self::Here(Box::new(Here::open(owned, home, loaded).await?))),
                Err(taken) => Ok(Self::Server(Server::of(home, taken)?)),
            },
        }
    }

    /// Asks, and returns what is answered when all is well. What was written can be read by whoever asks next.
    pub async fn ask(&self, ask: Ask) -> Result<Value, Failure> {
        let answer = self.send(&ask).await?;
        let document = understood(answer.status, &answer.body)?;
        let refusal = match answer.status {
            200..300 => None,
            status => Some(refusal(status, &document, answer.retry_after, self.token_hint())),
        };
        if let (Some(position), None) = (answer.position, &refusal) {
            self.settle(&ask, position).await;
        }
        refusal.map_or(Ok(document), Err)
    }

    /// All items of a list, page by page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let more = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
            let mut page = self.ask(Ask::get(format!("{path}?limit=100{more}"))).await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Ends in order.
    pub async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Server(_) => Ok(()),
            Self::Here(here) => here.close().await,
        }
    }

    async fn send(&self, ask: &Ask) -> Result<Answer, Failure> {
        match self {
            Self::Server(server) => server.send(ask).await,
            Self::Here(here) => here.send(ask).await,
        }
    }

    /// Waits until lists show what was written, so that the next command sees it. It is written in any case.
    async fn settle(&self, ask: &Ask, position: u64) {
        let noun = ask.path.split(['/', '?']).nth(2);
        // Keys are not listed from a read model.
        let path = match noun {
            Some("accounts") => format!("/v1/accounts?limit=1&min_position={position}"),
            Some("tenants") => format!("/v1/tenants?min_position={position}"),
            Some(_) | None => return,
        };
        let _as_far_as_it_came = self.send(&Ask::get(path)).await;
    }

    /// What to say when the token is not taken.
    fn token_hint(&self) -> String {
        match self {
            Self::Server(server) => server.token_hint(),
            Self::Here(_) => "restart the command".to_owned(),
        }
    }
}

/// Finds out who answers, does something with it, and lets it end in order.
pub async fn with<T>(
    args: &ServerArgs,
    home: &Home,
    loaded: &Loaded,
    work: impl AsyncFnOnce(&Remote) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let remote = Remote::find(args, home, loaded).await?;
    let done = work(&remote).await;
    // What failed before is said, and what was done stays done.
    if let (Err(failure), Ok(_)) = (remote.close().await, &done) {
        complain(&failure.message);
    }
    done
}

/// The document of an answer; nothing where there is none. What is none is no answer of this API.
fn understood(status: u16, body: &[u8]) -> Result<Value, Failure> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|_| {
        let what = "what answers there is no dragoman server, or something in between answers for it; check --server";
        Failure::new(Exit::Internal, format!("{what} (status {status})"))
    })
}

/// A problem document as one sentence: what is wrong, and what to do.
fn refusal(status: u16, problem: &Value, retry_after: Option<u64>, token_hint: String) -> Failure {
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    let exit = if status >= 500 { Exit::Internal } else { Exit::Usage };
    let faults: Vec<String> = problem["errors"].as_array().into_iter().flatten().map(fault).collect();
    let remedy = match text("code") {
        "unauthenticated" => token_hint,
        "no-account" => "say whose they are with --account".to_owned(),
        "not-found" => "it is unknown here, or what it named is gone".to_owned(),
        _ if !faults.is_empty() => faults.join("; "),
        _ => match retry_after {
            Some(seconds) => format!("try again in {seconds} seconds"),
            None => plain(text("detail")),
        },
    };
    let said = match text("title") {
        "" => format!("the server answered {status} without saying why"),
        title => plain(title),
    };
    let request = match text("request_id") {
        "" => String::new(),
        id => format!(" (request {id})"),
    };
    let remedy = if remedy.is_empty() { remedy } else { format!("; {remedy}") };
    Failure::new(exit, format!("{said}{remedy}{request}"))
}

/// One thing that is wrong with what was sent: which field, and what is wrong with it.
fn fault(fault: &Value) -> String {
    let text = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
    let place = if text("pointer").is_empty() { text("parameter") } else { text("pointer").trim_start_matches('/') };
    if place.is_empty() { plain(text("detail")) } else { format!("{place}: {}", plain(text("detail"))) }
}

/// As it stands within a sentence.
fn plain(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_becomes_one_sentence_and_an_exit_code() {
        let check = |status, problem: Value, after, exit, expected: &str| {
            let failure = refusal(status, &problem, after, "take another token".to_owned());
            assert_eq!((failure.exit, failure.message.as_str()), (exit, expected));
        };
        let taken = json!({ "code": "email-taken", "title": "There is an account with this address already",
            "detail": "Choose another address, or look for the account." });
        let said = "there is an account with this address already; choose another address, or look for the account";
        check(409, taken, None, Exit::Usage, said);
        let wrong = json!({ "code": "invalid-request", "title": "The request says something impossible",
            "detail": "Mend the fields that `errors` names.",
            "errors": [{ "pointer": "/email", "detail": "an e-mail address is written like ana@example.org" }] });
        let said = "the request says something impossible; email: an e-mail address is written like ana@example.org";
        check(422, wrong, None, Exit::Usage, said);
        let unknown = json!({ "code": "unauthenticated", "title": "Who asks is not known", "detail": "Send …" });
        check(401, unknown, None, Exit::Usage, "who asks is not known; take another token");
        let busy = json!({ "code": "overloaded", "title": "There is too much to do", "detail": "Try again." });
        check(503, busy, Some(5), Exit::Internal, "there is too much to do; try again in 5 seconds");
        let failed = json!({ "code": "internal", "title": "The server failed", "detail": "Tell.", "request_id": "7" });
        check(500, failed, None, Exit::Internal, "the server failed; tell (request 7)");
        check(418, Value::Null, None, Exit::Usage, "the server answered 418 without saying why");
    }

    #[test]
    fn what_is_no_document_is_no_answer_of_ours() {
        assert_eq!(understood(204, b"").map_err(|failure| failure.message), Ok(Value::Null));
        let failure = understood(200, b"<html>").expect_err("no document");
        assert!(failure.message.contains("no dragoman server"), "{}", failure.message);
    }

    #[test]
    fn abbreviations_keep_their_letters() {
        assert_eq!(plain("TOTP is asked for."), "TOTP is asked for");
        assert_eq!(plain("It is so."), "it is so");
    }
}

//! Requests to a server: one elsewhere, or the one that owns the data folder.

use super::{Answer, Ask, Verb};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::outbound,
};
use application::ports::outbound::{Outbound, OutboundError, OutboundMethod, OutboundRequest, Reach};
use std::{
    fs,
    io::ErrorKind,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A server, and what opens it.
pub struct Server {
    url: String,
    token: String,
    token_file: PathBuf,
    /// Why the folder cannot be used without it, where the server is the one that owns it.
    owned: Option<Failure>,
    outbound: Arc<dyn Outbound>,
}

impl Server {
    /// The one that somebody named, with the token in this file.
    pub fn elsewhere(url: &str, token_file: &Path) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/');
        if !is_safe(url) {
            return Err(Failure::usage(format!(
                "--server {url}: tokens must not travel in the clear; give an address that begins with https://, or one \
                 of this machine, such as http://127.0.0.1:8080"
            )));
        }
        let token = fs::read_to_string(token_file).map_err(|error| {
            Failure::usage(format!("--token-file {}: it cannot be read ({})", token_file.display(), error.kind()))
        })?;
        let token = token.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let file = token_file.display();
            return Err(Failure::usage(format!(
                "--token-file {file}: it holds no token, which is one word on one line"
            )));
        }
        Ok(Self { url: url.to_owned(), token, token_file: token_file.to_owned(), owned: None, outbound: outbound()? })
    }

    /// The one that owns the data folder; `taken` says that somebody does.
    pub fn of(home: &Home, taken: Failure) -> Result<Self, Failure> {
        let (url_file, token_file) = (home.server_url(), home.api_token());
        let url = match fs::read_to_string(&url_file) {
            Ok(url) => url.trim().to_owned(),
            // Whoever owns the folder serves nothing, or not yet.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Failure {
                    message: format!(
                        "{}, and it answers no requests, or none yet: name a server that does with --server and --token-file, or a data \
                         folder of your own with --data-dir",
                        taken.message
                    ),
                    ..taken
                });
            }
            Err(error) => return Err(unreadable(&url_file, &error)),
        };
        let token = fs::read_to_string(&token_file).map_err(|error| unreadable(&token_file, &error))?;
        let token = token.trim().to_owned();
        Ok(Self { url, token, token_file, owned: Some(taken), outbound: outbound()? })
    }

    /// Sends a request once.
    pub async fn send(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.token))];
        if ask.body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = OutboundRequest {
            method: method(ask.verb),
            url: format!("{}{}", self.url, ask.path),
            headers,
            body: ask.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            reach: Reach::Anywhere,
            timeout: PATIENCE,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.outbound.send(request).await.map_err(|error| self.unanswered(&error))?;
        let number = |name: &str| answer.header(name).and_then(|value| value.parse().ok());
        Ok(Answer {
            status: answer.status,
            position: number("dragoman-position"),
            retry_after: number("retry-after"),
            body: answer.body,
        })
    }

    /// What to say when the token is not taken.
    pub fn token_hint(&self) -> String {
        let file = self.token_file.display();
        match self.owned {
            Some(_) => format!("it does not take the token in {file}, with which it started; restart the server"),
            None => format!("it does not take the token in {file}; sign in anew, or take another key"),
        }
    }

    fn unanswered(&self, error: &OutboundError) -> Failure {
        let url = &self.url;
        if let Some(taken) = &self.owned {
            return match error {
                OutboundError::Unreachable(_) => {
                    let taken = &taken.message;
                    let what = format!("no server answers at {url}, which server-url in the data folder names");
                    Failure::new(Exit::Internal, format!("{what}; {taken}"))
                }
                error => Failure::new(Exit::Internal, format!("{url}: {error}; look at the server's log")),
            };
        }
        match error {
            OutboundError::InvalidUrl => {
                Failure::usage(format!("--server {url}: {error}; write it like https://dub.example.org"))
            }
            OutboundError::Unreachable(_) => {
                let said = Failure::internal(error).message;
                let advice = "check the address, and that this system trusts its certificate";
                Failure::new(Exit::Internal, format!("--server {url}: {said}; {advice}"))
            }
            error => Failure::new(Exit::Internal, format!("--server {url}: {error}; check the address")),
        }
    }
}

fn method(verb: Verb) -> OutboundMethod {
    match verb {
        Verb::Get => OutboundMethod::Get,
        Verb::Post => OutboundMethod::Post,
        Verb::Patch => OutboundMethod::Patch,
        Verb::Delete => OutboundMethod::Delete,
    }
}

/// Whether nobody on the way reads the token: TLS, or this machine.
fn is_safe(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Whoever stands before an @ is not where the request goes.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match scheme.to_ascii_lowercase().as_str() {
        "https" => !host.is_empty(),
        "http" => is_here,
        _ => false,
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    let file = file.display();
    Failure::new(Exit::Internal, format!("{file} cannot be read ({}); run the command as its owner", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        for url in
            ["https://dub.example.org", "http://127.0.0.1:8080", "http://[::1]:80", "http://localhost", "HTTPS://a"]
        {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://dub.example.org",
            "http://192.0.2.1:8080",
            "http://127.0.0.1@example.org",
            "http://localhost.example.org",
            "dub.example.org",
            "ftp://localhost",
            "https://",
            "",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (text, is_token) in [("abc\n", true), ("", false), ("two words", false), ("\u{e9}", false)] {
            fs::write(file.path(), text).expect("written");
            let server = Server::elsewhere("https://dub.example.org", file.path());
            assert_eq!(server.is_ok(), is_token, "{text:?}");
        }
    }
}

//! The connection to the servers, and one question with its answer at a time, each within a bound.
//!
//! JetStream is asked by its own messages, not through the client's wrapping of it: what is asked for can then be
//! compared with what came of it, whatever fields a server knows, and taking work is one question with one answer.

use crate::{
    error::NatsError,
    prefix::Prefix,
    servers::{Login, Servers, Tls},
};
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Message, Request, RequestErrorKind,
    ServerAddr, StatusCode, Subscriber,
    connection::State,
    rustls::{
        self, ClientConfig, RootCertStore,
        crypto::CryptoProvider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use bytes::Bytes;
use futures::StreamExt;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::{
    error::Error,
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long to wait for an answer.
const ANSWER: Duration = Duration::from_secs(2);
/// A connection on which nothing comes back is given up after two or three of these.
const PING: Duration = Duration::from_secs(5);
/// Longest pause before another try to connect.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// JetStream is not enabled: for the account, and at all.
const NO_JETSTREAM: [u64; 2] = [10_039, 10_076];
/// There is no such consumer, or stream: to be made anew.
const MISSING: [u64; 2] = [10_014, 10_059];
/// What HTTP says for something that does not work now.
const UNAVAILABLE: u64 = 503;

/// Something that JetStream is asked with headers, such as to keep a message.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where it is asked.
    pub subject: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// What is asked.
    pub payload: Bytes,
}

/// A connection, which is made anew whenever it breaks.
#[derive(Clone)]
pub struct Link {
    client: Client,
    /// What it is for, in errors.
    purpose: &'static str,
    /// What the server said last about something that this user may not do.
    forbidden: Arc<Mutex<Option<String>>>,
}

impl fmt::Debug for Link {
    /// Nothing of what the client knows, such as passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Connects to whichever of the servers answers. Answers come to subjects below the prefix; `purpose` is what the
    /// connection is for, such as `the work queue`, in errors. Once made it is made anew for ever.
    pub async fn connect(servers: &Servers, prefix: &Prefix, purpose: &'static str) -> Result<Self, NatsError> {
        let addresses: Result<Vec<ServerAddr>, _> = servers.urls.iter().map(|url| url.parse()).collect();
        let addresses = addresses.map_err(NatsError::Address)?;
        let forbidden = Arc::new(Mutex::new(None));
        let (noted, is_away) = (Arc::clone(&forbidden), AtomicBool::new(false));
        let login = match &servers.login {
            Login::Anonymous => addresses.iter().find_map(login_in).unwrap_or_default(),
            chosen => chosen.clone(),
        };
        let options = logged_in(&login)?
            .name("dragoman")
            .custom_inbox_prefix(prefix.inbox())
            .connection_timeout(CONNECT)
            .request_timeout(Some(ANSWER))
            .ping_interval(PING)
            .reconnect_delay_callback(|tries| {
                Duration::from_millis(50 * u64::try_from(tries).unwrap_or(u64::MAX).min(10)).min(PAUSE_MAX)
            })
            .event_callback(move |event| {
                note(&event, &noted, &is_away);
                std::future::ready(())
            });
        let options = secured(options, &servers.tls)?;
        // Passwords may stand in an address: only host and port are told.
        let at: Vec<String> =
            addresses.iter().map(|address| format!("{}:{}", address.host(), address.port())).collect();
        let client = options.connect(addresses).await.map_err(|source| refused(at.join(", "), source))?;
        if !client.is_server_compatible(2, 9, 0) {
            return Err(NatsError::Old(client.server_info().version));
        }
        Ok(Self { client, purpose, forbidden })
    }

    /// Fails where there is no JetStream for this account.
    pub async fn require_jetstream(&self) -> Result<(), NatsError> {
        match self.api("about the account", "INFO", &Value::Null).await {
            Ok(_) => Ok(()),
            Err(NatsError::Nobody) => Err(NatsError::NoJetStream { said: "nobody answers for it".to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// The reason for a silence, if the server gave one: what is forbidden it refuses beside the answers, by a word to the
    /// connection.
    pub fn explain(&self, error: NatsError) -> NatsError {
        let said = self.forbidden.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (error, said) {
            (NatsError::Silent, Some(said)) => NatsError::Forbidden { purpose: self.purpose, said },
            (error, _) => error,
        }
    }

    /// Fails when the server has said that this user may not do something. It says so no later than it answers what is
    /// asked afterwards.
    pub fn allowed(&self) -> Result<(), NatsError> {
        match self.forbidden.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(said) => Err(NatsError::Forbidden { purpose: self.purpose, said }),
            None => Ok(()),
        }
    }

    /// How often there was a connection: a new one may be to another server, or to one that has lost everything.
    pub fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Asks; the answer comes to the common inbox.
    pub async fn ask(&self, subject: String, payload: Bytes) -> Result<Message, NatsError> {
        self.bounded(self.client.request(subject, payload)).await
    }

    /// Asks for a message of a stream. It comes under its own subject, which the common inbox could not tell apart.
    pub async fn ask_for_message(&self, subject: String, payload: Bytes) -> Result<Message, NatsError> {
        let request = Request::new().payload(payload).inbox(self.client.new_inbox());
        self.bounded(self.client.send_request(subject, request)).await
    }

    async fn bounded(
        &self,
        answer: impl Future<Output = Result<Message, async_nats::RequestError>>,
    ) -> Result<Message, NatsError> {
        // Otherwise the question would be sent when there is a connection, though nobody waits for the answer any more.
        if self.client.connection_state() != State::Connected {
            return Err(NatsError::Away);
        }
        match timeout(ANSWER, answer).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders => NatsError::Nobody,
                RequestErrorKind::TimedOut => NatsError::Silent,
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::Other => {
                    NatsError::Away
                }
            }),
            Err(_elapsed) => Err(NatsError::Silent),
        }
    }

    /// Asks JetStream; `what` says for what, in errors.
    pub async fn ask_json(&self, what: &'static str, subject: String, payload: Bytes) -> Result<Value, NatsError> {
        answered(what, &self.ask(subject, payload).await?)
    }

    /// Asks JetStream many things, in this order, without waiting for each answer before the next question; gives the
    /// answers in the order of the questions. Ends with the first refusal: what was sent after it may have been taken.
    pub async fn ask_in_order(&self, what: &'static str, questions: Vec<Question>) -> Result<Vec<Value>, NatsError> {
        if questions.is_empty() {
            return Ok(vec![]);
        }
        if self.client.connection_state() != State::Connected {
            return Err(NatsError::Away);
        }
        // A place of its own for the answers: the client's own way sends in no order that it would promise.
        let inbox = self.client.new_inbox();
        let mut heard = self.listen(format!("{inbox}.*")).await?;
        let mut answers = vec![Value::Null; questions.len()];
        let mut missing = answers.len();
        let asking = async {
            for (index, Question { subject, headers, payload }) in questions.into_iter().enumerate() {
                let reply = format!("{inbox}.{index}");
                let sent = self.client.publish_with_reply_and_headers(subject, reply, headers, payload);
                sent.await.map_err(|_closed_or_too_large| NatsError::Away)?;
            }
            Ok(())
        };
        timeout(ANSWER, asking).await.unwrap_or(Err(NatsError::Silent))?;
        while missing > 0 {
            let message = timeout(ANSWER, heard.next()).await.map_err(|_elapsed| NatsError::Silent)?;
            let message = message.ok_or(NatsError::Away)?;
            if message.status == Some(StatusCode::NO_RESPONDERS) {
                return Err(NatsError::Nobody);
            }
            let index = message.subject.rsplit_once('.').and_then(|(_, index)| index.parse::<usize>().ok());
            let Some(answer) = index.and_then(|index| answers.get_mut(index)).filter(|answer| answer.is_null()) else {
                continue;
            };
            *answer = answered(what, &message)?;
            missing -= 1;
        }
        Ok(answers)
    }

    /// Asks one of JetStream's own subjects, by its name below `$JS.API.`.
    pub async fn api(&self, what: &'static str, name: &str, body: &Value) -> Result<Value, NatsError> {
        self.ask_json(what, format!("$JS.API.{name}"), body.to_string().into()).await
    }

    /// Tells without waiting; what cannot be said now is not said.
    pub async fn tell(&self, subject: String) {
        if self.client.connection_state() == State::Connected {
            let _it_is_a_hint = timeout(ANSWER, self.client.publish(subject, Bytes::new())).await;
        }
    }

    /// The messages to these subjects, for ever; those that come while there is no connection are not among them.
    pub async fn listen(&self, subjects: String) -> Result<Subscriber, NatsError> {
        self.client.subscribe(subjects).await.map_err(|_closed| NatsError::Away)
    }
}

/// What JetStream answered, or why it refused.
fn answered(what: &'static str, message: &Message) -> Result<Value, NatsError> {
    let answer = serde_json::from_slice(&message.payload);
    let answer: Value = answer.map_err(|source| NatsError::Answer { what, source })?;
    let Some(error) = answer.get("error") else { return Ok(answer) };
    let number = |name| error.get(name).and_then(Value::as_u64).unwrap_or_default();
    let said = error.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = number("err_code");
    if NO_JETSTREAM.contains(&code) {
        return Err(NatsError::NoJetStream { said });
    }
    let is_passing = number("code") == UNAVAILABLE || MISSING.contains(&code);
    Err(NatsError::Refused { what, said, code, is_passing })
}

/// Says in this process's log what becomes of the connection, once while it is away, and keeps what is forbidden.
fn note(event: &Event, forbidden: &Mutex<Option<String>>, is_away: &AtomicBool) {
    if let Event::ServerError(error) = event {
        let said = error.to_string();
        if said.to_ascii_lowercase().contains("permissions violation") {
            *forbidden.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        }
    }
    match event {
        Event::Connected => {
            is_away.store(false, Ordering::Relaxed);
            tracing::info!("connected to NATS");
        }
        Event::Disconnected => {
            is_away.store(true, Ordering::Relaxed);
            tracing::warn!("the connection to NATS broke, and is tried again until it is there");
        }
        Event::ClientError(_) if is_away.load(Ordering::Relaxed) => {
            tracing::debug!(%event, "the connection to NATS");
        }
        Event::LameDuckMode | Event::Draining | Event::Closed => tracing::info!(%event, "the connection to NATS"),
        Event::SlowConsumer(_) | Event::ServerError(_) | Event::ClientError(_) => {
            tracing::warn!(%event, "the connection to NATS");
        }
    }
}

/// Who logs in by an address: `nats://user:password@host`, or a token alone, each part percent-encoded.
pub(crate) fn login_in(address: &ServerAddr) -> Option<Login> {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = plain(address.username()?);
    Some(match address.password() {
        Some(password) => Login::Password { user, password: plain(password) },
        None => Login::Token(user),
    })
}

fn logged_in(login: &Login) -> Result<ConnectOptions, NatsError> {
    Ok(match login {
        Login::Anonymous => ConnectOptions::new(),
        Login::Password { user, password } => ConnectOptions::with_user_and_password(user.clone(), password.clone()),
        Login::Token(token) => ConnectOptions::with_token(token.clone()),
        Login::Credentials(text) => ConnectOptions::with_credentials(text).map_err(NatsError::Credentials)?,
        Login::Nkey(seed) => ConnectOptions::with_nkey(seed.clone()),
    })
}

fn secured(options: ConnectOptions, tls: &Tls) -> Result<ConnectOptions, NatsError> {
    let options = options.require_tls(tls.is_required);
    let mut roots = RootCertStore::empty();
    match &tls.authorities {
        Some(text) => {
            let what = "the certificate of the authority";
            for certificate in certificates(what, text)? {
                roots.add(certificate).map_err(|error| unusable(what, error))?;
            }
        }
        None => {
            // What the system has but cannot be read is as if it were not there.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable("the cryptography", error))?.with_root_certificates(roots);
    let config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let what = "the client's certificate or key";
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| unusable(what, error))?;
            let chain = certificates(what, chain)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unusable(what, error))?
        }
    };
    Ok(options.tls_client_config(config))
}

fn certificates(what: &'static str, text: &str) -> Result<Vec<CertificateDer<'static>>, NatsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|error| unusable(what, error))?;
    if found.is_empty() { Err(unusable(what, "there is none in it")) } else { Ok(found) }
}

fn unusable(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> NatsError {
    NatsError::Certificate { what, source: source.into() }
}

/// What a failed try to connect means.
fn refused(at: String, source: ConnectError) -> NatsError {
    match source.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            NatsError::LoginRefused { at, source }
        }
        ConnectErrorKind::Tls => NatsError::Tls { at, source },
        ConnectErrorKind::Io if is_about_tls(&source) => NatsError::Tls { at, source },
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => NatsError::Unreachable { at, source },
    }
}

fn is_about_tls(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

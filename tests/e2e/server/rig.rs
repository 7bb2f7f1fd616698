//! A server of its own, and a client that knows nothing of its inside.

use crate::{media::Sound, programs::Programs, support::User};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Client, Method, RequestBuilder, StatusCode, multipart};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// A server that runs, or was killed and can be started again.
pub struct Server {
    /// Whose it is.
    pub user: User,
    programs: Programs,
    runtime: Runtime,
    client: Client,
    child: Child,
    address: String,
    starts: u32,
    /// Its variables, beside those of every server here.
    variables: Vec<(&'static str, String)>,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    headers: reqwest::header::HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// An event as the stream tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its `id:`.
    pub position: u64,
    /// Its `event:`.
    pub kind: String,
    /// Its `data:`.
    pub data: Value,
}

impl Server {
    /// A new user's server, on a free port.
    pub fn start() -> Self {
        Self::start_with(vec![])
    }

    /// The same, configured by these variables.
    pub fn start_with(variables: Vec<(&'static str, String)>) -> Self {
        Self::begin(User::new(), variables, |_| {})
    }

    /// A new user's server with engines that take longer, so that a kill can hit every one of them.
    pub fn start_slow() -> Self {
        Self::begin(User::new(), vec![], |programs| programs.slow_down("0.3"))
    }

    /// The same for this user, configured by these variables.
    pub fn start_slow_with(user: User, variables: Vec<(&'static str, String)>) -> Self {
        Self::begin(user, variables, |programs| programs.slow_down("0.3"))
    }

    /// A command of the same user, with the same engines.
    pub fn command(&self, args: impl IntoIterator<Item = &'static str>) -> Command {
        let mut command = self.user.command(args);
        self.programs.apply(&mut command);
        command
    }

    /// The server of a user who has run the program before.
    pub fn start_for(user: User) -> Self {
        Self::begin(user, vec![], |_| {})
    }

    /// A server of this user, configured by these variables, whose engines' programs were changed so.
    pub fn begin(user: User, variables: Vec<(&'static str, String)>, meddle: impl FnOnce(&mut Programs)) -> Self {
        let _set_once = rustls::crypto::ring::default_provider().install_default();
        let runtime = Runtime::new().expect("a runtime");
        let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
        let mut programs = Programs::new(user.folder());
        meddle(&mut programs);
        let (child, address) = run(&user, &programs, 0, &variables);
        Self { user, programs, runtime, client, child, address, starts: 1, variables }
    }

    /// Ends it without a word, and starts it again.
    pub fn kill(&mut self) {
        self.die();
        self.start_again();
    }

    /// Ends it without a word.
    pub fn die(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    /// Starts it after its end.
    pub fn start_again(&mut self) {
        (self.child, self.address) = run(&self.user, &self.programs, self.starts, &self.variables);
        self.starts += 1;
    }

    /// Asks it to stop, and waits until it has; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.ask_to_stop();
        self.child.wait().expect("it has ended").code()
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    /// A connection on which a request was begun: its head, and none of its body.
    pub fn begin_request(&self, path: &str) -> TcpStream {
        let token = fs::read_to_string(self.user.data().join("api-token")).expect("the token");
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
            self.address,
            token.trim()
        );
        stream.write_all(head.as_bytes()).expect("a head");
        // It is being answered once the server asks for the body.
        let mut asked = [0; 12];
        stream.read_exact(&mut asked).expect("it goes on");
        assert_eq!(&asked, b"HTTP/1.1 100");
        stream
    }

    /// What it said on standard error since its last start.
    pub fn complaints(&self) -> String {
        fs::read_to_string(complaints_of(&self.user, self.starts - 1)).unwrap_or_default()
    }

    /// A request with the token.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let token = fs::read_to_string(self.user.data().join("api-token")).expect("the token");
        self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(token.trim())
    }

    /// A request with another token.
    pub fn ask_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(token)
    }

    /// Where it is: `http://127.0.0.1:40321`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The answer to a request.
    pub fn answer(&self, request: RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let (status, headers) = (response.status(), response.headers().clone());
            Answer { status, headers, body: response.bytes().await.expect("a body").to_vec() }
        })
    }

    /// The answer to a request that is complete.
    pub fn send(&self, request: reqwest::Request) -> Answer {
        self.answer(RequestBuilder::from_parts(self.client.clone(), request))
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Answer {
        self.answer(self.ask(Method::GET, path))
    }

    /// Posts a document.
    pub fn post(&self, path: &str, document: &Value) -> Answer {
        let body = document.to_string();
        self.answer(self.ask(Method::POST, path).header("content-type", "application/json").body(body))
    }

    /// Hands bytes in under this name; the asset's id.
    pub fn hand_in(&self, name: &str, bytes: Vec<u8>) -> String {
        self.hand_in_with(name, bytes, |request| request)
    }

    fn hand_in_with(&self, name: &str, bytes: Vec<u8>, ready: impl Fn(RequestBuilder) -> RequestBuilder) -> String {
        let part = multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = multipart::Form::new().part("file", part);
        let answer = self.answer(ready(self.ask(Method::POST, "/v1/assets").multipart(form)));
        answer.json(StatusCode::CREATED)["id"].as_str().expect("an id").to_owned()
    }

    /// What is said of an asset once it was looked at.
    pub fn looked_at(&self, asset: &str) -> Answer {
        let path = format!("/v1/assets/{asset}");
        let is_waiting = |answer: &Answer| {
            let found = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            answer.status == StatusCode::OK && found["state"] == "uploaded"
        };
        self.wait("the asset was looked at", || !is_waiting(&self.get(&path)));
        self.get(&path)
    }

    /// Hands a file in and waits until it was looked at; the asset's id.
    pub fn upload(&self, file: &Path) -> String {
        self.upload_with(file, |request| request)
    }

    /// The same with a request that is made ready so.
    pub fn upload_with(&self, file: &Path, ready: impl Fn(RequestBuilder) -> RequestBuilder) -> String {
        let bytes = fs::read(file).expect("the file");
        let asset = self.hand_in_with(&file.file_name().expect("a name").to_string_lossy(), bytes, ready);
        self.wait("the asset is ready", || {
            let found = self.get(&format!("/v1/assets/{asset}")).json(StatusCode::OK);
            found["state"] == "ready"
        });
        asset
    }

    /// The dubbing's events after a position, read until one is as wanted, which is the last one returned.
    pub fn events_until(&self, dubbing: &str, after: u64, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        self.stream_until(&format!("/v1/dubbings/{dubbing}/events?after={after}"), is_last)
    }

    /// The events of a stream, read until one is as wanted, which is the last one returned.
    pub fn stream_until(&self, path: &str, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let request = self.ask(Method::GET, path);
        self.runtime.block_on(async {
            let mut response = request.send().await.expect("a stream");
            assert_eq!(response.status(), StatusCode::OK);
            let (mut text, mut events) = (String::new(), Vec::new());
            loop {
                let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await;
                let chunk = chunk.expect("an event in time").expect("the stream").expect("more of the stream");
                text.push_str(std::str::from_utf8(&chunk).expect("text"));
                while let Some((message, rest)) = text.split_once("\n\n") {
                    events.extend(event(message));
                    text = rest.to_owned();
                    if events.last().is_some_and(&is_last) {
                        return events;
                    }
                }
            }
        })
    }

    /// Waits for something.
    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            thread::sleep(LOOK);
        }
    }

    /// A track's sound, before it is packed into a container.
    pub fn sound(&self, dubbing: &str, language: &str) -> Sound {
        let wav = self.get(&format!("/v1/dubbings/{dubbing}/tracks/{language}/audio")).bytes(StatusCode::OK);
        let file = self.user.folder().join(format!("{language}.wav"));
        File::create(&file).and_then(|mut file| file.write_all(&wav)).expect("a file");
        let mut reader = hound::WavReader::open(&file).expect("a WAV file");
        let spec = reader.spec();
        let samples = reader.samples::<i16>().map(|sample| f32::from(sample.expect("a sample")) / 32_768.0);
        Sound { rate_hz: spec.sample_rate, channels: usize::from(spec.channels), samples: samples.collect() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Answer {
    /// The document of an answer that must have this status.
    #[track_caller]
    pub fn json(&self, status: StatusCode) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn bytes(self, status: StatusCode) -> Vec<u8> {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.body
    }

    /// A header.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().expect("a text").to_owned()
    }
}

/// Sends a signal to a process that was not waited for yet.
pub fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("a signal");
}

/// Where a server writes its standard error.
fn complaints_of(user: &User, start: u32) -> PathBuf {
    user.folder().join(format!("server-{start}.err"))
}

/// Starts the program and waits until it says where it listens.
fn run(user: &User, programs: &Programs, start: u32, variables: &[(&'static str, String)]) -> (Child, String) {
    let said = user.folder().join(format!("server-{start}.out"));
    let log = complaints_of(user, start);
    let mut command = user.command(["serve", "--listen", "127.0.0.1:0"]);
    programs.apply(&mut command);
    command.stdout(File::create(&said).expect("a file")).stderr(File::create(&log).expect("a file"));
    let variables = variables.iter().map(|(name, value)| (name, value));
    command.stdin(Stdio::null()).env("DRAGOMAN_LOG", "warn").envs(variables);
    let mut child = command.spawn().expect("it starts");
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(&said).unwrap_or_default();
        if let Some(address) = text.split_once("http://").and_then(|(_, rest)| rest.split_once(' ')) {
            return (child, address.0.to_owned());
        }
        let ended = child.try_wait().expect("its state");
        let log = || fs::read_to_string(&log).unwrap_or_default();
        assert!(ended.is_none() && began.elapsed() < PATIENCE, "it does not serve: {}", log());
        thread::sleep(LOOK);
    }
}

fn event(message: &str) -> Option<Event> {
    let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Event {
        position: field("id:")?.parse().expect("a position"),
        kind: field("event:")?.to_owned(),
        data: serde_json::from_str(field("data:")?).expect("a document"),
    })
}

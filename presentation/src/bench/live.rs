//! Many listeners (Server-Sent Events): what they cost the server together, and how soon an event has reached them all.

use super::{
    Sizes,
    client::{self, Connection, Text, request, with_body, with_json},
    figures::{Figure, percentile},
    memory::{self, Watch, mib},
    server::Target,
};
use crate::exit::{Exit, Failure};
use http_body_util::BodyExt;
use hyper::{Method, body::Incoming, header};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Barrier, mpsc},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// MiB for all listeners of the full size together.
const MIB_MAX: f64 = 60.0;
/// Listeners for which that is meant.
const LISTENERS: f64 = 1_000.0;
/// Milliseconds within which an event reaches every listener.
const REACHED_MS_MAX: f64 = 250.0;
/// Time between two events.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait for an event that does not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Commands that warm the server up before its memory is read.
const WARM_UP: u64 = 200;

/// What a listener heard: the position, and when.
type Heard = (u64, Instant);

/// Connects the listeners, and lets something happen.
pub async fn measure(target: &Target, sizes: &Sizes) -> Result<Vec<Figure>, Failure> {
    let mut teller = Teller::new(target).await?;
    for _ in 0..WARM_UP {
        teller.tell().await?;
    }
    let before = memory::bytes_of(target.pid)?;
    let watch = Watch::begin(target.pid);
    let (mut listeners, mut heard) = listen(target, sizes.listeners).await?;
    let mut reached = Vec::with_capacity(sizes.told * sizes.listeners);
    for _ in 0..sizes.told {
        sleep(PAUSE).await;
        let (position, asked) = teller.tell().await?;
        let mut count = 0;
        while count < sizes.listeners {
            let (found, at) = next(&mut heard).await?;
            // Other things may happen in a server that somebody else runs.
            if found == position {
                count += 1;
                reached.push(at.saturating_duration_since(asked).as_secs_f64() * 1_000.0);
            }
        }
    }
    let grown = watch.peak().await?.saturating_sub(before);
    listeners.shutdown().await;
    reached.sort_by(f64::total_cmp);
    let count = sizes.listeners;
    let limit = MIB_MAX * count as f64 / LISTENERS;
    Ok(vec![
        Figure::below(format!("memory of {count} SSE clients together"), mib(grown), "MiB", limit),
        Figure::told(format!("an event reaches {count} SSE clients, p50"), percentile(&reached, 50.0), "ms"),
        Figure::told(format!("an event reaches {count} SSE clients, p99"), percentile(&reached, 99.0), "ms"),
        Figure::below(
            format!("an event reaches all {count} SSE clients, slowest of {}", sizes.told),
            percentile(&reached, 100.0),
            "ms",
            REACHED_MS_MAX,
        ),
    ])
}

/// Makes something happen: renames a project.
struct Teller {
    target: Target,
    connection: Connection<Text>,
    project: String,
    told: u64,
}

impl Teller {
    async fn new(target: &Target) -> Result<Self, Failure> {
        let made = client::post(target, "/v1/projects", &json!({ "name": "bench" })).await?;
        let project = made.json()?["id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { target: target.clone(), connection: Connection::open(target).await?, project, told: 0 })
    }

    /// Gives the position of the event, and when it was asked for: before the command was sent.
    async fn tell(&mut self) -> Result<(u64, Instant), Failure> {
        self.told += 1;
        let path = format!("/v1/projects/{}", self.project);
        let builder = request(&self.target, Method::PATCH, &path).header(header::IF_MATCH, "*");
        let request = with_json(builder, &json!({ "name": format!("bench {}", self.told) }))?;
        let asked = Instant::now();
        let answer = self.connection.ask(request).await?.well()?;
        let position = answer.header("dragoman-position").and_then(|position| position.parse().ok());
        let position =
            position.ok_or_else(|| Failure::new(Exit::Internal, "a command was answered without a position"))?;
        Ok((position, asked))
    }
}

/// Connects so many listeners, and returns once each was greeted.
async fn listen(target: &Target, count: usize) -> Result<(JoinSet<()>, mpsc::UnboundedReceiver<Heard>), Failure> {
    let (tell, heard) = mpsc::unbounded_channel();
    let greeted = Arc::new(Barrier::new(count + 1));
    let mut listeners = JoinSet::new();
    for _ in 0..count {
        let mut connection: Connection<Text> = Connection::open(target).await?;
        let ask = with_body(request(target, Method::GET, "/v1/events"), Text::default())?;
        let answer = connection.send(ask).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(Failure::new(Exit::Internal, format!("the server answered a listener {status}")));
        }
        let (tell, greeted) = (tell.clone(), greeted.clone());
        listeners.spawn(async move {
            let mut body = answer.into_body();
            let mut lines = Lines::default();
            let mut greeted = Some(greeted);
            while let Some(bytes) = frame(&mut body).await {
                let now = Instant::now();
                if let Some(greeted) = greeted.take() {
                    greeted.wait().await;
                }
                for position in lines.ids(&bytes) {
                    // Nobody listens any more when the measure has ended.
                    let _heard = tell.send((position, now));
                }
            }
            drop(connection);
        });
    }
    let greeted = timeout(PATIENCE, greeted.wait()).await;
    greeted.map_err(|_| Failure::new(Exit::Internal, "not every listener was greeted"))?;
    Ok((listeners, heard))
}

async fn frame(body: &mut Incoming) -> Option<bytes::Bytes> {
    body.frame().await?.ok()?.into_data().ok()
}

async fn next(heard: &mut mpsc::UnboundedReceiver<Heard>) -> Result<Heard, Failure> {
    let missing = || Failure::new(Exit::Internal, "an event did not reach every listener");
    timeout(PATIENCE, heard.recv()).await.ok().flatten().ok_or_else(missing)
}

/// Finds the ids of events in pieces of a stream.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    /// Of the block that has begun.
    id: Option<u64>,
    has_data: bool,
}

impl Lines {
    /// The ids of events that end in this piece. A block without data says where the stream is, and is no event.
    fn ids(&mut self, bytes: &[u8]) -> Vec<u64> {
        let mut found = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.begun.push(*byte);
                continue;
            }
            let line = std::str::from_utf8(&self.begun).unwrap_or_default();
            if line.is_empty() {
                found.extend(self.id.take().filter(|_| self.has_data));
                self.has_data = false;
            } else if let Some(id) = line.strip_prefix("id:") {
                self.id = id.trim().parse().ok();
            } else {
                self.has_data |= line.starts_with("data:");
            }
            self.begun.clear();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_across_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.ids(b"retry: 2000\nid: 16\n\n: keep-alive\nid: 16\n\nid: 1"), Vec::<u64>::new());
        assert_eq!(lines.ids(b"7\nevent: project.renamed\ndata: {\"id\": 3}\n\nid: 18\ndata: {}\n\n"), [17, 18]);
        assert_eq!(lines.ids(b"id: x\ndata: {}\n\n"), Vec::<u64>::new());
    }
}

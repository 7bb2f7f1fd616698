//! Large uploads, by form and by tus: how fast, and how much memory the server takes meanwhile.

use super::{
    Sizes,
    client::{self, Answer, Connection, Text, request, with_body},
    figures::Figure,
    memory::{self, Watch, mib},
    server::Target,
};
use crate::exit::{Exit, Failure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method,
    body::{Body, Frame, SizeHint},
    header,
    http::request::Builder,
};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::Instant;

/// MiB by which an upload may let the server grow.
const MIB_MAX: f64 = 32.0;
/// Bytes of the block that is sent again and again.
const BLOCK: usize = 64 << 10;
/// Bytes of the first upload, which is not measured.
const WARM_UP_BYTES: u64 = 1 << 20;
/// Parts the form. It does not occur in what is sent.
const BOUNDARY: &str = "dragoman-bench-0c6f5b1e";
const TUS: &str = "1.0.0";

/// Uploads the same bytes by each way.
pub async fn measure(target: &Target, sizes: &Sizes) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for way in [Way::Form, Way::Tus] {
        // What a server takes at its first upload ever, it takes once.
        let first = upload(target, way, WARM_UP_BYTES).await?;
        erase(target, &first).await?;
        let before = memory::bytes_of(target.pid)?;
        let watch = Watch::begin(target.pid);
        let began = Instant::now();
        let asset = upload(target, way, sizes.upload_bytes).await?;
        let took = began.elapsed().as_secs_f64();
        let grown = watch.peak().await?.saturating_sub(before);
        erase(target, &asset).await?;
        let what = format!("upload of {} MiB by {}", sizes.upload_bytes >> 20, way.name());
        figures.push(Figure::told(&what, sizes.upload_bytes as f64 / 1e6 / took, "MB/s"));
        figures.push(Figure::below(format!("{what}: growth of memory"), mib(grown), "MiB", MIB_MAX));
    }
    Ok(figures)
}

/// How bytes come to the server.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// In one request, as a form.
    Form,
    /// By the tus protocol, in one piece.
    Tus,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Form => "form",
            Way::Tus => "tus",
        }
    }
}

/// Gives the path of the asset.
async fn upload(target: &Target, way: Way, bytes: u64) -> Result<String, Failure> {
    match way {
        Way::Form => by_form(target, bytes).await,
        Way::Tus => by_tus(target, bytes).await,
    }
}

/// Erases what was handed in, by its path.
pub async fn erase(target: &Target, asset: &str) -> Result<(), Failure> {
    let erase = with_body(request(target, Method::DELETE, asset), Text::default())?;
    client::once(target, erase).await.map(drop)
}

/// Hands in a small file; the id of its asset.
pub async fn small(target: &Target, file: &[u8]) -> Result<String, Failure> {
    let (head, tail) = form("bench.wav", "audio/wav");
    let body = [head.as_bytes(), file, tail.as_bytes()].concat();
    let answer = client::once(target, with_body(form_request(target), Full::from(body))?).await?;
    Ok(answer.json()?["id"].as_str().unwrap_or_default().to_owned())
}

async fn by_form(target: &Target, bytes: u64) -> Result<String, Failure> {
    let (head, tail) = form("bench.mp4", "video/mp4");
    let body = Repeated::new(head.into(), bytes, tail.into());
    location(&send(target, with_body(form_request(target), body)?).await?)
}

async fn by_tus(target: &Target, bytes: u64) -> Result<String, Failure> {
    let create = tus(request(target, Method::POST, "/v1/uploads")).header("upload-length", bytes);
    let created = client::once(target, with_body(create, Text::default())?).await?;
    let piece = tus(request(target, Method::PATCH, &location(&created)?)).header("upload-offset", 0);
    let piece = piece.header(header::CONTENT_TYPE, "application/offset+octet-stream");
    let body = Repeated::new(Bytes::new(), bytes, Bytes::new());
    let done = send(target, with_body(piece, body)?).await?;
    done.header("dragoman-asset").map(str::to_owned).ok_or_else(|| lost("asset"))
}

async fn send(target: &Target, request: hyper::Request<Repeated>) -> Result<Answer, Failure> {
    Connection::open(target).await?.ask(request).await?.well()
}

fn tus(builder: Builder) -> Builder {
    builder.header("tus-resumable", TUS)
}

fn form_request(target: &Target) -> Builder {
    let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
    request(target, Method::POST, "/v1/assets").header(header::CONTENT_TYPE, media_type)
}

/// What stands before and after the file.
fn form(name: &str, media_type: &str) -> (String, String) {
    let disposition = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    let head = format!("--{BOUNDARY}\r\n{disposition}\r\nContent-Type: {media_type}\r\n\r\n");
    (head, format!("\r\n--{BOUNDARY}--\r\n"))
}

fn location(answer: &Answer) -> Result<String, Failure> {
    answer.header("location").map(str::to_owned).ok_or_else(|| lost("upload"))
}

fn lost(what: &str) -> Failure {
    Failure::new(Exit::Internal, format!("the server does not say where the {what} is"))
}

/// A body that is never whole in memory: a beginning, one block again and again, an end.
struct Repeated {
    head: Bytes,
    block: Bytes,
    left: u64,
    tail: Bytes,
}

impl Repeated {
    fn new(head: Bytes, bytes: u64, tail: Bytes) -> Self {
        // Nothing that could be made smaller: a step through the bytes by a prime.
        let block: Vec<u8> = (0..BLOCK).map(|place| ((place * 167) >> 3) as u8).collect();
        Self { head, block: block.into(), left: bytes, tail }
    }

    fn next(&mut self) -> Option<Bytes> {
        if !self.head.is_empty() {
            return Some(std::mem::take(&mut self.head));
        }
        if self.left > 0 {
            let length = usize::try_from(self.left).unwrap_or(BLOCK).min(BLOCK);
            self.left -= length as u64;
            return Some(self.block.slice(..length));
        }
        Some(std::mem::take(&mut self.tail)).filter(|tail| !tail.is_empty())
    }

    fn length(&self) -> u64 {
        self.head.len() as u64 + self.left + self.tail.len() as u64
    }
}

impl Body for Repeated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().next().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_body_is_as_long_as_it_says() {
        for bytes in [0, 1, BLOCK as u64, 3 * BLOCK as u64 + 7] {
            let body = Repeated::new("head".into(), bytes, "tail".into());
            let told = body.size_hint().exact();
            let sent = body.collect().await.expect("a body").to_bytes();
            assert_eq!((told, sent.len() as u64), (Some(bytes + 8), bytes + 8));
            assert!(sent.starts_with(b"head") && sent.ends_with(b"tail"));
        }
        assert!(Repeated::new(Bytes::new(), 0, Bytes::new()).is_end_stream());
    }

    #[test]
    fn the_boundary_does_not_occur_in_what_is_sent() {
        let body = Repeated::new(Bytes::new(), 1, Bytes::new());
        let twice = [&*body.block, &*body.block].concat();
        assert!(!twice.windows(BOUNDARY.len()).any(|window| window == BOUNDARY.as_bytes()));
    }
}

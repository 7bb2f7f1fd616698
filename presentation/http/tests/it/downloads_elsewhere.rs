//! Media that are fetched from the bucket: who may is decided here, and what is sent there is the file.

use crate::{
    film::{Film, VIDEO_BYTES, video},
    kit::{Options, Server},
};
use application::commands::release_file::FileUse;
use blob_store::{S3BlobStore, S3CacheLimits, S3Config, S3Credentials, S3Patience};
use reqwest::{Client, Method, Response, redirect::Policy};
use scratch_s3::{REGION, ScratchS3, WRITER};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use uuid::Uuid;

/// A server whose media are in a bucket, and what keeps both.
struct Far {
    server: Server,
    s3: ScratchS3,
    _copies: TempDir,
}

impl Far {
    async fn start(links: Option<Duration>) -> Self {
        let (s3, copies) = (ScratchS3::start("media").expect("S3"), tempfile::tempdir().expect("a folder"));
        let config = S3Config {
            bucket: s3.bucket().to_owned(),
            prefix: "one".to_owned(),
            installation: Uuid::from_u128(1),
            endpoint: Some(s3.endpoint()),
            region: REGION.to_owned(),
            path_style: true,
            allow_http: true,
            credentials: S3Credentials {
                access_key: WRITER.0.to_owned(),
                secret_key: WRITER.1.to_owned(),
                session_token: None,
            },
            cache: S3CacheLimits::default(),
            patience: S3Patience { retry: Duration::from_secs(1), ..S3Patience::default() },
        };
        let store = S3BlobStore::connect(&config, copies.path(), Uuid::from_u128(7), FileUse::of_blobs(None)).await;
        let blobs = Some(Arc::new(store.expect("a bucket")) as _);
        let server = Server::with(Options { blobs, links, ..Options::default() }).await;
        Self { server, s3, _copies: copies }
    }
}

/// What a client is told that goes nowhere by itself.
async fn told(
    film: &Film<'_>,
    file: &str,
    change: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Response {
    let client = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build().expect("a client");
    let request = change(film.get(&film.of_track(file))).build().expect("a request");
    client.execute(request).await.expect("an answer")
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("a text")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn media_are_fetched_from_where_they_are() {
    let far = Far::start(Some(Duration::from_secs(60))).await;
    let film = Film::published(&far.server).await;
    let answer = told(&film, "/video", |request| request).await;
    assert_eq!(answer.status(), 307);
    assert_eq!(header(&answer, "cache-control"), "private, no-store");
    let address = header(&answer, "location");
    assert!(address.starts_with(&far.s3.endpoint()) && address.contains("X-Amz-Expires=60"), "{address}");
    for parameter in ["response-content-type=video%2Fmp4", "response-content-disposition=attachment%3B%20filename"] {
        assert!(address.contains(parameter), "{address}");
    }
    assert!(answer.bytes().await.expect("a body").is_empty());
    // No token goes there; whoever has the address needs none.
    let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let part = client.get(&address).header("range", "bytes=7-9").send().await.expect("an answer");
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, format!("bytes 7-9/{VIDEO_BYTES}")));
    assert_eq!(part.bytes().await.expect("a body").to_vec(), video()[7..10]);
    // A client that goes where it is sent finds the file, or the part of it that it asked for.
    let followed = film.get(&film.of_track("/video")).header("range", "bytes=300000-").send().await.expect("an answer");
    assert_eq!((followed.status().as_u16(), followed.url().as_str().starts_with(&far.s3.endpoint())), (206, true));
    assert_eq!(followed.bytes().await.expect("a body").to_vec(), video()[300_000..]);
    let whole = film.get(&film.of_track("/video")).send().await.expect("an answer");
    assert!(whole.bytes().await.expect("a body") == video());
    assert_eq!(told(&film, "/audio", |request| request).await.status(), 307);
    assert_eq!(far.server.trail("result-downloaded").await.len(), 2, "each is written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_sent_nowhere() {
    let far = Far::start(Some(Duration::from_secs(60))).await;
    let film = Film::published(&far.server).await;
    let open = far.server.open(Method::GET, &film.of_track("/video")).send().await.expect("an answer");
    assert_eq!(open.status(), 401);
    let tag = header(&told(&film, "/video", |request| request).await, "etag");
    let known = told(&film, "/video", |request| request.header("if-none-match", &tag)).await;
    assert_eq!((known.status().as_u16(), header(&known, "location")), (304, String::new()));
    let head = film.server.ask(Method::HEAD, &film.of_track("/video")).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, VIDEO_BYTES.to_string()));
    // What is small comes from here.
    for file in ["/subtitles.srt", "/subtitles.vtt", "/subtitles.ass", "/report", "/provenance"] {
        assert_eq!(told(&film, file, |request| request).await.status(), 200, "{file}");
    }
    let track = film.server.api.aggregates.track(&film.track).await.expect("a track").state;
    let media = track.published.clone().expect("a result").media;
    film.server.api.blobs.delete(&media.sha256).await.expect("deleted");
    let lost = told(&film, "/video", |request| request).await;
    assert_eq!((lost.status().as_u16(), header(&lost, "location")), (500, String::new()), "there is no such file");
}

#[tokio::test(flavor = "multi_thread")]
async fn unless_asked_for_nobody_is_sent_elsewhere() {
    let far = Far::start(None).await;
    let film = Film::published(&far.server).await;
    let answer = told(&film, "/video", |request| request).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.expect("a body") == video());
    let near = Server::with(Options { links: Some(Duration::from_secs(60)), ..Options::default() }).await;
    let film = Film::published(&near).await;
    assert_eq!(told(&film, "/video", |request| request).await.status(), 200, "files here have no addresses");
}

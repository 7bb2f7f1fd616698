//! Forms, whole and broken, in pieces of every length.

use super::{Multipart, PARTS_MAX};
use crate::{problem::Code, upload::arriving::Arriving};
use axum::body::Body;
use bytes::Bytes;
use std::{convert::Infallible, time::Duration};
use tokio_util::sync::CancellationToken;

const FORM: &str = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"sha256\"\r\n\r\nabc\r\n--b  \r\n\
    content-disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n\
    one\r\n--\r\n--c\r\n\r\n-\r\n--b\r\ncontent-disposition: form-data; name=empty\r\n\r\n\r\n--b--\r\nepilogue";

fn form(pieces: Vec<Bytes>) -> Multipart {
    let pieces = futures::stream::iter(pieces.into_iter().map(Ok::<_, Infallible>));
    let stall = Duration::from_secs(1);
    Multipart::new(Arriving::of(Body::from_stream(pieces), stall, CancellationToken::new()).digesting(), "b")
}

/// Names, file names and contents of all parts.
async fn read(mut form: Multipart) -> Result<Vec<(String, Option<String>, String)>, Code> {
    let mut parts = Vec::new();
    let code = |problem: crate::problem::Problem| problem.code();
    while let Some(head) = form.next().await.map_err(code)? {
        let mut content = Vec::new();
        while let Some(chunk) = form.chunk().await.map_err(code)? {
            assert!(!chunk.is_empty());
            content.extend_from_slice(&chunk);
        }
        parts.push((head.name, head.file_name, String::from_utf8(content).expect("a text")));
    }
    form.finish().await.map_err(code)?;
    Ok(parts)
}

async fn refused(body: &str) -> Code {
    read(form(vec![Bytes::from(body.to_owned())])).await.expect_err(body)
}

#[tokio::test]
async fn a_form_is_the_same_in_pieces_of_every_length() {
    let expected = [
        ("sha256".to_owned(), None, "abc".to_owned()),
        ("file".to_owned(), Some("a.mp4".to_owned()), "one\r\n--\r\n--c\r\n\r\n-".to_owned()),
        ("empty".to_owned(), None, String::new()),
    ];
    for length in 1..=FORM.len() {
        let pieces = FORM.as_bytes().chunks(length).map(Bytes::copy_from_slice).collect();
        assert_eq!(read(form(pieces)).await.expect("a form"), expected, "in pieces of {length}");
    }
}

#[tokio::test]
async fn parts_may_be_passed_over() {
    let mut form = form(vec![FORM.into()]);
    let mut names = Vec::new();
    while let Some(head) = form.next().await.expect("a part") {
        names.push(head.name);
    }
    assert_eq!(names, ["sha256", "file", "empty"]);
    let digest = form.finish().await.expect("the end").digest().expect("a digest");
    assert_eq!(digest, application::aggregates::sha256(FORM.as_bytes()));
}

#[tokio::test]
async fn every_form_that_is_cut_off_is_refused() {
    let end = FORM.find("--b--").expect("an end") + "--b-".len();
    for cut in 0..=end {
        assert_eq!(refused(&FORM[..cut]).await, Code::MalformedMultipart, "cut at {cut}");
    }
    assert_eq!(read(form(vec![FORM[..=end].to_owned().into()])).await.expect("whole").len(), 3);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n";
    let long = format!("--b\r\nContent-Disposition: form-data; name={}\r\n\r\nx\r\n--b--", "a".repeat(9_000));
    for body in [
        "",
        "no form at all",
        &"x".repeat(100_000),
        "--bb\r\n\r\n",
        "--b\r\n\r\nno head\r\n--b--",
        "--b\r\nContent-Type: text/plain\r\n\r\nno name\r\n--b--",
        &long,
        &format!("{}--b--", part.repeat(PARTS_MAX + 1)),
        &format!("--b{}", " ".repeat(20_000)),
        &format!("{part}--b--\r\n{}", "x".repeat(10_000)),
    ] {
        assert_eq!(refused(body).await, Code::MalformedMultipart, "{:.60}", body);
    }
    assert_eq!(
        read(form(vec![format!("{}--b--", part.repeat(PARTS_MAX)).into()])).await.expect("a form").len(),
        PARTS_MAX
    );
}

#[tokio::test]
async fn a_text_has_a_bound() {
    let mut form = form(vec![FORM.into()]);
    form.next().await.expect("a part");
    assert_eq!(form.text(3).await.expect("read"), Some("abc".to_owned()));
    form.next().await.expect("a part");
    assert_eq!(form.text(3).await.expect("read"), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_falls_silent_is_not_waited_for() {
    let first = futures::stream::iter([Ok::<_, Infallible>(Bytes::from("--b\r\n"))]);
    let silent = futures::StreamExt::chain(first, futures::stream::pending());
    let arriving = Arriving::of(Body::from_stream(silent), Duration::from_secs(30), CancellationToken::new());
    let problem = Multipart::new(arriving, "b").next().await.expect_err("silence");
    assert_eq!(problem.code(), Code::BodyTooSlow);
}

#[tokio::test]
async fn a_server_that_stops_takes_no_more() {
    let stop = CancellationToken::new();
    stop.cancel();
    let arriving = Arriving::of(Body::from(FORM), Duration::from_secs(30), stop);
    assert_eq!(Multipart::new(arriving, "b").next().await.expect_err("stopped").code(), Code::NotReady);
}

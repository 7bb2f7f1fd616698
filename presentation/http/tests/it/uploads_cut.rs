//! Connections that are cut in the middle of an upload.

use crate::{
    kit::{Server, TOKEN},
    uploads::{begin, header, offset, patch, send},
};
use application::aggregates::sha256;
use std::time::Duration;
use tokio::{io::AsyncWriteExt, net::TcpStream};

const LENGTH: usize = 3 << 20;

fn content() -> Vec<u8> {
    (0..LENGTH as u32 / 4).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// Sends the head of a request and a part of its body, then cuts the connection: gently, or by a reset.
async fn cut(server: &Server, head: String, sent: &[u8], reset: bool) {
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(sent).await.expect("sent");
    if reset {
        stream.set_zero_linger().expect("a socket");
    }
}

fn head(method: &str, path: &str, length: usize, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Length: {length}\r\n{more}\r\n\r\n"
    )
}

/// Waits until nobody writes any more: an empty piece is taken where the upload ends.
async fn settled(server: &Server, path: &str) -> usize {
    for _ in 0..500 {
        let end = offset(server, path).await;
        if send(patch(server, path, end, "")).await.status() == 204 {
            return end;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the upload stays locked");
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_cut() {
    let server = Server::start().await;
    let content = content();
    let path = begin(&server, LENGTH).await;
    let (mut end, mut cuts) = (0, 0);
    while cuts < 8 {
        let piece = &content[end..];
        let more = format!("Content-Type: application/offset+octet-stream\r\nUpload-Offset: {end}");
        let sent = piece.len().min(300_000 + 7 * cuts);
        cut(&server, head("PATCH", &path, piece.len(), &more), &piece[..sent], false).await;
        let now = settled(&server, &path).await;
        assert!((end..=end + sent).contains(&now), "{now} after {end}");
        (end, cuts) = (now, cuts + 1);
    }
    assert!(end > 0, "what arrived stays");
    let last = send(patch(&server, &path, end, content[end..].to_vec())).await;
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (204, LENGTH.to_string().as_str()));
    let kept = server.api.blobs.get_bytes(&sha256(&content)).await.expect("a store");
    assert!(kept.as_deref() == Some(&*content), "byte for byte");
}

#[tokio::test]
async fn a_reset_loses_no_order() {
    let server = Server::start().await;
    let content = content();
    let path = begin(&server, LENGTH).await;
    let more = "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0";
    cut(&server, head("PATCH", &path, LENGTH, more), &content[..1 << 20], true).await;
    let end = settled(&server, &path).await;
    assert!(end <= 1 << 20);
    assert_eq!(send(patch(&server, &path, end, content[end..].to_vec())).await.status(), 204);
    assert!(server.api.blobs.path(&sha256(&content)).await.expect("a store").is_some());
}

#[tokio::test]
async fn a_piece_with_a_checksum_that_is_cut_is_not_kept() {
    let server = Server::start().await;
    let path = begin(&server, LENGTH).await;
    let sum = "Upload-Checksum: sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let more = format!("Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n{sum}");
    cut(&server, head("PATCH", &path, LENGTH, &more), &content()[..1 << 20], false).await;
    assert_eq!(settled(&server, &path).await, 0);
}

#[tokio::test]
async fn a_form_that_is_cut_leaves_nothing() {
    let server = Server::start().await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n";
    let more = "Content-Type: multipart/form-data; boundary=b";
    let mut sent = form.as_bytes().to_vec();
    sent.extend_from_slice(&content()[..1 << 20]);
    for reset in [false, true] {
        cut(&server, head("POST", "/v1/assets", LENGTH, more), &sent, reset).await;
        let uploads = &server.api.uploads;
        let mut looks = 0;
        // It may not have begun yet: ask until a later request has had its turn, and nothing is there.
        while !uploads.unfinished().await.expect("a store").is_empty() || looks < 20 {
            looks += 1;
            assert!(looks < 500, "the rest of a broken form stays");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(
        (server.api.log.head().await.expect("a log"), server.api.uploads.finished().await.expect("a store")),
        (0, vec![])
    );
}

//! Files of a result: whole, in parts, conditionally, by name; and what is gone.

use crate::{
    bad_requests::problem,
    film::{Film, REPORT, VIDEO_BYTES, video},
    kit::Server,
};
use application::ports::event_log::Tenant;
use domain::value::Sha256;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

async fn bytes(answer: Response) -> Vec<u8> {
    answer.bytes().await.expect("a body").to_vec()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("a text")).to_owned()
}

async fn refused(request: RequestBuilder, status: u16, code: &str) {
    let body = problem(send(request).await).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
}

#[tokio::test]
async fn every_file_is_sent_whole_under_a_safe_name() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let check = async |file: &str, media_type: &str, ending: &str| {
        let answer = send(film.get(&film.of_track(&format!("/{file}"))).header("accept-encoding", "gzip")).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type").as_str()), (200, media_type));
        assert_eq!(
            (header(&answer, "accept-ranges").as_str(), header(&answer, "content-encoding").as_str()),
            ("bytes", "")
        );
        let name = format!(
            "attachment; filename=\"Gr__e _1_.es.{ending}\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20_1_.es.{ending}"
        );
        assert_eq!(header(&answer, "content-disposition"), name);
        let (length, tag) = (header(&answer, "content-length"), header(&answer, "etag"));
        let body = bytes(answer).await;
        assert_eq!(length, body.len().to_string());
        assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
        body
    };
    assert!(check("video", "video/mp4", "mp4").await == video());
    assert_eq!(check("audio", "audio/wav", "wav").await, b"RIFF mixed sound");
    assert!(check("subtitles.srt", "application/x-subrip; charset=utf-8", "srt").await.starts_with(b"1\n00:00:01"));
    assert_eq!(check("subtitles.vtt", "text/vtt; charset=utf-8", "vtt").await, b"WEBVTT\n\n");
    assert_eq!(check("report", "application/json", "report.json").await, REPORT.as_bytes());
    let ass = String::from_utf8(check("subtitles.ass", "text/x-ssa; charset=utf-8", "ass").await).expect("a text");
    assert!(ass.contains("Dialogue: 0,0:00:01.00,0:00:02.00,S1,,0,0,0,,hola \\{u1\\}\n"), "{ass}");
    assert!(ass.contains("Dialogue: 0,0:00:03.00,0:00:04.00,S2,,0,0,0,,hola\\Nu2\n"), "{ass}");
    check("provenance", "application/json", "provenance.json").await;
}

#[tokio::test]
async fn provenance_names_what_the_manifest_names() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let told = film.json(film.get(&film.of_track("/provenance")), 200).await;
    assert_eq!((&told["manifest"], &told["revision"]), (&json!("urn:c2pa:7"), &31.into()));
    assert_eq!(told["manifest_sha256"], Sha256::new([6; 32]).to_string());
    let tag = film.tag(&film.of_track("/video")).await;
    assert_eq!(format!("\"{}\"", told["file_sha256"].as_str().expect("a digest")), tag);
    assert_eq!(told["stream"], format!("track-{}-es", film.id));
    let engines: Vec<&Value> = told["engines"].as_array().expect("a list").iter().collect();
    let stages: Vec<&str> = engines.iter().map(|engine| engine["stage"].as_str().expect("a stage")).collect();
    assert_eq!(stages[..4], ["ingest", "separate", "transcribe", "translate"]);
    assert_eq!(engines[3]["engine"], "engine-translate");
    assert!(told["verify"].as_str().expect("a text").contains("dragoman verify"));
}

#[tokio::test]
async fn a_file_can_be_asked_for_as_of_a_position() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    server.catch_up().await;
    let head = server.api.log.head().await.expect("read");
    let ask = |position: &str| film.get(&film.of_track(&format!("/subtitles.vtt?min_position={position}")));
    assert_eq!(bytes(send(ask(&head.to_string())).await).await, b"WEBVTT\n\n");
    refused(ask("x"), 400, "invalid-query").await;
    // The download before stands in the log, too.
    refused(ask(&(head + 2).to_string()), 409, "position-unknown").await;
    refused(film.get(&film.of_track("/video?part=1")), 400, "invalid-query").await;
}

#[tokio::test]
async fn parts_are_sent_as_asked() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let all = video();
    let get = |range: &str| film.get(&film.of_track("/video")).header("range", range);
    let check = async |range: &str, first: usize, past: usize| {
        let answer = send(get(range)).await;
        let expected = format!("bytes {first}-{}/{VIDEO_BYTES}", past - 1);
        assert_eq!((answer.status().as_u16(), header(&answer, "content-range")), (206, expected), "{range}");
        assert_eq!(header(&answer, "content-length"), (past - first).to_string());
        assert!(bytes(answer).await == all[first..past], "{range}");
    };
    check("bytes=0-0", 0, 1).await;
    check("bytes=-5", VIDEO_BYTES - 5, VIDEO_BYTES).await;
    check("bytes=5-", 5, VIDEO_BYTES).await;
    check("bytes=131071-131072", 131_071, 131_073).await;
    check("bytes=1000-299999", 1_000, 300_000).await;
    check("bytes=300000-999999999", 300_000, VIDEO_BYTES).await;
    check("bytes=-999999999", 0, VIDEO_BYTES).await;
    check("bytes=10-19,900000-", 10, 20).await;
    for range in ["bytes=300001-", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = send(get(range)).await;
        assert_eq!(header(&answer, "content-range"), format!("bytes */{VIDEO_BYTES}"), "{range}");
        assert_eq!(problem(answer).await["code"], "range-not-satisfiable", "{range}");
    }
    for range in ["bytes=a-b", "bytes=2-1", "bytes=", "lines=1-2", "bytes=0-,0-", "bytes=--1"] {
        let answer = send(get(range)).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-range").as_str()), (200, ""), "{range}");
        assert_eq!(bytes(answer).await.len(), VIDEO_BYTES, "{range}");
    }
    let made = send(film.get(&film.of_track("/subtitles.ass")).header("range", "bytes=1-11")).await;
    assert_eq!((made.status().as_u16(), bytes(made).await), (206, b"Script Info".to_vec()));
}

#[tokio::test]
async fn several_parts_come_in_one_body() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let answer = send(film.get(&film.of_track("/video")).header("range", "bytes=0-1, 140000-290000 ,-2")).await;
    assert_eq!(answer.status(), 206);
    let media_type = header(&answer, "content-type");
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").expect("a boundary").to_owned();
    assert_eq!(header(&answer, "content-range"), "", "each part has its own");
    let length = header(&answer, "content-length");
    let all = video();
    let mut expected = Vec::new();
    for (first, past) in [(0, 2), (140_000, 290_001), (VIDEO_BYTES - 2, VIDEO_BYTES)] {
        let range = format!("bytes {first}-{}/{VIDEO_BYTES}", past - 1);
        expected.extend(format!("--{boundary}\r\nContent-Type: video/mp4\r\nContent-Range: {range}\r\n\r\n").bytes());
        expected.extend(&all[first..past]);
        expected.extend(b"\r\n");
    }
    expected.extend(format!("--{boundary}--\r\n").bytes());
    let body = bytes(answer).await;
    assert_eq!(length, body.len().to_string());
    assert!(body == expected);
}

#[tokio::test]
async fn conditions_are_kept() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let path = film.of_track("/video");
    let tag = film.tag(&path).await;
    for known in [tag.clone(), format!("W/{tag}"), "\"a\", *".to_owned()] {
        let answer = send(film.get(&path).header("if-none-match", &known).header("range", "bytes=0-1")).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "etag")), (304, tag.clone()), "{known}");
        assert!(bytes(answer).await.is_empty());
    }
    let part = |version: &str| film.get(&path).header("range", "bytes=0-1").header("if-range", version);
    assert_eq!(send(part(&tag)).await.status(), 206);
    for version in ["\"other\"", &format!("W/{tag}"), "Sat, 31 Jan 2026 08:00:00 GMT"] {
        assert_eq!(send(part(version)).await.status(), 200, "{version}");
    }
    let head = send(film.server.ask(Method::HEAD, &path).header("range", "bytes=0-1")).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, VIDEO_BYTES.to_string()));
    assert_eq!((header(&head, "etag"), header(&head, "accept-ranges")), (tag, "bytes".to_owned()));
    assert!(bytes(head).await.is_empty());
}

#[tokio::test]
async fn what_is_made_anew_is_not_shown_before_it_is_published() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.remix(b"RIFF of next time").await;
    assert_eq!(bytes(send(film.get(&film.of_track("/audio"))).await).await, b"RIFF mixed sound");
}

#[tokio::test]
async fn subtitles_stay_as_they_were_published_when_the_transcript_changes() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let read = async || bytes(send(film.get(&film.of_track("/subtitles.ass"))).await).await;
    let before = read().await;
    let source = film.path("/transcript/utterances/u2");
    for body in [r#"{"speaker":"S1"}"#, r#"{"start_ms":2500,"end_ms":2900}"#] {
        film.json(film.send(Method::PATCH, &source, body).header("if-match", "*"), 200).await;
        assert_eq!(read().await, before);
    }
}

#[tokio::test]
async fn before_there_is_a_result_nothing_can_be_fetched() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    for file in ["video", "audio", "subtitles.srt", "subtitles.vtt", "subtitles.ass", "report", "provenance"] {
        refused(film.get(&film.of_track(&format!("/{file}"))), 409, "not-published").await;
    }
    refused(film.get(&film.of_track("/subtitles.sub")), 404, "no-such-route").await;
    let put = film.server.ask(Method::PUT, &film.of_track("/video"));
    refused(put, 405, "method-not-allowed").await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let (film, theirs) = (Film::published(&server).await, Film::of(&server, Tenant("others".to_owned())).await);
    theirs.transcribe().await;
    theirs.begin().await;
    theirs.make().await;
    for file in ["video", "audio", "subtitles.srt", "subtitles.vtt", "subtitles.ass", "report", "provenance"] {
        refused(theirs.get(&theirs.of_track(&format!("/{file}"))), 404, "not-found").await;
        for language in ["ca", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "es%2f..%2fes", "es%00", "es%0d%0a"] {
            let answer = send(film.get(&film.path(&format!("/tracks/{language}/{file}")))).await;
            assert_eq!(problem(answer).await["status"], 404, "{language}/{file}");
        }
    }
    for id in ["..", "..%2f..", "1", "%00"] {
        let answer = send(film.get(&format!("/v1/dubbings/{id}/tracks/es/video"))).await;
        assert_eq!(problem(answer).await["status"], 404, "{id}");
    }
    refused(film.get(&film.of_track("/video?path=../a")), 400, "invalid-query").await;
}

#[tokio::test]
async fn a_lost_file_has_a_code_of_its_own() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let track = server.api.aggregates.track(&film.track).await.expect("a track").state;
    let published = track.published.clone().expect("a result");
    let path = server.api.blobs.path(&published.media.sha256).await.expect("a store").expect("a blob");
    for sha256 in [published.srt.sha256, published.report.sha256] {
        server.api.blobs.delete(&sha256).await.expect("deleted");
    }
    for file in ["subtitles.srt", "subtitles.ass", "report"] {
        let body = problem(send(film.get(&film.of_track(&format!("/{file}")))).await).await;
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(500), Some("file-lost")), "{file}");
        let id = body["request_id"].as_str().expect("an id");
        assert!(!id.is_empty() && !body.to_string().contains(&published.srt.sha256.to_string()));
    }
    // Shorter than it was: not the file that is promised.
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, b"short").expect("written");
    refused(film.get(&film.of_track("/video")), 500, "file-lost").await;
    assert_eq!(send(film.get(&film.of_track("/audio"))).await.status(), 200);
}

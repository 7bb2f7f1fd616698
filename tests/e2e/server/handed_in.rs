//! Files of strangers, handed in to a real server: what a real clamd finds in them, and what is not what it says.

#[path = "../../../infrastructure/scan-clamd/tests/it/daemon.rs"]
mod daemon;

use super::rig::{Answer, Event, Server};
use crate::support::{clip, gst};
use daemon::{Daemon, MARK, SIGNATURE};
use reqwest::StatusCode;
use serde_json::Value;
use std::{fs, path::Path};

/// A server, and the scanner that it asks.
fn scanning(more: &[(&'static str, &str)]) -> (Server, Daemon) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let daemon = runtime.block_on(Daemon::start());
    let mut variables = vec![("DRAGOMAN_SCAN__CLAMD", daemon.unix.to_string())];
    variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    (Server::start_with(variables), daemon)
}

/// A film with the mark in it: whoever decodes it finds nothing wrong.
fn infected_film() -> Vec<u8> {
    let mut film = fs::read(clip()).expect("a film");
    let size = u32::try_from(8 + MARK.len()).expect("a size");
    film.extend_from_slice(&size.to_be_bytes());
    film.extend_from_slice(b"free");
    film.extend_from_slice(MARK);
    film
}

/// What is told of an asset, up to its end.
fn events(server: &Server, asset: &str) -> Vec<Event> {
    let is_end = |event: &Event| {
        event.data["asset"] == asset && ["asset.ready", "asset.quarantined"].contains(&event.kind.as_str())
    };
    let mut events = server.stream_until("/v1/events?after=0", is_end);
    events.retain(|event| event.data["asset"] == asset);
    events
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// Whether any blob holds these bytes.
fn is_kept(server: &Server, bytes: &[u8]) -> bool {
    let files = crate::media::files_below(&server.user.data().join("blobs"));
    files.iter().any(|file| fs::read(file).is_ok_and(|kept| kept == bytes))
}

/// That it was refused, with this status and for this reason.
#[track_caller]
fn refused(answer: &Answer, status: StatusCode, code: &str, reason: &str) -> Value {
    let problem = answer.json(status);
    assert_eq!((problem["code"].as_str(), problem["reason"].as_str()), (Some(code), Some(reason)), "{problem}");
    assert_eq!(problem["asset"]["state"], "quarantined");
    problem
}

#[test]
fn an_infected_file_is_put_aside_before_anything_opens_it() {
    let (server, _daemon) = scanning(&[]);
    // Of the second one, whoever opened it first would say that it is no film.
    for content in [infected_film(), [b"no film, but ".as_slice(), MARK].concat()] {
        let asset = server.hand_in("talk.mp4", content.clone());
        let answer = server.looked_at(&asset);
        let problem = refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "asset-infected", "infected");
        assert_eq!(problem["asset"]["scan"]["verdict"], "infected", "{problem}");
        let events = events(&server, &asset);
        assert_eq!(kinds(&events), ["asset.uploaded", "asset.scanned", "asset.quarantined"]);
        assert_eq!(events[1].data["data"]["verdict"], "infected", "{:?}", events[1]);
        server.wait("its file is gone", || !is_kept(&server, &content));
    }
    let asset = server.hand_in("talk.mp4", fs::read(clip()).expect("a film"));
    let found = server.looked_at(&asset).json(StatusCode::OK);
    assert_eq!((&found["state"], &found["scan"]["verdict"]), (&"ready".into(), &"clean".into()), "{found}");
    assert!(!server.complaints().contains(SIGNATURE.trim_end_matches(".UNOFFICIAL")), "{}", server.complaints());
}

#[test]
fn while_the_scanner_is_away_nothing_is_opened() {
    let (server, mut daemon) = scanning(&[]);
    daemon.kill();
    let asset = server.hand_in("talk.mp4", fs::read(clip()).expect("a film"));
    server.wait("somebody is told", || {
        let health = server.get("/health").body;
        String::from_utf8_lossy(&health).contains("what was handed in waits: the malware scanner cannot be reached")
    });
    let found = server.get(&format!("/v1/assets/{asset}")).json(StatusCode::OK);
    assert_eq!((&found["state"], &found["scan"]), (&"uploaded".into(), &Value::Null), "{found}");
}

#[test]
fn a_file_that_goes_on_without_a_verdict_says_so() {
    let (server, daemon) = scanning(&[("DRAGOMAN_SCAN__REQUIRED", "false")]);
    // Beyond what this clamd takes: 2 MiB.
    let large = daemon.file("large.wav", b"");
    sound(&large, "wavenc");
    assert!(fs::metadata(&large).expect("a file").len() > daemon::STREAM_BYTES_MAX as u64);
    let asset = server.hand_in("large.wav", fs::read(&large).expect("a file"));
    let found = server.looked_at(&asset).json(StatusCode::OK);
    let scan = &found["scan"];
    assert_eq!((&scan["verdict"], &scan["reason"]), (&"not-scanned".into(), &"too-large".into()), "{found}");
    assert_eq!((&found["state"], &found["scanned"]), (&"ready".into(), &false.into()), "{found}");
    let events = events(&server, &asset);
    assert_eq!(kinds(&events), ["asset.uploaded", "asset.not_scanned", "asset.ready"]);
    assert_eq!(events[1].data["data"]["reason"], "too-large");
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused() {
    let server = Server::start();
    let film = fs::read(clip()).expect("a film");
    let flac = server.user.folder().join("a.flac");
    sound(&flac, "flacenc");
    let flac = fs::read(flac).expect("a sound");
    let mislabelled = |name: &str, bytes: &[u8], right: &str| {
        let asset = server.hand_in(name, bytes.to_vec());
        let answer = server.looked_at(&asset);
        let problem = refused(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "asset-unsupported", "extension-mismatch");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(right)), "{problem}");
        server.wait("its file is gone", || !is_kept(&server, bytes));
    };
    mislabelled("talk.mkv", &film, "it is MP4: let its name end with .mp4");
    mislabelled("talk.jpg", &film, "its extension is none of media; it is MP4");
    mislabelled("talk.mp4", &flac, "it is FLAC: let its name end with .flac");
    let asset = server.hand_in("talk.mp4", b"#!/bin/sh\necho no film\n".to_vec());
    refused(&server.looked_at(&asset), StatusCode::UNSUPPORTED_MEDIA_TYPE, "asset-unsupported", "not-media");
    let asset = server.hand_in("Talk of 2024.11.03", film);
    assert_eq!(server.looked_at(&asset).json(StatusCode::OK)["state"], "ready", "no extension says nothing");
}

/// Half a minute of noise in a file.
fn sound(file: &Path, encoder: &str) {
    let (location, form) = (format!("location={}", file.display()), "audio/x-raw,rate=48000,channels=2");
    let noise = ["audiotestsrc", "wave=pink-noise", "num-buffers=1400", "!", form, "!", "audioconvert", "!"];
    gst(&[&noise[..], &[encoder, "!", "filesink", &location]].concat());
}

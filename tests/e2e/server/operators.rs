//! What operators do with the program: a queue is paused while a film is made, over a kill; what is parked is listed and
//! retried; a language is replayed.

use super::{is_completed, order, rig::Server};
use crate::support::{User, clip, clip_transcript};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::fs;

fn stage(server: &Server, dubbing: &str, name: &str) -> Value {
    let seen = server.get(&format!("/v1/dubbings/{dubbing}")).json(StatusCode::OK);
    let stages = seen["stages"].as_array().expect("stages").clone();
    stages.into_iter().find(|stage| stage["stage"] == name).unwrap_or_default()
}

/// The queue of a stage, as `queue list` has it.
pub(super) fn queue(server: &Server, name: &str) -> Value {
    let queues = server.user.expect(0, ["queue", "list", "--json"]).json();
    let queues = queues.as_array().expect("queues").clone();
    queues.into_iter().find(|queue| queue["stage"] == name).expect("each stage has one")
}

#[test]
fn a_queue_is_paused_while_a_film_is_made_and_resumed() {
    let mut server = Server::start();
    let asset = server.upload(clip());
    server.user.expect(0, ["queue", "pause", "synthesise", "--reason", "a new voice is put in"]);
    let dubbing = order(&server, &asset, Some(clip_transcript()), &["es"]);
    let waits = |server: &Server| {
        server.wait("speech waits for its queue", || {
            let (stage, queue) = (stage(server, &dubbing, "synthesise"), queue(server, "synthesise"));
            let depth = ["ready", "delayed", "leased"].map(|depth| queue[depth].as_u64());
            stage["state"] == "requested"
                && depth == [Some(1), Some(0), Some(0)]
                && queue["paused"]["reason"] == "a new voice is put in"
        });
        let shown = server.user.expect(0, ["job", "show", &dubbing]);
        assert!(shown.stdout.contains("its queue is paused; `dragoman queue resume synthesise`"), "{}", shown.stdout);
    };
    waits(&server);
    // It outlives the process, and what that process had in its queue.
    server.kill();
    waits(&server);
    assert_eq!(stage(&server, &dubbing, "translate")["state"], "done");
    server.user.expect(0, ["queue", "resume", "synthesise"]);
    let events = server.events_until(&dubbing, 0, is_completed);
    let of_speech = events.iter().filter(|event| event.data["stage"] == "synthesise");
    let tries: Vec<&str> =
        of_speech.map(|event| event.kind.as_str()).filter(|kind| kind.starts_with("stage.")).collect();
    // The planner may have asked for it anew after that.
    assert_eq!(tries[..3], ["stage.queued", "stage.started", "stage.completed"], "no attempt was spent");
    let film = server.get(&format!("/v1/dubbings/{dubbing}/tracks/es/video")).bytes(StatusCode::OK);
    assert!(film.len() > 1_000);

    // Finished, it is replayed from its mix on, and the same comes of it.
    let sound = server.sound(&dubbing, "es").samples;
    let seen = events.last().map(|event| event.position).unwrap_or_default();
    server.user.expect(0, ["job", "replay", &dubbing, "--lang", "es", "--from", "mix"]);
    let again = server.events_until(&dubbing, seen, is_completed);
    let stages = again.iter().filter(|event| event.kind == "stage.completed").map(|event| event.data["stage"].clone());
    let expected = ["mix", "mux", "assess", "sign", "publish", "clean"].map(|stage| json!(stage));
    assert_eq!(stages.collect::<Vec<_>>(), expected);
    assert!(server.sound(&dubbing, "es").samples == sound, "nothing sounds different");
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
}

#[test]
fn what_is_parked_is_listed_and_goes_on_once_it_is_mended() {
    let user = User::new();
    let broken = user.folder().join("broken");
    fs::write(&broken, "").expect("a file");
    // Which one it is and what voices it has it may say.
    let script = format!("case \"$*\" in *--stdin*) [ -e '{}' ] && exit 1 ;; esac", broken.display());
    let mut server = Server::begin(user, vec![], |programs| programs.wrap("espeak-ng", &script));
    assert_eq!(server.user.expect(0, ["job", "parked"]).stdout.trim(), "Nothing is parked.");
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, Some(clip_transcript()), &["es"]);
    let parked = |server: &Server| server.user.expect(0, ["job", "parked", "--json"]).json();
    server.wait("it is parked", || parked(&server) != json!([]));
    let found = parked(&server)[0].clone();
    let where_it_is = (&found["dubbing"], &found["language"], &found["stage"]);
    assert_eq!(where_it_is, (&json!(dubbing), &json!("es"), &json!("synthesise")));
    assert_eq!((&found["code"], &found["attempts"]), (&json!("engine-failed"), &json!(4)));
    let skip = ["job", "skip", &dubbing, "synthesise", "--lang", "es", "--reason", "it has no voice"];
    let refused = server.user.expect(2, skip);
    assert!(
        refused.stderr.contains("synthesise cannot be skipped: without it there is no speech"),
        "{}",
        refused.stderr
    );
    fs::remove_file(&broken).expect("mended");
    // A part of the id is enough.
    server.user.expect(0, ["job", "retry", &dubbing[..dubbing.len() - 1]]);
    server.events_until(&dubbing, 0, is_completed);
    server.wait("nothing is parked any more", || parked(&server) == json!([]));
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
}

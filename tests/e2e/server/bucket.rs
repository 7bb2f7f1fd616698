//! Media in a bucket that answers with errors, late and in parts, and what nobody refers to there.

use super::{installation::undisturbed, is_completed, is_the_same, order, rig::Server};
use crate::support::{Said, User, clip};
use reqwest::{Method, StatusCode};
use scratch_s3::{Fault, Proxy, ScratchS3, WRITER};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    time::{Duration, SystemTime},
};
use tokio::runtime::Runtime;

/// Of so many requests to the bucket, one goes wrong.
const ONE_OF: usize = 5;
/// What does.
const WAYS: [Fault; 7] = [
    Fault::Status(500),
    Fault::HalfAnswer,
    Fault::Slow(Duration::from_secs(2)),
    Fault::HalfRequest,
    Fault::Status(503),
    Fault::LostAnswer,
    Fault::Hangup,
];
/// Long before anything that a server keeps.
const LONG_AGO: Duration = Duration::from_secs(1_000_000_000);
/// A blob that no event refers to: its name says nothing of its content.
const ORPHAN: &str = "one/ab/ab00000000000000000000000000000000000000000000000000000000000000";

#[test]
fn a_film_is_the_same_though_its_bucket_fails_again_and_again() {
    let (undisturbed, reference) = undisturbed();
    let (runtime, s3) = (Runtime::new().expect("a runtime"), ScratchS3::start("media").expect("S3"));
    let proxy = runtime.block_on(Proxy::before(&s3)).expect("a proxy");
    let variables = vec![
        ("DRAGOMAN_BLOBS__URL", format!("s3://{}/one", s3.bucket())),
        ("DRAGOMAN_BLOBS__ENDPOINT", proxy.endpoint()),
        ("DRAGOMAN_BLOBS__ACCESS_KEY", WRITER.0.to_owned()),
        ("DRAGOMAN_BLOBS__SECRET_KEY", WRITER.1.to_owned()),
        ("DRAGOMAN_BLOBS__PRESIGNED", "true".to_owned()),
    ];
    let mut server = Server::begin(User::new(), variables.clone(), |_| {});
    proxy.break_every(ONE_OF, WAYS.to_vec());
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, None, &["es", "ca"]);
    server.events_until(&dubbing, 0, is_completed);
    let broken = proxy.broken();
    assert!(broken >= WAYS.len(), "each went wrong, in {broken} requests");
    proxy.break_every(0, vec![]);
    let parked = server.events_until(&dubbing, 0, is_completed).iter().any(|event| event.kind == "stage.parked");
    assert!(!parked, "nobody had to help");
    comes_from_the_bucket(&server, &dubbing, &proxy);
    is_the_same(&server, &dubbing, &undisturbed, &reference);
    assert_eq!(s3.unfinished_uploads().expect("a folder"), 0);
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
    only_orphans_are_collected(&server, &s3, &variables);
    server.start_again();
    is_the_same(&server, &dubbing, &undisturbed, &reference);
}

/// Media are sent by the bucket, with their name and type, to whoever was sent there.
fn comes_from_the_bucket(server: &Server, dubbing: &str, proxy: &Proxy) {
    let video = format!("/v1/dubbings/{dubbing}/tracks/es/video");
    let head = server.answer(server.ask(Method::HEAD, &video));
    let before = proxy.count("GET ");
    let whole = server.get(&video);
    assert_eq!(proxy.count("GET "), before + 1);
    for name in ["content-type", "content-length"] {
        assert_eq!(whole.header(name), head.header(name), "{name}");
    }
    let whole = whole.bytes(StatusCode::OK);
    let part = server.answer(server.ask(Method::GET, &video).header("range", "bytes=100-199"));
    assert_eq!(part.bytes(StatusCode::PARTIAL_CONTENT), whole[100..200]);
}

/// Of a bucket whose objects are all old, those go that no event refers to; what was replaced lately is not among them.
fn only_orphans_are_collected(server: &Server, s3: &ScratchS3, variables: &[(&'static str, String)]) {
    let orphan = s3.file(ORPHAN);
    fs::create_dir_all(orphan.parent().expect("a folder")).expect("a folder");
    fs::write(&orphan, b"made, and never reported").expect("written");
    let keys = || s3.keys().expect("keys").into_iter().collect::<BTreeSet<_>>();
    let before = keys();
    for key in &before {
        let object = File::options().append(true).open(s3.file(key)).expect("an object");
        object.set_modified(SystemTime::UNIX_EPOCH + LONG_AGO).expect("it is old");
    }
    let collect = |args: &[&'static str]| {
        let mut command = server.user.command(["blobs", "collect", "--json"].iter().chain(args));
        let variables = variables.iter().map(|(key, value)| (*key, value));
        Said::from(command.envs(variables).output().expect("it runs")).json()
    };
    let trial = collect(&["--dry-run"]);
    assert_eq!(keys(), before);
    let [orphans, none] = [json!({ "removed": 1, "bytes": 24 }), json!({ "removed": 0, "bytes": 0 })];
    assert_eq!([&trial["unreported"], &trial["replaced"]], [&orphans, &none]);
    assert_eq!([&trial["removed"], &trial["bytes"], &trial["dry_run"]], [&json!(1), &json!(24), &json!(true)]);
    assert_eq!(collect(&[])["removed"], 1);
    assert_eq!(&before - &keys(), BTreeSet::from([ORPHAN.to_owned()]));
    assert_eq!(collect(&[])["removed"], 0);
}

//! An old program makes room for a new one, node by node and in the order of `docs/operations.md`, while a film is dubbed.
//!
//! The old one is the program that `DRAGOMAN_OLD_PROGRAM` names, as `make test-upgrade FROM=COMMIT` does. Without it both are
//! this one: then what is shown is that nodes can be replaced in this order without a pause, and not that two versions
//! understand each other.

use super::{
    installation::{Engines, Worker, undisturbed, until_begun},
    is_completed, is_the_same, order,
    rig::Server,
};
use crate::support::{Said, User, clip};
use reqwest::StatusCode;

#[expect(clippy::disallowed_methods, reason = "who runs the tests names the program")]
fn old_user() -> User {
    std::env::var_os("DRAGOMAN_OLD_PROGRAM").map_or_else(User::new, |program| User::of(program.into()))
}

/// A node of these roles.
fn node(engines: &Engines, user: User, name: &str, roles: &str) -> Server {
    let own = [
        ("DRAGOMAN_NODE__NAME", name),
        ("DRAGOMAN_NODE__ROLES", roles),
        ("DRAGOMAN_NODE__LEASE", "2s"),
        ("DRAGOMAN_HTTP__PUBLIC_URL", "https://dub.example.org"),
        ("DRAGOMAN_ADMIN_EMAIL", "ada@example.org"),
        ("DRAGOMAN_ADMIN_PASSWORD", "seven crates of lemons"),
    ];
    let own = own.map(|(key, value)| (key, value.to_owned()));
    Server::begin(user, [engines.of_server(), own.to_vec()].concat(), |programs| programs.slow_down("0.3"))
}

/// How much the node of this name holds.
fn holds(by: &Server, name: &str) -> usize {
    let nodes = by.get("/v1/nodes").json(StatusCode::OK)["items"].clone();
    let node = nodes.as_array().expect("nodes").iter().find(|node| node["name"] == name).cloned();
    node.and_then(|node| node["holds"].as_array().map(Vec::len)).expect("a node")
}

#[test]
fn a_new_program_takes_over_from_an_old_one_while_a_film_is_dubbed() {
    let (alone, reference) = undisturbed();
    let house = User::new();
    let engines = Engines::start(&house);
    let mut old_api = node(&engines, old_user(), "old-api", "api");
    let mut old_flow = node(&engines, old_user(), "old-flow", "flow,project");
    let old_worker = Worker::start(&old_api, &engines, "old");
    let asset = old_api.upload(clip());
    let dubbing = order(&old_api, &asset, None, &["es", "ca"]);

    let seen = until_begun(&old_api, &dubbing, 0, "transcribe");
    let migrated = Said::from(house.command(["migrate"]).envs(engines.of_server()).output().expect("it runs"));
    assert_eq!(migrated.code, 0, "{}", migrated.stderr);
    let mut flow = node(&engines, User::new(), "flow", "flow,project");
    let drained = house.command(["node", "drain", "old-flow"]).envs(engines.of_server()).output().expect("it runs");
    assert!(drained.status.success(), "{}", Said::from(drained).stderr);
    old_api.wait("the new one has everything", || holds(&old_api, "old-flow") == 0 && holds(&old_api, "flow") > 16);
    assert_eq!(old_flow.stop(), Some(0), "{}", old_flow.complaints());

    let seen = until_begun(&old_api, &dubbing, seen, "translate");
    let mut api = node(&engines, User::new(), "api", "api");
    assert_eq!(old_api.stop(), Some(0), "{}", old_api.complaints());
    let worker = Worker::start(&api, &engines, "new");
    let seen = until_begun(&api, &dubbing, seen, "synthesise");
    assert_eq!(old_worker.stop(), Some(0));
    api.events_until(&dubbing, seen, is_completed);

    is_the_same(&api, &dubbing, &alone, &reference);
    assert_eq!(worker.stop(), Some(0));
    for server in [&mut flow, &mut api] {
        assert_eq!(server.stop(), Some(0), "{}", server.complaints());
    }
    let verified = engines.run(&api, &["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}

//! One node of each kind, and each is killed at every row of the flow: who answers, who drives, who works.

use super::{
    STAGES, in_every_stage,
    installation::{Engines, Worker, undisturbed},
    is_the_same, order,
    rig::Server,
    set,
};
use crate::support::{User, clip};

/// Long enough for a busy machine to say in time that it is alive.
const LEASE: &str = "4s";

struct House {
    engines: Engines,
    api: Server,
    flow: Server,
    /// The one at work, and how many there have been.
    worker: (Option<Worker>, u32),
}

impl House {
    fn api(&self) -> &Server {
        &self.api
    }

    fn begin_to_work(&mut self) {
        let number = self.worker.1 + 1;
        self.worker = (Some(Worker::start(&self.api, &self.engines, &format!("worker-{number}"))), number);
    }

    fn kill_each(&mut self) {
        self.flow.die();
        // Killed when it is dropped.
        self.worker.0 = None;
        self.api.kill();
        self.flow.start_again();
        self.begin_to_work();
    }
}

#[test]
fn each_kind_of_node_is_killed_at_every_row_and_the_film_is_the_same() {
    let (alone, reference) = undisturbed();
    let user = User::new();
    let mut engines = Engines::start(&user);
    engines.variables.push(("DRAGOMAN_QUEUE__LEASE", LEASE.to_owned()));
    let node = |user: User, name: &str, roles: &str| {
        let own = [("DRAGOMAN_NODE__NAME", name), ("DRAGOMAN_NODE__ROLES", roles), ("DRAGOMAN_NODE__LEASE", LEASE)];
        let own = own.map(|(key, value)| (key, value.to_owned()));
        Server::begin(user, [engines.of_server(), own.to_vec()].concat(), |programs| programs.slow_down("0.3"))
    };
    let (api, flow) = (node(user, "api", "api"), node(User::new(), "flow", "flow,project"));
    let mut house = House { engines, api, flow, worker: (None, 0) };
    house.begin_to_work();
    let asset = house.api.upload(clip());
    let dubbing = order(&house.api, &asset, None, &["es", "ca"]);
    let (killed, _) = in_every_stage(&mut house, House::api, (&dubbing, 0), House::kill_each);
    assert_eq!(killed.begun, set(&STAGES));
    killed.has_hit(&["transcribe", "translate", "synthesise"]);
    is_the_same(&house.api, &dubbing, &alone, &reference);
    let House { engines, mut api, mut flow, worker } = house;
    assert_eq!(worker.0.and_then(Worker::stop), Some(0));
    for server in [&mut flow, &mut api] {
        assert_eq!(server.stop(), Some(0), "{}", server.complaints());
    }
    let verified = engines.run(&api, &["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}

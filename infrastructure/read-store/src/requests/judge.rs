//! What a group of asks comes to, one after the other: pure, over the rows that were read.

use super::{
    table::{Name, Request, State},
    writer::{Ask, What},
};
use application::ports::{
    clock::Ids,
    request_store::{Begun, RequestIds},
};
use domain::value::{Sha256, Timestamp};
use std::collections::{HashMap, HashSet};

/// Judges what is asked about these requests.
pub(super) struct Judge<'ids> {
    known: HashMap<Name, Request>,
    changed: HashSet<Name>,
    now: Timestamp,
    ids: &'ids dyn Ids,
}

impl<'ids> Judge<'ids> {
    /// Over what is known of these keys at this moment.
    pub fn new(known: HashMap<Name, Request>, now: Timestamp, ids: &'ids dyn Ids) -> Self {
        Self { known, changed: HashSet::new(), now, ids }
    }

    /// Carries out what is asked of one; how a beginning ended.
    pub fn decide(&mut self, ask: &Ask) -> Option<Begun> {
        match &ask.what {
            What::Begin(fingerprint) => return Some(self.begin(&ask.name, *fingerprint)),
            What::Finish(answer) => self.end(&ask.name, State::Answered(answer.clone())),
            What::Abandon => self.end(&ask.name, State::Free),
        }
        None
    }

    /// What is to be written.
    pub fn changed(&self) -> impl Iterator<Item = (&Name, &Request)> {
        self.known.iter().filter(|(name, _)| self.changed.contains(*name))
    }

    fn begin(&mut self, name: &Name, fingerprint: Sha256) -> Begun {
        let request = self.known.entry(name.clone()).or_insert_with(|| Request {
            fingerprint,
            ids: RequestIds { command: self.ids.next(), resource: self.ids.next() },
            begun_at: self.now,
            state: State::Free,
        });
        if request.fingerprint != fingerprint {
            return Begun::OtherRequest;
        }
        match &request.state {
            State::Running => Begun::Running,
            State::Answered(answer) => Begun::Answered(answer.clone()),
            State::Free => {
                request.state = State::Running;
                self.changed.insert(name.clone());
                Begun::New(request.ids)
            }
        }
    }

    fn end(&mut self, name: &Name, state: State) {
        if let Some(request) = self.known.get_mut(name)
            && matches!(request.state, State::Running)
        {
            request.state = state;
            self.changed.insert(name.clone());
        }
    }
}

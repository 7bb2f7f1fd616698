//! Given / when / then: how the tests of deciders read.

use crate::decider::{Decider, fold};
use std::{fmt::Debug, marker::PhantomData};

/// Events that have happened.
pub struct Given<D: Decider> {
    events: Vec<D::Event>,
}

/// A command was given; the outcome waits to be checked.
pub struct When<D: Decider> {
    outcome: Result<Vec<D::Event>, D::Rejection>,
    decider: PhantomData<D>,
}

/// Starts a test from events that have happened.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given { events: events.into_iter().collect() }
}

impl<D: Decider> Given<D> {
    /// Gives the command.
    pub fn when(&self, command: D::Command) -> When<D> {
        When { outcome: D::decide(&fold::<D>(&self.events), command), decider: PhantomData }
    }
}

#[expect(clippy::panic, reason = "a test harness fails by panicking")]
impl<D: Decider> When<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: Debug + PartialEq,
{
    /// The command is accepted and brings exactly these events.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        match self.outcome {
            Ok(events) => assert_eq!(events, expected.into_iter().collect::<Vec<_>>()),
            Err(rejection) => panic!("refused with {rejection:?}"),
        }
    }

    /// The command is refused for this reason.
    #[track_caller]
    pub fn then_refused(self, expected: &D::Rejection) {
        match self.outcome {
            Ok(events) => panic!("accepted with {events:?}"),
            Err(rejection) => assert_eq!(&rejection, expected),
        }
    }

    /// The command is accepted and brings nothing: it is already so.
    #[track_caller]
    pub fn then_silent(self) {
        self.then([]);
    }
}

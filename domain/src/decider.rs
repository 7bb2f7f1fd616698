//! The shape of every aggregate: a pure decision and a pure fold.

/// An aggregate as two pure functions over its events.
///
/// `decide` says what a command brings about: events, or the name of the rule it broke. No events
/// means "already so". `evolve` is the only writer of state.
pub trait Decider {
    /// What is known after some events; `Default` is what is known before the first.
    type State: Default + Clone;
    /// What can be asked.
    type Command;
    /// What can have happened.
    type Event: Clone;
    /// Which rules a command can break.
    type Rejection;

    /// Is raised whenever the shape of the state changes, or what `evolve` makes of events that there are: a state that
    /// was kept under another version is not this one's. What the state holds of others, such as a flow, counts too.
    const STATE_VERSION: u32;

    /// What the command brings about in this state.
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after the event.
    fn evolve(state: &mut Self::State, event: &Self::Event);
}

/// The state after all of `events`, from the beginning.
pub fn fold<'a, D: Decider>(events: impl IntoIterator<Item = &'a D::Event>) -> D::State
where
    D::Event: 'a,
{
    let mut state = D::State::default();
    for event in events {
        D::evolve(&mut state, event);
    }
    state
}

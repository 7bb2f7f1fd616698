//! How a process asks its workers to stop, in two steps: at the next safe point, then at once.

use tokio::sync::watch;

/// How urgently work is to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopping {
    /// Not at all.
    #[default]
    No,
    /// Take nothing new, and end what is under way at its next safe point.
    AtSafePoint,
    /// Drop what is under way.
    AtOnce,
}

/// Asks to stop. Who drops it asks for nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Stopping>);

impl Stopper {
    /// Nobody is asked to stop yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(Stopping::No))
    }

    /// What those who may be asked to stop look at.
    pub fn signal(&self) -> StopSignal {
        StopSignal(Some(self.0.subscribe()))
    }

    /// Asks to stop so urgently; less urgently than before changes nothing.
    pub fn ask(&self, stopping: Stopping) {
        self.0.send_if_modified(|known| {
            let is_news = stopping > *known;
            *known = stopping.max(*known);
            is_news
        });
    }
}

impl Default for Stopper {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells whether to stop.
#[derive(Clone, Debug)]
pub struct StopSignal(Option<watch::Receiver<Stopping>>);

impl StopSignal {
    /// Nobody will ever ask.
    pub fn never() -> Self {
        Self(None)
    }

    /// How urgently to stop now.
    pub fn now(&self) -> Stopping {
        self.0.as_ref().map_or(Stopping::No, |receiver| *receiver.borrow())
    }

    /// Whether to stop at the next safe point. Cheap: to be asked before each line.
    pub fn is_stopping(&self) -> bool {
        self.now() > Stopping::No
    }

    /// Returns when stopping is at least so urgent.
    pub async fn reached(&self, stopping: Stopping) {
        let reached = match self.0.clone() {
            Some(mut receiver) => receiver.wait_for(|now| *now >= stopping).await.is_ok(),
            None => false,
        };
        if !reached {
            // Nobody is there any more who could ask.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn stopping_becomes_only_more_urgent() {
        let stopper = Stopper::new();
        let signal = stopper.signal();
        assert!(!signal.is_stopping() && signal.reached(Stopping::AtSafePoint).now_or_never().is_none());
        stopper.ask(Stopping::AtSafePoint);
        assert!(signal.is_stopping() && signal.reached(Stopping::AtSafePoint).now_or_never().is_some());
        assert!(signal.reached(Stopping::AtOnce).now_or_never().is_none());
        stopper.ask(Stopping::AtOnce);
        stopper.ask(Stopping::AtSafePoint);
        assert_eq!(signal.now(), Stopping::AtOnce);
        assert!(signal.reached(Stopping::AtOnce).now_or_never().is_some());
    }

    #[test]
    fn who_is_gone_asks_for_nothing() {
        assert!(StopSignal::never().reached(Stopping::AtSafePoint).now_or_never().is_none());
        let signal = Stopper::new().signal();
        assert!(!signal.is_stopping() && signal.reached(Stopping::AtSafePoint).now_or_never().is_none());
    }
}

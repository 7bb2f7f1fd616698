//! The user's wish to stop: Ctrl-C, or SIGTERM of whoever runs this program. It is heard from the moment on at
//! which someone listens, and never forgotten, so that it cannot fall between two steps.

use crate::exit::{Exit, Failure};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Whether the user wants this program to stop, and how much.
#[derive(Clone, Debug)]
pub struct Interrupt {
    /// How often the user said so.
    heard: watch::Receiver<u32>,
}

impl Interrupt {
    /// Listens from now on. From now on, too, these signals do not end the program by themselves.
    pub fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::internal(&error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (tell, heard) = watch::channel(0);
        tokio::spawn(async move {
            // The sender lives as long as there are listeners, so that none ever waits for a closed channel.
            loop {
                tokio::select! {
                    Some(()) = interrupt.recv() => {}
                    Some(()) = terminate.recv() => {}
                    () = tell.closed() => return,
                }
                tell.send_modify(|times: &mut u32| *times = times.saturating_add(1));
            }
        });
        Ok(Self { heard })
    }

    /// Returns as soon as the user wants to stop, also when that was before.
    pub async fn wanted(&self) {
        self.heard(1).await;
    }

    /// Returns as soon as the user said so once more: nothing is to be waited for any longer.
    pub async fn insisted(&self) {
        self.heard(2).await;
    }

    async fn heard(&self, times: u32) {
        // An error would mean that the listening task is gone with its runtime: then nothing matters any more.
        let mut heard = self.heard.clone();
        let _listened = heard.wait_for(|heard| *heard >= times).await;
    }

    /// Does something of which nothing needs to be kept when the user wants to stop.
    pub async fn or_stop<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            done = work => done,
            () = self.wanted() => Err(Failure::new(Exit::Interrupted, "interrupted; the same command goes on with what was begun")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, raise};
    use std::time::Duration;
    use tokio::time::timeout;

    /// Longest wait for a signal to arrive.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_second_signal_is_heard_as_one() {
        let interrupt = Interrupt::listen().expect("it listens");
        raise(Signal::SIGTERM).expect("a signal");
        timeout(PATIENCE, interrupt.wanted()).await.expect("the first is heard");
        assert_eq!(*interrupt.heard.borrow(), 1, "once is not twice");
        raise(Signal::SIGINT).expect("a signal");
        timeout(PATIENCE, interrupt.insisted()).await.expect("the second is heard");
        timeout(PATIENCE, interrupt.wanted()).await.expect("what was heard is not forgotten");
    }
}

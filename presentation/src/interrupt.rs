//! The user's wish to stop: Ctrl-C, or SIGTERM of whoever runs this program. It is heard from the moment on at
//! which someone listens, and never forgotten, so that it cannot fall between two steps.

use crate::exit::{Exit, Failure};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Whether the user wants this program to stop.
#[derive(Clone, Debug)]
pub struct Interrupt {
    wanted: watch::Receiver<bool>,
}

impl Interrupt {
    /// Listens from now on. From now on, too, these signals do not end the program by themselves.
    pub fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::internal(&error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (tell, wanted) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // The sender lives on with this task, so that no listener ever waits for a closed channel.
            tell.send_replace(true);
            tell.closed().await;
        });
        Ok(Self { wanted })
    }

    /// Returns as soon as the user wants to stop, also when that was before.
    pub async fn wanted(&self) {
        // An error would mean that the listening task is gone with its runtime: then nothing matters any more.
        let mut wanted = self.wanted.clone();
        let _listened = wanted.wait_for(|wanted| *wanted).await;
    }

    /// Does something of which nothing needs to be kept when the user wants to stop.
    pub async fn or_stop<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            done = work => done,
            () = self.wanted() => Err(Failure::new(Exit::Interrupted, "interrupted; `dragoman resume` goes on with what was begun")),
        }
    }
}

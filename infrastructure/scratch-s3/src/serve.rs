//! The thread that serves.

use crate::{
    access::{Access, Users},
    error::ScratchError,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::{net::TcpListener, path::Path, thread::JoinHandle};
use tokio::{sync::oneshot, task::JoinSet};

/// A thread with a server. Dropping this cuts its connections and waits for its end.
#[derive(Debug)]
pub(crate) struct Serving {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Serves the buckets in this folder.
    pub fn start(folder: &Path, listener: TcpListener) -> Result<Self, ScratchError> {
        let files = FileSystem::new(folder).map_err(|error| ScratchError::Setup(format!("{error:?}")))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(Users);
        service.set_access(Access { folder: folder.to_owned() });
        let service = service.build();
        listener.set_nonblocking(true).map_err(ScratchError::Listen)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ScratchError::Listen)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            // Dropping the runtime at the end cuts what is open.
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, service) => {}
                    // A sender that is gone says the same.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let service = service.clone();
                connections.spawn(async move {
                    let serving = Builder::new(TokioExecutor::new());
                    // A client that goes away in the middle is its own affair.
                    let _ended = serving.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

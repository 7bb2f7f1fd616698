//! The adapter: prepares certificates, asks the sandbox, maps its answers and its deaths.
//! Deliberately without a look into any media file: strangers' bytes stay in the child.

use crate::{
    config::{SandboxProgram, SigningConfig},
    error::Failure,
    identity::{self, Identity},
    protocol::{DubRequest, Reply, Request, Trust, WirePath},
};
use application::ports::{
    child::{Child, ChildError, ChildLimits, ChildProcesses},
    engine::{Engine, EngineError, EngineInfo},
    provenance::{ProvenanceSigner, SignInput, Signed, Verification},
};
use async_trait::async_trait;
use std::{path::Path, sync::Arc, time::Duration};

/// Address space of the sandbox. The C2PA library hashes files without a Merkle tree in blocks of
/// 256 MiB, two at a time; ours have one and need far less.
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Time every run gets, and one second more for each of these bytes it has to read.
const WALL_BASE: Duration = Duration::from_secs(60);
const BYTES_PER_SECOND: u64 = 4 << 20;

/// Signs and verifies with C2PA in a sandboxed child process.
pub struct C2paSigner {
    config: SigningConfig,
    children: Arc<dyn ChildProcesses>,
    sandbox: SandboxProgram,
}

/// How a run ended that gave no reply.
enum Ended {
    /// The child crashed or ran out of its limits: the file it read is to blame.
    Fatally,
    /// Anything else.
    With(EngineError),
}

impl C2paSigner {
    /// A signer that keeps its certificates in `config.home` and reads files through `sandbox`.
    /// Nothing is read or made before the first call.
    pub fn new(config: SigningConfig, children: Arc<dyn ChildProcesses>, sandbox: SandboxProgram) -> Self {
        Self { config, children, sandbox }
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        let config = self.config.clone();
        blocking("sign", move || identity::obtain(&config)).await
    }

    async fn trust(&self) -> Result<Trust, EngineError> {
        let config = self.config.clone();
        blocking("verify", move || identity::trust(&config)).await
    }

    fn when(&self) -> String {
        self.config.clock.now().to_string()
    }

    async fn ask(&self, operation: &'static str, request: &Request, files: &[&Path]) -> Result<Reply, Ended> {
        let stdin =
            serde_json::to_vec(request).map_err(|_| Ended::With(Failure::Protocol.into_engine_error(operation)))?;
        let limits = ChildLimits {
            wall: WALL_BASE + Duration::from_secs(total_bytes(files).await / BYTES_PER_SECOND),
            memory_bytes: Some(MEMORY_BYTES_MAX),
            ..ChildLimits::default()
        };
        let mut child = Child::new(&self.sandbox.program).stdin(stdin).limits(limits);
        child.args.clone_from(&self.sandbox.args);
        let output = self.children.run(child).await.map_err(|error| ended(operation, error))?;
        match serde_json::from_slice(&output.stdout) {
            Ok(Reply::Failed(failure)) => Err(Ended::With(failure.into_engine_error(operation))),
            Ok(reply) => Ok(reply),
            Err(_) => Err(Ended::With(Failure::Protocol.into_engine_error(operation))),
        }
    }

    async fn ask_to_sign_dub(&self, dub: &SignInput, read_source: bool) -> Result<Reply, Ended> {
        let identity = self.identity().await.map_err(Ended::With)?;
        let request = Request::SignDub {
            dub: Box::new(dub_request(dub, read_source, self.when())),
            credential: identity.credential,
            trust: identity.trust,
        };
        self.ask("sign", &request, &[&dub.input, &dub.source]).await
    }
}

#[async_trait]
impl Engine for C2paSigner {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        self.identity().await?;
        Ok(EngineInfo {
            name: "c2pa".to_owned(),
            purpose: "signed provenance".to_owned(),
            version: c2pa::VERSION.to_owned(),
            languages: Vec::new(),
            licence: "MIT OR Apache-2.0".to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl ProvenanceSigner for C2paSigner {
    async fn sign_source(&self, input: &Path, output: &Path) -> Result<bool, EngineError> {
        let identity = self.identity().await?;
        let request = Request::SignSource {
            input: WirePath::new(input),
            output: WirePath::new(output),
            credential: identity.credential,
            trust: identity.trust,
            when: self.when(),
        };
        match self.ask("sign", &request, &[input]).await {
            Ok(_) => Ok(true),
            // Whatever its bytes did to the reader, the file may still be dubbed, as an unsigned source.
            Err(
                Ended::Fatally | Ended::With(EngineError::Rejected { code: "unsupported-container" | "damaged", .. }),
            ) => {
                remove_remains(output).await;
                Ok(false)
            }
            Err(Ended::With(error)) => Err(error),
        }
    }

    async fn sign_dub(&self, input: SignInput) -> Result<Signed, EngineError> {
        let reply = match self.ask_to_sign_dub(&input, true).await {
            // The source's own manifest is a stranger's: if it takes the reader down, do without it.
            Err(Ended::Fatally) => {
                remove_remains(&input.output).await;
                self.ask_to_sign_dub(&input, false).await
            }
            reply => reply,
        };
        match reply {
            Ok(Reply::Signed(signed)) => Ok(signed),
            Ok(_) => Err(Failure::Protocol.into_engine_error("sign")),
            Err(Ended::With(error)) => Err(error),
            Err(Ended::Fatally) => Err(EngineError::Transient {
                operation: "sign",
                detail: "the sandbox crashed or crossed its limits".to_owned(),
                retry_after: None,
            }),
        }
    }

    async fn verify(&self, file: &Path) -> Result<Verification, EngineError> {
        let trust = self.trust().await?;
        match self.ask("verify", &Request::Verify { file: WirePath::new(file), trust }, &[file]).await {
            Ok(Reply::Verified(verification)) => Ok(*verification),
            Ok(_) => Err(Failure::Protocol.into_engine_error("verify")),
            Err(Ended::With(error)) => Err(error),
            Err(Ended::Fatally) => Err(EngineError::Rejected {
                code: "provenance-unreadable",
                message: "the file's provenance could not be read within the limits of time and memory; \
                          do not rely on it"
                    .to_owned(),
            }),
        }
    }
}

/// Deaths that come from within: abort, illegal instruction, bus error, segmentation fault, panic.
/// A kill from outside (9, 15) may come from an operator or a machine short of memory: worth a retry.
fn ended(operation: &'static str, error: ChildError) -> Ended {
    const ILL: i32 = 4;
    const ABRT: i32 = 6;
    const BUS: i32 = 7;
    const SEGV: i32 = 11;
    match error {
        ChildError::Killed { signal: ILL | ABRT | BUS | SEGV, .. }
        | ChildError::TimedOut { .. }
        | ChildError::TooMuchOutput { .. }
        | ChildError::Failed { .. } => Ended::Fatally,
        error => Ended::With(EngineError::from_child(operation, "dragoman", error)),
    }
}

async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::Io("the task was cancelled".to_owned())))
        .map_err(|failure| failure.into_engine_error(operation))
}

async fn total_bytes(files: &[&Path]) -> u64 {
    let mut total = 0_u64;
    for file in files {
        total = total.saturating_add(tokio::fs::metadata(file).await.map_or(0, |data| data.len()));
    }
    total
}

/// A child that died left its half-written file; nothing to do when there is none.
async fn remove_remains(output: &Path) {
    let _ = tokio::fs::remove_file(crate::sandbox::part_of(output)).await;
}

fn dub_request(dub: &SignInput, read_source: bool, when: String) -> DubRequest {
    DubRequest {
        input: WirePath::new(&dub.input),
        output: WirePath::new(&dub.output),
        source: WirePath::new(&dub.source),
        source_media_type: dub.source_media_type.clone(),
        read_source,
        source_sha256: dub.source_sha256,
        source_language: dub.source_language.clone(),
        target_language: dub.target_language.clone(),
        engines: dub.engines.clone(),
        trained_voice: dub.trained_voice,
        dubbing: dub.dubbing.clone(),
        stream: dub.stream.clone(),
        revision: dub.revision,
        revision_hash: dub.revision_hash,
        when,
    }
}

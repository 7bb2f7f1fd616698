//! Memory of the sandbox does not grow with the file.

use crate::kit::{config, house};
use application::ports::{
    child::{Child, ChildError, ChildOutput, ChildProcesses, ChildStream},
    provenance::{ProvenanceSigner, Verdict},
};
use async_trait::async_trait;
use child_process::LocalChildren;
use provenance_c2pa::{C2paSigner, SandboxProgram};
use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::mpsc;

/// Bounds the address space of each child by what the test allows beside the program itself.
struct Tight {
    children: LocalChildren,
    memory_bytes: AtomicU64,
}

#[async_trait]
impl ChildProcesses for Tight {
    async fn run(&self, mut child: Child) -> Result<ChildOutput, ChildError> {
        child.limits.memory_bytes = Some(self.memory_bytes.load(Ordering::Relaxed));
        self.children.run(child).await
    }

    async fn stream(
        &self,
        child: Child,
        of: ChildStream,
        lines: mpsc::Sender<String>,
    ) -> Result<ChildOutput, ChildError> {
        self.children.stream(child, of, lines).await
    }
}

/// Appends zeros to the samples, so that the file is large and the film the same.
fn grow(path: &Path, bytes: u64) {
    let file = fs::read(path).expect("the film");
    let (_, body, end) = crate::kit::boxes(&file).into_iter().find(|(kind, ..)| kind == "mdat").expect("mdat");
    assert_eq!(end, file.len(), "the samples are last");
    let short = file[body - 4..body] == *b"mdat";
    let header = if short { 8 } else { 16 };
    let size = (end - body + header) as u64 + bytes;
    let size =
        if short { u32::try_from(size).expect("small").to_be_bytes().to_vec() } else { size.to_be_bytes().to_vec() };
    let mut out = File::options().write(true).open(path).expect("the film");
    out.seek(SeekFrom::Start(body as u64 - 8)).expect("sought");
    out.write_all(&size).expect("written");
    out.set_len(end as u64 + bytes).expect("grown");
}

#[tokio::test]
async fn three_hundred_megabytes_are_signed_and_verified_in_a_hundred() {
    let house = house();
    let large = house.video("large.mp4");
    grow(&large, 300 << 20);
    let children = Arc::new(Tight { children: LocalChildren::default(), memory_bytes: AtomicU64::new(100 << 20) });
    let sandbox = SandboxProgram { program: env!("CARGO_BIN_EXE_provenance-sandbox").into(), args: Vec::new() };
    let signer = C2paSigner::new(config(&house.path("tight")), Arc::clone(&children) as _, sandbox);
    let intake = house.path("intake.mp4");

    assert!(signer.sign_source(&large, &intake).await.expect("signed"));
    let dub = house.dub_of(&large, &intake, "out.mp4");
    signer.sign_dub(dub.clone()).await.expect("signed");
    let told = signer.verify(&dub.output).await.expect("verified");

    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    assert_eq!(told.ingredients.iter().filter(|ingredient| ingredient.signed).count(), 1, "{told:?}");
    // The bound is real: the same work does not fit into a little.
    children.memory_bytes.store(8 << 20, Ordering::Relaxed);
    signer.verify(&dub.output).await.expect_err("no room to read in");
}

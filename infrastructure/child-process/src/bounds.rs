//! Resource limits of a child, set by the child itself between fork and exec.

use application::ports::child::ChildLimits;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// Files that a child may have open at a time: what select() can wait for.
const FILES_OPEN: rlim_t = 1_024;

/// What `setrlimit` is told. Each applies to every process of the group by itself, not to their sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    memory_bytes: Option<rlim_t>,
    file_bytes: Option<rlim_t>,
}

impl From<&ChildLimits> for Bounds {
    fn from(limits: &ChildLimits) -> Self {
        Self { memory_bytes: limits.memory_bytes, file_bytes: limits.file_bytes }
    }
}

impl Bounds {
    /// Applies the limits to the calling process. Makes system calls only, so it may run after a fork.
    pub(crate) fn apply(self) -> nix::Result<()> {
        // A crash must not write the memory of a process that works on people's speech to the disk.
        lower(Resource::RLIMIT_CORE, 0)?;
        // A server may have many more open; a child that asks which of all possible files are open, or waits for them
        // with select(), must not inherit that. It may raise the limit again.
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, soft.min(FILES_OPEN), hard)?;
        if let Some(bytes) = self.memory_bytes {
            lower(Resource::RLIMIT_AS, bytes)?;
        }
        if let Some(bytes) = self.file_bytes {
            lower(Resource::RLIMIT_FSIZE, bytes)?;
        }
        Ok(())
    }
}

/// Sets both limits, so that the child cannot lift them; a stricter one that is inherited stays.
fn lower(resource: Resource, bytes: rlim_t) -> nix::Result<()> {
    let (_soft, hard) = getrlimit(resource)?;
    let bytes = bytes.min(hard);
    setrlimit(resource, bytes, bytes)
}

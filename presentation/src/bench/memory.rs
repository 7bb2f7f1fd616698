//! The memory of a process: its proportional set size, which counts shared pages by their share.

use crate::exit::{Exit, Failure};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// How often memory is looked at while something runs. Looking walks the process's pages.
const EVERY: Duration = Duration::from_millis(50);

/// Watches the memory of a process, and remembers its peak.
pub struct Watch {
    stop: oneshot::Sender<()>,
    looking: JoinHandle<Result<(), Failure>>,
    /// The most that was seen so far.
    seen: Arc<AtomicU64>,
}

impl Watch {
    /// From now on.
    pub fn begin(pid: u32) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let seen = Arc::new(AtomicU64::new(0));
        let peak = Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            let look = || bytes_of(pid).map(|bytes| peak.fetch_max(bytes, Ordering::Relaxed));
            look()?;
            while tokio::time::timeout(EVERY, &mut stopped).await.is_err() {
                look()?;
            }
            look().map(drop)
        });
        Self { stop, looking, seen }
    }

    /// The peak up to now, in bytes.
    pub async fn peak(self) -> Result<u64, Failure> {
        // An error would mean that the process is gone already: the watcher says so.
        let _told = self.stop.send(());
        self.looking.await.map_err(|error| Failure::internal(&error))??;
        Ok(self.seen.load(Ordering::Relaxed))
    }
}

/// What a process occupies now, in bytes.
pub fn bytes_of(pid: u32) -> Result<u64, Failure> {
    let gone = |error: std::io::Error| {
        let reason = error.kind();
        Failure::new(Exit::Internal, format!("the memory of process {pid} cannot be read ({reason}); check --pid"))
    };
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).map_err(gone)?;
    parse(&text).ok_or_else(|| Failure::new(Exit::Internal, format!("the memory of process {pid} is not told")))
}

/// Bytes as MiB.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn parse(smaps_rollup: &str) -> Option<u64> {
    let line = smaps_rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_size_is_read() {
        let text = "55d0-7ffc ---p 00000000 00:00 0    [rollup]\nRss:    3000 kB\nPss:    2048 kB\nPss_Anon:   12 kB\n";
        assert_eq!(parse(text), Some(2 << 20));
        assert_eq!(parse("Rss: 3000 kB\n"), None);
    }

    #[tokio::test]
    async fn a_peak_is_seen_after_it_has_passed() {
        const BLOCK: usize = 256 << 20;
        // What other tests of this process may take or give back meanwhile.
        const SLACK: u64 = 96 << 20;
        let own = std::process::id();
        let before = bytes_of(own).expect("read");
        let watch = Watch::begin(own);
        // Its first look comes before the block, a later one while the block is there.
        tokio::task::yield_now().await;
        let block = std::hint::black_box(vec![1_u8; BLOCK]);
        let high = before + BLOCK as u64 - SLACK;
        let seen = async {
            while watch.seen.load(Ordering::Relaxed) < high {
                tokio::time::sleep(EVERY / 10).await;
            }
        };
        tokio::time::timeout(200 * EVERY, seen).await.expect("the block is seen while it is there");
        drop(block);
        let peak = watch.peak().await.expect("watched");
        assert!(peak >= high, "{before} {peak}");
        assert!(bytes_of(0).is_err());
    }
}

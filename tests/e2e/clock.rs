//! Programs whose clock is wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// What sets a program's clock forward. What it counts with goes on as it did. To be dropped after the program has ended.
pub struct FastClock(Duration);

impl FastClock {
    /// So much ahead, to the second.
    pub fn ahead(of: Duration) -> Self {
        Self(of)
    }

    /// Variables of the program.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
        let library = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
        let library = folders.map(|entry| library(entry.path())).find(|file| file.exists());
        let library = library.expect("libfaketime: apt-get install faketime");
        vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", format!("+{}s", self.0.as_secs())),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}

impl Drop for FastClock {
    /// Programs that were killed leave memory of the system behind, which has their numbers.
    fn drop(&mut self) {
        for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let parts = ["faketime_shm_", "sem.faketime_sem_"].iter().find_map(|start| name.strip_prefix(start));
            if parts.is_some_and(|number| !Path::new("/proc").join(number).exists()) {
                let _somebody_else_did = fs::remove_file(entry.path());
            }
        }
    }
}

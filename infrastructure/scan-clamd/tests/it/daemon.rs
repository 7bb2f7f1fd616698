//! A clamd of the test's own: its folder, its socket, and a database of one signature. The tests of the whole program
//! use it, too.

use application::ports::scanner::MalwareScanner;
use scan_clamd::{ClamdAddress, ClamdScanner, Timeouts};
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// What the one signature matches, anywhere in a file.
pub const MARK: &[u8] = b"dragoman's harmless mark for tests of scanners";
/// Its name in the database; the daemon marks signatures that are not ClamAV's.
pub const SIGNATURE: &str = "Dragoman.Harmless.Mark.UNOFFICIAL";
/// The largest stream it takes.
pub const STREAM_BYTES_MAX: usize = 2 << 20;
/// The largest file it looks at.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// How long it may take to come up.
const START_MAX: Duration = Duration::from_secs(60);

/// A running clamd; killed when dropped.
pub struct Daemon {
    child: Child,
    pub folder: TempDir,
    pub unix: ClamdAddress,
    pub tcp: ClamdAddress,
}

impl Daemon {
    /// Starts one and waits until it answers.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("db")).expect("a folder");
        let hex: String = MARK.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(path("db/test.ndb"), format!("Dragoman.Harmless.Mark:0:*:{hex}\n")).expect("a database");
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let (socket, log) = (path("clamd.ctl"), path("log"));
        let config = format!(
            "Foreground yes\nDatabaseDirectory {}\nLocalSocket {}\nTCPSocket {port}\nTCPAddr 127.0.0.1\n\
             TemporaryDirectory {}\nStreamMaxLength {STREAM_BYTES_MAX}\nMaxFileSize {FILE_BYTES_MAX}\n\
             AlertExceedsMax yes\nMaxThreads 4\n",
            path("db").display(),
            socket.display(),
            folder.path().display(),
        );
        fs::write(path("clamd.conf"), config).expect("a configuration");
        let log_file = fs::File::create(&log).expect("a log");
        let child = Command::new(program())
            .arg("--config-file")
            .arg(path("clamd.conf"))
            .stdout(log_file.try_clone().expect("a log"))
            .stderr(log_file)
            .stdin(Stdio::null())
            .spawn()
            .expect("clamd starts");
        let tcp = ClamdAddress::Tcp { host: "127.0.0.1".to_owned(), port };
        let mut daemon = Self { child, folder, unix: ClamdAddress::Unix(socket), tcp };
        daemon.wait(&log).await;
        daemon
    }

    /// Scans over its socket file.
    pub fn scanner(&self) -> ClamdScanner {
        ClamdScanner::new(self.unix.clone(), Timeouts::default())
    }

    /// A file in its folder.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    async fn wait(&mut self, log: &PathBuf) {
        let began = Instant::now();
        let (unix, tcp) = (self.scanner(), ClamdScanner::new(self.tcp.clone(), Timeouts::default()));
        while unix.ping().await.is_err() || tcp.ping().await.is_err() {
            let ended = self.child.try_wait().expect("its state");
            let late = began.elapsed() > START_MAX;
            assert!(
                ended.is_none() && !late,
                "clamd does not come up: {}",
                fs::read_to_string(log).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Debian puts it where only root's search path leads.
fn program() -> PathBuf {
    let there = ["/usr/sbin/clamd", "/usr/bin/clamd", "/usr/local/sbin/clamd"].map(PathBuf::from);
    let found = there.into_iter().find(|path| path.exists());
    found.expect("clamd is installed: `sudo apt-get install clamav-daemon`")
}

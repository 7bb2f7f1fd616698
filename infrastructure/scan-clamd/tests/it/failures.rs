//! Daemons that are gone, hang, or answer nonsense; files that are not there.

use crate::daemon::Daemon;
use application::ports::{
    engine::{Engine, EngineError},
    scanner::{MalwareScanner, ScanError, Verdict},
};
use scan_clamd::{ClamdAddress, ClamdScanner, Timeouts};
use std::{fs, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn given_a_killed_daemon_then_it_is_unreachable() {
    let mut daemon = Daemon::start().await;
    let (scanner, file) = (daemon.scanner(), daemon.file("clean", b"clean"));
    assert_eq!(scanner.scan(&file).await.unwrap(), Verdict::Clean);
    daemon.kill();
    let error = scanner.scan(&file).await.unwrap_err();
    assert!(matches!(error, ScanError::Unreachable(_)) && error.is_transient(), "{error:?}");
    assert!(matches!(scanner.ping().await, Err(ScanError::Unreachable(_))));
    let tcp = ClamdScanner::new(daemon.tcp.clone(), Timeouts::default());
    assert!(matches!(tcp.scan(&file).await, Err(ScanError::Unreachable(_))));
}

#[tokio::test]
async fn given_no_daemon_then_the_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let scanner = scanner(&folder.path().join("nobody"));
    let Err(EngineError::Missing { package, .. }) = scanner.describe().await else { panic!("nobody is there") };
    assert_eq!(package, "clamav-daemon");
}

#[tokio::test]
async fn given_a_file_that_cannot_be_read_then_the_daemon_is_not_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let scanner = scanner(&folder.path().join("nobody"));
    for file in [folder.path().join("missing"), folder.path().to_owned()] {
        let error = scanner.scan(&file).await.unwrap_err();
        assert!(matches!(error, ScanError::File(_)) && !error.is_transient(), "{error:?}");
        assert!(!error.to_string().contains("missing"), "errors do not name the file");
    }
}

#[tokio::test]
async fn given_a_daemon_that_fails_then_it_is_said_how() {
    // It hangs up at once, in the middle, and within its answer: half of `stream: OK.Name FOUND` is no verdict.
    check(0, b"", |said| matches!(said, Err(ScanError::Unreachable(_)))).await;
    check(100_000, b"", |said| matches!(said, Err(ScanError::Unreachable(_)))).await;
    check(100_000, b"stream: OK", |said| matches!(said, Err(ScanError::Unreachable(_)))).await;
    // It answers early and hangs up, as at its limit; it answers something else; it answers without end.
    let early = b"INSTREAM size limit exceeded. ERROR\0";
    check(70_000, early, |said| matches!(said, Err(ScanError::TooLarge { bytes: 8_000_000 }))).await;
    check(0, b"HTTP/1.1 400 Bad Request\r\n\0", |said| matches!(said, Err(ScanError::Failed { .. }))).await;
    check(0, &[b'a'; 100_000], |said| matches!(said, Err(ScanError::Failed { answer }) if answer.len() == 200)).await;
}

#[tokio::test]
async fn given_a_daemon_that_hangs_then_the_scan_ends() {
    let timed_out = |said: &_| matches!(said, Err(ScanError::TimedOut { seconds: 1 }));
    // It takes nothing: the pipe fills. It takes everything and says nothing.
    hang(8_000_000, timed_out).await;
    hang(10, timed_out).await;
}

/// A daemon that reads so many bytes, then answers so and hangs up, while 8 MB are sent to it.
async fn check(reads: usize, answer: &'static [u8], is_right: impl Fn(&Result<Verdict, ScanError>) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    let daemon = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read(&mut socket, reads).await;
        // The client may be gone before an endless answer is said.
        socket.write_all(answer).await.ok();
    });
    let file = folder.path().join("file");
    fs::write(&file, vec![0; 8_000_000]).unwrap();
    let said = scanner(&path).scan(&file).await;
    assert!(is_right(&said), "{said:?}");
    daemon.await.unwrap();
}

/// A daemon that reads nothing more than what fits into the socket by itself, and never answers.
async fn hang(bytes: usize, is_right: impl Fn(&Result<Verdict, ScanError>) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let _listener = UnixListener::bind(&path).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, vec![0; bytes]).unwrap();
    let said = scanner(&path).scan(&file).await;
    assert!(is_right(&said), "{said:?}");
    assert!(matches!(scanner(&path).ping().await, Err(ScanError::TimedOut { .. })));
}

async fn read(socket: &mut UnixStream, bytes: usize) {
    let mut seen = vec![0; bytes];
    socket.read_exact(&mut seen).await.unwrap();
    if bytes > 0 {
        assert!(seen.starts_with(b"zINSTREAM\0\0\x01\0\0"), "the command, then a chunk of 64 KiB");
    }
}

fn scanner(path: &Path) -> ClamdScanner {
    let timeouts = Timeouts { connect: SHORT, stall: SHORT, verdict: SHORT };
    ClamdScanner::new(ClamdAddress::Unix(path.to_owned()), timeouts)
}

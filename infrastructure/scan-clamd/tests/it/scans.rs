//! Verdicts of a real clamd.

use crate::daemon::{Daemon, FILE_BYTES_MAX, MARK, SIGNATURE, STREAM_BYTES_MAX};
use application::ports::{
    engine::Engine,
    scanner::{MalwareScanner, ScanError, Verdict},
};
use scan_clamd::{ClamdScanner, Timeouts};

#[tokio::test]
async fn given_a_real_clamd_then_its_verdicts_are_told_apart() {
    let daemon = Daemon::start().await;
    let scanner = daemon.scanner();
    let infected = || Ok(Verdict::Infected { signature: SIGNATURE.to_owned() });
    let around = |before: usize, after: usize| [&vec![b'a'; before][..], MARK, &vec![b'b'; after][..]].concat();
    check(&scanner, &daemon, "empty", b"", Ok(Verdict::Clean)).await;
    check(&scanner, &daemon, "clean", b"nothing to see here", Ok(Verdict::Clean)).await;
    check(&scanner, &daemon, "mark", MARK, infected()).await;
    // Across the border of two chunks, and at the end of a file of many.
    check(&scanner, &daemon, "border", &around((64 << 10) - 7, 100_000), infected()).await;
    check(&scanner, &daemon, "end", &around(FILE_BYTES_MAX - MARK.len(), 0), infected()).await;
    // A name says nothing, whatever it holds.
    check(&scanner, &daemon, &format!("{SIGNATURE} FOUND \n"), b"still nothing", Ok(Verdict::Clean)).await;
    // Taken, but beyond what is looked at; and not even taken, at once and after megabytes.
    for bytes in [FILE_BYTES_MAX + 1, STREAM_BYTES_MAX + 1, 40 << 20] {
        check(&scanner, &daemon, "large", &vec![b'a'; bytes], Err(bytes)).await;
    }
    // The daemon is well after all that.
    check(&scanner, &daemon, "mark", MARK, infected()).await;
}

#[tokio::test]
async fn given_tcp_then_it_is_the_same() {
    let daemon = Daemon::start().await;
    let scanner = ClamdScanner::new(daemon.tcp.clone(), Timeouts::default());
    check(&scanner, &daemon, "clean", &vec![b'a'; 300_000], Ok(Verdict::Clean)).await;
    check(&scanner, &daemon, "mark", MARK, Ok(Verdict::Infected { signature: SIGNATURE.to_owned() })).await;
    check(&scanner, &daemon, "large", &vec![b'a'; 40 << 20], Err(40 << 20)).await;
}

#[tokio::test]
async fn given_a_real_clamd_then_it_describes_itself_and_scans_side_by_side() {
    let daemon = Daemon::start().await;
    let scanner = daemon.scanner();
    let info = scanner.describe().await.unwrap();
    assert_eq!(info.name, "clamd");
    assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{}", info.version);
    let (clean, mark) = (daemon.file("clean", &vec![b'c'; 500_000]), daemon.file("mark", MARK));
    let scans = (0..16).map(|turn| {
        let (scanner, file) = (scanner.clone(), if turn % 2 == 0 { clean.clone() } else { mark.clone() });
        tokio::spawn(async move { scanner.scan(&file).await.unwrap() == Verdict::Clean })
    });
    for (turn, scan) in scans.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(scan.await.unwrap(), turn % 2 == 0);
    }
}

/// The verdict, or `Err` with the size of a file that is too large.
async fn check(scanner: &ClamdScanner, daemon: &Daemon, name: &str, content: &[u8], expected: Result<Verdict, usize>) {
    let said = scanner.scan(&daemon.file(name, content)).await;
    let said = said.map_err(|error| match error {
        ScanError::TooLarge { bytes } => usize::try_from(bytes).unwrap(),
        other => panic!("{name}: {other:?}"),
    });
    assert_eq!(said, expected, "{name}");
}

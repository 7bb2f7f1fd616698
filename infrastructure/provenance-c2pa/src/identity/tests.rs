//! The local certificates: made once, kept private, replaced in time, never repaired by guessing.

use super::local;
use crate::error::Failure;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use x509_parser::pem::parse_x509_pem;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// 2026, without asking any clock.
fn now() -> SystemTime {
    UNIX_EPOCH + YEAR * 56
}

fn home() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn the_pair_is_made_once_and_readable_by_its_owner_only() {
    let folder = home();
    let home = folder.path().join("data/signing");

    let first = local::obtain(&home, now()).expect("made");
    let second = local::obtain(&home, now() + YEAR).expect("read");

    assert_eq!((&first.certificate_pem, &first.key), (&second.certificate_pem, &second.key));
    assert_eq!(mode(&home), 0o700);
    assert_eq!(mode(first.key.parent().expect("a folder")), 0o700);
    assert_eq!(mode(&first.key), 0o600);
    assert_eq!(mode(&home.join("authority/key.pem")), 0o600);
}

#[test]
fn the_certificates_say_what_c2pa_asks_of_them() {
    let folder = home();
    let signer = local::obtain(folder.path(), now()).expect("made");
    let root = local::existing_root(folder.path()).expect("read").expect("a root");

    let (_, leaf) = parse_x509_pem(signer.certificate_pem.as_bytes()).expect("PEM");
    let leaf = leaf.parse_x509().expect("a certificate");
    let (_, root) = parse_x509_pem(root.as_bytes()).expect("PEM");
    let root = root.parse_x509().expect("a certificate");

    assert!(root.is_ca() && !leaf.is_ca());
    assert!(root.key_usage().expect("read").is_some_and(|usage| usage.value.key_cert_sign()));
    assert!(leaf.key_usage().expect("read").is_some_and(|usage| usage.value.digital_signature()));
    assert!(leaf.extended_key_usage().expect("read").is_some_and(|usage| usage.value.email_protection));
    assert_eq!(leaf.issuer(), root.subject());
    let identifiers = |certificate: &x509_parser::certificate::X509Certificate<'_>, oid: &str| {
        certificate.extensions().iter().any(|extension| extension.oid.to_id_string() == oid)
    };
    assert!(identifiers(&leaf, "2.5.29.35") && identifiers(&root, "2.5.29.14"));
}

#[test]
fn processes_that_race_end_with_one_pair() {
    let folder = home();
    let racers: Vec<_> = (0..8)
        .map(|_| {
            let home = folder.path().to_owned();
            thread::spawn(move || local::obtain(&home, now()).expect("made").certificate_pem)
        })
        .collect();

    let certificates: BTreeSet<String> = racers.into_iter().map(|racer| racer.join().expect("ended")).collect();

    assert_eq!(certificates.len(), 1);
    let names = fs::read_dir(folder.path()).expect("the folder");
    let names: BTreeSet<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["authority", "signer-1"].map(Into::into).into(), "no drafts are left");
}

#[test]
fn a_crash_half_way_leaves_nothing_that_counts() {
    let folder = home();
    // What a process leaves that was killed before it renamed its draft.
    let draft = folder.path().join(".new-x");
    fs::create_dir(&draft).expect("made");
    fs::write(draft.join("certificate.pem"), "half").expect("written");

    let first = local::obtain(folder.path(), now()).expect("made");
    // … and one that was killed between the root and the signer.
    fs::remove_dir_all(folder.path().join("signer-1")).expect("removed");
    let second = local::obtain(folder.path(), now()).expect("made");

    assert_ne!(first.certificate_pem, second.certificate_pem);
    assert!(second.key.exists());
}

#[test]
fn a_certificate_that_ends_too_soon_is_followed_by_another_under_the_same_root() {
    let folder = home();
    let first = local::obtain(folder.path(), now()).expect("made");
    let root = local::existing_root(folder.path()).expect("read");

    let later = local::obtain(folder.path(), now() + YEAR * 11).expect("made");

    assert_ne!(first.certificate_pem, later.certificate_pem);
    assert!(later.key.ends_with("signer-2/key.pem") && first.key.exists());
    assert_eq!(root, local::existing_root(folder.path()).expect("read"));
}

#[test]
fn damaged_pairs_are_told_not_replaced() {
    let folder = home();
    local::obtain(folder.path(), now()).expect("made");
    fs::write(folder.path().join("signer-1/certificate.pem"), "scribble").expect("written");

    let failure = local::obtain(folder.path(), now()).expect_err("damaged");

    assert!(matches!(failure, Failure::Credential(_)), "{failure}");
}

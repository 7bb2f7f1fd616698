//! Reads a file's provenance and judges it. Deliberately without any mending: a file that cannot be read
//! is refused, and a manifest that does not hold is called broken.

use super::{
    boxes, padding, report,
    settings::{self, Believed},
    sniff::{self, Container},
};
use crate::{error::Failure, protocol::Trust};
use application::ports::provenance::{Verdict, Verification};
use c2pa::{Reader, ValidationState};
use std::{
    fs::File,
    io::{Seek, SeekFrom},
    path::Path,
};

/// Statuses that speak of the signer alone; the file itself is as it was signed (C2PA §15.2.2).
const ABOUT_SIGNER: [&str; 4] =
    ["signingCredential.", "claimSignature.outsideValidity", "timeStamp.", "timeOfSigning."];

/// What the file's provenance tells.
pub(crate) fn verify(path: &Path, trust: &Trust) -> Result<Verification, Failure> {
    let mut file = match File::open(path) {
        Ok(file) if file.metadata()?.is_file() => file,
        _ => return Err(Failure::Unreadable),
    };
    let container = sniff::container(&mut file)?.ok_or(Failure::NotMedia)?;
    let media_type = match container {
        Container::Bare => return Ok(report::unsigned()),
        Container::IsoMedia(media_type) | Container::Readable(media_type) => media_type,
    };
    let own = Believed { roots_pem: trust.own_root_pem.as_deref().unwrap_or_default(), certificate_pem: None };
    let reader = match read(&mut file, media_type, own)? {
        Read::Unsigned => return unsigned_or_damaged(&mut file, container),
        Read::Unreadable(code) => return Ok(report::broken(code)),
        Read::Manifest(reader) => reader,
    };
    file.seek(SeekFrom::Start(0))?;
    let store = c2pa::jumbf_io::load_jumbf_from_stream(media_type, &mut file)?;
    if !padding::is_empty(&store) {
        return Ok(report::padded(&reader));
    }
    if trusted(&reader) {
        return Ok(report::of(&reader, Verdict::SignedByThisInstallation));
    }
    let verdict = verdict_of(&reader);
    let others = Believed { roots_pem: &trust.anchors_pem, certificate_pem: trust.own_certificate_pem.as_deref() };
    let anyone_else = !others.roots_pem.trim().is_empty() || others.certificate_pem.is_some();
    if verdict == Verdict::UnknownSigner
        && anyone_else
        && let Read::Manifest(reader) = read(&mut file, media_type, others)?
        && trusted(&reader)
    {
        return Ok(report::of(&reader, Verdict::Trusted));
    }
    Ok(report::of(&reader, verdict))
}

enum Read {
    Manifest(Box<Reader>),
    Unsigned,
    /// There is a manifest, and it is beyond reading; the status code for it.
    Unreadable(&'static str),
}

fn read(file: &mut File, media_type: &str, believed: Believed<'_>) -> Result<Read, Failure> {
    use c2pa::Error;
    file.seek(SeekFrom::Start(0))?;
    match Reader::from_context(settings::reading(believed)?).with_stream(media_type, &mut *file) {
        Ok(reader) => Ok(Read::Manifest(Box::new(reader))),
        Err(Error::JumbfNotFound | Error::ProvenanceMissing | Error::RemoteManifestUrl(_)) => Ok(Read::Unsigned),
        Err(Error::RemoteManifestFetch(_) | Error::UnsupportedType) => Ok(Read::Unsigned),
        Err(Error::IoError(error)) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error.into()),
        Err(_) if has_manifest(file) => Ok(Read::Unreadable("claim.malformed")),
        Err(_) => Err(Failure::Damaged),
    }
}

/// A file without manifest must at least be whole: the library stops quietly where boxes end early.
fn unsigned_or_damaged(file: &mut File, container: Container) -> Result<Verification, Failure> {
    if matches!(container, Container::IsoMedia(_)) {
        let length = file.metadata()?.len();
        boxes::between(file, 0, length)?;
    }
    Ok(report::unsigned())
}

/// Whether a box of C2PA lies in the file, as far as its boxes can be followed.
fn has_manifest(file: &mut File) -> bool {
    let Ok(length) = file.metadata().map(|data| data.len()) else { return false };
    boxes::any_c2pa(file, length)
}

/// Whether the active manifest's signer is believed and nothing speaks against the file.
fn trusted(reader: &Reader) -> bool {
    let success =
        reader.validation_results().and_then(|results| results.active_manifest().map(|codes| codes.success()));
    reader.validation_state() != ValidationState::Invalid
        && success.is_some_and(|codes| codes.iter().any(|status| status.code() == "signingCredential.trusted"))
}

fn verdict_of(reader: &Reader) -> Verdict {
    let failures = report::failures(reader);
    let signer_only =
        !failures.is_empty() && failures.iter().all(|code| ABOUT_SIGNER.iter().any(|prefix| code.starts_with(prefix)));
    match reader.validation_state() {
        ValidationState::Valid | ValidationState::Trusted => Verdict::UnknownSigner,
        ValidationState::Invalid if signer_only => Verdict::UnknownSigner,
        ValidationState::Invalid => Verdict::Broken,
    }
}

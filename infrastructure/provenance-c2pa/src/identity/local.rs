//! This installation's own authority and signing certificate, made once.
//!
//! Each pair of certificate and key is a folder that appears complete or not at all: it is written under
//! a temporary name, synced and renamed. Whoever comes second finds the first one's folder and uses it.
//! Deliberately without revocation: a signature of this installation says no more than "made here".

use super::credential_error;
use crate::error::Failure;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use time::OffsetDateTime;
use x509_parser::pem::parse_x509_pem;

/// The root outlives every certificate it signs.
const ROOT_DAYS: u64 = 30 * 365;
/// Without time stamps a signature holds no longer than its certificate …
const SIGNER_DAYS: u64 = 20 * 365;
/// … so a certificate is replaced when a new signature would hold for less than ten years.
const SIGNER_DAYS_LEFT_MIN: u64 = 10 * 365;
/// Clocks of other machines may be behind.
const BACKDATED: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

const AUTHORITY: &str = "authority";
const SIGNER: &str = "signer-";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// The certificate to sign with, and its key's file.
#[derive(Debug)]
pub(super) struct LocalSigner {
    pub(super) certificate_pem: String,
    pub(super) key: PathBuf,
}

/// Reads the installation's certificate from `home`, making what is missing or about to expire.
pub(super) fn obtain(home: &Path, now: SystemTime) -> Result<LocalSigner, Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(home)?;
    fs::set_permissions(home, Permissions::from_mode(0o700))?;
    let authority = home.join(AUTHORITY);
    if !authority.exists() {
        let (certificate, key) = new_root(now)?;
        publish(home, &authority, &certificate, &key)?;
    }
    let newest = newest_signer(home)?;
    let serves = match newest {
        0 => false,
        number => serves(&read(&signer_folder(home, number).join(CERTIFICATE))?, now)?,
    };
    let folder = signer_folder(home, if serves { newest } else { newest + 1 });
    if !serves {
        let (certificate, key) = new_signer(&read(&authority.join(KEY))?, now)?;
        publish(home, &folder, &certificate, &key)?;
    }
    Ok(LocalSigner { certificate_pem: read(&folder.join(CERTIFICATE))?, key: folder.join(KEY) })
}

/// The root of this installation, if it ever made one.
pub(super) fn existing_root(home: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(home.join(AUTHORITY).join(CERTIFICATE)) {
        Ok(pem) => Ok(Some(pem)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn signer_folder(home: &Path, number: u32) -> PathBuf {
    home.join(format!("{SIGNER}{number}"))
}

fn newest_signer(home: &Path) -> Result<u32, Failure> {
    let mut newest = 0;
    for entry in fs::read_dir(home)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(SIGNER)).and_then(|number| number.parse().ok());
        newest = newest.max(number.unwrap_or(0));
    }
    Ok(newest)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        credential_error(&format!("this installation's certificates are incomplete ({}); restore them", error.kind()))
    })
}

/// Whether a signature made now would hold for long enough.
fn serves(certificate_pem: &str, now: SystemTime) -> Result<bool, Failure> {
    let damaged = || credential_error("this installation's certificate is damaged; restore it");
    let (_, pem) = parse_x509_pem(certificate_pem.as_bytes()).map_err(|_| damaged())?;
    let certificate = pem.parse_x509().map_err(|_| damaged())?;
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let validity = certificate.validity();
    let wanted = seconds(now + DAY * SIGNER_DAYS_LEFT_MIN as u32);
    Ok(validity.not_before.timestamp() <= seconds(now) && wanted <= validity.not_after.timestamp())
}

fn new_root(now: SystemTime) -> Result<(String, String), Failure> {
    let key = new_key()?;
    let certificate = root_params(&key, now)?.self_signed(&key).map_err(|_| not_made())?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn new_signer(root_key_pem: &str, now: SystemTime) -> Result<(String, String), Failure> {
    let root_key = KeyPair::from_pem(root_key_pem)
        .map_err(|_| credential_error("this installation's root key is damaged; restore it"))?;
    // Name and key identifier of the root depend on its key alone, so they need not be read back.
    let issuer = Issuer::new(root_params(&root_key, now)?, root_key);
    let key = new_key()?;
    let mut params = CertificateParams::new(Vec::new()).map_err(|_| not_made())?;
    params.distinguished_name = name("Dragoman signer of this installation");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, SIGNER_DAYS);
    let certificate = params.signed_by(&key, &issuer).map_err(|_| not_made())?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The root's name carries the beginning of its key's digest, so that two installations differ.
fn root_params(key: &KeyPair, now: SystemTime) -> Result<CertificateParams, Failure> {
    let digest = hex::encode(Sha256::digest(key.subject_public_key_info()));
    let mut params = CertificateParams::new(Vec::new()).map_err(|_| not_made())?;
    params.distinguished_name = name(&format!("Dragoman root {}", digest.chars().take(12).collect::<String>()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now, ROOT_DAYS);
    Ok(params)
}

/// C2PA shows the organisation, so it must be there; it names no person and no machine.
fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name.push(DnType::OrganizationName, "Dragoman, local installation");
    name
}

fn set_validity(params: &mut CertificateParams, now: SystemTime, days: u64) {
    params.not_before = OffsetDateTime::from(now - BACKDATED);
    params.not_after = OffsetDateTime::from(now + DAY * days as u32);
}

fn new_key() -> Result<KeyPair, Failure> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| not_made())
}

fn not_made() -> Failure {
    credential_error("this installation's certificate could not be made")
}

/// Makes `folder` appear with both files, or not at all. When another process was faster, its folder
/// stays and ours goes: whoever reads afterwards reads one matching pair.
fn publish(home: &Path, folder: &Path, certificate_pem: &str, key_pem: &str) -> Result<(), Failure> {
    let draft = tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(0o700)).tempdir_in(home)?;
    write_private(&draft.path().join(CERTIFICATE), certificate_pem)?;
    write_private(&draft.path().join(KEY), key_pem)?;
    File::open(draft.path())?.sync_all()?;
    match fs::rename(draft.path(), folder) {
        Ok(()) => {
            File::open(home)?.sync_all()?;
            Ok(())
        }
        Err(_) if folder.join(KEY).exists() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

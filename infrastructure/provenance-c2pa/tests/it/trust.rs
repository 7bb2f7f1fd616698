//! Whose signature it is: this installation's, a configured root's, the user's own, or a stranger's.

use crate::kit::{House, config, house, now, signer};
use crate::source::sign_as_stranger;
use application::ports::{
    engine::{Engine, EngineError},
    provenance::{ProvenanceSigner, Verdict},
};
use provenance_c2pa::SigningConfig;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm,
};
use std::{fs, path::PathBuf, time::Duration};

/// The user's certificates in files.
struct Papers {
    certificate: PathBuf,
    key: PathBuf,
    root: PathBuf,
}

fn papers(
    house: &House,
    name: &str,
    algorithm: &'static SignatureAlgorithm,
    edit: fn(&mut CertificateParams),
) -> Papers {
    let root_key = KeyPair::generate_for(algorithm).expect("a key");
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "A root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_certificate = root.self_signed(&root_key).expect("a root");
    let key = KeyPair::generate_for(algorithm).expect("a key");
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name.push(DnType::CommonName, "Studio");
    leaf.distinguished_name.push(DnType::OrganizationName, "Studio Ltd");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = (now() - Duration::from_secs(86_400)).into();
    leaf.not_after = (now() + Duration::from_secs(86_400)).into();
    edit(&mut leaf);
    let certificate = leaf.signed_by(&key, &Issuer::new(root, root_key)).expect("a certificate");
    let write = |kind: &str, text: String| {
        let path = house.path(&format!("{name}-{kind}.pem"));
        fs::write(&path, text).expect("written");
        path
    };
    Papers {
        certificate: write("certificate", certificate.pem()),
        key: write("key", key.serialize_pem()),
        root: write("root", root_certificate.pem()),
    }
}

fn with(house: &House, papers: &Papers) -> SigningConfig {
    SigningConfig {
        certificate: Some(papers.certificate.clone()),
        key: Some(papers.key.clone()),
        ..config(&house.path("other"))
    }
}

#[tokio::test]
async fn the_users_certificate_signs_and_is_known_to_the_user() {
    for (name, algorithm) in
        [("es256", &PKCS_ECDSA_P256_SHA256), ("es384", &PKCS_ECDSA_P384_SHA384), ("ed25519", &PKCS_ED25519)]
    {
        let house = house();
        let papers = papers(&house, name, algorithm, |_| {});
        let user = signer(with(&house, &papers));
        let output = house.path("out.mp4");
        user.sign_source(&house.video("clip.mp4"), &output).await.expect(name);

        let to_user = user.verify(&output).await.expect(name);
        let to_others = house.signer.verify(&output).await.expect(name);
        let anchored = signer(SigningConfig { trust_anchors: vec![papers.root], ..config(&house.path("third")) });
        let to_anchored = anchored.verify(&output).await.expect(name);

        assert_eq!(to_user.verdict, Verdict::Trusted, "{to_user:?}");
        assert_eq!(to_user.signer.as_deref(), Some("Studio, Studio Ltd"));
        assert_eq!(to_others.verdict, Verdict::UnknownSigner, "{to_others:?}");
        assert_eq!(to_others.failures, ["signingCredential.untrusted"]);
        assert_eq!(to_anchored.verdict, Verdict::Trusted, "{to_anchored:?}");
    }
}

#[tokio::test]
async fn another_installation_is_an_unknown_signer() {
    let (house, elsewhere) = (house(), house());
    let output = house.path("out.mp4");
    elsewhere.signer.sign_source(&house.video("clip.mp4"), &output).await.expect("signed");
    house.signer.describe().await.expect("an own certificate");

    let told = house.signer.verify(&output).await.expect("verified");

    assert_eq!(told.verdict, Verdict::UnknownSigner, "{told:?}");
}

#[tokio::test]
async fn a_strangers_file_is_unknown_and_broken_once_changed() {
    let house = house();
    let file = house.path("theirs.mp4");
    sign_as_stranger(&house.video("clip.mp4"), &file);
    let told = house.signer.verify(&file).await.expect("verified");
    assert_eq!(told.verdict, Verdict::UnknownSigner, "{told:?}");

    let mut changed = fs::read(&file).expect("the file");
    let last = changed.len() - 1;
    changed[last] ^= 1;
    fs::write(&file, changed).expect("written");

    let told = house.signer.verify(&file).await.expect("verified");
    assert_eq!(told.verdict, Verdict::Broken, "{told:?}");
}

#[tokio::test]
async fn papers_that_do_not_fit_are_refused_with_the_reason() {
    let house = house();
    let right = papers(&house, "right", &PKCS_ECDSA_P256_SHA256, |_| {});
    let other = papers(&house, "other", &PKCS_ECDSA_P256_SHA256, |_| {});
    let no_purpose = papers(&house, "purpose", &PKCS_ECDSA_P256_SHA256, |leaf| leaf.extended_key_usages.clear());
    let expired = papers(&house, "expired", &PKCS_ECDSA_P256_SHA256, |leaf| {
        leaf.not_before = (now() - Duration::from_secs(7200)).into();
        leaf.not_after = (now() - Duration::from_secs(3600)).into();
    });
    let garbage = house.path("garbage.pem");
    fs::write(&garbage, "-----BEGIN NONSENSE").expect("written");
    let cases = [
        (Papers { key: other.key, ..copy(&right) }, "does not belong"),
        (Papers { key: garbage.clone(), ..copy(&right) }, "PKCS#8"),
        (Papers { certificate: garbage, ..copy(&right) }, "PEM"),
        (Papers { certificate: house.path("nowhere.pem"), ..copy(&right) }, "cannot be read"),
        (no_purpose, "does not fit the C2PA profile"),
        (expired, "not valid at time"),
    ];
    for (papers, reason) in cases {
        let error = signer(with(&house, &papers)).describe().await.expect_err(reason);

        assert!(matches!(error, EngineError::Rejected { code: "signing-credential", .. }), "{error}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
        assert!(!error.to_string().contains("PRIVATE"), "{error}");
    }
    let alone = SigningConfig { key: None, ..with(&house, &right) };
    assert!(signer(alone).describe().await.expect_err("alone").to_string().contains("without its key"));
}

fn copy(papers: &Papers) -> Papers {
    Papers { certificate: papers.certificate.clone(), key: papers.key.clone(), root: papers.root.clone() }
}

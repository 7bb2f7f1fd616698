//! The double's messages and services are what the client's own package describes.

use cargo_metadata::MetadataCommand;
use std::{fs, path::PathBuf};

/// Packages of the protocol that the double speaks, as prost names their files.
const PACKAGES: [&str; 4] =
    ["event_store.client", "event_store.client.server_features", "event_store.client.streams", "google.rpc"];

#[test]
fn they_follow_from_the_protos_in_the_clients_package() {
    let made = tempfile::tempdir().expect("a folder");
    let described = protox::compile(["streams.proto", "serverfeatures.proto"], [protos()]).expect("the protos compile");
    tonic_build::configure()
        .build_client(false)
        .build_transport(false)
        .message_attribute(".", "#[allow(dead_code)]")
        .server_mod_attribute(".", "#[allow(unused_qualifications)]")
        .out_dir(made.path())
        .compile_fds(described)
        .expect("code is generated");
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/double/generated");
    for package in PACKAGES {
        let fresh = fs::read_to_string(made.path().join(format!("{package}.rs"))).expect("generated");
        let kept = kept.join(format!("{package}.rs.in"));
        if fs::read_to_string(&kept).is_ok_and(|kept| kept == fresh) {
            continue;
        }
        let beside = kept.with_extension("new");
        fs::write(&beside, fresh).expect("written");
        panic!("{package} is not what the protos describe any more: look at {} and keep it", beside.display());
    }
}

/// The folder of protos in the client's package, which is beside its manifest.
fn protos() -> PathBuf {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let flags = ["--offline", "--filter-platform", &platform].map(str::to_owned).to_vec();
    let metadata = MetadataCommand::new().other_options(flags).exec().expect("the tree");
    let client = metadata.packages.iter().find(|package| package.name.as_str() == "kurrentdb").expect("the client");
    client.manifest_path.with_file_name("protos").into()
}

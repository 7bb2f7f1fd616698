//! The decisions that the rules of the architecture check: who may use what.
//!
//! A new dependency is a decision: it gets a line here, in the same commit.

/// Everything that may be compiled for `domain`: serde, uuid and what they stand on. At most ten.
pub const UNDER_DOMAIN: [&str; 9] =
    ["proc-macro2", "quote", "serde", "serde_core", "serde_derive", "sha1_smol", "syn", "unicode-ident", "uuid"];

/// Small, pure or everywhere: any crate may use these, except `domain`.
pub const COMMON: [&str; 11] =
    ["async-trait", "futures", "hex", "serde", "serde_json", "sha2", "thiserror", "time", "tokio", "tracing", "uuid"];

/// Who owns each other dependency. `name*` stands for all that begin so.
pub const OWNERS: &[(&str, &[&str])] = &[
    ("argon2", &["identity"]),
    ("async-nats", &["event-bus-nats", "nats-connection", "work-queue-nats"]),
    ("ed25519-dalek", &["application", "identity"]),
    ("governor", &["http-api"]),
    ("jsonwebtoken", &["identity"]),
    ("lettre", &["mail-smtp"]),
    ("reqwest", &["blob-store", "http-outbound"]),
    ("rustls", &["blob-store", "http-outbound"]),
    ("rustls-native-certs", &["nats-connection"]),
    ("totp-rs", &["identity"]),
    ("zxcvbn", &["identity"]),
    ("axum", &["dragoman", "http-api"]),
    ("base64", &["application", "event-bus-nats", "http-api", "identity"]),
    (
        "bytes",
        &[
            "blob-store",
            "dragoman",
            "event-bus-nats",
            "event-log-kurrent",
            "http-api",
            "nats-connection",
            "telemetry",
            "work-queue-nats",
        ],
    ),
    ("c2pa", &["provenance-c2pa"]),
    ("chacha20poly1305", &["event-codec"]),
    ("clap*", &["dragoman"]),
    ("csv", &["application"]),
    ("earshot", &["engine-segment-earshot"]),
    ("ebur128", &["engine-mix-ducking", "media-gstreamer"]),
    ("form_urlencoded", &["http-api"]),
    ("getrandom", &["host", "key-vault"]),
    ("gstreamer*", &["media-gstreamer"]),
    ("hmac", &["application", "event-codec", "http-api"]),
    (
        "hound",
        &[
            "engine-diarise-spectral",
            "engine-mix-ducking",
            "engine-segment-earshot",
            "engine-synthesise-espeak",
            "engine-transcribe-pocketsphinx",
        ],
    ),
    ("http", &["telemetry"]),
    ("http-body-util", &["blob-store", "dragoman", "http-api", "telemetry"]),
    ("hyper*", &["dragoman", "http-api", "scratch-s3", "telemetry"]),
    ("indicatif", &["dragoman"]),
    ("kurrentdb", &["event-log-kurrent"]),
    ("nix", &["child-process", "dragoman", "media-gstreamer", "scratch-nats", "scratch-postgres"]),
    ("memchr", &["http-api"]),
    ("object_store", &["blob-store"]),
    ("opentelemetry*", &["telemetry"]),
    ("percent-encoding", &["event-log-kurrent", "nats-connection"]),
    ("prometheus-client", &["dragoman", "http-api"]),
    ("rcgen", &["provenance-c2pa"]),
    ("realfft", &["engine-diarise-spectral", "engine-segment-earshot"]),
    ("rubato", &["engine-synthesise-espeak"]),
    ("s3s*", &["scratch-s3"]),
    ("serde_path_to_error", &["http-api"]),
    ("serde_urlencoded", &["http-api"]),
    ("sha1", &["http-api"]),
    ("sqlx", &["event-log-postgres", "event-log-sqlite", "postgres-schema", "read-store"]),
    ("tempfile", &["provenance-c2pa", "scratch-nats", "scratch-postgres", "scratch-s3"]),
    ("tokio-rustls", &["http-api"]),
    ("tokio-util", &["dragoman", "http-api"]),
    ("toml", &["dragoman"]),
    ("tower*", &["http-api"]),
    ("tracing-opentelemetry", &["telemetry"]),
    ("tracing-subscriber", &["telemetry"]),
    ("utoipa*", &["http-api"]),
    ("x509-parser", &["provenance-c2pa"]),
];

/// Adapters that tests of another adapter may use, and why.
pub const TEST_FRIENDS: &[(&str, &str)] = &[
    // Tests of engines that are programs start real ones.
    ("*", "child-process"),
    // Tests of what uses PostgreSQL start real servers.
    ("*", "scratch-postgres"),
    // The same for S3.
    ("*", "scratch-s3"),
    // Those of what uses NATS, too.
    ("*", "scratch-nats"),
    // The word error rate is measured on utterances as they are found, not on the whole sound.
    ("engine-transcribe-pocketsphinx", "engine-segment-earshot"),
    // The store's rows are real read models, folded and stored in one go.
    ("read-store", "projections"),
    // How soon rows follow a log on PostgreSQL is measured with a real one.
    ("read-store", "event-log-postgres"),
];

/// What the inner crates may not say. Where a crate needs it, that is a port.
pub const FORBIDDEN: &[(&str, &[&str])] = &[
    ("domain", &["std::fs", "std::time", "std::env", "std::process", "std::net", "std::thread", "async fn"]),
    ("application", &["std::fs", "std::env", "std::process", "std::net", "tokio::fs", "tokio::process", "tokio::net"]),
    ("projections", &["std::fs", "std::env", "std::process", "std::net", "tokio::fs", "tokio::process", "tokio::net"]),
];

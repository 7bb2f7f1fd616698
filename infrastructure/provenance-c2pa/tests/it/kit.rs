//! What the tests share: a signer on a temporary data folder, media made by GStreamer, and a reader of
//! boxes that is not the code under test.

use application::ports::{
    clock::Clock,
    provenance::{SignInput, SoftwareAgent},
};
use child_process::LocalChildren;
use domain::value::{Sha256, Timestamp};
use provenance_c2pa::{C2paSigner, SandboxProgram, SigningConfig};
use sha2::Digest;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// The moment at which the tests sign: now, since the library checks certificates against the clock.
#[expect(clippy::disallowed_methods, reason = "a test is where the clock comes from")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        let since = now().duration_since(UNIX_EPOCH).expect("after 1970");
        Timestamp::from_unix_ms(since.as_millis() as u64)
    }
}

pub fn config(home: &Path) -> SigningConfig {
    SigningConfig {
        home: home.to_owned(),
        certificate: None,
        key: None,
        trust_anchors: Vec::new(),
        clock: Arc::new(Now),
    }
}

pub fn signer(config: SigningConfig) -> C2paSigner {
    let sandbox = SandboxProgram { program: env!("CARGO_BIN_EXE_provenance-sandbox").into(), args: Vec::new() };
    C2paSigner::new(config, Arc::new(LocalChildren::default()), sandbox)
}

/// A temporary folder with an installation in it.
pub struct House {
    pub folder: TempDir,
    pub signer: C2paSigner,
}

pub fn house() -> House {
    let folder = TempDir::new().expect("a temporary folder");
    let signer = signer(config(&folder.path().join("signing")));
    House { folder, signer }
}

impl House {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file made by a GStreamer pipeline that ends in `filesink`.
    pub fn media(&self, name: &str, pipeline: &str) -> PathBuf {
        let path = self.path(name);
        let location = format!("location={}", path.display());
        let status = Command::new("gst-launch-1.0")
            .arg("-q")
            .args(pipeline.split_whitespace())
            .args(["!", "filesink"])
            .arg(location)
            .status()
            .expect("gst-launch-1.0 runs");
        assert!(status.success(), "{pipeline}");
        path
    }

    /// Three seconds of picture and sound, moov first, as the product's own muxer writes it.
    pub fn video(&self, name: &str) -> PathBuf {
        self.media(
            name,
            "mp4mux name=mux faststart=true videotestsrc num-buffers=75 ! video/x-raw,framerate=25/1,width=320,height=240 ! \
             x264enc ! h264parse ! queue ! mux. audiotestsrc num-buffers=130 ! avenc_aac ! queue ! mux. mux.",
        )
    }

    /// Three seconds of sound alone.
    pub fn sound(&self, name: &str) -> PathBuf {
        self.media(name, "audiotestsrc num-buffers=130 ! avenc_aac ! mp4mux faststart=true")
    }

    pub fn dub_of(&self, input: &Path, source: &Path, output: &str) -> SignInput {
        SignInput {
            input: input.to_owned(),
            output: self.path(output),
            source: source.to_owned(),
            source_media_type: "video/mp4".to_owned(),
            source_signed: false,
            source_sha256: sha256(b"the source as given"),
            source_language: "en".parse().expect("a language"),
            target_language: "es".parse().expect("a language"),
            engines: vec![agent("apertium", "3.8.3", "translate"), agent("espeak-ng", "1.51", "synthesise")],
            trained_voice: false,
            dubbing: "01900000-0000-7000-8000-000000000001".to_owned(),
            stream: "track-01900000-0000-7000-8000-000000000001-es".to_owned(),
            revision: 41,
            revision_hash: sha256(b"event 41"),
        }
    }
}

fn agent(name: &str, version: &str, stage: &str) -> SoftwareAgent {
    SoftwareAgent { name: name.to_owned(), version: version.to_owned(), stage: stage.to_owned() }
}

pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::new(sha2::Sha256::digest(bytes).into())
}

pub fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

/// Top-level boxes: code, offset of the body, end.
pub fn boxes(file: &[u8]) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + 8 <= file.len() {
        let short = u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
        let (size, header) = match short {
            1 => (u64::from_be_bytes(file[at + 8..at + 16].try_into().expect("eight bytes")) as usize, 16),
            size => (size, 8),
        };
        found.push((String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned(), at + header, at + size));
        at += size;
    }
    found
}

/// Body of the first box of a kind.
pub fn body_of<'a>(file: &'a [u8], kind: &str) -> &'a [u8] {
    let (_, start, end) = boxes(file).into_iter().find(|(found, ..)| found == kind).expect(kind);
    &file[start..end]
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// One digest over the packets of each stream, by ffmpeg, which shares nothing with the product.
pub fn packets(path: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0", "-c", "copy", "-f", "streamhash", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A recording that is not part of the repository; tells of its absence.
pub fn recording(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media").join(name);
    if !path.exists() {
        println!("SKIPPED: {name} is not in ../shared/media");
        return None;
    }
    Some(path)
}

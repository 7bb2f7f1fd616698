//! Running the program, and the media it runs on.

use serde_json::Value;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;

/// A user with a data folder, an output folder and a working folder of their own.
pub struct User {
    folder: TempDir,
    program: PathBuf,
}

/// What a command said.
pub struct Said {
    /// Its exit code; 128 and more: ended by a signal.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl User {
    /// A new user, who has never run the program.
    pub fn new() -> Self {
        Self::of(PathBuf::from(env!("CARGO_BIN_EXE_dragoman")))
    }

    /// The same, whose program is another one.
    pub fn of(program: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("user-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Self { folder: folder.expect("a temporary folder"), program }
    }

    /// The user's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The folder for results.
    pub fn out(&self) -> PathBuf {
        self.folder().join("out")
    }

    /// The command, ready to run.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.folder()).stdin(Stdio::null());
        command.env("DRAGOMAN_DATA_DIR", self.data()).env_remove("DRAGOMAN_LOG");
        command
    }

    /// Runs a command to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Said {
        Said::from(self.command(args).output().expect("the program runs"))
    }

    /// Runs a command that must end with this exit code.
    #[track_caller]
    pub fn expect<A: AsRef<OsStr>>(&self, code: i32, args: impl IntoIterator<Item = A>) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, code, "stdout:\n{}\nstderr:\n{}", said.stdout, said.stderr);
        said
    }

    /// Dubs a file into `--out` with these further arguments and returns the JSON document.
    #[track_caller]
    pub fn dub(&self, code: i32, source: &Path, more: &[&str]) -> Value {
        let out = self.out();
        let mut args = vec![OsStr::new("dub"), OsStr::new("--json"), OsStr::new("--out"), out.as_os_str()];
        args.extend(more.iter().map(OsStr::new));
        args.extend([OsStr::new("--"), source.as_os_str()]);
        self.expect(code, args).json()
    }

    /// The events of a job, in order, as `job events --json` tells them.
    #[track_caller]
    pub fn events(&self, job: &str) -> Vec<Value> {
        let said = self.expect(0, ["job", "events", job, "--json", "--reveal"]);
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON document a line")).collect()
    }

    /// `log verify` finds nothing wrong.
    #[track_caller]
    pub fn log_is_clean(&self) {
        let found = self.expect(0, ["log", "verify", "--json"]).json();
        assert_eq!(found["faults"], Value::Array(vec![]), "{found}");
    }
}

impl Said {
    /// Standard output as the one JSON document that it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sample video (with `sample.srt` and `sample.vtt` beside it), made once for all tests.
pub fn sample() -> &'static Path {
    static SAMPLE: OnceLock<PathBuf> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sample-{}", std::process::id()));
        let made = Command::new(repository().join("tests/media/make_sample")).arg(&folder).output();
        let made = made.expect("make_sample runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        folder.join("sample.mp4")
    })
}

/// A short clip (about 10 s) of the sample with its first lines, for tests that dub many times.
pub fn clip() -> &'static Path {
    static CLIP: OnceLock<PathBuf> = OnceLock::new();
    CLIP.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clip-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let wav = folder.join("clip.wav");
        let text = "The river was wide and cold. We crossed it in a small boat. Nobody said a word.";
        let spoken = Command::new("flite").args(["-voice", "kal16", "-t", text, "-o"]).arg(&wav).status();
        assert!(spoken.expect("flite runs").success());
        let video = folder.join("clip.mp4");
        film(&wav, 150, &video);
        video
    })
}

/// An MP4 of moving pictures (25 a second) with this sound.
pub fn film(wav: &Path, frames: u32, video: &Path) {
    gst(&[
        "videotestsrc",
        "pattern=ball",
        &format!("num-buffers={frames}"),
        "!",
        "video/x-raw,width=320,height=180,framerate=25/1",
        "!",
        "x264enc",
        "speed-preset=ultrafast",
        "key-int-max=25",
        "!",
        "h264parse",
        "!",
        "queue",
        "!",
        "mp4mux",
        "name=mux",
        "!",
        "filesink",
        &format!("location={}", video.display()),
        "filesrc",
        &format!("location={}", wav.display()),
        "!",
        "wavparse",
        "!",
        "audioconvert",
        "!",
        "audioresample",
        "!",
        "avenc_aac",
        "!",
        "queue",
        "!",
        "mux.",
    ]);
}

/// What is said in the clip, by two speakers of these names: Aurelia and Bartholomew.
pub fn clip_transcript() -> &'static Path {
    static TRANSCRIPT: OnceLock<PathBuf> = OnceLock::new();
    TRANSCRIPT.get_or_init(|| {
        let cue =
            |from: &str, to: &str, who: &str, text: &str| format!("00:00:{from} --> 00:00:{to}\n<v {who}>{text}</v>\n");
        let cues = [
            cue("00.200", "01.900", "Aurelia", "The river was wide and cold."),
            cue("02.000", "03.900", "Bartholomew", "We crossed it in a small boat."),
            cue("04.000", "05.200", "Aurelia", "Nobody said a word."),
        ];
        let path = clip().with_extension("vtt");
        std::fs::write(&path, format!("WEBVTT\n\n{}", cues.join("\n"))).expect("a transcript");
        path
    })
}

/// Runs a GStreamer pipeline to its end.
#[track_caller]
pub fn gst(pipeline: &[&str]) {
    let run = Command::new("gst-launch-1.0").arg("-q").args(pipeline).output().expect("gst-launch-1.0 runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// A recording beside the repository, or `None`, said clearly, where there is none.
pub fn recording(name: &str) -> Option<PathBuf> {
    let path = repository().join("../shared/media").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {name} is not in ../shared/media");
        return None;
    }
    Some(path)
}

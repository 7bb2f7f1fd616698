//! A user whose program is killed, whose engines can be slowed down or broken, and what must hold at the end.

use crate::{
    media,
    programs::Programs,
    support::{Said, User, film},
};
use serde_json::Value;
use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(10);

/// A user with a job that is to be disturbed.
pub struct Rig {
    /// The user.
    pub user: User,
    languages: &'static str,
    /// The first job, once it was seen.
    job: OnceCell<String>,
    /// The engines, which can be meddled with.
    programs: Programs,
}

/// A command that runs; killed when dropped.
pub struct Running {
    child: Child,
    data: PathBuf,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// What a job made, and how long it took.
#[derive(Debug)]
pub struct Made {
    /// The exit code.
    pub code: i32,
    /// Wall time of the whole command.
    pub wall: Duration,
    /// Names in the output folder.
    files: BTreeSet<String>,
    tracks: BTreeMap<String, Track>,
}

/// What was made in one language.
#[derive(Debug)]
pub struct Track {
    /// The report's lines.
    pub lines: Value,
    /// The subtitles.
    pub srt: String,
    vtt: String,
    sound: Vec<f32>,
}

impl Rig {
    /// For these target languages, separated by commas.
    pub fn new(languages: &'static str) -> Self {
        let user = User::new();
        let programs = Programs::new(user.folder());
        Self { user, languages, job: OnceCell::new(), programs }
    }

    /// With engines that take a little longer, so that a kill can hit every one of them.
    pub fn with_slow_engines(mut self) -> Self {
        self.programs.slow_down("0.1");
        self
    }

    /// Puts a script before a program, as [`Programs::wrap`] does.
    pub fn wrap(&mut self, program: &str, script: &str) {
        self.programs.wrap(program, script);
    }

    /// Has nothing on the search path but links to all programs, each of which can be removed.
    pub fn with_linked_programs(mut self) -> Self {
        self.programs.link_all();
        self
    }

    /// Where programs are put before those of the system.
    pub fn bin(&self) -> &Path {
        self.programs.bin()
    }

    /// Runs a command to its end, with this rig's engines.
    pub fn run(&self, args: &[&str]) -> Said {
        self.command(args).output().map(Said::from).expect("the program runs")
    }

    /// Starts a command.
    pub fn start(&self, args: &[&str]) -> Running {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let file = |name: &str| self.user.folder().join(format!("{name}-{number}.txt"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let mut command = self.command(args);
        command.stdout(File::create(&stdout).expect("a file")).stderr(File::create(&stderr).expect("a file"));
        Running { child: command.spawn().expect("the program starts"), data: self.user.data(), stdout, stderr }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.user.command(args);
        self.programs.apply(&mut command);
        command
    }

    /// The `dub` command of this rig's job, with these further arguments.
    pub fn start_dub(&self, more: &[&str]) -> Running {
        let (out, clip) = (self.user.out().display().to_string(), clip().display().to_string());
        let mut args = vec!["dub", "--json", "--to", self.languages, "--out", &out];
        args.extend(more);
        args.extend(["--", &clip]);
        self.start(&args)
    }

    /// Begins the job, or goes on with it.
    pub fn go_on(&self) -> Running {
        match self.job() {
            Some(_) => self.start(&["resume"]),
            None => self.start_dub(&[]),
        }
    }

    /// The job, as soon as there is one. Looking must work whatever else goes on.
    #[track_caller]
    pub fn job(&self) -> Option<String> {
        let jobs = self.user.expect(0, ["jobs", "--json"]).json();
        let id = jobs.as_array().and_then(|jobs| jobs.first()).and_then(|job| job["job_id"].as_str());
        id.map(str::to_owned)
    }

    /// The job's events so far.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        if self.job.get().is_none() {
            let Some(job) = self.job() else {
                return vec![];
            };
            // Nobody else can have set it.
            let _first = self.job.set(job);
        }
        self.job.get().map(|job| self.user.events(job)).unwrap_or_default()
    }

    /// Goes on until an event of this type (and of this stage) is written, or a later one of the stage, then kills the
    /// program. `false` when the stage was finished before, or the program was faster.
    #[track_caller]
    pub fn kill_at(&self, event_type: &str, stage: Option<&str>) -> bool {
        let before = self.events();
        let is_finish = |event: &Value| is_finished(event) && event["data"]["stage"].as_str() == stage;
        if stage.is_some() && before.iter().any(is_finish) {
            return false;
        }
        let mut running = self.go_on();
        // What was asked for before the last kill is not asked for again, and what is passed over is not completed.
        let later = ["StageRequested", "StageStarted", "StageCompleted", "StageSkipped"];
        let later: Vec<&str> = later.into_iter().skip_while(|later| *later != event_type).collect();
        let is_meant = |event: &Value| {
            let is_type = event["event_type"] == event_type || later.iter().any(|later| event["event_type"] == *later);
            is_type && stage.is_none_or(|stage| event["data"]["stage"] == stage)
        };
        let mut is_there = false;
        until(event_type, || {
            is_there = self.events().iter().skip(before.len()).any(is_meant);
            is_there || running.has_ended()
        });
        running.kill();
        is_there
    }

    /// Goes on to the end, and checks that the end is that of an undisturbed run.
    #[track_caller]
    pub fn ends_like(&self, undisturbed: &Made) {
        let said = self.go_on().said();
        let is_over = said.stdout.contains("Nothing to resume");
        assert!(is_over || said.code == undisturbed.code, "{}: {}\n{}", said.code, said.stdout, said.stderr);
        self.has_made(undisturbed);
    }

    /// Checks results and history against those of an undisturbed run.
    #[track_caller]
    pub fn has_made(&self, undisturbed: &Made) {
        let files = names(&self.user.out());
        assert_eq!(files, undisturbed.files);
        for (language, expected) in &undisturbed.tracks {
            let made = Track::read(&self.user.out(), language);
            assert_eq!(made.lines, expected.lines, "{language}");
            assert_eq!((&made.srt, &made.vtt), (&expected.srt, &expected.vtt), "{language}");
            assert!(made.sound == expected.sound, "{language}: the sound differs");
        }
        self.is_tidy();
    }

    /// Nothing happened twice, the log is whole, nothing is left lying about and nobody is left running.
    #[track_caller]
    pub fn is_tidy(&self) {
        let events = self.events();
        let ids: BTreeSet<&str> = events.iter().filter_map(|event| event["event_id"].as_str()).collect();
        assert_eq!(ids.len(), events.len(), "an event was written twice");
        check_stages(&events);
        self.user.log_is_clean();
        for folder in ["scratch", "tmp"] {
            assert_eq!(names(&self.user.data().join(folder)), BTreeSet::new(), "{folder}");
        }
        until("the end of all children", || processes_of(&self.user.data()).is_empty());
    }

    fn made(&self, code: i32, wall: Duration) -> Made {
        let out = self.user.out();
        let tracks = self.languages.split(',').map(|language| (language.to_owned(), Track::read(&out, language)));
        Made { code, wall, files: names(&out), tracks: tracks.collect() }
    }
}

impl Running {
    /// Kills the program, waits for its end, and for that of everything it started.
    #[track_caller]
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
        until("the end of all children", || processes_of(&self.data).is_empty());
    }

    /// Sends a signal by its name: `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_some()
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn said(mut self) -> Said {
        until("the program's end", || self.has_ended());
        let status = self.child.wait().expect("it has ended");
        let read = |file: &Path| fs::read(file).expect("its output");
        let output = std::process::Output { status, stdout: read(&self.stdout), stderr: read(&self.stderr) };
        Said::from(output)
    }

    /// Whether it still runs after so long: a moment to do something at.
    pub fn lasts(&mut self, time: Duration) -> bool {
        let moment = Instant::now() + time;
        while Instant::now() < moment && !self.has_ended() {
            thread::sleep(LOOK.min(moment.saturating_duration_since(Instant::now())));
        }
        !self.has_ended()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a failed test leaves something to do here.
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

impl Made {
    /// What was made in this language.
    pub fn track(&self, language: &str) -> &Track {
        self.tracks.get(language).expect("a track")
    }
}

impl Track {
    /// Reads the results of one language from the output folder.
    #[track_caller]
    pub fn read(out: &Path, language: &str) -> Self {
        let file = |ending: &str| out.join(format!("clip.{language}.{ending}"));
        let text = |ending: &str| fs::read_to_string(file(ending)).expect("a result");
        let report: Value = serde_json::from_str(&text("report.json")).expect("a report");
        let sound = media::decode(&file("mp4"), 0).samples;
        Self { lines: report["lines"].clone(), srt: text("srt"), vtt: text("vtt"), sound }
    }
}

/// What becomes of the clip when nothing disturbs, for these languages; dubbed once for all tests.
pub fn undisturbed(languages: &'static str) -> Arc<Made> {
    static MADE: Mutex<BTreeMap<&str, Arc<Made>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || {
        let (rig, began) = (Rig::new(languages), Instant::now());
        let said = rig.go_on().said();
        assert!([0, 5].contains(&said.code), "{}\n{}", said.stdout, said.stderr);
        let wall = began.elapsed();
        rig.is_tidy();
        Arc::new(rig.made(said.code, wall))
    };
    Arc::clone(made.entry(languages).or_insert_with(new))
}

/// Waits, within a bound, until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(LOOK);
    }
}

/// Three sentences with pauses between them, so that there are several utterances, over a moving picture.
pub fn clip() -> &'static Path {
    static CLIP: OnceLock<PathBuf> = OnceLock::new();
    CLIP.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let wav = folder.join("clip.wav");
        speak(&["The river was wide and cold.", "We crossed it in a small boat.", "Nobody said a word."], &wav);
        let video = folder.join("clip.mp4");
        film(&wav, 240, &video);
        video
    })
}

/// Sentences with two seconds of silence after each.
fn speak(sentences: &[&str], wav: &Path) {
    let mut writer = None;
    for sentence in sentences {
        let spoken = Command::new("flite").args(["-voice", "kal16", "-t", sentence, "-o"]).arg(wav).status();
        assert!(spoken.expect("flite runs").success());
        let mut reader = hound::WavReader::open(wav).expect("a WAV file");
        let spec = reader.spec();
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
        let joined = wav.with_extension("joined");
        let writer = writer.get_or_insert_with(|| hound::WavWriter::create(joined, spec).expect("a WAV file"));
        let silence = std::iter::repeat_n(0, 2 * spec.sample_rate as usize);
        samples.into_iter().chain(silence).for_each(|sample| writer.write_sample(sample).expect("a sample"));
    }
    writer.expect("a sentence").finalize().expect("a WAV file");
    fs::rename(wav.with_extension("joined"), wav).expect("its name");
}

/// Every run of every stage that was begun is finished once, unless a newer run took its place, and nothing of it
/// happens after that.
#[track_caller]
fn check_stages(events: &[Value]) {
    let mut finished = BTreeMap::new();
    for event in events.iter().filter(|event| event["data"]["attempt"].is_u64()) {
        let data = &event["data"];
        let (stage, run) = (format!("{} {}", event["stream"], data["stage"]), data["run"].as_u64());
        let is_over = finished.entry((stage, run)).or_insert(false);
        assert!(!*is_over, "it goes on after its end: {event}");
        *is_over = is_finished(event);
    }
    let has_newer = |stage: &str, run| finished.keys().any(|(other, newer)| other == stage && *newer > run);
    let owed = finished.iter().filter(|((stage, run), is_over)| !**is_over && !has_newer(stage, *run));
    let unfinished: Vec<_> = owed.collect();
    assert!(!finished.is_empty() && unfinished.is_empty(), "never finished: {unfinished:?}");
}

fn is_finished(event: &Value) -> bool {
    event["event_type"] == "StageCompleted" || event["event_type"] == "StageSkipped"
}

/// Names in a folder; none when it is not there.
pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The command lines of all processes that were started for this data folder: children inherit the variable.
fn processes_of(data: &Path) -> Vec<String> {
    let mark = format!("DRAGOMAN_DATA_DIR={}", data.display());
    let has_mark = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    processes.filter(has_mark).map(|process| fs::read_to_string(process.join("cmdline")).unwrap_or_default()).collect()
}

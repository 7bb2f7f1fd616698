//! `dragoman dub`: check everything that can be checked, begin or extend a job, drive it, deliver.

use super::{
    DubArgs, SubtitlesArg,
    summary::{self, Outcome},
};
use crate::{
    config::Limits,
    exit::{Exit, Failure},
    home::Home,
    interrupt::Interrupt,
    progress::Progress,
    session::{self, Session, SessionEnding},
    wiring::{App, Engines, source_limits},
};
use application::{
    abilities::Unable,
    commands::request_dub::{DubRequest, identity},
    ports::engine::EngineError,
    text::{glossary::Glossary, subtitles},
};
use domain::{
    dubbing::{Delivery, Phase, TrackRequest, Transcript},
    track::TrackSettings,
    value::{DubbingId, LanguageTag, Personal},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

/// The language that is assumed when nobody says.
const ASSUMED: &str = "en";
/// Largest transcript or glossary that is read, in bytes.
const TEXT_BYTES_MAX: u64 = 16 << 20;

/// Runs the command.
pub async fn run(args: DubArgs, home: &Home, limits: &Limits) -> Result<Exit, Failure> {
    let asked = Asked::read(&args)?;
    let _owned = home.own()?;
    let interrupt = Interrupt::listen()?;
    let (app, job) = interrupt.or_stop(begin(asked, &args, home, limits)).await?;
    let session = session::drive(&app, job, &Progress::new(), &interrupt).await?;
    conclude(&app, job, session, &interrupt, args.json).await
}

/// Opens the data folder and begins the job, or extends the one that is meant.
async fn begin(asked: Asked, args: &DubArgs, home: &Home, limits: &Limits) -> Result<(App, DubbingId), Failure> {
    let engines = Engines::new(home, args.signing.signing())?;
    asked.require_engines(&engines).await?;
    home.works_alone()?;
    let app = App::open(home, engines, source_limits(limits)).await?;
    app.projections.catch_up().await.map_err(|error| Failure::internal(&error))?;
    let request = asked.keep(&app, args).await?;
    let known = find_job(&app, &request).await?;
    let languages: Vec<LanguageTag> = request.tracks.iter().map(|track| track.language.clone()).collect();
    app.deliver.check(&request.delivery, &languages, known).await?;
    let requested = app.request_dub.run(request, known).await?;
    Ok((app, requested.job))
}

/// Delivers what is published and says how it went.
pub async fn conclude(
    app: &App,
    job: DubbingId,
    mut session: Session,
    interrupt: &Interrupt,
    json: bool,
) -> Result<Exit, Failure> {
    let mut delivered = vec![];
    if !matches!(session.ending, SessionEnding::Stopped(_)) {
        tokio::select! {
            biased;
            () = interrupt.wanted() => session.ending = SessionEnding::Interrupted,
            outcome = app.deliver.run(job) => match outcome {
                Ok(tracks) => delivered = tracks,
                Err(error) => session.ending = SessionEnding::Stopped(error.into()),
            },
        }
    }
    let outcome = Outcome::of(app, job, &session, &delivered).await?;
    summary::show(&outcome, json);
    Ok(outcome.exit)
}

/// The job that a request means, if there is one that can still be extended. A fork is another job of the same file, and
/// what lies in the folder is not its own.
async fn find_job(app: &App, request: &DubRequest) -> Result<Option<DubbingId>, Failure> {
    let filter = [("identity", serde_json::Value::from(identity(request).to_string()))];
    let rows = app.read_store.query(&projections::jobs::TABLE, &filter).await;
    let rows = rows.map_err(|error| Failure::internal(&error))?;
    for row in rows.iter().rev() {
        let id = row.get("job_id").and_then(|id| id.as_str()).and_then(|id| id.parse::<DubbingId>().ok());
        let Some(id) = id else {
            continue;
        };
        let dubbing = app.aggregates.dubbing(id).await?.state;
        let is_fork = dubbing.request.as_ref().is_some_and(|request| request.order.forked_from.is_some());
        if matches!(dubbing.phase, Phase::Processing | Phase::Completed) && !is_fork {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// What was asked, read and checked as far as possible without a data folder.
struct Asked {
    source: PathBuf,
    from: LanguageTag,
    is_assumed: bool,
    to: Vec<LanguageTag>,
    transcript: AskedTranscript,
    glossary: Option<Vec<u8>>,
    voices: BTreeMap<String, String>,
    delivery: Delivery,
}

enum AskedTranscript {
    Recognise,
    File(Vec<u8>),
    Embedded,
}

impl Asked {
    fn read(args: &DubArgs) -> Result<Self, Failure> {
        let source = readable(&args.input)?;
        for pem in [&args.signing.signing_cert, &args.signing.signing_key].into_iter().flatten() {
            text_file(pem)?;
        }
        let assumed = || ASSUMED.parse().map_err(|error| Failure::internal(&error));
        let from: LanguageTag = args.from.clone().map_or_else(assumed, Ok)?;
        let mut seen = BTreeSet::new();
        let to: Vec<LanguageTag> = args.to.iter().filter(|language| seen.insert(*language)).cloned().collect();
        if let Some(same) = to.iter().find(|language| language.primary() == from.primary()) {
            return Err(Unable::SameLanguage(same.clone()).into());
        }
        Ok(Self {
            source,
            is_assumed: args.from.is_none(),
            from,
            to,
            transcript: transcript(args.transcript.as_deref())?,
            glossary: args.glossary.as_deref().map(glossary).transpose()?,
            voices: args.voice.iter().map(|choice| voice(choice)).collect::<Result<_, _>>()?,
            delivery: delivery(args)?,
        })
    }

    /// A missing engine is found before a job exists.
    async fn require_engines(&self, engines: &Engines) -> Result<(), Failure> {
        let abilities = engines.abilities();
        let is_recognised = matches!(self.transcript, AskedTranscript::Recognise);
        if is_recognised {
            abilities.require_words(&self.from, &Transcript::Recognised)?;
        }
        for (_, engine) in engines.all() {
            match engine.describe().await {
                // Only needed to recognise: a given transcript does without it.
                Err(EngineError::Missing { engine, .. }) if engine.starts_with("pocketsphinx") && !is_recognised => {}
                described => drop(described?),
            }
        }
        for language in &self.to {
            abilities.require_target(&self.from, language).await?;
        }
        Ok(abilities.require_voices(self.voices.values(), &self.to).await?)
    }

    /// The request, with transcript and glossary kept as blobs.
    async fn keep(self, app: &App, args: &DubArgs) -> Result<DubRequest, Failure> {
        let source = self.source.clone();
        let hashed = tokio::task::spawn_blocking(move || blob_store::digest_file(&source)).await;
        let (source_sha256, _) = hashed
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|error| unreadable(&self.source, &error))?;
        let transcript = match self.transcript {
            AskedTranscript::Recognise => Transcript::Recognised,
            AskedTranscript::Embedded => Transcript::Embedded,
            AskedTranscript::File(bytes) => {
                Transcript::Imported { file: app.blobs.put_bytes(bytes, "text/vtt").await? }
            }
        };
        let glossary = match self.glossary {
            Some(bytes) => Some(app.blobs.put_bytes(bytes, "text/csv").await?),
            None => None,
        };
        let settings = TrackSettings {
            glossary,
            keep_phrases: Personal::new(args.keep_phrase.clone()),
            voices: Personal::new(self.voices),
            background: args.background.into(),
            keep_original: args.keep_original,
            embed_subtitles: matches!(args.subtitles, SubtitlesArg::Embed | SubtitlesArg::Both),
        };
        let tracks = self.to.into_iter().map(|language| TrackRequest { language, settings: settings.clone() });
        Ok(DubRequest {
            name: self.source.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source: self.source,
            source_sha256,
            audio_stream: args.audio_stream,
            source_language: self.from,
            language_assumed: self.is_assumed,
            transcript,
            tracks: tracks.collect(),
            delivery: self.delivery,
        })
    }
}

/// Whether results can be put into a folder is found before hours of work, not after. Nothing stays
/// behind: folders that are missing are made only when there are results.
fn writable(folder: &Path) -> Result<(), Failure> {
    let unusable = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "you may not write there".to_owned(),
            std::io::ErrorKind::NotADirectory => "a part of this path is a file, not a folder".to_owned(),
            kind => format!("nothing can be written there ({kind})"),
        };
        Failure::usage(format!("{}: {reason}; choose another folder with --out", folder.display()))
    };
    for above in folder.ancestors() {
        match fs::metadata(above) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(error)),
            Ok(found) if !found.is_dir() => return Err(unusable(std::io::ErrorKind::NotADirectory.into())),
            Ok(_) => {
                let probe = above.join(format!(".dragoman-{}-probe.part", std::process::id()));
                let opened = OpenOptions::new().write(true).create_new(true).open(&probe);
                return match opened.and_then(|_| fs::remove_file(&probe)) {
                    // A full disk may have room again when there are results.
                    Err(error) if application::ports::engine::is_out_of_room(&error) => Ok(()),
                    outcome => outcome.map_err(unusable),
                };
            }
        }
    }
    Ok(())
}

/// The input as a path that no later step can take for anything else.
pub fn readable(input: &Path) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(input).map_err(|error| unreadable(input, &error))?;
    let metadata = fs::metadata(&path).map_err(|error| unreadable(input, &error))?;
    let shown = input.display();
    if metadata.is_dir() {
        return Err(Failure::rejected(format!("{shown} is a folder; name a file in it")));
    }
    if !metadata.is_file() {
        return Err(Failure::rejected(format!("{shown} is not a regular file; save it as one first")));
    }
    File::open(&path).map_err(|error| unreadable(input, &error))?;
    if metadata.len() == 0 {
        return Err(Failure::rejected(format!("{shown} is empty; was it copied completely?")));
    }
    Ok(path)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file; check the name",
        std::io::ErrorKind::PermissionDenied => "you may not read it; ask its owner, or run `chmod u+r` on it",
        _ => "it cannot be read; copy it to a local disk and try again",
    };
    Failure::rejected(format!("{}: {advice}", path.display()))
}

fn text_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let path = readable(path)?;
    let size = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?.len();
    if size > TEXT_BYTES_MAX {
        return Err(Failure::rejected(format!("{} is too large for a text file (over 16 MiB)", path.display())));
    }
    fs::read(&path).map_err(|error| unreadable(&path, &error))
}

fn transcript(asked: Option<&Path>) -> Result<AskedTranscript, Failure> {
    match asked {
        None => Ok(AskedTranscript::Recognise),
        Some(path) if path.as_os_str() == "embedded" => Ok(AskedTranscript::Embedded),
        Some(path) => {
            let bytes = text_file(path)?;
            let parsed = subtitles::parse(&bytes);
            parsed.map_err(|error| Failure::rejected(format!("{}: {error}", path.display())))?;
            Ok(AskedTranscript::File(bytes))
        }
    }
}

fn glossary(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = text_file(path)?;
    Glossary::parse(&bytes).map_err(|error| Failure::rejected(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}

fn voice(choice: &str) -> Result<(String, String), Failure> {
    match choice.split_once('=') {
        Some((speaker, voice)) if !speaker.trim().is_empty() && !voice.trim().is_empty() => {
            Ok((speaker.trim().to_owned(), voice.trim().to_owned()))
        }
        Some(_) | None => Err(Failure::usage(format!("--voice {choice}: write it as SPEAKER=VOICE, like Ann=es+f2"))),
    }
}

fn delivery(args: &DubArgs) -> Result<Delivery, Failure> {
    let input = std::path::absolute(&args.input).map_err(|error| unreadable(&args.input, &error))?;
    let beside = input.parent().map(Path::to_owned).unwrap_or_default();
    let folder = match &args.out {
        Some(folder) if folder.is_file() => {
            return Err(Failure::usage(format!("--out {}: this is a file, not a folder", folder.display())));
        }
        Some(folder) => std::path::absolute(folder).map_err(|error| unreadable(folder, &error))?,
        None => beside,
    };
    writable(&folder)?;
    let text = |name: &OsStr| {
        let shown = name.to_string_lossy().into_owned();
        name.to_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::usage(format!("{shown} is not valid UTF-8; rename it, or its folder, first")))
    };
    Ok(Delivery {
        stem: Personal::new(text(input.file_stem().unwrap_or_default())?),
        folder: Personal::new(text(folder.as_os_str())?),
        sidecars: matches!(args.subtitles, SubtitlesArg::Sidecar | SubtitlesArg::Both),
        overwrite: args.force,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_pairs() {
        assert_eq!(voice("Ann = es+f2").ok(), Some(("Ann".to_owned(), "es+f2".to_owned())));
        for bad in ["Ann", "=es", "Ann=", " = "] {
            assert_eq!(voice(bad).err().map(|failure| failure.exit), Some(Exit::Usage), "{bad}");
        }
    }

    #[test]
    fn what_is_no_file_is_rejected_with_advice() {
        for (path, advice) in [("/", "folder"), ("/no/such/film.mp4", "no such file"), ("/dev/null", "regular")] {
            let failure = readable(Path::new(path)).err();
            let (exit, message) =
                failure.map(|failure| (failure.exit, failure.message)).unwrap_or((Exit::Done, String::new()));
            assert_eq!(exit, Exit::Rejected);
            assert!(message.contains(advice), "{message}");
        }
    }
}

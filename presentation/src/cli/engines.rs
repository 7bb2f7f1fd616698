//! `dragoman engines` and `dragoman voices`: what is installed.

use super::{JsonArgs, VoicesArgs, print, print_json, table};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::{Engines, Signing},
};
use domain::value::LanguageTag;
use serde_json::json;

/// Languages shown before the list is cut short.
const LANGUAGES_SHOWN: usize = 12;

/// `dragoman engines`.
pub async fn list(args: JsonArgs, home: &Home) -> Result<Exit, Failure> {
    let engines = Engines::new(home, Signing::default())?;
    let (mut documents, mut rows) = (Vec::new(), vec![header()]);
    for (stage, engine) in engines.all() {
        match engine.describe().await {
            Ok(info) => {
                documents.push(json!({ "stage": stage, "installed": true, "engine": info }));
                rows.push(vec![
                    stage.to_owned(),
                    info.name,
                    info.version,
                    info.licence,
                    info.purpose,
                    languages(&info.languages),
                ]);
            }
            Err(error) => {
                documents.push(json!({ "stage": stage, "installed": false, "problem": error.to_string() }));
                let cells = [stage, "—", "—", "—"].map(str::to_owned);
                rows.push(cells.into_iter().chain([format!("{error}; see `dragoman doctor`")]).collect());
            }
        }
    }
    if args.json {
        print_json(&documents)
    } else {
        print(&table(&rows))
    }
    Ok(Exit::Done)
}

fn header() -> Vec<String> {
    ["STAGE", "ENGINE", "VERSION", "LICENCE", "PURPOSE", "LANGUAGES"].map(str::to_owned).to_vec()
}

fn languages(tags: &[LanguageTag]) -> String {
    let shown: Vec<&str> = tags.iter().take(LANGUAGES_SHOWN).map(LanguageTag::as_str).collect();
    match tags.len().saturating_sub(LANGUAGES_SHOWN) {
        0 => shown.join(" "),
        more => format!("{} … and {more} more", shown.join(" ")),
    }
}

/// `dragoman voices`.
pub async fn voices(args: VoicesArgs, home: &Home) -> Result<Exit, Failure> {
    let engines = Engines::new(home, Signing::default())?;
    let voices = engines.synthesiser.voices(args.language.as_ref()).await?;
    if args.json {
        print_json(&voices);
        return Ok(Exit::Done);
    }
    if voices.is_empty() {
        let language = args.language.map_or(String::new(), |language| format!(" for {language}"));
        return Err(Failure::new(
            Exit::EngineMissing,
            format!("there is no voice{language}; `dragoman voices` lists all"),
        ));
    }
    let mut rows = vec![["VOICE", "LANGUAGE", "GENDER"].map(str::to_owned).to_vec()];
    rows.extend(voices.iter().map(|voice| {
        let gender = json!(voice.gender).as_str().unwrap_or_default().to_owned();
        vec![voice.name.clone(), voice.language.to_string(), gender]
    }));
    print(&table(&rows));
    Ok(Exit::Done)
}

//! `dragoman jobs`, `job show`, `job events`: looking at jobs, also while another process works on them.

use super::{JobLook, JsonArgs, print, print_json, table};
use crate::{
    exit::{Exit, Failure},
    home::Home,
    wiring::Reader,
};
use application::ports::{
    event_log::{DomainEvent, Recorded, TenancyEvent},
    read_store::{ReadStore, Row},
};
use domain::{
    dubbing::{Dubbing, DubbingEvent, Phase as Life},
    flow::{Flow, Stage},
    queues::Queues,
    track::{Track, TrackEvent},
    value::{DubbingId, LanguageTag, TrackId},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Events read in one go.
const PAGE: usize = 256;
/// Time between two looks at a log that another process writes.
const POLL: Duration = Duration::from_millis(300);

/// `dragoman jobs`.
pub async fn list(args: JsonArgs, home: &Home) -> Result<Exit, Failure> {
    let Some(reader) = Reader::find(home).await? else {
        print(if args.json { "[]" } else { "There are no jobs yet; begin with `dragoman dub`." });
        return Ok(Exit::Done);
    };
    let rows = rows(&*reader.read_store).await?;
    if args.json {
        print_json(&rows);
        return Ok(Exit::Done);
    }
    let text = |row: &Row, column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = vec![["JOB", "STATE", "FROM", "TO", "STARTED", "SOURCE"].map(str::to_owned).to_vec()];
    for row in &rows {
        let Some(id) = id_of(row) else {
            continue;
        };
        let name = reader.aggregates.dubbing(id).await?.state.request.as_ref().and_then(|r| r.name.reveal().cloned());
        lines.push(vec![
            text(row, "job_id"),
            text(row, "state"),
            text(row, "source_language"),
            text(row, "languages"),
            text(row, "started_at").chars().take(19).collect(),
            name.unwrap_or_else(|| "(erased)".to_owned()),
        ]);
    }
    print(&table(&lines));
    Ok(Exit::Done)
}

/// `dragoman job …`.
pub async fn one(look: JobLook, home: &Home) -> Result<Exit, Failure> {
    let reader = Reader::open(home).await?;
    match look {
        JobLook::Show { job, json } => show(&reader, &job, json).await,
        JobLook::Events { job, follow, json, reveal } => {
            let job = find(&*reader.read_store, &job).await?;
            events(&reader, job, follow, json, reveal).await
        }
    }
}

/// The job that an id, or a part of one that no other has, means.
pub async fn find(store: &dyn ReadStore, part: &str) -> Result<DubbingId, Failure> {
    let ids: Vec<DubbingId> = rows(store).await?.iter().filter_map(id_of).collect();
    let matching: Vec<DubbingId> = ids.into_iter().filter(|id| id.to_string().contains(&part.to_lowercase())).collect();
    match matching.as_slice() {
        [job] => Ok(*job),
        [] => Err(Failure::usage(format!("there is no job {part}; `dragoman jobs` lists them"))),
        _ => Err(Failure::usage(format!("{part} could be any of {} jobs; give more of the id", matching.len()))),
    }
}

async fn rows(store: &dyn ReadStore) -> Result<Vec<Row>, Failure> {
    store.query(&projections::jobs::TABLE, &[]).await.map_err(|error| Failure::internal(&error))
}

fn id_of(row: &Row) -> Option<DubbingId> {
    row.get("job_id")?.as_str()?.parse().ok()
}

async fn show(reader: &Reader, part: &str, as_json: bool) -> Result<Exit, Failure> {
    let job = find(&*reader.read_store, part).await?;
    let dubbing = reader.aggregates.dubbing(job).await?.state;
    let mut tracks = Vec::new();
    for language in dubbing.tracks.keys() {
        let id = TrackId { dubbing: job, language: language.clone() };
        tracks.push((language.clone(), reader.aggregates.track(&id).await?.state));
    }
    let queues = reader.aggregates.queues().await?.state;
    if as_json {
        print_json(&document(job, &dubbing, &tracks, &queues));
    } else {
        print(&page(job, &dubbing, &tracks, &queues));
    }
    Ok(Exit::Done)
}

fn document(job: DubbingId, dubbing: &Dubbing, tracks: &[(LanguageTag, Arc<Track>)], queues: &Queues) -> Value {
    let tracks = tracks.iter().map(|(language, track)| {
        let lines = track.lines.iter().map(|(id, line)| {
            json!({
                "utterance": id,
                "slot": dubbing.utterances.get(id).map(|utterance| utterance.span),
                "text": dubbing.utterances.get(id).and_then(|utterance| utterance.text.reveal()),
                "translation": line.translation.as_ref().and_then(|translation| translation.text.reveal()),
                "placement": line.placement,
                "flags": line.flags.iter().map(|(_, flag)| flag).collect::<Vec<_>>(),
            })
        });
        json!({ "language": language, "stages": stages(&track.flow, queues), "lines": lines.collect::<Vec<_>>() })
    });
    json!({
        "job": job,
        "state": state(dubbing),
        "source": dubbing.request.as_ref().and_then(|request| request.name.reveal()),
        "stages": stages(&dubbing.flow, queues),
        "tracks": tracks.collect::<Vec<_>>(),
    })
}

fn stages(flow: &Flow, queues: &Queues) -> Value {
    let stages = flow.cells.iter().map(|(stage, cell)| {
        let summary = flow.summaries.get(stage);
        json!({
            "stage": stage,
            "state": phase(flow, *stage),
            "queue_paused": waits_for_queue(flow, *stage, queues),
            "run": cell.run,
            "attempt": cell.attempt,
            "wall_ms": summary.map(|summary| summary.wall_ms),
        })
    });
    stages.collect()
}

fn page(job: DubbingId, dubbing: &Dubbing, tracks: &[(LanguageTag, Arc<Track>)], queues: &Queues) -> String {
    let name = dubbing.request.as_ref().and_then(|request| request.name.reveal().cloned()).unwrap_or_default();
    let mut page = format!("Job {job} · {} · {name}\n\n", state(dubbing));
    page.push_str(&stage_table("source", &dubbing.flow, queues));
    if let Some((_, message)) = &dubbing.rejection {
        page.push_str(&format!("\n\nThe source was rejected: {message}"));
    }
    // A track that never began has no stages yet.
    for (language, track) in tracks.iter().filter(|(_, track)| track.header.is_some()) {
        page.push_str(&format!("\n\n{}", stage_table(language.as_str(), &track.flow, queues)));
        let lines = track.lines.iter().map(|(id, line)| {
            let spoken = dubbing.utterances.get(id);
            let at = line.placement.map(|place| place.start_ms).or_else(|| spoken.map(|line| line.span.start_ms()));
            let text = line.translation.as_ref().and_then(|translation| translation.text.reveal());
            let flags: Vec<String> =
                line.flags.iter().map(|(_, flag)| json!(flag).as_str().unwrap_or_default().to_owned()).collect();
            let rate = line.placement.map_or(String::new(), |place| format!("×{:.2}", place.rate.factor()));
            let at = at.map_or(String::new(), |ms| format!("{:>7.2} s", ms as f64 / 1_000.0));
            vec![id.to_string(), at, rate, text.cloned().unwrap_or_default(), flags.join(" ")]
        });
        page.push_str(&format!("\n{}", table(&lines.collect::<Vec<_>>())));
    }
    page
}

fn stage_table(of: &str, flow: &Flow, queues: &Queues) -> String {
    let rows = domain::flow::rows(flow.scope).map(|row| {
        let summary = flow.summaries.get(&row.stage);
        let seconds = summary.map_or(String::new(), |summary| format!("{:>8.2} s", summary.wall_ms as f64 / 1_000.0));
        let failure = flow.failures.get(&row.stage).map(|failure| failure.message.clone());
        let note = if waits_for_queue(flow, row.stage, queues) {
            format!("its queue is paused; `dragoman queue resume {}` lets it go on", row.stage)
        } else {
            failure.unwrap_or_default()
        };
        vec![of.to_owned(), row.stage.to_string(), phase(flow, row.stage).to_owned(), seconds, note]
    });
    table(&rows.collect::<Vec<_>>())
}

/// Whether a stage would be worked on if its queue were not paused.
fn waits_for_queue(flow: &Flow, stage: Stage, queues: &Queues) -> bool {
    use domain::flow::Phase;
    let is_asked_for = matches!(flow.phase(stage), Phase::Requested(_)) && !flow.ended && flow.paused.is_none();
    is_asked_for && !queues.is_open(stage)
}

fn phase(flow: &Flow, stage: Stage) -> &'static str {
    use domain::flow::Phase;
    match flow.phase(stage) {
        Phase::Waiting => "waiting",
        Phase::Requested(_) | Phase::Started(_) if flow.ended => "stopped",
        Phase::Requested(_) => "requested",
        Phase::Started(_) => "started",
        Phase::RetryAt(_) => "to be tried again",
        Phase::Done => "done",
        Phase::Skipped => "skipped",
        Phase::Parked => "parked",
        Phase::Undone => "undone",
    }
}

fn state(dubbing: &Dubbing) -> &'static str {
    match dubbing.phase {
        Life::NotStarted => "not started",
        Life::Processing if dubbing.flow.paused.is_some() => "parked",
        Life::Processing => "processing",
        Life::Completed => "completed",
        Life::Failed => "failed",
        Life::Cancelled => "cancelled",
    }
}

async fn events(reader: &Reader, job: DubbingId, follow: bool, json: bool, reveal: bool) -> Result<Exit, Failure> {
    let mut seen = 0;
    loop {
        let page = reader.log.read_log(seen, PAGE).await?;
        for event in page.events.iter().filter(|event| event.stream.dubbing() == Some(job)) {
            print(&line(event, json, reveal));
        }
        seen = page.scanned_to;
        if page.scanned_to < page.head {
            continue;
        }
        if !follow || is_settled(reader, job).await? {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn is_settled(reader: &Reader, job: DubbingId) -> Result<bool, Failure> {
    let dubbing = reader.aggregates.dubbing(job).await?.state;
    Ok(match dubbing.phase {
        Life::NotStarted | Life::Completed => true,
        Life::Failed | Life::Cancelled => dubbing.flow.ended,
        Life::Processing => false,
    })
}

fn line(event: &Recorded, as_json: bool, reveal: bool) -> String {
    let mut data = data(&event.event);
    if !reveal {
        hide(&mut data);
    }
    if !as_json {
        let data = if data.is_null() { String::new() } else { data.to_string() };
        return format!("{:>6}  {}  {}  {}  {data}", event.position, event.recorded_at, event.stream, event.event_type);
    }
    let document = json!({
        "position": event.position,
        "stream": event.stream.to_string(),
        "revision": event.revision,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "schema_version": event.schema_version,
        "recorded_at": event.recorded_at,
        "actor": event.actor,
        "command_id": event.command_id,
        "traceparent": event.traceparent,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
        "data": data,
    });
    document.to_string()
}

/// What an event says, without its name.
fn data(event: &DomainEvent) -> Value {
    let value = match event {
        DomainEvent::Dubbing(DubbingEvent::Flow(event)) | DomainEvent::Track(TrackEvent::Flow(event)) => json!(event),
        DomainEvent::Dubbing(event) => json!(event),
        DomainEvent::Track(event) => json!(event),
        DomainEvent::Asset(event) => json!(event),
        DomainEvent::Project(event) => json!(event),
        DomainEvent::Glossary(event) => json!(event),
        DomainEvent::Tenancy(TenancyEvent::Tenant(event)) => json!(event),
        DomainEvent::Tenancy(TenancyEvent::Account(event)) => json!(event),
        DomainEvent::Tenancy(TenancyEvent::Webhook(event)) => json!(event),
        DomainEvent::Tenancy(TenancyEvent::Security(event)) => json!(event),
        DomainEvent::Tenancy(TenancyEvent::Queues(event)) => json!(event),
    };
    match value {
        Value::Object(map) => map.into_iter().next().map_or(Value::Null, |(_, data)| data),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Value::Null,
    }
}

/// Replaces what is personal, wherever it stands.
fn hide(data: &mut Value) {
    match data {
        Value::Object(map) if map.contains_key("$personal") => *data = Value::from("(personal; --reveal shows it)"),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

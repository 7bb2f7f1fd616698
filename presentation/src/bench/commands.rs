//! Durable commands: validated, appended to the log on disk, answered.

use super::{
    Sizes,
    client::{self, request, with_json},
    figures::Figure,
    load::{Asking, Shape, drive},
    server::Target,
};
use crate::exit::Failure;
use hyper::{Method, header};
use serde_json::json;
use std::sync::Arc;

/// Commands a second.
const PER_SECOND_MIN: f64 = 1_500.0;
/// Milliseconds in which 99 of 100 commands are answered.
const P99_MS_MAX: f64 = 50.0;

/// Renames projects, makes some, and makes some under a key.
pub async fn measure(target: &Target, sizes: &Sizes) -> Result<Vec<Figure>, Failure> {
    let shape = Shape {
        connections: sizes.connections,
        warm_up: sizes.warm_up,
        measured: sizes.measured * u32::try_from(sizes.rounds).unwrap_or(1),
    };
    let mut projects = Vec::new();
    for place in 0..sizes.connections {
        let made = client::post(target, "/v1/projects", &json!({ "name": format!("bench {place}") })).await?;
        projects.push(made.json()?["id"].as_str().unwrap_or_default().to_owned());
    }
    let kinds: [(&str, Asking); 3] = [
        ("commands: rename a project", renaming(target, projects)),
        ("commands: make a project", making(target, false)),
        ("commands: make a project, Idempotency-Key", making(target, true)),
    ];
    let mut figures = Vec::new();
    for (what, asking) in kinds {
        let load = drive(target, shape, asking).await?;
        figures.push(Figure::at_least(what, load.per_second, "/s", PER_SECOND_MIN));
        figures.push(Figure::told(format!("{what}, p50"), load.percentile(50.0), "ms"));
        figures.push(Figure::below(format!("{what}, p99"), load.percentile(99.0), "ms", P99_MS_MAX));
    }
    Ok(figures)
}

/// Each connection has a project of its own, and a new name each time.
fn renaming(target: &Target, projects: Vec<String>) -> Asking {
    let target = target.clone();
    Arc::new(move |place, nth| {
        let project = projects.get(place).map_or("", String::as_str);
        let path = format!("/v1/projects/{project}");
        let builder = request(&target, Method::PATCH, &path).header(header::IF_MATCH, "*");
        with_json(builder, &json!({ "name": format!("bench {place} {nth}") }))
    })
}

fn making(target: &Target, is_keyed: bool) -> Asking {
    let target = target.clone();
    let run = std::process::id();
    Arc::new(move |place, nth| {
        let mut builder = request(&target, Method::POST, "/v1/projects");
        if is_keyed {
            builder = builder.header("idempotency-key", format!("bench-{run}-{place}-{nth}"));
        }
        with_json(builder, &json!({ "name": format!("bench {place} {nth}") }))
    })
}

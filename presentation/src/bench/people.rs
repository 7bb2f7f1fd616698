//! Many who are signed in: how fast they sign in, what that costs those who work, and whether all of them are served at
//! once. Any refusal ends the measure.

use super::{
    Sizes,
    client::{self, Connection, request, with_body, with_json},
    figures::{Figure, percentile},
    load::{Asking, Load, Shape, drive},
    server::Target,
};
use crate::exit::{Exit, Failure};
use hyper::Method;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// Accounts that sign in, each from many places.
const ACCOUNTS: usize = 20;
/// Sign-ins that wait for their answer at a time.
const AT_ONCE: usize = 16;
/// Connections that give commands meanwhile.
const WORKERS: usize = 4;
/// Percent of the commands of a quiet server that are carried out while people sign in as fast as they can.
const BESIDE_MIN: f64 = 40.0;
/// Milliseconds in which 99 of 100 answers to all people at once come.
const P99_MS_MAX: f64 = 500.0;
const PASSWORD: &str = "nine barrels of bench oranges";

/// Invites people, signs them in, lets them all ask at once.
pub async fn measure(target: &Target, sizes: &Sizes) -> Result<Vec<Figure>, Failure> {
    let mut names = Vec::with_capacity(ACCOUNTS);
    for place in 0..ACCOUNTS {
        names.push(invite(target, place).await?);
    }
    let quiet = renaming(target, sizes).await?;
    let began = Instant::now();
    let (signed_in, beside) = tokio::join!(sign_in(target, names, sizes.people), renaming(target, sizes));
    let (beside, (tokens, mut took_ms)) = (beside?, signed_in?);
    let per_second = tokens.len() as f64 / began.elapsed().as_secs_f64();
    took_ms.sort_by(f64::total_cmp);
    let people = tokens.len();
    let all = asking(target, sizes, tokens).await?;
    Ok(vec![
        Figure::told(format!("sign-ins, {AT_ONCE} at a time"), per_second, "/s"),
        Figure::told("sign-ins, p99", percentile(&took_ms, 99.0), "ms"),
        Figure::told("commands on a quiet server", quiet.per_second, "/s"),
        Figure::at_least(
            "commands while people sign in, of those",
            100.0 * beside.per_second / quiet.per_second.max(1.0),
            "%",
            BESIDE_MIN,
        ),
        Figure::told(format!("reads of {people} signed-in people at once, errors 0"), all.per_second, "/s"),
        Figure::below(format!("reads of {people} signed-in people, p99"), all.percentile(99.0), "ms", P99_MS_MAX),
    ])
}

/// Somebody who has an account and a password; the address.
async fn invite(target: &Target, place: usize) -> Result<String, Failure> {
    let email = format!("bench.{}.{place}@example.org", std::process::id());
    let new = json!({ "email": email, "name": "Bench", "role": "viewer" });
    let invited = client::post(target, "/v1/accounts", &new).await?.json()?;
    let ticket = invited["link"].as_str().and_then(|link| link.split_once('#')).map(|(_, ticket)| ticket);
    let ticket = ticket.ok_or_else(|| Failure::new(Exit::Internal, "the server sends mail: invite nobody on it"))?;
    client::post(target, "/v1/auth/tickets/redeem", &json!({ "ticket": ticket, "password": PASSWORD })).await?;
    Ok(email)
}

/// So many sign-ins; an access token and a time in milliseconds of each.
async fn sign_in(target: &Target, names: Vec<String>, many: usize) -> Result<(Vec<String>, Vec<f64>), Failure> {
    let (names, next) = (Arc::new(names), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (target, names, next) = (target.clone(), Arc::clone(&names), Arc::clone(&next));
        tasks.spawn(async move {
            let mut connection = Connection::open(&target).await?;
            let (mut tokens, mut took_ms) = (Vec::new(), Vec::new());
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                let Some(name) = names.get(nth % names.len().max(1)).filter(|_| nth < many) else { break };
                let body = json!({ "grant_type": "password", "username": name, "password": PASSWORD });
                let asked = Instant::now();
                let request = with_json(request(&target, Method::POST, "/v1/auth/token"), &body)?;
                let pair: Value = connection.ask(request).await?.well()?.json()?;
                took_ms.push(asked.elapsed().as_secs_f64() * 1_000.0);
                tokens.push(pair["access_token"].as_str().unwrap_or_default().to_owned());
            }
            Ok::<_, Failure>((tokens, took_ms))
        });
    }
    let (mut tokens, mut took_ms) = (Vec::new(), Vec::new());
    while let Some(ended) = tasks.join_next().await {
        let (more, took) = ended.map_err(|error| Failure::internal(&error))??;
        tokens.extend(more);
        took_ms.extend(took);
    }
    Ok((tokens, took_ms))
}

/// Durable commands of a few, each with a project of its own.
async fn renaming(target: &Target, sizes: &Sizes) -> Result<Load, Failure> {
    let mut paths = Vec::with_capacity(WORKERS);
    for place in 0..WORKERS {
        let made = client::post(target, "/v1/projects", &json!({ "name": format!("bench {place}") })).await?.json()?;
        paths.push(format!("/v1/projects/{}", made["id"].as_str().unwrap_or_default()));
    }
    let target_of = target.clone();
    let asking: Asking = Arc::new(move |place, nth| {
        let path = paths.get(place).map_or("", String::as_str);
        let builder = request(&target_of, Method::PATCH, path).header(hyper::header::IF_MATCH, "*");
        with_json(builder, &json!({ "name": format!("bench {nth}") }))
    });
    let shape = Shape { connections: WORKERS, warm_up: Duration::from_millis(200), measured: sizes.measured };
    drive(target, shape, asking).await
}

/// Everybody reads, each over a connection and with a token of their own.
async fn asking(target: &Target, sizes: &Sizes, tokens: Vec<String>) -> Result<Load, Failure> {
    let shape = Shape { connections: tokens.len(), warm_up: sizes.warm_up, measured: sizes.measured };
    let target_of = target.clone();
    let asking: Asking = Arc::new(move |place, _| {
        let token = tokens.get(place).cloned();
        let theirs = Target { token, ..target_of.clone() };
        with_body(request(&theirs, Method::GET, "/v1/projects"), client::Text::default())
    });
    drive(target, shape, asking).await
}

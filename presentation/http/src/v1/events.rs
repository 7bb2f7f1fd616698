//! Events as they happen, as Server-Sent Events: of everything, or of one dubbing.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use crate::{
    api::Api,
    extract::{Caller, Path, Query},
    live::{After, Feed, Next, TypeSet, Wanted},
    problem::{Code, Fault, Problem},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::value::DubbingId;
use futures::{StreamExt, stream};
use serde::Deserialize;
use std::convert::Infallible;
use utoipa::IntoParams;
use uuid::Uuid;

/// How long a client waits before it comes again, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// Where a client that was cut off stopped.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What to hear.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Begin behind this position: the `id` of the last event that was seen, `0` for the first one ever, `now` for
    /// what happens from now on. The header `Last-Event-ID` wins over it.
    #[param(inline)]
    after: Option<After>,
    /// Only these types, with commas between them; `stage.*` stands for all types of that noun.
    #[param(inline, style = Form, explode = false)]
    types: Option<TypeSet>,
}

/// Everything that happens
///
/// Server-Sent Events: `id` is the position in the log, `event` the type, `data` one JSON document (`Event`). Without
/// `after` and `Last-Event-ID` it begins with what happens from now on. The first block, and one that comes every 15
/// seconds in which nothing happens, have an `id` and no `data`: they are no events, and clients keep their `id` all the
/// same. The stream ends when the server stops, when the client does not keep up, and when its token ends; coming again with the last `id`
/// misses nothing and repeats nothing.
#[utoipa::path(get, path = "/v1/events", tag = "events", operation_id = "stream_events",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, pattern = "^(now|[0-9]{1,18})$", description = "The `id` of the last event that was seen")),
    responses(
        (status = 200, description = "Events, for as long as both sides like", body = String, content_type = "text/event-stream"),
        (status = 409, description = "The log has not come to that position: begin anew", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn all(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_event(&headers)?.or(query.after).unwrap_or(After::Now);
    let types = query.types.unwrap_or(TypeSet::ALL);
    let wanted = Wanted { tenant: caller.tenant().clone(), dubbing: None, types };
    Ok(answer(open(&api, wanted, after).await?, caller.ended(api.clock.clone())))
}

/// What happens to one dubbing
///
/// As `/v1/events`, of one dubbing and its languages; without `after` and `Last-Event-ID` it begins with the first
/// event of the dubbing.
#[utoipa::path(get, path = "/v1/dubbings/{id}/events", tag = "events", operation_id = "stream_dubbing_events",
    params(("id" = Uuid, Path, description = "The dubbing"), EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, pattern = "^(now|[0-9]{1,18})$", description = "The `id` of the last event that was seen")),
    responses(
        (status = 200, description = "Events, for as long as both sides like", body = String, content_type = "text/event-stream"),
        (status = 404, description = "There is no such dubbing", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The log has not come to that position: begin anew", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn of_dubbing(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_event(&headers)?.or(query.after).unwrap_or(After::Position(0));
    let types = query.types.unwrap_or(TypeSet::ALL);
    require_dubbing(&api, &caller, id).await?;
    let wanted = Wanted { tenant: caller.tenant().clone(), dubbing: Some(id), types };
    Ok(answer(open(&api, wanted, after).await?, caller.ended(api.clock.clone())))
}

/// 404 unless there is such a dubbing, and it is the caller's.
pub(crate) async fn require_dubbing(api: &Api, caller: &Caller, id: Uuid) -> Result<(), Problem> {
    let dubbing = api.aggregates.dubbing(DubbingId(id)).await?;
    if dubbing.is_of(caller.tenant()) { Ok(()) } else { Err(Problem::new(Code::NotFound)) }
}

/// The events that are wanted, from where the client says.
pub(crate) async fn open(api: &Api, wanted: Wanted, after: After) -> Result<Feed, Problem> {
    let feed = Feed::open(api.live().clone(), &api.aggregates, wanted, after).await?;
    feed.map_err(|head| Problem::new(Code::PositionUnknown).extension("position", head))
}

/// The stream, until what the listener showed is not valid any more.
fn answer(feed: Feed, ended: impl Future<Output = ()> + Send + 'static) -> Response {
    let hello = sign(&format!("retry: {RETRY_MS}"), &feed);
    let events = stream::unfold(feed, |mut feed| async move {
        let bytes = match feed.next().await {
            Next::Event(frame) => frame.sse(),
            Next::Quiet => sign(": keep-alive", &feed),
            Next::Slow | Next::Stopped => return None,
        };
        Some((Ok::<_, Infallible>(bytes), feed))
    });
    let body = Body::from_stream(stream::iter([Ok(hello)]).chain(events).take_until(Box::pin(ended)));
    // Proxies are not to wait for more.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")), unbuffered], body).into_response()
}

/// A block that is no event and says where its listener is. It has no data, so that nothing is dispatched, and sets the
/// last event's id nevertheless (HTML, "event stream interpretation"): who is cut off before the first event that it
/// wants goes on from there, and not from whatever is `now` by then.
fn sign(line: &str, feed: &Feed) -> Bytes {
    format!("{line}\nid: {}\n\n", feed.place()).into()
}

fn last_event(headers: &HeaderMap) -> Result<Option<After>, Problem> {
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let wrong = |detail: &str| {
        let fault = Fault::of("Last-Event-ID", "invalid-value", detail);
        Problem::new(Code::InvalidHeader).fault(fault)
    };
    if values.next().is_some() {
        return Err(wrong("it stands twice"));
    }
    value.to_str().unwrap_or_default().parse().map(Some).map_err(wrong)
}

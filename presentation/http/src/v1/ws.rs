//! Events as they happen, over a WebSocket: the same messages as JSON texts.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::events::{open, require_dubbing};
use crate::{
    api::Api,
    extract::{Caller, Query},
    layers::DRAGOMAN_POSITION,
    live::{After, Feed, Next, TypeSet, Wanted},
    problem::{Code, Problem},
    server::Hold,
};
use axum::{
    Extension,
    body::Bytes,
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderValue, header},
    response::Response,
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::IntoParams;
use uuid::Uuid;

/// The subprotocol that the server speaks. Browsers want one to be chosen when they offer any.
const PROTOCOL: &str = "dragoman.events.v1";
/// Largest message that a client may send: it has nothing to say.
const MESSAGE_BYTES_MAX: usize = 1_024;
/// Bytes read in one go.
const READ_BYTES: usize = 2_048;
/// Bytes that may wait to be written: one message is far smaller.
const WRITE_BYTES_MAX: usize = 64 << 10;
/// How long a client may take to say that it closes, too.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// What to hear.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WsQuery {
    /// Begin behind this position; `now` for what happens from now on, which is also what happens without it. With
    /// `dubbing`, it begins with the first event of the dubbing unless told.
    #[param(inline)]
    after: Option<After>,
    /// Only what happens to this dubbing.
    dubbing: Option<Uuid>,
    /// Only these types, with commas between them; `stage.*` stands for all types of that noun.
    #[param(inline, style = Form, explode = false)]
    types: Option<TypeSet>,
}

/// Everything that happens, over a WebSocket
///
/// Each text message is one `Event`. A browser cannot send `Authorization`: it offers the subprotocols
/// `dragoman.events.v1` and `bearer.TOKEN` instead, and the first one is chosen. The server closes with 1001 when it
/// stops, with 1008 when the token is not valid any more, and with 1013 when the client does not keep up: come again with `after`, the `position` of the last event, or
/// before the first one `Dragoman-Position` of this answer. A browser does not see that: it gives `after` from the
/// beginning, the `Dragoman-Position` of an answer that it has. Clients need not say anything.
#[utoipa::path(get, path = "/v1/ws", tag = "events", operation_id = "events_websocket", params(WsQuery), responses(
    (status = 101, description = "Events, for as long as both sides like", headers(
        ("Dragoman-Position" = u64, description = "Where it begins: events come from behind this position"),
    )),
    (status = 404, description = "There is no such dubbing", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "The log has not come to that position: begin anew", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    (status = 426, description = "The request does not ask for a WebSocket", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn connect(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<WsQuery>,
    hold: Option<Extension<Hold>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| {
        let websocket = HeaderValue::from_static("websocket");
        Problem::new(Code::UpgradeRequired).header(header::UPGRADE, websocket)
    })?;
    let usual = match query.dubbing {
        Some(id) => {
            require_dubbing(&api, &caller, id).await?;
            After::Position(0)
        }
        None => After::Now,
    };
    let types = query.types.unwrap_or(TypeSet::ALL);
    let wanted = Wanted { tenant: caller.tenant().clone(), dubbing: query.dubbing, types };
    let feed = open(&api, wanted, query.after.unwrap_or(usual)).await?;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX);
    let (place, ended) = (feed.place(), caller.ended(api.clock.clone()));
    let mut answer = upgrade.on_upgrade(async move |socket| {
        talk(socket, feed, ended).await;
        // The server waits for it when it stops, and counts it as a connection.
        drop(hold);
    });
    answer.headers_mut().insert(DRAGOMAN_POSITION, place.into());
    Ok(answer)
}

async fn talk(mut socket: WebSocket, mut feed: Feed, ended: impl Future<Output = ()>) {
    tokio::pin!(ended);
    // Whether the client has said anything since it was last asked whether it is there.
    let mut is_heard = true;
    loop {
        let message = tokio::select! {
            said = socket.recv() => match said {
                Some(Ok(_)) => {
                    is_heard = true;
                    continue;
                }
                // It has gone, or broke the rules.
                Some(Err(_)) | None => return,
            },
            () = &mut ended => return close(socket, close_code::POLICY, "the token is not valid any more").await,
            next = feed.next() => match next {
                Next::Event(frame) => Message::Text(frame.text()),
                Next::Quiet if is_heard => {
                    is_heard = false;
                    Message::Ping(Bytes::new())
                }
                Next::Quiet => return,
                Next::Slow => return close(socket, close_code::AGAIN, "too slow: come again with `after`").await,
                Next::Stopped => return close(socket, close_code::AWAY, "the server stops").await,
            },
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let goodbye = async {
        let frame = CloseFrame { code, reason: reason.into() };
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    if timeout(CLOSE_WAIT, goodbye).await.is_err() {
        tracing::debug!("a client did not say goodbye");
    }
}

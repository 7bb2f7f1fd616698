//! `GET /v1/auth/sessions` and `DELETE /v1/auth/sessions/{id}`: one's own.

use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, Nothing, Path, Query},
    problem::Problem,
};
use application::ports::credentials::SessionState;
use axum::extract::State;
use domain::value::SessionId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// Newest first.
    items: Vec<SessionDocument>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionDocument {
    /// Its id.
    id: Uuid,
    /// It is the one of this request.
    current: bool,
    /// When somebody signed in.
    #[schema(format = DateTime)]
    started_at: String,
    /// When its refresh token was last exchanged.
    #[schema(format = DateTime)]
    last_used_at: String,
    /// When it ends at the latest.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl SessionDocument {
    fn of(session: &SessionState, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.0,
            current: Some(session.id) == current,
            started_at: session.started_at.to_string(),
            last_used_at: session.last_used_at.to_string(),
            expires_at: session.expires_at.to_string(),
        }
    }
}

/// Where you are signed in
#[utoipa::path(get, path = "/v1/auth/sessions", tag = "auth", operation_id = "list_sessions", responses(
    (status = 200, description = "Your sessions that have not ended", body = Sessions),
))]
pub(crate) async fn sessions(
    State(api): State<Api>,
    caller: Caller,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<Sessions>, Problem> {
    let sessions = api.identity.sessions(caller.account()?).await?;
    let items = sessions.iter().map(|session| SessionDocument::of(session, caller.principal().session)).collect();
    Ok(Done::ok(Sessions { items }))
}

/// Sign out elsewhere
#[utoipa::path(delete, path = "/v1/auth/sessions/{id}", tag = "auth", operation_id = "end_session",
    params(("id" = Uuid, Path, description = "The session")),
    responses((status = 204, description = "It has ended, with all its tokens")))]
pub(crate) async fn end_session(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    api.identity.end_session(caller.account()?, SessionId(id), caller.actor()).await?;
    Ok(Done::nothing())
}

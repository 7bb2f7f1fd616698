//! The table of all problems: code, status, title, and what to do about it. `GET /v1/errors` serves it.
//!
//! A new problem is a row here, and nothing else.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Entry {
    /// Stable name.
    #[schema(example = "revision-mismatch")]
    pub code: &'static str,
    /// Status of the answer.
    #[schema(example = 412)]
    pub status: u16,
    /// A few words.
    pub title: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// The checksum of a piece does not match: a status of the tus protocol.
const CHECKSUM_MISMATCH: StatusCode = match StatusCode::from_u16(460) {
    Ok(status) => status,
    Err(_) => StatusCode::BAD_REQUEST,
};

macro_rules! status_of {
    (CHECKSUM_MISMATCH) => {
        CHECKSUM_MISMATCH
    };
    ($status:ident) => {
        StatusCode::$status
    };
}

macro_rules! codes {
    ($($name:ident $status:ident $code:literal $title:literal $remedy:literal)+) => {
        /// What is wrong, as a program tells it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// Its row.
            pub const fn entry(self) -> &'static Entry {
                match self {
                    $(Code::$name => {
                        const ENTRY: Entry = Entry {
                            code: $code,
                            status: status_of!($status).as_u16(),
                            title: $title,
                            remedy: $remedy,
                        };
                        &ENTRY
                    })+
                }
            }

            /// Its status.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Code::$name => status_of!($status),)+
                }
            }
        }
    };
}

codes! {
    // The request is not one.
    BodyMissing BAD_REQUEST "body-missing" "The body is missing" "Send a JSON document as the body."
    BodyIncomplete BAD_REQUEST "body-incomplete" "The body ended early" "Send the whole body; the connection broke, or the length was wrong."
    MalformedJson BAD_REQUEST "malformed-json" "The body is not JSON" "Send one JSON document (RFC 8259), nested less than 128 levels deep."
    InvalidQuery BAD_REQUEST "invalid-query" "The query is not understood" "Mend the parameters that `errors` names; others are not known here."
    InvalidCursor BAD_REQUEST "invalid-cursor" "The cursor is not one of ours" "Take `next_cursor` from the page before, unchanged and with the same filters, or begin without one."
    InvalidHeader BAD_REQUEST "invalid-header" "A header is not understood" "Mend the header that `errors` names."
    InvalidRequest UNPROCESSABLE_ENTITY "invalid-request" "The request says something impossible" "Mend the fields that `errors` names."
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "The body has the wrong media type" "Send `Content-Type: application/json`, and no `Content-Encoding`."
    BodyTooLarge PAYLOAD_TOO_LARGE "body-too-large" "The body is too large" "Send less; `limit_bytes` says how much is taken."
    BodyTooSlow REQUEST_TIMEOUT "body-too-slow" "The body did not arrive in time" "Send it again, over a better connection."
    MalformedMultipart BAD_REQUEST "malformed-multipart" "The body is no form in parts" "Send `multipart/form-data` (RFC 7578) with one part `file`, to its last boundary."
    DigestMismatch UNPROCESSABLE_ENTITY "digest-mismatch" "The content is not what was announced" "Compute the SHA-256 anew, then send the file again from its beginning."
    TusVersion PRECONDITION_FAILED "tus-version" "The version of the tus protocol is not known here" "Send `Tus-Resumable: 1.0.0`."
    ChecksumMismatch CHECKSUM_MISMATCH "checksum-mismatch" "A piece does not have the checksum that was announced" "Send the piece again from the same offset: nothing of it was kept."
    // Who asks.
    Unauthenticated UNAUTHORIZED "unauthenticated" "Who asks is not known" "Send `Authorization: Bearer TOKEN` with a token that is valid."
    LinkInvalid FORBIDDEN "link-invalid" "The signed link is not valid" "Ask for a new link; use it unchanged, and only to read."
    LinkExpired FORBIDDEN "link-expired" "The signed link has expired" "Ask for a new link."
    SignInFailed BAD_REQUEST "sign-in-failed" "Address or password are wrong" "Check both; the account may also have been deactivated. `/v1/auth/password-resets` helps who forgot the password."
    SecondFactorNeeded BAD_REQUEST "second-factor-needed" "A code of the second factor is needed" "Send the code that the app shows as `code`."
    SecondFactorWrong BAD_REQUEST "second-factor-wrong" "The code is wrong, or was used before" "Wait for the next code; check the clock of the device."
    RefreshRefused BAD_REQUEST "refresh-refused" "The refresh token is not valid any more" "Sign in again. Each refresh token is good for one exchange."
    SlowDown TOO_MANY_REQUESTS "slow-down" "There were too many attempts" "Try again after `Retry-After` seconds."
    UnsupportedGrant BAD_REQUEST "unsupported-grant" "There is no such way to get a token" "Send `grant_type` password or refresh_token."
    TicketInvalid BAD_REQUEST "ticket-invalid" "The link was used, or has expired" "Ask for a new one."
    WeakPassword UNPROCESSABLE_ENTITY "weak-password" "The password is too easy to guess" "Choose another one; `detail` says what is wrong with it."
    WrongPassword FORBIDDEN "wrong-password" "The present password is another one" "Send the password that you sign in with."
    NoAccount FORBIDDEN "no-account" "Whoever asks has no account" "Sign in with an account; the installation's own token and links have none."
    RoleTooLow FORBIDDEN "role-too-low" "Your role may not do this" "Ask an admin; `action` names what was refused."
    ScopeMissing FORBIDDEN "scope-missing" "The key was not made for this" "Use a key with the scope that `scope` names."
    NotYours FORBIDDEN "not-yours" "Only who made it may do this" "Ask its maker, or an admin."
    InstallationOnly FORBIDDEN "installation-only" "This is about the whole installation" "Ask those who run it."
    SecondFactorDue FORBIDDEN "second-factor-due" "A second factor must be enrolled first" "Enrol one with `POST /v1/account/second-factor`."
    EmailTaken CONFLICT "email-taken" "There is an account with this address already" "Choose another address, or look for the account."
    LastAdmin CONFLICT "last-admin" "The tenant would be left without an admin" "Make somebody else an admin first."
    NothingToConfirm CONFLICT "nothing-to-confirm" "No second factor is being enrolled" "Begin with `POST /v1/account/second-factor`."
    ScopeTooWide FORBIDDEN "scope-too-wide" "A key may not do more than who makes it" "Leave out the scopes that you do not have yourself."
    // How much there may be.
    QuotaJobs TOO_MANY_REQUESTS "quota-jobs" "The tenant has as many dubbings under way as it may" "Wait until one is at its end, or ask for more; `/v1/usage` shows the quotas."
    QuotaMinutes PAYMENT_REQUIRED "quota-minutes" "The tenant has used its minutes of this month" "Wait for the next month, or ask for more; `/v1/usage` shows the quotas."
    QuotaBytes PAYMENT_REQUIRED "quota-bytes" "The tenant has handed in as much as it may this month" "Wait for the next month, or ask for more; `/v1/usage` shows the quotas."
    QuotaSpend PAYMENT_REQUIRED "quota-spend" "The tenant has spent what it may this month" "Wait for the next month, or ask for more; `/v1/usage` shows the quotas."
    // Webhooks.
    WebhookDisabled CONFLICT "webhook-disabled" "The webhook is disabled" "Enable it first."
    WebhookTarget UNPROCESSABLE_ENTITY "webhook-target" "The address cannot be a webhook's" "Give an https address that leads to the public Internet."
    WebhookLimit CONFLICT "webhook-limit" "The tenant has as many webhooks as it may" "Remove one first."
    // Too often.
    RateLimited TOO_MANY_REQUESTS "rate-limited" "There are too many requests" "Wait for `Retry-After` seconds; `RateLimit-Policy` says how many are taken, and `RateLimit` what is left."
    // What is asked for.
    NoSuchRoute NOT_FOUND "no-such-route" "There is nothing at this path" "Look the path up in `/v1/openapi.json`."
    NotFound NOT_FOUND "not-found" "There is no such thing" "Check the id; it is unknown here, or what it named is gone."
    UpgradeRequired UPGRADE_REQUIRED "upgrade-required" "This path speaks WebSocket only" "Ask for a WebSocket (RFC 6455) over HTTP/1.1, or use `/v1/events`."
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed" "This path does not take this method" "Use one of the methods that the header `Allow` names."
    RangeNotSatisfiable RANGE_NOT_SATISFIABLE "range-not-satisfiable" "The file has no such part" "Ask for bytes below the size that `Content-Range` names, or for the whole file."
    PositionUnknown CONFLICT "position-unknown" "The log has not come to that position" "Begin anew, without a position: the one you gave is another log's, or of a time that was undone. `position` says where this log ends."
    UploadExpired GONE "upload-expired" "The upload has expired" "Begin a new upload."
    AssetUnsupported UNSUPPORTED_MEDIA_TYPE "asset-unsupported" "The file is not of a kind that can be dubbed" "Read `reason` and `detail`, then hand in another file."
    AssetInfected UNPROCESSABLE_ENTITY "asset-infected" "Malware was found in the file" "Hand in a clean copy; the file was deleted here."
    // Others were first.
    Conflict CONFLICT "conflict" "It was changed at the same moment" "Read it again, then decide anew."
    NotPossible CONFLICT "not-possible" "The state does not allow it" "Read its state; what is asked can be done in another one only."
    NothingStale CONFLICT "nothing-stale" "Nothing has changed since it was made" "Correct a line first; only lines that changed are made anew."
    UnderWay CONFLICT "under-way" "It is being made already" "Wait until it is published; then ask again if lines have changed since."
    NotPublished CONFLICT "not-published" "There is no result yet" "Wait until the track is published; its `state` says how far it is."
    StandsStill CONFLICT "stands-still" "The work stands still" "Resume or retry the dubbing first; `waits_for` of the track says which."
    Withdrawn GONE "withdrawn" "The result was withdrawn" "Ask for the track again to have it made once more."
    RevisionMismatch PRECONDITION_FAILED "revision-mismatch" "It has changed since it was read" "Read it again and send `If-Match` with its new `ETag`."
    RevisionRequired PRECONDITION_REQUIRED "revision-required" "It must be said which revision is meant" "Send `If-Match` with the `ETag` that was read, or `*` for whatever it is now."
    RequestRunning CONFLICT "request-running" "The first request with this key is still running" "Wait for a moment, then repeat the request with the same key."
    KeyReused UNPROCESSABLE_ENTITY "idempotency-key-reused" "The key was used for another request" "Choose a new `Idempotency-Key`, or repeat the request exactly."
    // What a dubbing needs.
    AssetNotReady CONFLICT "asset-not-ready" "The asset is still being looked at" "Wait until the asset's state is `ready`, then order the dubbing."
    AssetNotDubbable UNPROCESSABLE_ENTITY "asset-not-dubbable" "The asset cannot be dubbed" "Hand in another file; `detail` says what is wrong with this one."
    NoRecogniser UNPROCESSABLE_ENTITY "no-recogniser" "Nothing here understands the language spoken" "Give a transcript, or correct `source_language`; `GET /v1/languages` lists what is understood."
    NoTranslation UNPROCESSABLE_ENTITY "no-translation" "Nothing here translates between the two languages" "Choose another target language; `GET /v1/languages` lists what can be asked for."
    NoVoice UNPROCESSABLE_ENTITY "no-voice" "Nothing here speaks the language" "Choose another target language; `GET /v1/languages` lists what can be asked for."
    // Where a dubbing stands.
    AlreadyEnded CONFLICT "already-ended" "The dubbing has ended" "Order a new one, or fork this one; a completed dubbing takes more languages."
    NotPaused CONFLICT "not-paused" "Nobody paused the dubbing" "Nothing needs to be resumed; when `problem` says why it stands still, retry it."
    NothingToRetry CONFLICT "nothing-to-retry" "No stage waits for a retry" "Nothing needs to be retried; a dubbing that was paused is resumed."
    NotParked CONFLICT "not-parked" "The stage is not out of attempts" "Nothing needs to be skipped; `GET /v1/parked-stages` lists what waits for somebody."
    StageNeeded CONFLICT "stage-needed" "The dubbing cannot go on without this stage" "Mend what it failed of, then retry the dubbing; or cancel it."
    StageNotReached CONFLICT "stage-not-reached" "The dubbing has not come to this stage" "Fork it from an earlier stage, or wait."
    OffsetMismatch CONFLICT "offset-mismatch" "The upload ends elsewhere" "Go on at `offset`."
    UploadLocked LOCKED "upload-locked" "The upload is being written at this moment" "Wait for a moment, ask for its offset with HEAD, then go on there."
    AssetInUse CONFLICT "asset-in-use" "A dubbing of the asset is not at its end" "Cancel the dubbing, or wait for it, then erase the asset."
    // Not now.
    PositionNotReached SERVICE_UNAVAILABLE "position-not-reached" "The answer would be older than asked" "Try again soon, or ask for a smaller `min_position`; `position` says what is reached."
    Overloaded SERVICE_UNAVAILABLE "overloaded" "There is too much to do" "Try again after `Retry-After` seconds."
    TimedOut SERVICE_UNAVAILABLE "timed-out" "The answer took too long" "Try again; give the request an `Idempotency-Key` so that repeating it is safe."
    Unavailable SERVICE_UNAVAILABLE "unavailable" "A part of the server does not answer" "Try again soon; `/health` names the part, and the log says more under `request_id`."
    EngineMissing SERVICE_UNAVAILABLE "engine-missing" "An engine is not installed" "Tell the operator: `detail` names what to install. `GET /v1/engines` lists what is there."
    NotReady SERVICE_UNAVAILABLE "not-ready" "The server is not ready" "Wait until `/readyz` answers 200."
    OutOfRoom INSUFFICIENT_STORAGE "out-of-room" "The disk is full" "Free some space on the server, then repeat the request."
    FileLost INTERNAL_SERVER_ERROR "file-lost" "The file is not where it was kept" "Nothing is wrong with the request. Tell the operator `request_id`; `dragoman verify` names what is missing."
    Internal INTERNAL_SERVER_ERROR "internal" "The server failed" "Nothing is wrong with the request. Tell the operator `request_id`: the log says more under it."
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_stable_words_and_each_stands_once() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.entry().code).collect();
        assert_eq!(names.len(), Code::ALL.len());
        let is_kebab = |name: &str| name.split('-').all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()));
        assert_eq!(names.into_iter().filter(|name| !is_kebab(name)).collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn every_row_is_an_error_and_says_what_to_do() {
        for code in Code::ALL {
            let Entry { code: name, status, title, remedy } = code.entry();
            assert!((400..600).contains(status), "{name}");
            assert_eq!(*status, code.status().as_u16());
            assert!(!title.ends_with('.') && remedy.ends_with('.'), "{name}");
        }
    }
}

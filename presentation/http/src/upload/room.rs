//! Whether there is room for another file: what comes in faster than it is looked at is refused at its beginning, and not
//! kept for ever.

use crate::{
    api::Api,
    problem::{Code, Problem, UPLOADS_RETRY_SECONDS},
};

/// Refuses an upload that is to begin while too many assets wait to be looked at.
pub(crate) fn has_room(api: &Api) -> Result<(), Problem> {
    if api.desk.now().waiting < api.upload_limits.waiting_max {
        return Ok(());
    }
    let detail = "Too many files wait to be looked at.";
    Err(Problem::new(Code::Overloaded).detail(detail).retry_after(UPLOADS_RETRY_SECONDS))
}

//! Keeps an upload while its bytes come, however long a single piece takes.

use crate::api::Api;
use application::ports::upload_store::{UploadError, UploadWriter};
use domain::value::Timestamp;

/// Into how many parts the time is cut for which an upload is kept: so often it is renewed at most.
const PARTS: u32 = 4;

/// When an upload that is being written is to be renewed.
pub(crate) struct Renewal<'a> {
    api: &'a Api,
    due: Timestamp,
}

impl<'a> Renewal<'a> {
    /// For an upload whose next piece begins.
    pub fn new(api: &'a Api) -> Self {
        Self { api, due: next(api) }
    }

    /// Renews the upload when it is time to: to be called as bytes come.
    pub async fn now_and_then(&mut self, writer: &mut dyn UploadWriter) -> Result<(), UploadError> {
        if self.api.clock.now() >= self.due {
            writer.renew(self.api.upload_expiry()).await?;
            self.due = next(self.api);
        }
        Ok(())
    }
}

fn next(api: &Api) -> Timestamp {
    let part = api.upload_limits.expire_after / PARTS;
    api.clock.now().plus_ms(u64::try_from(part.as_millis()).unwrap_or(u64::MAX))
}

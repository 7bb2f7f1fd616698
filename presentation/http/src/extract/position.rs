//! Reading one's own writes: a query can name the position that its answer must at least hold for.

use crate::{
    api::Api,
    problem::{Code, Fault, Problem},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use std::time::Duration;
use tokio::{sync::watch, time::timeout};

/// The position that the read models have reached, and at least what `?min_position=` asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinPosition(pub u64);

impl MinPosition {
    /// The parameter's name.
    pub const NAME: &str = "min_position";
}

impl FromRequestParts<Api> for MinPosition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let asked = asked(parts.uri.query().unwrap_or_default())?;
        if asked > *api.applied.borrow() {
            let head = api.log.head().await?;
            if asked > head {
                // Waiting would not help: nothing was written there.
                return Err(Problem::new(Code::PositionUnknown).extension("position", head));
            }
        }
        let reached = Self(wait_for(api.applied.clone(), asked, api.limits.position_wait).await?);
        parts.extensions.insert(reached);
        Ok(reached)
    }
}

/// Waits until the read models hold what was written up to `asked`; says what they have reached.
pub async fn wait_for(mut applied: watch::Receiver<u64>, asked: u64, patience: Duration) -> Result<u64, Problem> {
    let reached = *applied.borrow_and_update();
    if reached >= asked {
        return Ok(reached);
    }
    let waited = timeout(patience, applied.wait_for(|reached| *reached >= asked)).await;
    if let Ok(Ok(reached)) = waited {
        return Ok(*reached);
    }
    drop(waited);
    let reached = *applied.borrow();
    Err(Problem::new(Code::PositionNotReached).extension("position", reached).retry_after(1))
}

fn asked(query: &str) -> Result<u64, Problem> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(MinPosition::NAME)?.strip_prefix('='));
    let Some(value) = values.next() else {
        return Ok(0);
    };
    let fault = |code, detail: &str| Problem::new(Code::InvalidQuery).fault(Fault::of(MinPosition::NAME, code, detail));
    if values.next().is_some() {
        return Err(fault("duplicate-field", "it stands twice"));
    }
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { value.parse().ok() } else { None };
    number.ok_or_else(|| fault("invalid-value", "a position is a whole number, as `Dragoman-Position` gives it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_position_is_waited_for_but_not_for_ever() {
        let (reach, applied) = watch::channel(3);
        let wait = |asked| wait_for(applied.clone(), asked, Duration::from_secs(2));
        assert_eq!(wait(3).await.expect("reached"), 3);
        let (found, sent) = tokio::join!(wait(5), async { reach.send(7) });
        assert!(sent.is_ok());
        assert_eq!(found.expect("reached"), 7);
        assert_eq!(wait(8).await.expect_err("never reached").code(), Code::PositionNotReached);
        drop(reach);
        assert_eq!(wait(8).await.expect_err("nobody is left").code(), Code::PositionNotReached);
    }

    #[test]
    fn only_whole_numbers_are_positions() {
        assert_eq!(asked("a=1&min_position=12").expect("a number"), 12);
        assert_eq!(asked("my_min_position=x").expect("another parameter"), 0);
        for query in ["=", "=-1", "=+1", "=1.0", "=99999999999999999999", "=1&min_position=1"] {
            let problem = asked(&format!("{}{query}", MinPosition::NAME)).expect_err(query);
            assert_eq!(problem.code(), Code::InvalidQuery);
        }
    }
}

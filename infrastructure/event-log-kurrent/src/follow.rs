//! Wake-ups: a catch-up subscription to `$all`, filtered to this log, that goes on from its last checkpoint when it was
//! cut off. Only a hint: readers also look by themselves, so whatever happens here delays them at most.

use crate::{
    link::{Link, whole},
    reader::is_ours,
};
use application::ports::event_log::wake;
use kurrentdb::SubscriptionEvent;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::sleep};

/// The pause before the first attempt to subscribe again; it doubles up to the longest one.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Follows the log after a position of `$all` (`None` from the beginning), until it is aborted.
pub(crate) async fn follow(link: Arc<Link>, wakeups: watch::Sender<u64>, after: Option<u64>) {
    let (mut place, mut pause) = (after.map(whole), PAUSE);
    loop {
        if let Ok(mut subscription) = link.follow(place).await {
            loop {
                match subscription.next_subscription_event().await {
                    Ok(SubscriptionEvent::EventAppeared(event)) => {
                        let event = event.get_original_event();
                        place = Some(event.position);
                        if is_ours(event, link.prefix()) {
                            wake(&wakeups, event.position.commit);
                        }
                    }
                    Ok(SubscriptionEvent::Checkpoint(position)) => place = Some(position),
                    // Confirmed, caught up, fallen behind: nothing to tell.
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the log is not followed for a while");
                        break;
                    }
                }
                pause = PAUSE;
            }
        }
        link.renew();
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

//! Groups: what stands in them, and who hears of what.

use super::*;
use application::{
    ports::event_log::StreamId,
    testing::{MemoryKeyVault, event_log_kit as kit},
};
use domain::value::Sha256;
use std::sync::Mutex;

/// Remembers its groups by the numbers of their streams' commands, and refuses as it is told.
struct Told {
    groups: Arc<Mutex<Vec<Vec<u128>>>>,
    /// An append by this command does not fit.
    unfit: Option<u128>,
    /// Nothing can be written.
    is_down: bool,
    /// The first group says that it is there, and waits.
    gate: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
}

#[derive(Debug, Error)]
enum Trouble {
    #[error("one does not fit")]
    One,
    #[error("down")]
    Down,
}

impl GroupWriter for Told {
    type Error = Trouble;

    async fn write(&mut self, appends: &[Prepared]) -> Result<Answers, Trouble> {
        if let Some((there, gate)) = self.gate.take() {
            there.send(()).expect("somebody waits for it");
            gate.await.expect("it is opened");
        }
        let group: Vec<u128> = appends.iter().map(|append| append.command_id.as_u128() - 1).collect();
        self.groups.lock().expect("no panic").push(group.clone());
        if self.is_down {
            return Err(Trouble::Down);
        }
        if self.unfit.is_some_and(|unfit| group.contains(&unfit)) {
            return Err(Trouble::One);
        }
        let hash = Sha256::new([0; 32]);
        Ok(appends.iter().map(|_| Ok(Appended { position: 1, revision: 1, hash, replayed: false })).collect())
    }

    fn is_of_one(error: &Trouble) -> bool {
        matches!(error, Trouble::One)
    }

    fn is_out_of_room(_: &Trouble) -> bool {
        false
    }

    async fn close(self) {}
}

const LIMITS: Limits = Limits { appends_max: 4, events_max: 6, is_one_per_stream: true };

/// Appends by command number, stream number and number of events while the first group is held up; gives the groups
/// after it, and what each append came to.
async fn grouped(
    limits: Limits,
    unfit: Option<u128>,
    is_down: bool,
    appends: &[(u64, u64, usize)],
) -> (Vec<Vec<u128>>, Vec<bool>) {
    let groups = Arc::<Mutex<Vec<Vec<u128>>>>::default();
    let (open, gate) = oneshot::channel();
    let (there, is_there) = oneshot::channel();
    let writer = Told { groups: Arc::clone(&groups), unfit, is_down, gate: Some((there, gate)) };
    let appender = Arc::new(Appender::start(writer, limits));
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    let append = |command: u64, stream: StreamId, events: usize| {
        let (appender, codec) = (Arc::clone(&appender), codec.clone());
        let append = kit::append(command, stream, 0, vec![kit::plain(1); events]);
        tokio::spawn(async move { appender.append(&codec, append).await.is_ok() })
    };
    let first = append(0, kit::stream(0), 1);
    is_there.await.expect("it begins");
    let mut asked = Vec::new();
    for (place, (command, stream, events)) in appends.iter().enumerate() {
        asked.push(append(*command, kit::stream(*stream), *events));
        // One after the other: their order is what is tried.
        while WAITING_MAX - appender.orders.capacity() <= place {
            yield_now().await;
        }
    }
    open.send(()).expect("it waits");
    let mut outcomes = Vec::new();
    for one in asked {
        outcomes.push(one.await.expect("no panic"));
    }
    first.await.expect("no panic");
    appender.close().await;
    let codec = codec.clone();
    assert!(appender.append(&codec, kit::append(99, kit::stream(99), 0, vec![kit::plain(1)])).await.is_err());
    let groups = groups.lock().expect("no panic").iter().skip(1).cloned().collect();
    (groups, outcomes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_written_together_within_the_limits() {
    let five = [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 1), (5, 5, 1)];
    let (groups, outcomes) = grouped(LIMITS, None, false, &five).await;
    assert_eq!(groups, [vec![1, 2, 3, 4], vec![5]]);
    assert_eq!(outcomes, [true; 5]);
    // Six events at most, but for one append that has more of itself.
    let (groups, _) = grouped(LIMITS, None, false, &[(1, 1, 4), (2, 2, 3), (3, 3, 9), (4, 4, 2)]).await;
    assert_eq!(groups, [vec![1, 4], vec![2], vec![3]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_stands_in_a_group_once_where_that_is_asked() {
    let appends = [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 1, 1)];
    let (groups, _) = grouped(LIMITS, None, false, &appends).await;
    assert_eq!(groups, [vec![1, 3], vec![2], vec![4]]);
    let (groups, _) = grouped(Limits { is_one_per_stream: false, ..LIMITS }, None, false, &appends).await;
    assert_eq!(groups, [vec![1, 2, 3, 4]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_fit_hurts_no_other() {
    let (groups, outcomes) = grouped(LIMITS, Some(2), false, &[(1, 1, 1), (2, 2, 1), (3, 3, 1)]).await;
    assert_eq!(groups, [vec![1, 2, 3], vec![1], vec![2], vec![3]]);
    assert_eq!(outcomes, [true, false, true]);
    let (groups, outcomes) = grouped(LIMITS, None, true, &[(1, 1, 1), (2, 2, 1)]).await;
    assert_eq!((groups, outcomes), (vec![vec![1, 2]], vec![false; 2]), "nobody is at fault: nothing is tried alone");
}

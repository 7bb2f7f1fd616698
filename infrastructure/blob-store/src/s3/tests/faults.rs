//! Servers that fail, answers that are slow, cut or damaged: what passes is waited for, and what does not is said.

use super::*;
use scratch_s3::Fault::{self, Cut, Flip, Hangup, LostAnswer, Slow, SlowCut, SlowToTake, Stall, Status};

/// A store behind a proxy, a store beside it, and a large blob that the second one kept.
struct Behind {
    house: House,
    proxy: Proxy,
    kept: Sha256,
    _folder: TempDir,
    folder: PathBuf,
    store: S3BlobStore,
}

impl Behind {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With another patience of the store behind the proxy.
    async fn with(patience: impl Fn(&mut S3Patience)) -> Self {
        let house = House::new().await;
        let proxy = Proxy::before(&house.server).await.unwrap();
        let change = |config: &mut S3Config| {
            config.endpoint = Some(proxy.endpoint());
            patience(&mut config.patience);
        };
        let (folder, store) = open(&house.server, change).await;
        let kept = house.store.put_bytes(content(LARGE), "video/mp4").await.unwrap().sha256;
        Self { house, proxy, kept, folder: folder.path().to_owned(), _folder: folder, store }
    }

    fn has_nothing_half(&self) {
        assert_eq!(fs::read_dir(self.folder.join("tmp")).unwrap().count(), 0, "nothing is half there");
        assert_eq!(self.house.server.unfinished_uploads().unwrap(), 0, "no upload stays open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_does_not_hurt_reading() {
    let behind = Behind::new().await;
    let faults: [(usize, &[Fault]); 8] = [
        (4, &[Status(503)]),
        (4, &[Status(500)]),
        (3, &[Hangup]),
        (1, &[Cut(0)]),
        (1, &[Cut(100_000), Cut(9_000_000), Cut(200)]),
        (3, &[Cut(5 << 20), Status(500)]),
        (1, &[Stall(3_000_000)]),
        (1, &[Flip(12_000_000)]),
    ];
    for (times, faults) in faults {
        for fault in faults {
            behind.proxy.break_next(times, "GET", *fault);
        }
        let path = behind.store.path(&behind.kept).await.unwrap_or_else(|error| panic!("{faults:?}: {error:?}"));
        assert!(fs::read(path.unwrap()).unwrap() == content(LARGE), "{faults:?}");
        assert!(behind.proxy.is_done(), "{faults:?}");
        behind.has_nothing_half();
        behind.store.inner.cache.turn(behind.kept).await.forget().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_does_not_hurt_writing() {
    let behind = Behind::new().await;
    let faults: [(&'static str, Fault); 13] = [
        ("HEAD", Status(503)),
        ("HEAD", Hangup),
        ("PUT", Status(500)),
        ("PUT", Status(503)),
        ("PUT", Hangup),
        ("PUT", LostAnswer),
        ("PUT", Stall(0)),
        ("POST", Status(503)),
        ("POST", Hangup),
        ("POST", LostAnswer),
        ("POST", Stall(0)),
        ("DELETE", Status(503)),
        ("DELETE", Hangup),
    ];
    for bytes in [1000, LARGE + 1] {
        let content = content(bytes);
        for (method, fault) in faults {
            // Small ones are not sent in parts.
            if method == "POST" && bytes == 1000 {
                continue;
            }
            behind.proxy.break_next(2, method, fault);
            let kept = behind.store.put_bytes(content.clone(), "video/mp4").await;
            let kept = kept.unwrap_or_else(|error| panic!("{method} {fault:?}: {error:?}")).sha256;
            assert!(fs::read(behind.house.object(&kept)).unwrap() == content, "{method} {fault:?}");
            behind.store.delete(&kept).await.unwrap_or_else(|error| panic!("{method} {fault:?}: {error:?}"));
            assert!(!behind.house.object(&kept).exists());
            assert!(behind.proxy.is_done(), "{method} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_waited_for_as_long_as_it_goes_on() {
    let idle = Duration::from_secs(3);
    let behind = Behind::with(|patience| patience.idle = idle).await;
    let small = behind.house.store.put_bytes(content(400_000), "audio/wav").await.unwrap().sha256;
    behind.proxy.break_next(1, "GET", Slow(Duration::from_millis(200)));
    let begun = std::time::Instant::now();
    assert_eq!(behind.store.get_bytes(&small).await.unwrap(), Some(content(400_000)));
    assert!(begun.elapsed() > idle, "it was slow");
    assert_eq!(behind.proxy.count("GET /films/home/"), 3, "two at the start and this one: it was not asked for again");
}

/// Cut after longer than a request is tried anew, counted from its beginning: what came since is progress.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_late_goes_on_where_it_was_cut() {
    let retry = Duration::from_secs(1);
    let behind = Behind::with(|patience| patience.retry = retry).await;
    let small = behind.house.store.put_bytes(content(400_000), "audio/wav").await.unwrap().sha256;
    let begun = std::time::Instant::now();
    for _ in 0..2 {
        behind.proxy.break_next(1, "GET", SlowCut(Duration::from_millis(150), 160_000));
    }
    assert_eq!(behind.store.get_bytes(&small).await.unwrap(), Some(content(400_000)));
    assert!(begun.elapsed() > 2 * retry, "it was slow");
    assert_eq!(behind.proxy.count_ranges("GET /films/home/"), 2, "twice it went on");
    assert_eq!(behind.proxy.count("GET /films/home/"), 5, "two at the start, the beginning and these");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_taken_slowly_goes_on() {
    let idle = Duration::from_secs(3);
    let behind = Behind::with(|patience| patience.idle = idle).await;
    behind.proxy.break_next(1, "PUT", SlowToTake(Duration::from_millis(35)));
    let begun = std::time::Instant::now();
    let kept = behind.store.put_bytes(content(LARGE + 1), "video/mp4").await.unwrap().sha256;
    assert!(begun.elapsed() > idle, "it was slow");
    assert!(fs::read(behind.house.object(&kept)).unwrap() == content(LARGE + 1));
    assert_eq!(behind.proxy.count("PUT /films/home/"), 4, "the probe and three parts: none was sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_noticed_and_nothing_of_it_kept() {
    let behind = Behind::new().await;
    // On the way, each time.
    behind.proxy.break_next(2, "GET", Flip(7_000_000));
    assert!(matches!(behind.store.path(&behind.kept).await, Err(BlobError::Damaged(blob)) if blob == behind.kept));
    behind.has_nothing_half();
    assert_eq!(files(&behind.folder.join("cache")).len(), 0, "no copy");
    assert!(behind.store.path(&behind.kept).await.unwrap().is_some(), "the blob itself is not");
    // In the bucket.
    behind.store.inner.cache.turn(behind.kept).await.forget().unwrap();
    let mut damaged = content(LARGE);
    damaged[LARGE / 2] ^= 1;
    for damaged in [&damaged[..], &damaged[..LARGE / 2], b""] {
        fs::write(behind.house.object(&behind.kept), damaged).unwrap();
        assert!(matches!(behind.store.path(&behind.kept).await, Err(BlobError::Damaged(_))));
        assert!(matches!(behind.store.get_bytes(&behind.kept).await, Err(BlobError::Damaged(_))));
        behind.has_nothing_half();
        assert_eq!(files(&behind.folder.join("cache")).len(), 0, "no copy");
        // Whoever keeps the content again heals it.
        behind.store.put_bytes(content(LARGE), "video/mp4").await.unwrap();
        assert!(fs::read(behind.house.object(&behind.kept)).unwrap() == content(LARGE));
        behind.store.inner.cache.turn(behind.kept).await.forget().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_said_and_leaves_nothing() {
    let behind = Behind::new().await;
    let scratch = behind.store.scratch("work").await.unwrap().join("film");
    fs::write(&scratch, content(LARGE + 1)).unwrap();
    let new = sha256(&content(LARGE + 1));
    // A part that the server refuses for good.
    behind.proxy.break_next(1, "PUT", Status(400));
    assert!(matches!(behind.store.adopt(&scratch, "video/mp4").await, Err(BlobError::Io(_))));
    assert!(scratch.exists() && !behind.house.object(&new).exists());
    behind.has_nothing_half();
    behind.proxy.break_next(usize::MAX, "GET", Status(500));
    assert!(matches!(behind.store.path(&behind.kept).await, Err(BlobError::Io(_))));
    behind.has_nothing_half();
    behind.store.adopt(&scratch, "video/mp4").await.unwrap();
    assert!(fs::read(behind.house.object(&new)).unwrap() == content(LARGE + 1));
}

/// A caller that goes away in the middle: nothing stays, and the next one is served.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_waiting_leaves_nothing() {
    let behind = Behind::new().await;
    behind.proxy.break_next(2, "GET", Stall(2_000_000));
    behind.proxy.break_next(1, "PUT", Stall(0));
    let wait = Duration::from_millis(300);
    assert!(tokio::time::timeout(wait, behind.store.path(&behind.kept)).await.is_err());
    let put = behind.store.put_bytes(content(LARGE + 1), "video/mp4");
    assert!(tokio::time::timeout(wait, put).await.is_err());
    let is_clean = || {
        let half = fs::read_dir(behind.folder.join("tmp")).unwrap().count();
        half == 0 && behind.house.server.unfinished_uploads().unwrap() == 0
    };
    let bound = std::time::Instant::now();
    while !is_clean() {
        assert!(bound.elapsed() < Duration::from_secs(20), "it stays");
        tokio::task::yield_now().await;
    }
    assert!(!behind.house.object(&sha256(&content(LARGE + 1))).exists());
    assert!(behind.store.path(&behind.kept).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let mut house = House::new().await;
    let first = house.store.put_bytes(content(1000), "audio/wav").await.unwrap().sha256;
    house.store.inner.cache.turn(first).await.forget().unwrap();
    house.server.stop();
    let store = house.store.clone();
    let mut reading = tokio::spawn(async move { store.get_bytes(&first).await });
    let store = house.store.clone();
    let mut writing = tokio::spawn(async move { store.put_bytes(content(LARGE), "video/mp4").await });
    let wait = Duration::from_millis(300);
    assert!(tokio::time::timeout(wait, &mut reading).await.is_err(), "it waits, though it is refused");
    assert!(tokio::time::timeout(wait, &mut writing).await.is_err(), "it waits, though it is refused");
    house.server.start_again().unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), Some(content(1000)));
    let written = writing.await.unwrap().unwrap().sha256;
    assert!(fs::read(house.object(&written)).unwrap() == content(LARGE));
}

//! Copies stay within their budget, and those that somebody may be reading stay.

use super::*;

/// Bytes of each blob here.
const EACH: usize = 100_000;
const HOUR: Duration = Duration::from_secs(3600);

fn limits(blobs: usize, handed_out_for: Duration) -> S3CacheLimits {
    S3CacheLimits { bytes_max: (blobs * EACH) as u64, handed_out_for }
}

fn blob(number: u8) -> Vec<u8> {
    vec![number; EACH]
}

impl House {
    async fn put(&self, number: u8) -> Sha256 {
        self.store.put_bytes(blob(number), "audio/wav").await.unwrap().sha256
    }

    fn has_copy(&self, blob: &Sha256) -> bool {
        self.copies().contains(&self.store.inner.local.files().path(blob))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_used_for_longest_goes_first() {
    let house = House::with(|config| config.cache = limits(3, Duration::ZERO)).await;
    let mut blobs = Vec::new();
    for number in 0..3 {
        blobs.push(house.put(number).await);
    }
    house.store.path(&blobs[0]).await.unwrap();
    blobs.push(house.put(3).await);
    assert_eq!(house.copies().len(), 3);
    assert!(!house.has_copy(&blobs[1]), "the others were used or came later");
    // It comes again when it is asked for, and the next one goes.
    assert_eq!(house.store.get_bytes(&blobs[1]).await.unwrap(), Some(blob(1)));
    assert!(house.has_copy(&blobs[1]) && !house.has_copy(&blobs[2]));
    assert_eq!(house.server.keys().unwrap().len(), 5, "whose they are, and no blob goes from the bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_out_stays_whatever_the_budget_says() {
    let house = House::with(|config| config.cache = limits(1, HOUR)).await;
    let mut lent = Vec::new();
    for number in 0..5 {
        let blob = house.put(number).await;
        lent.push((number, house.store.path(&blob).await.unwrap().unwrap()));
    }
    for number in 5..10 {
        house.put(number).await;
    }
    for (number, path) in lent {
        assert_eq!(fs::read(path).unwrap(), blob(number));
    }
    assert_eq!(house.copies().len(), 6, "five that are lent, and the newest");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_found_again_and_leftovers_are_not() {
    let house = House::new().await;
    let first = house.put(0).await;
    for number in 1..4 {
        house.put(number).await;
    }
    fs::write(house.folder.path().join("tmp/99"), b"half").unwrap();
    let mut small = config(&house.server);
    small.cache = limits(3, HOUR);
    let store =
        S3BlobStore::connect(&small, house.folder.path(), Uuid::from_u128(8), FileUse::of_blobs(None)).await.unwrap();
    assert_eq!(house.copies().len(), 3, "the first to come was the first to go");
    assert!(!house.has_copy(&first));
    assert_eq!(store.get_bytes(&first).await.unwrap(), Some(blob(0)));
}

/// Many read, keep and delete with room for one copy: each gets what it asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_on_little_room_gets_what_it_asks_for() {
    let house = House::with(|config| config.cache = limits(1, Duration::ZERO)).await;
    for number in 0..6 {
        house.put(number).await;
    }
    let crowd: Vec<_> = (0..8_u8)
        .map(|member| {
            let store = house.store.clone();
            tokio::spawn(async move {
                for round in 0..15_u8 {
                    let number = (member * 5 + round * 7) % 6;
                    let name = sha256(&blob(number));
                    assert_eq!(store.get_bytes(&name).await.unwrap(), Some(blob(number)));
                    // One that comes and goes.
                    let passing = sha256(&blob(100));
                    match (member + round) % 4 {
                        0 => drop(store.put_bytes(blob(100), "audio/wav").await.unwrap()),
                        1 => store.delete(&passing).await.unwrap(),
                        _ => assert!(store.get_bytes(&passing).await.unwrap().is_none_or(|bytes| bytes == blob(100))),
                    }
                }
            })
        })
        .collect();
    for member in crowd {
        member.await.unwrap();
    }
    assert!(house.copies().len() <= 2, "room for one, and one that was in use");
    assert!(house.store.inner.cache.is_at_rest(), "nobody waits for a turn any more");
}

/// A folder that has blobs of its own keeps them: they are no copies of anything.
#[tokio::test(flavor = "multi_thread")]
async fn blobs_of_this_machine_are_no_copies() {
    let server = ScratchS3::start("films").unwrap();
    let folder = TempDir::new().unwrap();
    let local = LocalBlobStore::open(folder.path()).unwrap();
    let kept = local.put_bytes(blob(1), "audio/wav").await.unwrap().sha256;
    let mut config = config(&server);
    config.cache = limits(0, Duration::ZERO);
    let store =
        S3BlobStore::connect(&config, folder.path(), Uuid::from_u128(7), FileUse::of_blobs(None)).await.unwrap();
    for number in 2..4 {
        store.put_bytes(blob(number), "audio/wav").await.unwrap();
    }
    assert_eq!(store.path(&kept).await.unwrap(), None);
    assert_eq!(local.get_bytes(&kept).await.unwrap(), Some(blob(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_many_ask_for_is_fetched_once() {
    let house = House::new().await;
    let proxy = Proxy::before(&house.server).await.unwrap();
    let (_folder, other) = open(&house.server, |config| config.endpoint = Some(proxy.endpoint())).await;
    let kept = house.store.put_bytes(content(LARGE), "video/mp4").await.unwrap().sha256;
    let before = proxy.count("GET");
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let other = other.clone();
            tokio::spawn(async move { other.path(&kept).await.unwrap().unwrap() })
        })
        .collect();
    for asked in asking {
        assert_eq!(sha256(&fs::read(asked.await.unwrap()).unwrap()), kept);
    }
    assert_eq!(proxy.count("GET") - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_fetched_anew_and_a_lost_one_too() {
    let house = House::new().await;
    let kept = house.put(1).await;
    let path = house.store.path(&kept).await.unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"damaged").unwrap();
    assert_eq!(house.store.get_bytes(&kept).await.unwrap(), Some(blob(1)));
    fs::remove_file(&path).unwrap();
    assert_eq!(house.store.path(&kept).await.unwrap(), Some(path.clone()));
    assert_eq!(fs::read(path).unwrap(), blob(1));
}

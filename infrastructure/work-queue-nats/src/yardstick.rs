//! What the server can do at most: bare publishes into a stream that keeps no order of ours and wakes nobody.

use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The stream that is published to.
const STREAM: &str = r#"{"name":"bare","subjects":["bare.>"],"storage":"file","retention":"limits","num_replicas":1}"#;
/// As long as a piece of work.
const PAYLOAD_BYTES: usize = 320;

/// Publishes a second that are acknowledged, by so many at a time, to a server without users. The stream `bare` stays
/// there.
pub async fn bare_publishes(
    url: &str,
    publishers: usize,
    time: Duration,
) -> Result<f64, Box<dyn std::error::Error + Send + Sync>> {
    let client = async_nats::connect(url).await?;
    client.request("$JS.API.STREAM.CREATE.bare", STREAM.into()).await?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for publisher in 0..publishers {
        let client = client.clone();
        tasks.spawn(async move {
            let mut count = 0_u32;
            while began.elapsed() < time {
                let payload = vec![b'x'; PAYLOAD_BYTES];
                client.request(format!("bare.{publisher}.{count}"), payload.into()).await?;
                count += 1;
            }
            Ok::<u32, async_nats::RequestError>(count)
        });
    }
    let mut published = 0.0;
    while let Some(ended) = tasks.join_next().await {
        let count = ended??;
        published += f64::from(count);
    }
    Ok(published / began.elapsed().as_secs_f64())
}

//! Cached reads with a token, against a bare axum handler: both in turns, over as many connections.

use super::{
    Sizes,
    client::{self, request, with_body},
    figures::{Figure, median},
    load::{Asking, Shape, drive},
    peer::Peer,
    server::Target,
    upload,
};
use crate::exit::{Exit, Failure};
use hyper::Method;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Percent of the peer's answers a second.
const OF_PEER_MIN: f64 = 35.0;
/// How long an asset may take to be looked at, and a dubbing to be cancelled.
const SETTLED_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Samples of the sound that is dubbed: two seconds.
const SAMPLES: u32 = 32_000;
const SAMPLES_PER_SECOND: u32 = 16_000;

/// Reads one dubbing again and again.
pub async fn measure(target: &Target, sizes: &Sizes) -> Result<Vec<Figure>, Failure> {
    let path = a_dubbing(target).await?;
    let bytes = client::get(target, &path).await?.body.len();
    let peer = Peer::start(bytes).await?;
    let shape = Shape { connections: sizes.connections, warm_up: sizes.warm_up, measured: sizes.measured };
    let (of_server, of_peer) = (reading(target, path), reading(&peer.target, "/".to_owned()));
    let (mut server, mut bare, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..sizes.rounds {
        let peers = drive(&peer.target, shape, of_peer.clone()).await?.per_second;
        let ours = drive(target, shape, of_server.clone()).await?.per_second;
        shares.push(100.0 * ours / peers);
        server.push(ours);
        bare.push(peers);
    }
    let what = |who: &str| format!("{who}, {bytes} bytes, {} connections", sizes.connections);
    Ok(vec![
        Figure::told(what("bare axum handler"), median(&bare), "/s"),
        Figure::told(what("cached read of a dubbing"), median(&server), "/s"),
        Figure::at_least("cached read against bare handler", median(&shares), "%", OF_PEER_MIN),
    ])
}

fn reading(target: &Target, path: String) -> Asking {
    let target = target.clone();
    Arc::new(move |_, _| with_body(request(&target, Method::GET, &path), client::Text::default()))
}

/// The path of a dubbing to which nothing happens any more: it is cancelled as soon as it is ordered.
async fn a_dubbing(target: &Target) -> Result<String, Failure> {
    let asset = upload::small(target, &tone()).await?;
    until(target, &format!("/v1/assets/{asset}"), "ready").await?;
    let order = json!({ "asset": asset, "target_languages": ["es", "ca"] });
    let ordered = client::post(target, "/v1/dubbings", &order).await?.json()?;
    let id = ordered["id"].as_str().unwrap_or_default();
    let path = format!("/v1/dubbings/{id}");
    let cancel = request(target, Method::POST, &format!("{path}/cancel"));
    let cancelled = client::once(target, with_body(cancel, client::Text::default())?).await?;
    let position = cancelled.header("dragoman-position").unwrap_or("0");
    until(target, &format!("{path}?min_position={position}"), "cancelled").await?;
    // The dubbing can be read without it.
    upload::erase(target, &format!("/v1/assets/{asset}")).await?;
    Ok(path)
}

async fn until(target: &Target, path: &str, state: &str) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let found = client::get(target, path).await?.json()?;
        match found["state"].as_str() {
            Some(found) if found == state => return Ok(()),
            Some("quarantined" | "failed") => {
                return Err(Failure::new(Exit::Internal, format!("the server refuses the sound: {}", why(&found))));
            }
            _ if began.elapsed() > SETTLED_MAX => {
                return Err(Failure::new(Exit::Internal, format!("{path} does not become {state}")));
            }
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

fn why(document: &Value) -> String {
    ["quarantine", "trouble"]
        .iter()
        .map(|field| &document[field])
        .find(|value| !value.is_null())
        .map_or_else(|| "it does not say why".to_owned(), ToString::to_string)
}

/// A sound (WAV, mono, 16 bits): a triangle wave, loud enough to be no silence.
fn tone() -> Vec<u8> {
    let data = SAMPLES * 2;
    let mut wav = Vec::with_capacity(44 + data as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + data).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    wav.extend([1, 0, 1, 0]);
    wav.extend(SAMPLES_PER_SECOND.to_le_bytes());
    wav.extend((SAMPLES_PER_SECOND * 2).to_le_bytes());
    // Bytes and bits of a sample.
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(data.to_le_bytes());
    for sample in 0..SAMPLES {
        let place = i32::try_from(sample % 64).unwrap_or(0);
        let height = (place - 32).abs() * 512 - 8_192;
        wav.extend(i16::try_from(height).unwrap_or(0).to_le_bytes());
    }
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_is_a_sound() {
        let wav = tone();
        let sound = hound::WavReader::new(wav.as_slice()).expect("a sound");
        assert_eq!((sound.spec().sample_rate, sound.spec().channels), (SAMPLES_PER_SECOND, 1));
        let samples: Vec<i16> = sound.into_samples().collect::<Result<_, _>>().expect("samples");
        assert_eq!(samples.len(), SAMPLES as usize);
        assert_eq!((samples.iter().min(), samples.iter().max()), (Some(&-8_192), Some(&8_192)));
    }

    #[test]
    fn a_refusal_is_told() {
        assert_eq!(why(&json!({ "quarantine": { "code": "no-sound" } })), r#"{"code":"no-sound"}"#);
        assert_eq!(why(&json!({})), "it does not say why");
    }
}

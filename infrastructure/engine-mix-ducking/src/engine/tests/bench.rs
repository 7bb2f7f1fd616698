//! How fast a mix is. Run by hand, it prints the speed:
//! `cargo test -p engine-mix-ducking bench -- --ignored --nocapture`.

use super::{
    kit::{Scene, noise, span, speech},
    *,
};
use std::time::Instant;

#[tokio::test]
#[ignore = "prints a speed, which says nothing on a busy machine"]
async fn bench_ten_minutes_of_stereo() {
    for (name, level, target) in [("quiet bed", 0.1, -20.0), ("hot bed", 0.9, -8.0)] {
        let mut scene = Scene::new(noise(level, 600_000), 2);
        scene.input.loudness = Decibel::from_db(target);
        for start_ms in (0..600_000).step_by(6000) {
            scene.line(speech(0.2, 4000), start_ms);
            scene.input.original_speech.push(span(start_ms, start_ms + 4500));
        }
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mixed = kit::mixer().mix(scene.input.clone()).await.unwrap();
        let took = start.elapsed().as_secs_f64();
        let cpu = cpu_seconds() - cpu;
        println!(
            "{name}: {took:.2} s ({cpu:.2} s of processor) for 600 s, {:.0} times real time; {mixed:?}",
            600.0 / cpu
        );
        assert!(mixed.true_peak.db() <= -1.0);
    }
}

/// Processor time of this process so far, from `/proc/self/stat` (fields 14 and 15, in hundredths of a second).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap();
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

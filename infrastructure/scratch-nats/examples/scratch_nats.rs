//! A scratch NATS server for shell scripts: prints its address, does what it is told line by line, and ends at the end
//! of its input.
//!
//!     mkfifo say && cargo run -q -p scratch-nats --example scratch_nats <say
//!
//! It understands `stop`, `kill`, `wipe`, `start`, `pause` and `resume`, and says `ok` after each.

use anyhow::{Result, bail};
use scratch_nats::{ScratchNats, Stop};
use std::io::stdin;

fn main() -> Result<()> {
    let server = ScratchNats::start()?;
    println!("{}", server.url());
    for line in stdin().lines() {
        match line?.trim() {
            "stop" => server.stop(Stop::Fast)?,
            "kill" => server.stop(Stop::Immediate)?,
            "wipe" => server.wipe()?,
            "start" => server.start_again()?,
            "pause" => server.pause(),
            "resume" => server.resume(),
            other => bail!("stop, kill, wipe, start, pause or resume, but not: {other}"),
        }
        println!("ok");
    }
    Ok(())
}

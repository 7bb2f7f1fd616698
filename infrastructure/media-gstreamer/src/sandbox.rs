//! The child side: reads one request, runs its graph, writes one reply. Nothing is printed besides.

use crate::fault::Fault;
use crate::protocol::{Job, Reply, Request};
use crate::{decode, inspect, mux, probe, subtitles};
use gstreamer as gst;
use serde::Serialize;
use std::io::{Read, Write};

/// Serves one request from `stdin` to `stdout` and returns the exit code: 0 when a reply was written,
/// whatever it says. The caller must leave the process at once: a hung library may still hold threads.
pub fn sandbox_main(mut stdin: impl Read, mut stdout: impl Write) -> i32 {
    let mut bytes = Vec::new();
    let request = stdin.read_to_end(&mut bytes).ok().and_then(|_| serde_json::from_slice(&bytes).ok());
    let Some(request) = request else { return 2 };
    let reply: Reply = serve(request);
    let written = serde_json::to_vec(&reply).map_err(std::io::Error::from).and_then(|mut line| {
        line.insert(0, b'\n');
        line.push(b'\n');
        stdout.write_all(&line).and_then(|()| stdout.flush())
    });
    if written.is_ok() { 0 } else { 3 }
}

fn serve(request: Request) -> Reply {
    hush();
    let limits = &request.limits;
    gst::init().map_err(|_| Fault::broken("start GStreamer"))?;
    match request.job {
        Job::Describe => json(&version()),
        Job::Probe { file } => json(&probe::probe(&file, limits)?),
        Job::Separate(input) => json(&decode::separate(&input, limits)?),
        Job::Subtitles { file, stream } => json(&subtitles::read(&file, stream, limits)?),
        Job::Mux(input) => json(&mux::mux(&input, limits)?),
        Job::Inspect { file } => json(&inspect::inspect(&file, limits)?),
    }
}

/// Keeps GStreamer and GLib quiet: their lines would hold file names.
fn hush() {
    gst::log::remove_default_log_function();
    gst::glib::log_set_default_handler(|_, _, _| {});
}

/// `1.22.0`, as loaded.
fn version() -> String {
    let (major, minor, micro, _) = gst::version();
    format!("{major}.{minor}.{micro}")
}

fn json(value: &impl Serialize) -> Reply {
    serde_json::to_value(value).map_err(|_| Fault::broken("write the reply"))
}

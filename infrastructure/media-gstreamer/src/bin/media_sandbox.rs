//! The sandboxed child on its own, for the integration tests of this crate.

use std::process::exit;

fn main() {
    exit(media_gstreamer::sandbox_main(std::io::stdin(), std::io::stdout()));
}

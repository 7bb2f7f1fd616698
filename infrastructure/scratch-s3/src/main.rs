//! `scratch-s3 --folder FOLDER --bucket BUCKET [--port PORT]`: an S3 server for scripts.
//!
//! It prints its address in one line and serves until its standard input ends or it is killed. What is in the folder
//! stays. Keys are those of `scratch_s3::WRITER` and `READER`.

use scratch_s3::{ScratchError, ScratchS3};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What the command line says.
struct Options {
    folder: PathBuf,
    bucket: String,
    port: u16,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("usage: scratch-s3 --folder FOLDER --bucket BUCKET [--port PORT]");
        return ExitCode::from(2);
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scratch-s3: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> Result<(), ScratchError> {
    let server = ScratchS3::start_in(&options.folder, &options.bucket, options.port)?;
    // Whoever started it may have gone: then its input has ended too.
    let _said = writeln!(io::stdout(), "{}", server.endpoint()).and_then(|()| io::stdout().flush());
    let _ended = io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let (mut folder, mut bucket, mut port) = (None, None, 0);
    while let Some(argument) = arguments.next() {
        let value = arguments.next()?;
        match argument.as_str() {
            "--folder" => folder = Some(PathBuf::from(value)),
            "--bucket" => bucket = Some(value),
            "--port" => port = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(Options { folder: folder?, bucket: bucket?, port })
}

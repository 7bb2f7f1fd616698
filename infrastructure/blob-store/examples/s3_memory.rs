//! How much memory a large file takes on its way to a bucket and back, and how long it takes.
//!
//! `cargo run -p blob-store --example s3_memory [MIB]`. The S3 server is a child process, so that its memory does not
//! count.

use anyhow::{Context, Result};
use application::{commands::release_file::FileUse, ports::blob_store::BlobStore};
use blob_store::{S3BlobStore, S3CacheLimits, S3Config, S3Credentials, S3Patience};
use scratch_s3::{REGION, ScratchS3, WRITER};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};
use uuid::Uuid;

fn main() -> Result<()> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("--serve") {
        return serve();
    }
    let mebibytes = argument.map_or(Ok(256), |argument| argument.parse())?;
    let mut server =
        Command::new(std::env::current_exe()?).arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut endpoint = String::new();
    BufReader::new(server.stdout.take().context("its output")?).read_line(&mut endpoint)?;
    tokio::runtime::Runtime::new()?.block_on(measure(endpoint.trim(), mebibytes))?;
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
}

fn serve() -> Result<()> {
    let server = ScratchS3::start("films")?;
    println!("{}", server.endpoint());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

async fn measure(endpoint: &str, mebibytes: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("film");
    let mut film = File::create(&file)?;
    for number in 0..mebibytes {
        let block: Vec<u8> = (0..1 << 20).map(|place: usize| (place * 31 + place / 977 + number) as u8).collect();
        film.write_all(&block)?;
    }
    drop(film);
    let store = connect(endpoint, &folder.path().join("one")).await?;
    say("connected", mebibytes, None)?;
    let begun = Instant::now();
    let kept = store.put_file(&file, "video/mp4").await?;
    say("put", mebibytes, Some(begun))?;
    let other = connect(endpoint, &folder.path().join("other")).await?;
    let begun = Instant::now();
    other.path(&kept.sha256).await?.context("the blob")?;
    say("fetched", mebibytes, Some(begun))?;
    let begun = Instant::now();
    other.put_file(&file, "video/mp4").await?;
    say("put again, which sends nothing", mebibytes, Some(begun))
}

async fn connect(endpoint: &str, folder: &Path) -> Result<S3BlobStore> {
    let config = S3Config {
        bucket: "films".to_owned(),
        prefix: "home".to_owned(),
        installation: Uuid::from_u128(1),
        endpoint: Some(endpoint.to_owned()),
        region: REGION.to_owned(),
        path_style: true,
        allow_http: true,
        credentials: S3Credentials {
            access_key: WRITER.0.to_owned(),
            secret_key: WRITER.1.to_owned(),
            session_token: None,
        },
        cache: S3CacheLimits::default(),
        patience: S3Patience::default(),
    };
    Ok(S3BlobStore::connect(&config, folder, Uuid::from_u128(7), FileUse::of_blobs(None)).await?)
}

/// Prints the most memory that this process had until now.
fn say(what: &str, mebibytes: usize, begun: Option<Instant>) -> Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("its memory")?.trim();
    let speed = begun.map_or(String::new(), |begun| {
        let seconds = begun.elapsed().as_secs_f64();
        format!(", {seconds:.2} s, {:.0} MiB/s", mebibytes as f64 / seconds)
    });
    println!("{what}: at most {peak}{speed}");
    Ok(())
}

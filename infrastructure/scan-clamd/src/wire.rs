//! The daemon's protocol, as far as it is needed: commands that begin with `z` and end with a zero byte, as their
//! answers do; and a file as chunks, each after its length in four bytes, big-endian, with an empty one at the end.
//! From clamd(8), section "COMMANDS".

use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Bytes of the file that are in memory at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 4 << 10;

/// Why a file was not sent to its end.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The file could not be read.
    File(io::Error),
    /// The daemon does not take more. It may have said why: its answer is worth reading.
    Daemon(io::Error),
    /// The daemon took nothing for too long.
    Stalled,
}

/// Asks a question that is one word and reads the answer.
pub(crate) async fn ask(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), word: &str) -> io::Result<String> {
    socket.write_all(format!("z{word}\0").as_bytes()).await?;
    answer(socket).await
}

/// Sends a file. No write may take longer than `stall`.
pub(crate) async fn send(
    socket: &mut (impl AsyncWrite + Unpin),
    file: &mut (impl AsyncRead + Unpin),
    stall: Duration,
) -> Result<(), SendError> {
    put(socket, b"zINSTREAM\0", stall).await?;
    // The length goes before the bytes in one buffer, so that each chunk is one write.
    let mut chunk = Vec::with_capacity(4 + CHUNK_BYTES);
    loop {
        chunk.clear();
        chunk.extend_from_slice(&[0; 4]);
        let mut limited = (&mut *file).take(CHUNK_BYTES as u64);
        let read = limited.read_buf(&mut chunk).await.map_err(SendError::File)?;
        let length = u32::try_from(read).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(head) = chunk.first_chunk_mut() {
            *head = length;
        }
        put(socket, &chunk, stall).await?;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Reads an answer up to its zero byte, or as much of it as is allowed.
///
/// An answer that is cut off is none: `stream: OK` may be how the name of a finding begins.
pub(crate) async fn answer(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut limited = socket.take(ANSWER_BYTES_MAX);
    while limited.read_buf(&mut bytes).await? > 0 {
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            bytes.truncate(end);
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    match limited.limit() {
        0 => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn put(socket: &mut (impl AsyncWrite + Unpin), bytes: &[u8], stall: Duration) -> Result<(), SendError> {
    match timeout(stall, socket.write_all(bytes)).await {
        Ok(written) => written.map_err(SendError::Daemon),
        Err(_elapsed) => Err(SendError::Stalled),
    }
}

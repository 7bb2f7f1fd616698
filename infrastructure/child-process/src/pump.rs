//! Moves bytes between the child's pipes and us, in bounded memory.

use crate::children::Stop;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::mpsc,
};

/// Bytes read at once: the size of a pipe.
const CHUNK_BYTES: usize = 64 << 10;
/// What is kept of standard error.
const TAIL_BYTES: usize = 4 << 10;
/// What is kept of a line.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Writes all input and closes the pipe. A child that does not want to read it all is no error.
pub(crate) async fn feed(pipe: Option<ChildStdin>, input: &[u8]) -> Result<(), Stop> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    match pipe.write_all(input).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Reads standard output to its end: into memory, or line by line to a receiver. Both within the bound.
pub(crate) async fn stdout(
    pipe: Option<ChildStdout>,
    bytes_max: usize,
    mut lines: Option<Lines>,
) -> Result<Vec<u8>, Stop> {
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    let mut source = Source::new(pipe);
    while let Some(chunk) = source.next().await? {
        seen = seen.saturating_add(chunk.len());
        if seen > bytes_max {
            return Err(Stop::TooMuchOutput);
        }
        match &mut lines {
            Some(lines) => lines.take(chunk).await,
            None => kept.extend_from_slice(chunk),
        }
    }
    if let Some(lines) = lines {
        lines.end().await;
    }
    Ok(kept)
}

/// Reads standard error to its end; keeps its tail and hands over its lines when asked to.
pub(crate) async fn stderr(pipe: Option<ChildStderr>, tail: &mut Tail, mut lines: Option<Lines>) -> Result<(), Stop> {
    let mut source = Source::new(pipe);
    while let Some(chunk) = source.next().await? {
        tail.take(chunk);
        if let Some(lines) = &mut lines {
            lines.take(chunk).await;
        }
    }
    if let Some(lines) = lines {
        lines.end().await;
    }
    Ok(())
}

/// A pipe read chunk by chunk into one buffer.
struct Source<R> {
    pipe: Option<R>,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Source<R> {
    fn new(pipe: Option<R>) -> Self {
        Self { pipe, buffer: Vec::with_capacity(CHUNK_BYTES) }
    }

    /// The next bytes, or `None` at the end.
    async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(pipe) = &mut self.pipe else { return Ok(None) };
        self.buffer.clear();
        let read = pipe.read_buf(&mut self.buffer).await?;
        Ok((read > 0).then_some(self.buffer.as_slice()))
    }
}

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Tail(Vec<u8>);

impl Tail {
    fn take(&mut self, chunk: &[u8]) {
        self.0.extend_from_slice(chunk);
        let surplus = self.0.len().saturating_sub(TAIL_BYTES);
        self.0.drain(..surplus);
    }

    pub(crate) fn into_text(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// Cuts a stream into lines and sends each as soon as it is whole. The receiver's pace is the child's pace: while its
/// channel is full nothing is read, and the child waits at its pipe.
#[derive(Debug)]
pub(crate) struct Lines {
    line: Vec<u8>,
    /// `None` once the receiver is closed: the child is drained on.
    sender: Option<mpsc::Sender<String>>,
}

impl Lines {
    pub(crate) fn new(sender: mpsc::Sender<String>) -> Self {
        Self { line: Vec::new(), sender: Some(sender) }
    }

    async fn take(&mut self, chunk: &[u8]) {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            if self.sender.is_none() {
                return;
            }
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.line.extend_from_slice(text.get(..room).unwrap_or(text));
            if ends {
                self.send().await;
            }
        }
    }

    /// Sends what came after the last line's end.
    async fn end(mut self) {
        if !self.line.is_empty() {
            self.send().await;
        }
    }

    async fn send(&mut self) {
        let Some(sender) = &self.sender else { return };
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let sent = sender.send(String::from_utf8_lossy(line).into_owned()).await;
        self.line.clear();
        if sent.is_err() {
            self.sender = None;
        }
    }
}

#[cfg(test)]
mod tests;

//! Reads `multipart/form-data` (RFC 7578) as it arrives.
//!
//! A part's content is handed on while it comes; kept back is no more than what may be the beginning of a delimiter.
//! Deliberately absent: other kinds of multipart, nested parts, transfer encodings, which RFC 7578 does without.

mod head;
#[cfg(test)]
mod tests;

pub(crate) use head::{PartHead, boundary};

use super::Arriving;
use crate::problem::{Code, Problem};
use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;

/// Most parts of one body.
const PARTS_MAX: usize = 16;
/// Longest head of a part, and longest text before the first and behind the last one. Bytes.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// A body in parts.
pub(crate) struct Multipart {
    source: Arriving,
    /// What came and was not handed on.
    buffer: BytesMut,
    /// `\r\n--BOUNDARY`.
    delimiter: Finder<'static>,
    place: Place,
    parts: usize,
}

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first delimiter.
    Preamble,
    /// Behind a delimiter.
    Delimiter,
    /// In a part's content.
    Content,
    /// Behind the last delimiter.
    Epilogue,
}

impl Multipart {
    /// A body whose parts this boundary tells apart.
    pub fn new(source: Arriving, boundary: &str) -> Self {
        let delimiter = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        // The first delimiter may stand at the very beginning, without its line break.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { source, buffer, delimiter, place: Place::Preamble, parts: 0 }
    }

    /// The next part; what is left of the one before is passed over. `None` behind the last one.
    pub async fn next(&mut self) -> Result<Option<PartHead>, Problem> {
        if self.place == Place::Preamble {
            self.pass_preamble().await?;
        }
        while self.place == Place::Content {
            self.chunk().await?;
        }
        if self.place == Place::Epilogue || self.is_last().await? {
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(malformed("it has more parts than any form here"));
        }
        let head = self.head().await?;
        self.place = Place::Content;
        Ok(Some(head))
    }

    /// The next piece of the present part; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let kept = self.delimiter.needle().len() - 1;
        while self.place == Place::Content {
            match self.delimiter.find(&self.buffer) {
                Some(0) => {
                    self.buffer.advance(kept + 1);
                    self.place = Place::Delimiter;
                }
                Some(end) => return Ok(Some(self.buffer.split_to(end).freeze())),
                None if self.buffer.len() > kept => {
                    let sure = self.buffer.len() - kept;
                    return Ok(Some(self.buffer.split_to(sure).freeze()));
                }
                None => self.fill().await?,
            }
        }
        Ok(None)
    }

    /// The present part as a text of at most so many bytes; `None` when it is longer, or no text.
    pub async fn text(&mut self, bytes_max: usize) -> Result<Option<String>, Problem> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > bytes_max {
                return Ok(None);
            }
            text.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8(text).ok())
    }

    /// Reads up to the body's end, behind the last part.
    pub async fn finish(mut self) -> Result<Arriving, Problem> {
        let mut behind = self.buffer.len();
        while behind <= HEAD_BYTES_MAX {
            match self.source.next().await? {
                Some(more) => behind += more.len(),
                None => return Ok(self.source),
            }
        }
        Err(malformed("there is too much behind its last part"))
    }

    async fn pass_preamble(&mut self) -> Result<(), Problem> {
        let mut passed = 0;
        loop {
            if let Some(begin) = self.delimiter.find(&self.buffer) {
                self.buffer.advance(begin + self.delimiter.needle().len());
                self.place = Place::Delimiter;
                return Ok(());
            }
            let sure = self.buffer.len().saturating_sub(self.delimiter.needle().len() - 1);
            passed += sure;
            if passed > HEAD_BYTES_MAX {
                return Err(malformed("its boundary does not come"));
            }
            self.buffer.advance(sure);
            self.fill().await?;
        }
    }

    /// Whether the delimiter that was just read is the last one; passes over the rest of its line otherwise.
    async fn is_last(&mut self) -> Result<bool, Problem> {
        loop {
            if self.buffer.starts_with(b"--") {
                self.place = Place::Epilogue;
                return Ok(true);
            }
            let padding = self.buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            match self.buffer.get(padding..padding + 2) {
                Some(b"\r\n") => {
                    self.buffer.advance(padding + 2);
                    return Ok(false);
                }
                Some(_) => return Err(malformed("a line that begins as its boundary goes on otherwise")),
                None if padding > HEAD_BYTES_MAX => return Err(malformed("its boundary is followed by spaces only")),
                None => self.fill().await?,
            }
        }
    }

    async fn head(&mut self) -> Result<PartHead, Problem> {
        loop {
            // A head without lines ends at once.
            let end = if self.buffer.starts_with(b"\r\n") {
                Some(0)
            } else {
                memchr::memmem::find(&self.buffer, b"\r\n\r\n")
            };
            match end {
                Some(0) => return Err(malformed("a part does not say what it is")),
                Some(end) if end <= HEAD_BYTES_MAX => {
                    let lines = self.buffer.split_to(end);
                    self.buffer.advance(4);
                    return PartHead::parse(&lines).ok_or_else(|| malformed("the head of a part cannot be read"));
                }
                Some(_) => return Err(malformed("the head of a part is too long")),
                None if self.buffer.len() > HEAD_BYTES_MAX => return Err(malformed("the head of a part is too long")),
                None => self.fill().await?,
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Problem> {
        let more = self.source.next().await?.ok_or_else(|| malformed("it ends before its last boundary"))?;
        self.buffer.extend_from_slice(&more);
        Ok(())
    }
}

fn malformed(what: &'static str) -> Problem {
    Problem::new(Code::MalformedMultipart).detail(format!("The body is no form in parts: {what}."))
}

//! Reads what is sent piece by piece, as fast as the client takes it.

use super::range::Part;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use std::{
    collections::VecDeque,
    io::{self, SeekFrom},
    path::Path,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

/// Bytes read at once: few enough for thousands of clients, enough to keep a fast one busy.
const PIECE_BYTES: u64 = 128 << 10;

/// Where bytes come from.
pub(super) enum Source {
    /// An open file, and where the next byte would be read.
    File {
        /// The file.
        file: File,
        /// Bytes from its beginning.
        at: u64,
    },
    /// Memory.
    Made(Bytes),
}

/// What is still to be sent.
pub(super) struct Sending {
    source: Source,
    segments: VecDeque<Segment>,
}

enum Segment {
    Text(String),
    Part(Part),
}

/// Opens a file to read; `None` when there is none.
pub(super) async fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path).await {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Sending {
    /// Nothing yet.
    pub fn new(source: Source) -> Self {
        Self { source, segments: VecDeque::new() }
    }

    /// And then these bytes of the source.
    pub fn part(mut self, part: Part) -> Self {
        self.segments.push_back(Segment::Part(part));
        self
    }

    /// And then this text.
    pub fn text(mut self, text: String) -> Self {
        self.segments.push_back(Segment::Text(text));
        self
    }

    /// How many bytes that is.
    pub fn bytes(&self) -> u64 {
        let of = |segment: &Segment| match segment {
            Segment::Text(text) => text.len() as u64,
            Segment::Part(part) => part.bytes,
        };
        self.segments.iter().map(of).sum()
    }

    /// As a body whose length only its header tells: so it is never compressed.
    pub fn into_body(self) -> Body {
        Body::from_stream(futures::stream::try_unfold(self, |mut sending| async move {
            let piece = sending.next().await.inspect_err(|error| {
                // The answer has begun: it can only be broken off, and the client sees that it is too short.
                tracing::error!(kind = %error.kind(), "a file could not be read to its end");
            })?;
            Ok::<_, io::Error>(piece.map(|piece| (piece, sending)))
        }))
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(segment) = self.segments.pop_front() {
            match segment {
                Segment::Text(text) => return Ok(Some(text.into())),
                Segment::Part(Part { bytes: 0, .. }) => {}
                Segment::Part(part) => return self.piece(part).await.map(Some),
            }
        }
        Ok(None)
    }

    /// The first piece of a part; the rest of it comes next.
    async fn piece(&mut self, part: Part) -> io::Result<Bytes> {
        let piece = match &mut self.source {
            Source::Made(made) => slice(made, part),
            Source::File { file, at } => read(file, at, part).await?,
        };
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = piece.len() as u64;
        let rest = Part { first: part.first + read, bytes: part.bytes.saturating_sub(read) };
        self.segments.push_front(Segment::Part(rest));
        Ok(piece)
    }
}

fn slice(made: &Bytes, part: Part) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(made.len());
    made.slice(place(part.first)..place(part.first.saturating_add(part.bytes)))
}

async fn read(file: &mut File, at: &mut u64, part: Part) -> io::Result<Bytes> {
    if *at != part.first {
        *at = file.seek(SeekFrom::Start(part.first)).await?;
    }
    let bytes = part.bytes.min(PIECE_BYTES);
    let mut piece = BytesMut::with_capacity(usize::try_from(bytes).unwrap_or(0));
    *at += file.take(bytes).read_buf(&mut piece).await? as u64;
    Ok(piece.freeze())
}

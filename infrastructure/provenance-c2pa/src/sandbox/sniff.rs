//! Which container a file is, by its first bytes; its name says nothing.
//! Deliberately no more than what decides between signing, reading and refusing.

use std::io::{Read, Seek, SeekFrom};

/// A container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// ISO base media with `ftyp`: MP4, M4A, MOV. Can be signed and read; the MIME type to read it as.
    IsoMedia(&'static str),
    /// Something whose manifests the library can read, but that is not signed here.
    Readable(&'static str),
    /// Media that cannot carry a manifest that the library finds.
    Bare,
}

/// The container of a file, or `None` when it is no media.
pub(crate) fn container(file: &mut (impl Read + Seek)) -> std::io::Result<Option<Container>> {
    let mut head = Vec::with_capacity(HEAD_BYTES as usize);
    file.seek(SeekFrom::Start(0))?;
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(of(&head))
}

const HEAD_BYTES: u64 = 512;

fn of(head: &[u8]) -> Option<Container> {
    let at = |offset: usize, wanted: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(wanted));
    if at(4, b"ftyp") {
        return Some(iso_media(head.get(8..12)));
    }
    let transport = at(0, b"\x47") && at(188, b"\x47");
    let found = match () {
        () if at(0, b"RIFF") && at(8, b"WAVE") => Container::Readable("audio/wav"),
        () if at(0, b"RIFF") && at(8, b"AVI ") => Container::Readable("video/avi"),
        () if at(0, b"RIFF") && at(8, b"WEBP") => Container::Readable("image/webp"),
        () if at(0, b"ID3") || mpeg_audio(head) => Container::Readable("audio/mpeg"),
        () if at(0, b"fLaC") => Container::Readable("audio/flac"),
        () if at(0, b"\xff\xd8\xff") => Container::Readable("image/jpeg"),
        () if at(0, b"\x89PNG\r\n\x1a\n") => Container::Readable("image/png"),
        () if at(0, b"GIF8") => Container::Readable("image/gif"),
        () if at(0, b"II*\0") || at(0, b"MM\0*") => Container::Readable("image/tiff"),
        // Matroska and WebM, Ogg, QuickTime from before `ftyp`, ASF, Flash, MPEG streams, AIFF.
        () if at(0, b"\x1a\x45\xdf\xa3") || at(0, b"OggS") || at(0, b"FLV") => Container::Bare,
        () if [&b"moov"[..], b"mdat", b"wide", b"free", b"skip", b"pnot"].iter().any(|kind| at(4, kind)) => {
            Container::Bare
        }
        () if at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") || at(0, b"\x00\x00\x01\xba") => Container::Bare,
        () if at(0, b"\x00\x00\x01\xb3") || transport || (at(0, b"FORM") && at(8, b"AIF")) => Container::Bare,
        () => return None,
    };
    Some(found)
}

fn iso_media(brand: Option<&[u8]>) -> Container {
    match brand {
        Some(b"M4A " | b"M4B ") => Container::IsoMedia("audio/mp4"),
        Some(b"qt  ") => Container::IsoMedia("video/quicktime"),
        Some(b"avif" | b"avis") => Container::Readable("image/avif"),
        Some(b"heic" | b"heix" | b"hevc" | b"mif1") => Container::Readable("image/heic"),
        _ => Container::IsoMedia("video/mp4"),
    }
}

/// A frame header of MPEG audio or ADTS: twelve set bits, then a layer and a rate that exist.
fn mpeg_audio(head: &[u8]) -> bool {
    matches!(head, [0xff, second, third, ..] if second & 0xe0 == 0xe0 && third & 0xf0 != 0xf0 && *second != 0xff && *second != 0xfe)
}

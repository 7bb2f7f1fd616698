//! Copies a file with a manifest in it, in one pass and a few megabytes of memory.
//!
//! The library's own way to sign holds half a gigabyte. This one plans the output, copies it, hashes the
//! samples in leaves of 4 MiB while they pass, lets the library hash the little that is left, and writes
//! the signed manifest into the room it was given. Deliberately without any change to picture or sound.

use super::{
    boxes::{self, BoxAt},
    layout::{self, Layout},
    manifest, offsets, part_of,
    settings::{self, Believed},
    sniff::{self, Container},
};
use crate::{
    error::Failure,
    protocol::{Credential, DubRequest, Trust},
};
use application::ports::provenance::Signed;
use c2pa::{Builder, Context, Ingredient, Reader};
use domain::value::Sha256;
use serde_json::Value;
use sha2::Digest;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Size of a leaf of the Merkle tree.
const LEAF_KIB: u64 = 4096;
/// A SHA-256 in CBOR: two bytes of header and 32 of digest.
const LEAF_ENTRY_BYTES: u64 = 34;
/// The tree's map, the exclusion of `mdat`, and slack for a `free` box behind the manifest.
const TREE_BYTES: u64 = 1024;
/// Bytes that are copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// What to sign a file with.
#[derive(Debug)]
pub(crate) struct Job {
    media_type: &'static str,
    definition: Value,
    ingredient: IngredientOf,
}

/// The one ingredient.
#[derive(Debug)]
enum IngredientOf {
    /// Read from a file, with the manifest it may carry.
    File { path: PathBuf, media_type: String },
    /// Only described, because it cannot carry a manifest or must not be read.
    Description { media_type: String },
}

/// The job of an intake.
pub(crate) fn source_job(input: &Path, when: &str) -> Result<Job, Failure> {
    let mut file = open(input)?;
    let Container::IsoMedia(media_type) = media(&mut file)? else { return Err(Failure::Unsupported) };
    let digest = sha256_of(&mut file)?;
    let ingredient = IngredientOf::File { path: input.to_owned(), media_type: media_type.to_owned() };
    Ok(Job { media_type, definition: manifest::of_source(media_type, digest, when), ingredient })
}

/// The job of a finished dub.
pub(crate) fn dub_job(dub: &DubRequest) -> Result<Job, Failure> {
    let Container::IsoMedia(media_type) = media(&mut open(&dub.input.to_path())?)? else {
        return Err(Failure::Unsupported);
    };
    let source = dub.source.to_path();
    let ingredient = match media(&mut open(&source)?)? {
        Container::IsoMedia(found) | Container::Readable(found) if dub.read_source => {
            IngredientOf::File { path: source, media_type: found.to_owned() }
        }
        _ => IngredientOf::Description { media_type: dub.source_media_type.clone() },
    };
    Ok(Job { media_type, definition: manifest::of_dub(media_type, dub), ingredient })
}

/// Signs `input` into `output`, which appears complete or not at all.
pub(crate) fn run(
    job: &Job,
    input: &Path,
    output: &Path,
    credential: &Credential,
    trust: &Trust,
) -> Result<Signed, Failure> {
    let part = part_of(output);
    let signed = write(job, input, &part, credential, trust).and_then(|signed| {
        fs::rename(&part, output)?;
        File::open(folder_of(output))?.sync_all()?;
        Ok(signed)
    });
    if signed.is_err() {
        // Best effort: the error that led here is the one to tell.
        let _ = fs::remove_file(&part);
    }
    signed
}

fn write(job: &Job, input: &Path, part: &Path, credential: &Credential, trust: &Trust) -> Result<Signed, Failure> {
    let mut from = open(input)?;
    let length = from.metadata()?.len();
    let boxes = boxes::between(&mut from, 0, length)?;
    let data = layout::media_data(&boxes).ok_or(Failure::Unsupported)?;

    let roots = format!("{}\n{}", trust.own_root_pem.as_deref().unwrap_or_default(), trust.anchors_pem);
    let believed = Believed { roots_pem: &roots, certificate_pem: trust.own_certificate_pem.as_deref() };
    let mut builder = builder(job, settings::signing(believed, credential)?)?;
    let placeholder = builder.placeholder(job.media_type)?;
    let leaves = (data.size - 16).div_ceil(LEAF_KIB * 1024);
    let room = placeholder.len() as u64 + leaves * LEAF_ENTRY_BYTES + TREE_BYTES;
    let layout = layout::plan(&boxes, room)?;

    let mut to = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(part)?;
    copy(&mut from, &mut to, &layout, &mut builder)?;
    fill_room(&mut to, &layout, room, &placeholder)?;
    for piece in layout.pieces.iter().filter(|piece| &piece.from.kind == b"moov") {
        offsets::correct(&mut to, BoxAt { start: piece.to, ..piece.from }, &layout)?;
    }
    to.seek(SeekFrom::Start(0))?;
    builder.update_hash_from_stream(job.media_type, &mut to)?;
    let manifest = builder.sign_embeddable(job.media_type)?;
    fill_room(&mut to, &layout, room, &manifest)?;
    to.sync_all()?;
    signed(&mut to, job.media_type)
}

fn builder(job: &Job, context: Context) -> Result<Builder, Failure> {
    let mut builder = Builder::from_context(context).with_definition(job.definition.clone())?;
    builder.set_bmff_hash_fixed_leaf_size(LEAF_KIB as usize);
    match &job.ingredient {
        IngredientOf::File { path, media_type } => {
            let description = manifest::ingredient(media_type).to_string();
            builder.add_ingredient_from_stream(description, media_type, &mut open(path)?)?;
        }
        IngredientOf::Description { media_type } => {
            builder.add_ingredient(Ingredient::from_json(&manifest::ingredient(media_type).to_string())?);
        }
    }
    Ok(builder)
}

/// Copies every piece to its place and hashes the samples on their way.
fn copy(from: &mut File, to: &mut File, layout: &Layout, builder: &mut Builder) -> Result<(), Failure> {
    let mut block = vec![0; COPY_BYTES];
    for piece in &layout.pieces {
        let is_data = &piece.from.kind == b"mdat";
        copy_bytes(from, piece.from.start, to, piece.to, piece.from.header, &mut block, |_| Ok(()))?;
        if piece.from.open_ended {
            // It must not swallow anything, and the library wants to know its size: at most 4 GiB here.
            let size = u32::try_from(piece.from.size).map_err(|_| Failure::Unsupported)?;
            to.seek(SeekFrom::Start(piece.to))?;
            to.write_all(&size.to_be_bytes())?;
        }
        let (body, body_to) = (piece.from.body(), piece.to + piece.from.header);
        let length = piece.from.size - piece.from.header;
        copy_bytes(from, body, to, body_to, length, &mut block, |bytes| {
            if is_data {
                builder.hash_bmff_mdat_bytes(0, bytes, piece.from.header == 16)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn copy_bytes(
    from: &mut File,
    start: u64,
    to: &mut File,
    to_start: u64,
    mut left: u64,
    block: &mut [u8],
    mut seen: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    from.seek(SeekFrom::Start(start))?;
    to.seek(SeekFrom::Start(to_start))?;
    while left > 0 {
        let wanted = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = block.get_mut(..wanted).unwrap_or_default();
        from.read_exact(bytes)?;
        to.write_all(bytes)?;
        seen(bytes)?;
        left -= wanted as u64;
    }
    Ok(())
}

/// Writes a manifest's box into its room and a `free` box behind it; both are outside of the hash.
fn fill_room(to: &mut File, layout: &Layout, room: u64, manifest: &[u8]) -> Result<(), Failure> {
    let free = room.checked_sub(manifest.len() as u64).filter(|free| *free >= 8);
    let size = free.and_then(|free| u32::try_from(free).ok()).ok_or_else(|| Failure::Library("NoRoom".to_owned()))?;
    to.seek(SeekFrom::Start(layout.room_at))?;
    to.write_all(manifest)?;
    to.write_all(&size.to_be_bytes())?;
    to.write_all(b"free")?;
    io::copy(&mut io::repeat(0).take(u64::from(size) - 8), to)?;
    Ok(())
}

/// Label and digest of the manifest store as it lies in the file now. Reads the boxes, not the samples.
fn signed(file: &mut File, media_type: &str) -> Result<Signed, Failure> {
    file.seek(SeekFrom::Start(0))?;
    let store = c2pa::jumbf_io::load_jumbf_from_stream(media_type, file)?;
    let reader = Reader::from_context(settings::unchecked()?).with_stream(media_type, file)?;
    let manifest = reader.active_label().unwrap_or_default().to_owned();
    Ok(Signed { manifest, manifest_sha256: Sha256::new(sha2::Sha256::digest(&store).into()) })
}

fn open(path: &Path) -> Result<File, Failure> {
    match File::open(path) {
        Ok(file) if file.metadata()?.is_file() => Ok(file),
        _ => Err(Failure::Unreadable),
    }
}

fn media(file: &mut File) -> Result<Container, Failure> {
    sniff::container(file)?.ok_or(Failure::NotMedia)
}

fn sha256_of(file: &mut File) -> Result<Sha256, Failure> {
    let mut hasher = sha2::Sha256::new();
    file.seek(SeekFrom::Start(0))?;
    let mut block = vec![0; COPY_BYTES];
    loop {
        match file.read(&mut block)? {
            0 => break,
            read => hasher.update(block.get(..read).unwrap_or_default()),
        }
    }
    Ok(Sha256::new(hasher.finalize().into()))
}

fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

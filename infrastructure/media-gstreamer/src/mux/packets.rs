//! Encoded packets in a scratch file: so that a sound is encoded once and its memory stays flat.

use crate::fault::Fault;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Larger packets are a damaged scratch file. AAC packets have at most 6,144 bits a channel.
const PACKET_BYTES_MAX: usize = 1 << 16;

/// Writes packets one after the other, each behind its length.
pub(super) struct PacketWriter {
    out: BufWriter<File>,
    /// How many were written.
    pub count: u64,
}

impl PacketWriter {
    /// Creates the file.
    pub fn create(path: &Path) -> Result<Self, Fault> {
        Ok(Self { out: BufWriter::new(File::create(path).map_err(|error| Fault::from_io(&error))?), count: 0 })
    }

    /// Appends one.
    pub fn write(&mut self, packet: &[u8]) -> Result<(), Fault> {
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX).to_le_bytes();
        let written = self.out.write_all(&length).and_then(|()| self.out.write_all(packet));
        self.count += 1;
        written.map_err(|error| Fault::from_io(&error))
    }

    /// Hands all to the system.
    pub fn finish(&mut self) -> Result<(), Fault> {
        self.out.flush().map_err(|error| Fault::from_io(&error))
    }
}

/// Reads them back.
pub(super) struct PacketReader(BufReader<File>);

impl PacketReader {
    /// At the first packet.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        Ok(Self(BufReader::new(File::open(path).map_err(|error| Fault::from_io(&error))?)))
    }

    /// The next packet.
    pub fn next(&mut self) -> Result<Vec<u8>, Fault> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).map_err(|error| Fault::from_io(&error))?;
        let length = u32::from_le_bytes(length) as usize;
        if length > PACKET_BYTES_MAX {
            return Err(Fault::broken("read encoded sound"));
        }
        let mut packet = vec![0; length];
        self.0.read_exact(&mut packet).map_err(|error| Fault::from_io(&error))?;
        Ok(packet)
    }
}

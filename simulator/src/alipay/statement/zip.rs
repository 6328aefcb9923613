//! A ZIP archive whose names are raw bytes: Alipay's are GBK without the UTF-8 flag, which the `zip` crate
//! cannot write.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

const VERSION: u16 = 20;
const DEFLATED: u16 = 8;
/// 1 January 1980, 0:00: bills do not say when they were packed.
const DOS_TIME: u32 = 0x0021_0000;

pub(super) struct File {
    pub(super) name: Vec<u8>,
    pub(super) content: Vec<u8>,
}

pub(super) fn pack(files: &[File]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for file in files {
        let offset = size_field(&archive);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(&file.content).and_then(|()| encoder.finish());
        let packed = packed.expect("a Vec takes every byte");
        let entry = zip_entry(file, &packed);
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&entry);
        archive.extend_from_slice(&file.name);
        archive.extend_from_slice(&packed);
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&entry);
        // No comment, first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(&file.name);
    }
    let n_files = u16::try_from(files.len()).expect("a bill has two files");
    let offset = size_field(&archive);
    let n_bytes = size_field(&directory);
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&n_files.to_le_bytes());
    archive.extend_from_slice(&n_files.to_le_bytes());
    archive.extend_from_slice(&n_bytes.to_le_bytes());
    archive.extend_from_slice(&offset.to_le_bytes());
    archive.extend_from_slice(&[0; 2]);
    archive
}

/// The common part of the local header and the directory, up to the lengths of name and extras.
fn zip_entry(file: &File, packed: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&file.content);
    let mut entry = Vec::with_capacity(26);
    entry.extend_from_slice(&VERSION.to_le_bytes());
    // No flags: neither a mark of UTF-8 nor sizes that follow the data.
    entry.extend_from_slice(&[0; 2]);
    entry.extend_from_slice(&DEFLATED.to_le_bytes());
    for number in [DOS_TIME, crc.sum(), size_field(packed), size_field(&file.content)] {
        entry.extend_from_slice(&number.to_le_bytes());
    }
    let n_name = u16::try_from(file.name.len()).expect("a bill's name is short");
    entry.extend_from_slice(&n_name.to_le_bytes());
    entry.extend_from_slice(&[0; 2]);
    entry
}

fn size_field(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a simulated bill is below four gigabytes")
}

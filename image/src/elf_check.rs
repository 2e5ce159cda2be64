//! Tells before the machine boots whether a file can run on it: a static ELF for x86-64.
//!
//! Field offsets are those of the System V ABI, chapter "Object Files" (ELF64 header and program header).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use thiserror::Error;

const MACHINE_X86_64: u16 = 62;
const TYPE_EXECUTABLE: u16 = 2;
const TYPE_SHARED: u16 = 3;
const SEGMENT_LOAD: u32 = 1;
const SEGMENT_INTERPRETER: u32 = 3;
const HEADER_SIZE: usize = 64;
const PROGRAM_HEADER_SIZE: u64 = 56;

/// Why a file cannot run.
#[derive(Debug, Error)]
pub enum ElfError {
    /// The host refuses to read it.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// A directory or a device.
    #[error("is not a file")]
    NotAFile,
    /// No ELF magic; a `#!` line is told apart because it is the usual mistake.
    #[error("is a script, not an ELF program: run its interpreter instead ({0})")]
    Script(String),
    /// No ELF magic.
    #[error("is not an ELF program")]
    NotElf,
    /// Class ELF32.
    #[error("is a 32-bit program: only 64-bit x86-64 programs run")]
    Bits32,
    /// Big-endian or another machine.
    #[error("is for another machine ({0}): only x86-64 programs run")]
    Machine(String),
    /// An object file, a core dump.
    #[error("is an ELF file, but not a program (type {0})")]
    Type(u16),
    /// Cut off.
    #[error("is truncated: {0}")]
    Truncated(&'static str),
    /// Asks for a dynamic linker.
    #[error(
        "is dynamically linked (it wants the interpreter {0}): only static programs run; link it with -static, \
         or for Rust with --target x86_64-unknown-linux-musl"
    )]
    Dynamic(String),
    /// Nothing to load.
    #[error("has no loadable segment")]
    Empty,
}

/// Checks the program at `path`.
///
/// # Errors
/// The first reason why it cannot run, as a message that reads after the file's name.
pub fn check(path: &Path) -> Result<(), ElfError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ElfError::NotAFile);
    }
    let mut start = vec![0; HEADER_SIZE.max(256)];
    let length = read_up_to(&file, &mut start, 0)?;
    start.truncate(length);
    let headers = header(&start)?;
    segments(&file, metadata.len(), headers)
}

/// Place and number of the program headers.
#[derive(Debug)]
struct Headers {
    offset: u64,
    count: u16,
}

fn header(bytes: &[u8]) -> Result<Headers, ElfError> {
    if bytes.get(..4) != Some(b"\x7fELF") {
        return Err(match bytes.strip_prefix(b"#!") {
            Some(rest) => {
                let line = rest.split(|&b| b == b'\n').next().unwrap_or_default();
                ElfError::Script(String::from_utf8_lossy(line).trim().to_owned())
            }
            None => ElfError::NotElf,
        });
    }
    match bytes.get(4) {
        Some(1) => return Err(ElfError::Bits32),
        Some(2) => {}
        _ => return Err(ElfError::NotElf),
    }
    if bytes.get(5) != Some(&1) {
        return Err(ElfError::Machine("big-endian".to_owned()));
    }
    if bytes.len() < HEADER_SIZE {
        return Err(ElfError::Truncated("its header is not complete"));
    }
    let machine = u16_at(bytes, 18);
    if machine != MACHINE_X86_64 {
        return Err(ElfError::Machine(machine_name(machine)));
    }
    let kind = u16_at(bytes, 16);
    if kind != TYPE_EXECUTABLE && kind != TYPE_SHARED {
        return Err(ElfError::Type(kind));
    }
    Ok(Headers {
        offset: u64_at(bytes, 32),
        count: u16_at(bytes, 56),
    })
}

fn segments(file: &File, size: u64, headers: Headers) -> Result<(), ElfError> {
    let mut loadable = false;
    let mut truncated = false;
    for index in 0..u64::from(headers.count) {
        let mut bytes = [0; PROGRAM_HEADER_SIZE as usize];
        let offset = headers.offset.saturating_add(index * PROGRAM_HEADER_SIZE);
        if read_up_to(file, &mut bytes, offset)? < bytes.len() {
            return Err(ElfError::Truncated(
                "its program headers lie beyond its end",
            ));
        }
        let (start, length) = (u64_at(&bytes, 8), u64_at(&bytes, 32));
        match u32_at(&bytes, 0) {
            SEGMENT_LOAD => {
                loadable = true;
                truncated |= start.checked_add(length).is_none_or(|end| end > size);
            }
            SEGMENT_INTERPRETER => {
                let mut name = vec![0; length.min(4096) as usize];
                let length = read_up_to(file, &mut name, start)?;
                let name = name[..length].split(|&b| b == 0).next().unwrap_or_default();
                return Err(ElfError::Dynamic(
                    String::from_utf8_lossy(name).into_owned(),
                ));
            }
            _ => {}
        }
    }
    if truncated {
        return Err(ElfError::Truncated("a segment lies beyond its end"));
    }
    if !loadable {
        return Err(ElfError::Empty);
    }
    Ok(())
}

fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == std::io::ErrorKind::InvalidInput => break,
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

fn machine_name(machine: u16) -> String {
    match machine {
        3 => "32-bit x86".to_owned(),
        40 => "ARM".to_owned(),
        183 => "AArch64".to_owned(),
        243 => "RISC-V".to_owned(),
        other => format!("ELF machine {other}"),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_bytes(bytes: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        match check(file.path()) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// A header with one program header after it.
    fn elf(machine: u16, segment: u32, file_size: u64) -> Vec<u8> {
        let mut bytes = vec![0; 120];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16..18].copy_from_slice(&2u16.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
        bytes[56..58].copy_from_slice(&1u16.to_le_bytes());
        bytes[64..68].copy_from_slice(&segment.to_le_bytes());
        bytes[96..104].copy_from_slice(&file_size.to_le_bytes());
        bytes
    }

    #[test]
    fn each_reason_is_told() {
        assert_eq!(check_bytes(&elf(62, 1, 120)), "ok");
        assert!(check_bytes(b"hello").contains("not an ELF"));
        assert!(check_bytes(b"").contains("not an ELF"));
        assert!(check_bytes(b"#!/bin/sh\n").contains("/bin/sh"));
        assert!(check_bytes(b"\x7fELF\x01\x01").contains("32-bit"));
        assert!(check_bytes(&elf(183, 1, 120)).contains("AArch64"));
        assert!(check_bytes(&elf(62, 1, 4000)).contains("truncated"));
        assert!(check_bytes(&elf(62, 1, 120)[..40]).contains("truncated"));
        assert!(check_bytes(&elf(62, 1, 120)[..100]).contains("truncated"));
        assert!(check_bytes(&elf(62, 4, 0)).contains("no loadable"));
    }

    #[test]
    fn the_interpreter_is_named() {
        let mut bytes = elf(62, 3, 9);
        bytes[72..80].copy_from_slice(&120u64.to_le_bytes());
        bytes.extend_from_slice(b"/lib/ld.x\0");
        assert!(
            check_bytes(&bytes).contains("/lib/ld.x"),
            "{}",
            check_bytes(&bytes)
        );
    }

    #[test]
    fn a_directory_is_not_a_file() {
        assert!(matches!(check(Path::new("/")), Err(ElfError::NotAFile)));
        assert!(matches!(
            check(Path::new("/no/such")),
            Err(ElfError::Unreadable(_))
        ));
    }
}

//! What QEMU hands over: the PVH start info (Xen: public/arch-x86/hvm/start_info.h).

use super::{LoadError, memory};
use alloc::{string::String, vec::Vec};
use braid_loader::map::{Kind, Region};

const MAGIC: u32 = 0x336e_c578;

/// Longest command line read, bytes.
const MAX_CMDLINE: u64 = 1 << 18;

/// The start info, copied out of the memory it lies in.
#[derive(Debug)]
pub(super) struct BootInfo {
    /// Words of QEMU's `-append`.
    pub(super) cmdline: String,
    /// The boot archive, in place.
    pub(super) archive: &'static [u8],
    /// Physical address of the ACPI root pointer.
    pub(super) rsdp: Option<u64>,
    /// The firmware's memory map.
    pub(super) memory: Vec<Region>,
}

impl BootInfo {
    /// Reads the start info at a physical address.
    ///
    /// # Errors
    /// When it is none, or there is no archive.
    pub(super) fn read(at: u32) -> Result<Self, LoadError> {
        let info = table(at.into(), 56, "the start info")?;
        if word(info, 0) as u32 != MAGIC {
            return Err(LoadError::Magic(word(info, 0) as u32));
        }
        let modules = word(info, 8) >> 32;
        let [module_list, cmdline, rsdp, memory_map] = [16, 24, 32, 40].map(|at| word(info, at));
        let map_length = word(info, 48) & 0xffff_ffff;
        if modules == 0 {
            return Err(LoadError::NoArchive);
        }
        let module = table(module_list, 32, "the module list")?;
        let archive = table(word(module, 0), word(module, 8), "the boot archive")?;
        let memory = table(memory_map, 24 * map_length, "the memory map")?;
        let region = |entry: &[u8]| Region {
            base: word(entry, 0),
            end: word(entry, 0).saturating_add(word(entry, 8)),
            kind: Kind::from_e820(word(entry, 16) as u32),
        };
        Ok(Self {
            cmdline: text(cmdline)?,
            archive,
            rsdp: Some(rsdp).filter(|&rsdp| rsdp != 0),
            memory: memory.chunks_exact(24).map(region).collect(),
        })
    }
}

fn table(at: u64, length: u64, what: &'static str) -> Result<&'static [u8], LoadError> {
    // SAFETY: L1, QEMU has put these tables into memory that nothing writes to until the memory map hands it out,
    // and what is read here is copied before, or claimed (the archive).
    unsafe { memory::bytes(at, length) }.ok_or(LoadError::Reach(what, at))
}

/// The 8 bytes at an offset; zeroes beyond the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok());
    u64::from_le_bytes(bytes.unwrap_or_default())
}

fn text(at: u64) -> Result<String, LoadError> {
    if at == 0 {
        return Ok(String::new());
    }
    let bytes = table(at, MAX_CMDLINE, "the command line")?;
    let length = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

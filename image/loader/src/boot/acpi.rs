//! Finding the MADT among the ACPI tables (ACPI 6.5, 5.2).

use super::memory;
use braid_firmware::acpi::madt::Madt;

/// Largest table that is read, bytes.
const MAX_TABLE: u64 = 1 << 20;

/// Bytes of a table header.
const HEADER: usize = 36;

/// The MADT below a root pointer; `None` when there is none or it is out of reach.
pub(super) fn madt(rsdp: u64) -> Option<Madt<'static>> {
    let root = read(rsdp, 36)?;
    if !root.starts_with(b"RSD PTR ") {
        return None;
    }
    let extended = number(root, 24, 8).filter(|&xsdt| root[15] >= 2 && xsdt != 0);
    let (list, width) = match extended {
        Some(xsdt) => (table(xsdt)?, 8),
        None => (table(number(root, 16, 4)?)?, 4),
    };
    let addresses = list.get(HEADER..)?.chunks_exact(width);
    let tables = addresses.filter_map(|address| table(number(address, 0, width)?));
    tables
        .into_iter()
        .find(|table| table.starts_with(b"APIC"))
        .map(Madt)
}

/// A table with its header, as long as the header says.
fn table(at: u64) -> Option<&'static [u8]> {
    let length = number(read(at, HEADER as u64)?, 4, 4)?;
    read(at, length.clamp(HEADER as u64, MAX_TABLE))
}

fn read(at: u64, length: u64) -> Option<&'static [u8]> {
    // SAFETY: L1, the firmware's tables are in memory that the memory map does not call usable: nothing writes there.
    unsafe { memory::bytes(at, length) }
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let mut word = [0; 8];
    word[..width].copy_from_slice(bytes.get(at..at + width)?);
    Some(u64::from_le_bytes(word))
}

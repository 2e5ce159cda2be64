//! The ACPI tables that the kernel reads (ACPI specification 6.5, chapter 5).
//!
//! Tables are found through a function that answers the bytes at a physical address, or nothing where there is no memory. Each
//! table is checked (signature, length, checksum) before its content is looked at.

pub mod fadt;
pub mod hpet;
pub mod madt;
pub mod srat;

use thiserror::Error;

/// Bytes of physical memory: `len` of them from `address`, if all of them can be read.
pub trait Physical<'a>: Fn(u64, usize) -> Option<&'a [u8]> {}
impl<'a, F: Fn(u64, usize) -> Option<&'a [u8]>> Physical<'a> for F {}

/// Length of the header that every table but the RSDP begins with.
pub const HEADER: usize = 36;
/// Longer tables than this are taken for garbage.
const LONGEST: usize = 1 << 20;

/// Why a table can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AcpiError {
    /// The address leads nowhere.
    #[error("ACPI: no memory at {0:#x}")]
    Unreadable(u64),
    /// Not the signature that should be there.
    #[error("ACPI: {0} has a wrong signature")]
    Signature(&'static str),
    /// The bytes do not add up to zero.
    #[error("ACPI: {0} has a wrong checksum")]
    Checksum(&'static str),
    /// Too short for its content, or absurdly long.
    #[error("ACPI: {0} has an impossible length")]
    Length(&'static str),
    /// The table of tables does not name it.
    #[error("ACPI: there is no {0}")]
    Missing(&'static str),
}

/// The `N` bytes at `at`.
pub(crate) fn bytes<const N: usize>(table: &[u8], at: usize) -> Option<[u8; N]> {
    table.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

/// The table of tables.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    entries: &'a [u8],
    /// 8 in an XSDT, 4 in an RSDT.
    width: usize,
}

impl<'a> Tables<'a> {
    /// Follows the RSDP at physical address `rsdp` to the XSDT, or to the RSDT where there is none.
    pub fn find(rsdp: u64, memory: &impl Physical<'a>) -> Result<Self, AcpiError> {
        let first = memory(rsdp, 20).ok_or(AcpiError::Unreadable(rsdp))?;
        if &first[..8] != b"RSD PTR " {
            return Err(AcpiError::Signature("RSDP"));
        }
        if sum(first) != 0 {
            return Err(AcpiError::Checksum("RSDP"));
        }
        if first[15] >= 2
            && let Some(whole) = memory(rsdp, 36)
            && sum(whole) == 0
            && let Some(xsdt) = bytes(whole, 24).map(u64::from_le_bytes)
            && xsdt != 0
        {
            let table = table(xsdt, "XSDT", memory)?;
            return Ok(Self {
                entries: &table[HEADER..],
                width: 8,
            });
        }
        let rsdt = bytes(first, 16).map_or(0, u32::from_le_bytes);
        let table = table(rsdt.into(), "RSDT", memory)?;
        Ok(Self {
            entries: &table[HEADER..],
            width: 4,
        })
    }

    /// The first table with this signature, header included.
    pub fn table(
        &self,
        signature: &'static str,
        memory: &impl Physical<'a>,
    ) -> Result<&'a [u8], AcpiError> {
        self.all(signature, memory)
            .next()
            .unwrap_or(Err(AcpiError::Missing(signature)))
    }

    /// All tables with this signature.
    pub fn all<'m, M: Physical<'a>>(
        &self,
        signature: &'static str,
        memory: &'m M,
    ) -> impl Iterator<Item = Result<&'a [u8], AcpiError>> + use<'a, 'm, M> {
        self.addresses()
            .filter(move |&address| memory(address, 4) == Some(signature.as_bytes()))
            .map(move |address| table(address, signature, memory))
    }

    /// The DSDT, which the FADT names.
    pub fn dsdt(
        &self,
        fadt: &fadt::Fadt<'_>,
        memory: &impl Physical<'a>,
    ) -> Result<&'a [u8], AcpiError> {
        let address = fadt.dsdt().ok_or(AcpiError::Missing("DSDT"))?;
        table(address, "DSDT", memory)
    }

    fn addresses(&self) -> impl Iterator<Item = u64> + use<'a> {
        let width = self.width;
        self.entries.chunks_exact(width).map(move |entry| {
            let mut address = [0; 8];
            address[..width].copy_from_slice(entry);
            u64::from_le_bytes(address)
        })
    }
}

/// The checked table at `address`.
fn table<'a>(
    address: u64,
    signature: &'static str,
    memory: &impl Physical<'a>,
) -> Result<&'a [u8], AcpiError> {
    let header = memory(address, HEADER).ok_or(AcpiError::Unreadable(address))?;
    if &header[..4] != signature.as_bytes() {
        return Err(AcpiError::Signature(signature));
    }
    let len = bytes(header, 4).map_or(0, u32::from_le_bytes) as usize;
    if !(HEADER..=LONGEST).contains(&len) {
        return Err(AcpiError::Length(signature));
    }
    let whole = memory(address, len).ok_or(AcpiError::Unreadable(address))?;
    if sum(whole) != 0 {
        return Err(AcpiError::Checksum(signature));
    }
    Ok(whole)
}

/// The records of a table: each begins with its type and its length, both one byte. Ends at the first record that does not
/// fit.
pub(crate) fn records(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let (&kind, &len) = (rest.first()?, rest.get(1)?);
        let len = usize::from(len);
        if len < 2 || len > rest.len() {
            return None;
        }
        let (record, after) = rest.split_at(len);
        rest = after;
        Some((kind, record))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// A table with a right header around `content`.
    pub(crate) fn sealed(signature: &str, content: &[u8]) -> Vec<u8> {
        let mut table = signature.as_bytes().to_vec();
        table.resize(HEADER, 0);
        table.extend_from_slice(content);
        let len = table.len() as u32;
        table[4..8].copy_from_slice(&len.to_le_bytes());
        table[9] = sum(&table).wrapping_neg();
        table
    }

    /// Memory at 0x1000 and up with an RSDP, an XSDT and one table.
    fn machine(table: &[u8]) -> Vec<u8> {
        let mut memory = std::vec![0; 0x3000];
        memory[..8].copy_from_slice(b"RSD PTR ");
        memory[15] = 2;
        memory[24..32].copy_from_slice(&0x2000u64.to_le_bytes());
        memory[8] = sum(&memory[..20]).wrapping_neg();
        memory[32] = sum(&memory[..36]).wrapping_neg();
        let xsdt = sealed("XSDT", &0x3000u64.to_le_bytes());
        memory[0x1000..][..xsdt.len()].copy_from_slice(&xsdt);
        memory[0x2000..][..table.len()].copy_from_slice(table);
        memory
    }

    fn read(memory: &[u8]) -> impl Physical<'_> {
        move |address, len| {
            let at = usize::try_from(address).ok()?.checked_sub(0x1000)?;
            memory.get(at..at.checked_add(len)?)
        }
    }

    #[test]
    fn tables_are_found_by_name() {
        let memory = machine(&sealed("APIC", b"content"));
        let tables = Tables::find(0x1000, &read(&memory)).unwrap();
        assert_eq!(
            &tables.table("APIC", &read(&memory)).unwrap()[HEADER..],
            b"content"
        );
        assert_eq!(
            tables.table("SRAT", &read(&memory)),
            Err(AcpiError::Missing("SRAT"))
        );
    }

    #[test]
    fn broken_tables_are_named() {
        let mut memory = machine(&sealed("APIC", b"content"));
        memory[0x2000 + HEADER] ^= 1;
        let tables = Tables::find(0x1000, &read(&memory)).unwrap();
        assert_eq!(
            tables.table("APIC", &read(&memory)),
            Err(AcpiError::Checksum("APIC"))
        );
        memory[0] = 0;
        assert_eq!(
            Tables::find(0x1000, &read(&memory)).unwrap_err(),
            AcpiError::Signature("RSDP")
        );
        assert_eq!(
            Tables::find(0x10, &read(&memory)).unwrap_err(),
            AcpiError::Unreadable(0x10)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(
            changes in proptest::collection::vec((0usize..0x2100, any::<u8>()), 0..12)
        ) {
            let mut memory = machine(&sealed("APIC", &[0; 64]));
            for (at, byte) in changes {
                memory[at] = byte;
            }
            if let Ok(tables) = Tables::find(0x1000, &read(&memory)) {
                let _ = tables.table("APIC", &read(&memory));
            }
        }

        #[test]
        fn records_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let total: usize = records(&bytes).map(|(_, record)| record.len()).sum();
            prop_assert!(total <= bytes.len());
        }
    }
}

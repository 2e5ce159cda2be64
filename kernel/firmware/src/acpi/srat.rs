//! The SRAT: which node cores and memory belong to (ACPI 6.5, 5.2.16).

use super::{HEADER, bytes, records};

/// Memory of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAffinity {
    /// Proximity domain.
    pub node: u32,
    /// Physical address of the first byte.
    pub start: u64,
    /// Bytes.
    pub len: u64,
}

/// A core of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreAffinity {
    /// Proximity domain.
    pub node: u32,
    /// Local (x2)APIC id.
    pub apic_id: u32,
}

/// An SRAT, whole with its header.
#[derive(Clone, Copy, Debug)]
pub struct Srat<'a>(pub &'a [u8]);

impl<'a> Srat<'a> {
    fn records(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        // Twelve reserved bytes come before the records.
        records(self.0.get(HEADER + 12..).unwrap_or(&[]))
    }

    /// The enabled ranges of memory; ranges that would wrap around are left out.
    pub fn memory(&self) -> impl Iterator<Item = MemoryAffinity> + use<'a> {
        self.records()
            .filter(|&(kind, _)| kind == 1)
            .filter_map(|(_, record)| {
                let enabled = u32::from_le_bytes(bytes(record, 28)?) & 1 != 0;
                let start = u64::from_le_bytes(bytes(record, 8)?);
                let len = u64::from_le_bytes(bytes(record, 16)?);
                start.checked_add(len).filter(|_| enabled && len != 0)?;
                Some(MemoryAffinity {
                    node: u32::from_le_bytes(bytes(record, 2)?),
                    start,
                    len,
                })
            })
    }

    /// The enabled cores.
    pub fn cores(&self) -> impl Iterator<Item = CoreAffinity> + use<'a> {
        self.records().filter_map(|(kind, record)| {
            let (node, apic_id, flags) = match kind {
                0 => {
                    let [low] = bytes(record, 2)?;
                    let [a, b, c] = bytes(record, 9)?;
                    let [apic_id] = bytes(record, 3)?;
                    (
                        u32::from_le_bytes([low, a, b, c]),
                        apic_id.into(),
                        bytes(record, 4)?,
                    )
                }
                2 => (
                    u32::from_le_bytes(bytes(record, 4)?),
                    u32::from_le_bytes(bytes(record, 8)?),
                    bytes(record, 12)?,
                ),
                _ => return None,
            };
            (u32::from_le_bytes(flags) & 1 != 0).then_some(CoreAffinity { node, apic_id })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sealed;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn memory_record(node: u32, start: u64, len: u64, flags: u32) -> Vec<u8> {
        let mut record = std::vec![1, 40];
        record.extend(node.to_le_bytes());
        record.extend([0, 0]);
        record.extend(start.to_le_bytes());
        record.extend(len.to_le_bytes());
        record.extend([0; 4]);
        record.extend(flags.to_le_bytes());
        record.resize(40, 0);
        record
    }

    #[test]
    fn nodes_of_cores_and_memory_are_read() {
        let mut content = std::vec![0; 12];
        content.extend([0, 16, 1, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        content.extend([2, 24, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0]);
        content.resize(content.len() + 8, 0);
        content.extend(memory_record(1, 0x10_0000, 0x20_0000, 1));
        content.extend(memory_record(2, 0x10_0000, 0x20_0000, 0));
        content.extend(memory_record(2, u64::MAX, 2, 1));
        let table = sealed("SRAT", &content);
        let srat = Srat(&table);
        assert_eq!(
            srat.cores().collect::<Vec<_>>(),
            [
                CoreAffinity {
                    node: 1,
                    apic_id: 7
                },
                CoreAffinity {
                    node: 3,
                    apic_id: 0x100
                }
            ]
        );
        assert_eq!(
            srat.memory().collect::<Vec<_>>(),
            [MemoryAffinity {
                node: 1,
                start: 0x10_0000,
                len: 0x20_0000
            }]
        );
    }

    proptest! {
        #[test]
        fn no_table_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let srat = Srat(&bytes);
            let _ = (srat.memory().count(), srat.cores().count());
        }
    }
}

//! The MADT: interrupt controllers and how the old interrupt lines reach them (ACPI 6.5, 5.2.12).

use super::{HEADER, bytes, records};

/// An I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Physical address of its registers.
    pub address: u64,
    /// The first global system interrupt that it takes.
    pub first: u32,
}

/// Where an ISA interrupt line leads, and how it signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Global system interrupt.
    pub gsi: u32,
    /// Asserted when low.
    pub active_low: bool,
    /// Level, not edge.
    pub level: bool,
}

/// A processor that may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Its ACPI number.
    pub uid: u32,
    /// The number of its local APIC.
    pub apic_id: u32,
}

impl Processor {
    /// The processor of a record, if its flags say that it is enabled (bit 0): one that may only be plugged in later ("online capable")
    /// would not answer.
    fn of(kind: u8, record: &[u8]) -> Option<Self> {
        let byte = |at: usize| record.get(at).copied().map(u32::from);
        let word = |at: usize| bytes(record, at).map(u32::from_le_bytes);
        let (uid, apic_id, flags) = match kind {
            0 => (byte(2)?, byte(3)?, word(4)?),
            9 => (word(12)?, word(4)?, word(8)?),
            _ => return None,
        };
        (flags & 1 != 0).then_some(Self { uid, apic_id })
    }
}

/// A MADT, whole with its header.
#[derive(Clone, Copy, Debug)]
pub struct Madt<'a>(pub &'a [u8]);

impl<'a> Madt<'a> {
    fn records(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        // Address of the local APIC and flags come before the records.
        records(self.0.get(HEADER + 8..).unwrap_or(&[]))
    }

    /// The enabled processors in the order of the table, each APIC's number once.
    pub fn processors(&self) -> impl Iterator<Item = Processor> + use<'a> {
        let all = self.records().enumerate();
        let madt = *self;
        all.filter_map(move |(index, (kind, record))| {
            let processor = Processor::of(kind, record)?;
            let mut earlier = madt.records().take(index);
            let is_known = earlier.any(|(kind, record)| {
                Processor::of(kind, record).is_some_and(|other| other.apic_id == processor.apic_id)
            });
            (!is_known).then_some(processor)
        })
    }

    /// The I/O APICs.
    pub fn io_apics(&self) -> impl Iterator<Item = IoApic> + use<'a> {
        self.records()
            .filter(|&(kind, _)| kind == 1)
            .filter_map(|(_, record)| {
                Some(IoApic {
                    address: u32::from_le_bytes(bytes(record, 4)?).into(),
                    first: u32::from_le_bytes(bytes(record, 8)?),
                })
            })
    }

    /// Where the ISA interrupt `irq` leads: as an override says, else to the interrupt of the same number, active high, edge.
    pub fn isa(&self, irq: u8) -> Line {
        self.records()
            .filter(|&(kind, record)| kind == 2 && record.get(3) == Some(&irq))
            .find_map(|(_, record)| {
                let flags = u16::from_le_bytes(bytes(record, 8)?);
                Some(Line {
                    gsi: u32::from_le_bytes(bytes(record, 4)?),
                    active_low: flags & 3 == 3,
                    level: flags >> 2 & 3 == 3,
                })
            })
            .unwrap_or(Line {
                gsi: irq.into(),
                active_low: false,
                level: false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sealed;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn the_table_of_a_pc_reads_as_it_should() {
        let mut content = 0xfee0_0000u32.to_le_bytes().to_vec();
        content.extend([1, 0, 0, 0]);
        content.extend([1, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 0, 0, 0, 0]);
        content.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
        content.extend([2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0]);
        let table = sealed("APIC", &content);
        let madt = Madt(&table);
        assert_eq!(
            madt.io_apics().collect::<Vec<_>>(),
            [IoApic {
                address: 0xfec0_0000,
                first: 0
            }]
        );
        assert_eq!(
            madt.isa(0),
            Line {
                gsi: 2,
                active_low: false,
                level: false
            }
        );
        assert_eq!(
            madt.isa(3),
            Line {
                gsi: 3,
                active_low: false,
                level: false
            }
        );
        assert_eq!(
            madt.isa(9),
            Line {
                gsi: 9,
                active_low: true,
                level: true
            }
        );
    }

    #[test]
    fn enabled_processors_are_listed_once() {
        let mut content = [0; 8].to_vec();
        content.extend([0, 8, 7, 0, 1, 0, 0, 0]);
        content.extend([0, 8, 8, 1, 0, 0, 0, 0]);
        content.extend([0, 8, 9, 2, 2, 0, 0, 0]);
        content.extend([4, 6, 0xff, 0, 0, 1]);
        content.extend([9, 16, 0, 0, 0x2c, 1, 0, 0, 1, 0, 0, 0, 44, 1, 0, 0]);
        content.extend([0, 8, 7, 0, 1, 0, 0, 0]);
        let table = sealed("APIC", &content);
        let found: Vec<_> = Madt(&table).processors().collect();
        let processor = |uid, apic_id| Processor { uid, apic_id };
        assert_eq!(found, [processor(7, 0), processor(300, 300)]);
    }

    proptest! {
        #[test]
        fn no_table_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let madt = Madt(&bytes);
            let _ = (madt.io_apics().count(), madt.isa(4));
            let mut numbers: Vec<_> = madt.processors().map(|processor| processor.apic_id).collect();
            let listed = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(numbers.len(), listed);
        }
    }
}

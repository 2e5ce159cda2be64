//! The processors of the machine: the ACPI Multiple APIC Description Table (ACPI 6.5, 5.2.12).

use alloc::vec::Vec;

/// Length of the table header and of the fields before the list.
const LIST: usize = 44;

/// A processor that may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// ACPI processor UID.
    pub uid: u32,
    /// Local APIC ID.
    pub apic_id: u32,
}

/// What the table says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Madt {
    /// Enabled processors in the order of the table, each APIC ID once.
    pub processors: Vec<Processor>,
    /// Physical addresses of the I/O APICs.
    pub io_apics: Vec<u32>,
}

impl Madt {
    /// Reads a table (header included). Entries that make no sense end the list.
    pub fn parse(table: &[u8]) -> Self {
        let mut madt = Self::default();
        let mut rest = table.get(LIST..).unwrap_or_default();
        while let [kind, length, ..] = *rest {
            let Some((entry, next)) = rest.split_at_checked(usize::from(length)) else {
                break;
            };
            if entry.len() < 2 {
                break;
            }
            madt.add(kind, entry);
            rest = next;
        }
        madt
    }

    fn add(&mut self, kind: u8, entry: &[u8]) {
        let byte = |at: usize| entry.get(at).copied().map(u32::from);
        match kind {
            0 => self.processor(byte(2), byte(3), word(entry, 4)),
            1 => self.io_apics.extend(word(entry, 4)),
            9 => self.processor(word(entry, 12), word(entry, 4), word(entry, 8)),
            _ => {}
        }
    }

    /// Adds a processor whose flags say that it is enabled (bit 0). One that may only be plugged in later
    /// ("online capable") would not answer.
    fn processor(&mut self, uid: Option<u32>, apic_id: Option<u32>, flags: Option<u32>) {
        let (Some(uid), Some(apic_id), Some(flags)) = (uid, apic_id, flags) else {
            return;
        };
        if flags & 1 != 0 && !self.processors.iter().any(|p| p.apic_id == apic_id) {
            self.processors.push(Processor { uid, apic_id });
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn sample() -> Vec<u8> {
        let mut table = vec![0; LIST];
        table.extend([0, 8, 7, 0, 1, 0, 0, 0]);
        table.extend([0, 8, 8, 1, 0, 0, 0, 0]);
        table.extend([0, 8, 9, 2, 2, 0, 0, 0]);
        table.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
        table.extend([4, 6, 0xff, 0, 0, 1]);
        table.extend([9, 16, 0, 0, 0x2c, 1, 0, 0, 1, 0, 0, 0, 44, 1, 0, 0]);
        table.extend([0, 8, 7, 0, 1, 0, 0, 0]);
        table
    }

    #[test]
    fn lists_enabled_processors_once() {
        let madt = Madt::parse(&sample());
        let expected = vec![
            Processor { uid: 7, apic_id: 0 },
            Processor {
                uid: 300,
                apic_id: 300,
            },
        ];
        assert_eq!(madt.processors, expected);
        assert_eq!(madt.io_apics, vec![0xfec0_0000]);
    }

    #[test]
    fn damage_never_panics() {
        let table = sample();
        for length in 0..table.len() {
            Madt::parse(&table[..length]);
        }
        for position in LIST..table.len() {
            for value in [0, 1, 2, 9, 0xff] {
                let mut damaged = table.clone();
                damaged[position] = value;
                Madt::parse(&damaged);
            }
        }
    }
}

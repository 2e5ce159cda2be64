//! The FADT: fixed hardware (ACPI 6.5, 5.2.9).

use super::{HEADER, bytes};

/// A FADT, whole with its header.
#[derive(Clone, Copy, Debug)]
pub struct Fadt<'a>(pub &'a [u8]);

/// Where a register is (ACPI 6.5, 5.2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// An I/O port.
    Port(u16),
    /// A byte of memory.
    Memory(u64),
}

/// How to reset the machine: a byte to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The register.
    pub register: Register,
    /// What is written to it.
    pub value: u8,
}

impl Fadt<'_> {
    /// The I/O port of the ACPI timer, where there is one.
    pub fn timer(&self) -> Option<u16> {
        self.port(208, 76)
    }

    /// How to power the machine off, given the code (the DSDT or an SSDT) that describes the sleep states.
    pub fn off_switch(&self, code: &[u8]) -> Option<OffSwitch> {
        let (first, second) = sleep_types(code.get(HEADER..)?)?;
        Some(OffSwitch {
            first: (self.port(172, 64)?, first),
            second: self.port(184, 68).map(|port| (port, second)),
            enable: self.enable(),
        })
    }

    /// How to reset the machine (ACPI 6.5, 4.8.3.6).
    pub fn reset(&self) -> Option<Reset> {
        const SUPPORTED: u32 = 1 << 10;
        let flags = u32::from_le_bytes(bytes(self.0, 112)?);
        let [value] = bytes(self.0, 128)?;
        let register = self.register(116).filter(|_| flags & SUPPORTED != 0)?;
        Some(Reset { register, value })
    }

    /// Physical address of the DSDT.
    pub fn dsdt(&self) -> Option<u64> {
        let long = bytes(self.0, 140).map_or(0, u64::from_le_bytes);
        match long {
            0 => bytes(self.0, 40).map(|address| u32::from_le_bytes(address).into()),
            long => Some(long),
        }
    }

    /// What has to be written where before the PM1 control registers count (ACPI 6.5, 4.8.2.5); nothing where the hardware is
    /// always in ACPI mode.
    fn enable(&self) -> Option<(u16, u8)> {
        let port = u16::try_from(u32::from_le_bytes(bytes(self.0, 48)?)).ok()?;
        let [value] = bytes(self.0, 52)?;
        (port != 0 && value != 0).then_some((port, value))
    }

    /// The I/O port in the address structure at `long`, or else in the old field at `short`.
    fn port(&self, long: usize, short: usize) -> Option<u16> {
        if let Some(Register::Port(port)) = self.register(long) {
            return Some(port);
        }
        let port = u32::from_le_bytes(bytes(self.0, short)?);
        u16::try_from(port).ok().filter(|&port| port != 0)
    }

    fn register(&self, at: usize) -> Option<Register> {
        let [space] = bytes(self.0, at)?;
        let address = u64::from_le_bytes(bytes(self.0, at + 4)?);
        match (space, address) {
            (_, 0) => None,
            (0, address) => Some(Register::Memory(address)),
            (1, address) => u16::try_from(address).ok().map(Register::Port),
            _ => None,
        }
    }
}

/// The PM1 control registers and the sleep types for soft-off (ACPI 6.5, 4.8.3.2 and 7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffSwitch {
    first: (u16, u8),
    second: Option<(u16, u8)>,
    /// Port and byte that turn ACPI mode on, where it may be off: bit 0 of the first control register then is 0.
    pub enable: Option<(u16, u8)>,
}

impl OffSwitch {
    /// The first control register, whose bit 0 tells whether ACPI mode is on.
    #[must_use]
    pub fn control(&self) -> u16 {
        self.first.0
    }

    /// The control registers, and the bits that change in each: first the sleep type alone, then with the bit that starts it.
    pub fn writes(&self) -> impl Iterator<Item = Write> + use<> {
        const ENABLE: u16 = 1 << 13;
        let Self { first, second, .. } = *self;
        let both = move || [Some(first), second].into_iter().flatten();
        let write = |(port, kind): (u16, u8), start: u16| Write {
            port,
            clear: 7 << 10 | ENABLE,
            set: u16::from(kind) << 10 | start,
        };
        let types = both().map(move |register| write(register, 0));
        types.chain(both().map(move |register| write(register, ENABLE)))
    }
}

/// A change of a 16-bit register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// I/O port.
    pub port: u16,
    /// Bits that become 0 first.
    pub clear: u16,
    /// Bits that then become 1.
    pub set: u16,
}

/// Finds `Name (_S5, Package () { a, b, .. })` in AML: the name, a package, its length and number of elements, and the
/// first two elements, which are constants (ACPI 6.5, 20.2).
fn sleep_types(aml: &[u8]) -> Option<(u8, u8)> {
    const NAME: &[u8] = b"_S5_";
    let places = aml.windows(NAME.len()).enumerate();
    let places = places.filter(|(_, name)| *name == NAME);
    places
        .map(|(at, _)| at + NAME.len())
        .find_map(|at| package(aml.get(at..)?))
}

fn package(aml: &[u8]) -> Option<(u8, u8)> {
    const PACKAGE: u8 = 0x12;
    let (&code, rest) = aml.split_first()?;
    if code != PACKAGE {
        return None;
    }
    // The length takes one byte, and as many more as its two upper bits say.
    let more = usize::from(rest.first()? >> 6);
    let (first, rest) = constant(rest.get(more + 2..)?)?;
    // A package of one element means it for both.
    let second = constant(rest).map_or(first, |(second, _)| second);
    Some((first & 7, second & 7))
}

/// ZeroOp, OneOp, or a byte, word or double word, of which the lowest byte counts.
fn constant(aml: &[u8]) -> Option<(u8, &[u8])> {
    let (&code, rest) = aml.split_first()?;
    let size = match code {
        0 | 1 => return Some((code, rest)),
        0x0a => 1,
        0x0b => 2,
        0x0c => 4,
        _ => return None,
    };
    Some((*rest.first()?, rest.get(size..)?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::sealed;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const OFF: &[u8] = b"\x08_S5_\x12\x07\x04\x0a\x05\x00\x00\x00";

    /// A FADT of this length with these bytes, at offsets from the table's beginning.
    fn fadt(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
        let mut content = std::vec![0; len - HEADER];
        for (at, bytes) in fields {
            content[at - HEADER..][..bytes.len()].copy_from_slice(bytes);
        }
        sealed("FACP", &content)
    }

    #[test]
    fn old_tables_have_ports() {
        let table = fadt(116, &[(76, &[8, 6]), (64, &[4, 6]), (40, &[0, 0, 0x10])]);
        assert_eq!(Fadt(&table).timer(), Some(0x608));
        assert_eq!(Fadt(&table[..60]).timer(), None);
        assert_eq!(Fadt(&table).dsdt(), Some(0x10_0000));
        assert_eq!(Fadt(&table).reset(), None);
        let switch = Fadt(&table).off_switch(&sealed("DSDT", OFF)).unwrap();
        assert_eq!((switch.control(), switch.enable), (0x604, None));
    }

    #[test]
    fn new_tables_have_addresses() {
        let port = |port: u8| [1, 16, 0, 2, port, 6, 0, 0, 0, 0, 0, 0];
        let table = fadt(
            268,
            &[
                (48, &[0xb2, 0, 0, 0, 2]),
                (64, &[4, 5]),
                (112, &[0, 4]),
                (116, &[1, 8, 0, 1, 0xf9, 0xc, 0, 0, 0, 0, 0, 0, 0xf]),
                (140, &[0, 0, 0, 0, 1]),
                (172, &port(4)),
                (208, &port(8)),
            ],
        );
        let fadt = Fadt(&table);
        assert_eq!(fadt.timer(), Some(0x608));
        assert_eq!(fadt.dsdt(), Some(1 << 32));
        let reset = Reset {
            register: Register::Port(0xcf9),
            value: 0xf,
        };
        assert_eq!(fadt.reset(), Some(reset));
        let switch = fadt.off_switch(&sealed("SSDT", OFF)).unwrap();
        assert_eq!((switch.control(), switch.enable), (0x604, Some((0xb2, 2))));
        let sets: Vec<(u16, u16)> = switch
            .writes()
            .map(|write| (write.port, write.set))
            .collect();
        assert_eq!(sets, [(0x604, 5 << 10), (0x604, 5 << 10 | 1 << 13)]);
    }

    #[test]
    fn sleep_types_come_in_all_sizes() {
        for (aml, types) in [
            (&b"_S5_\x12\x06\x02\x0a\x05\x0a\x06"[..], Some((5, 6))),
            (b"_S5_\x12\x08\x02\x0b\x05\x00\x0b\x06\x00", Some((5, 6))),
            (b"_S5_\x12\x0c\x02\x0c\x07\0\0\0\x01", Some((7, 1))),
            (b"_S5_\x12\x04\x01\x0a\x05", Some((5, 5))),
            (b"_S5_\x70_S5_\x12\x04\x01\x01", Some((1, 1))),
            (b"_S5_\x12\x04\x01\x70", None),
            (b"_S4_\x12\x04\x01\x01", None),
        ] {
            assert_eq!(sleep_types(aml), types, "{aml:?}");
        }
    }

    proptest! {
        #[test]
        fn no_table_is_too_much(
            table in proptest::collection::vec(any::<u8>(), 0..300),
            mut aml in proptest::collection::vec(any::<u8>(), 0..60),
            at in 0usize..60,
        ) {
            let fadt = Fadt(&table);
            let _ = (fadt.timer(), fadt.reset(), fadt.dsdt());
            let at = at.min(aml.len());
            aml.splice(at..at, *b"_S5_\x12");
            let code = sealed("DSDT", &aml);
            if let Some(switch) = fadt.off_switch(&code) {
                prop_assert!(switch.writes().count() <= 4);
            }
        }
    }
}

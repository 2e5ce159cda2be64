//! The FADT: fixed hardware (ACPI 6.5, 5.2.9).

use super::{HEADER, bytes};

/// A FADT, whole with its header.
#[derive(Clone, Copy, Debug)]
pub struct Fadt<'a>(pub &'a [u8]);

impl Fadt<'_> {
    /// The I/O port of the ACPI timer, where there is one.
    pub fn timer(&self) -> Option<u16> {
        self.port(76)
    }

    /// How to power the machine off, given the DSDT.
    pub fn off_switch(&self, dsdt: &[u8]) -> Option<OffSwitch> {
        let (first, second) = sleep_types(dsdt.get(HEADER..)?)?;
        Some(OffSwitch {
            first: (self.port(64)?, first),
            second: self.port(68).map(|port| (port, second)),
        })
    }

    /// Physical address of the DSDT.
    pub fn dsdt(&self) -> Option<u64> {
        bytes(self.0, 40).map(|address| u32::from_le_bytes(address).into())
    }

    fn port(&self, at: usize) -> Option<u16> {
        let port = u32::from_le_bytes(bytes(self.0, at)?);
        u16::try_from(port).ok().filter(|&port| port != 0)
    }
}

/// The PM1 control registers and the sleep types for soft-off (ACPI 6.5, 4.8.3.2 and 7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffSwitch {
    first: (u16, u8),
    second: Option<(u16, u8)>,
}

impl OffSwitch {
    /// What is to be written: I/O port and 16-bit value, in order.
    pub fn writes(&self) -> impl Iterator<Item = (u16, u16)> + use<> {
        const ENABLE: u16 = 1 << 13;
        let both = [Some(self.first), self.second];
        let words = both.into_iter().flatten();
        words.map(|(port, kind)| (port, u16::from(kind) << 10 | ENABLE))
    }
}

/// Finds `Name (_S5, Package () { a, b, .. })` in AML: the name, a package, its length and number of elements, and the
/// first two elements, which are small constants (ACPI 6.5, 20.2).
fn sleep_types(aml: &[u8]) -> Option<(u8, u8)> {
    const PACKAGE: u8 = 0x12;
    let at = aml.windows(4).position(|name| name == b"_S5_")? + 4;
    let (&code, rest) = aml.get(at..)?.split_first()?;
    if code != PACKAGE {
        return None;
    }
    // The length takes one byte, and as many more as its two upper bits say.
    let more = usize::from(rest.first()? >> 6);
    let (first, rest) = constant(rest.get(more + 2..)?)?;
    let (second, _) = constant(rest)?;
    Some((first & 7, second & 7))
}

/// ZeroOp, OneOp or a byte.
fn constant(aml: &[u8]) -> Option<(u8, &[u8])> {
    const BYTE: u8 = 0x0a;
    match *aml {
        [value @ (0 | 1), ref rest @ ..] => Some((value, rest)),
        [BYTE, value, ref rest @ ..] => Some((value, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sealed;
    use super::*;

    #[test]
    fn ports_are_where_they_belong() {
        let mut content = std::vec![0; 80];
        content[76 - 36..78 - 36].copy_from_slice(&0x608u16.to_le_bytes());
        content[64 - 36..66 - 36].copy_from_slice(&0x604u16.to_le_bytes());
        let table = sealed("FACP", &content);
        assert_eq!(Fadt(&table).timer(), Some(0x608));
        assert_eq!(Fadt(&table[..60]).timer(), None);
    }

    #[test]
    fn soft_off_is_found_in_the_dsdt() {
        let mut content = std::vec![0; 80];
        content[64 - 36..66 - 36].copy_from_slice(&0x604u16.to_le_bytes());
        let table = sealed("FACP", &content);
        let aml = b"\x08_S5_\x12\x07\x04\x0a\x05\x00\x00\x00";
        let dsdt = sealed("DSDT", aml);
        let switch = Fadt(&table).off_switch(&dsdt).unwrap();
        assert_eq!(
            switch.writes().collect::<std::vec::Vec<_>>(),
            [(0x604, 5 << 10 | 1 << 13)]
        );
        for len in 0..dsdt.len() - 3 {
            let _ = Fadt(&table).off_switch(&dsdt[..len]);
        }
    }
}

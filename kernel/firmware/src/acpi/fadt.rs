//! The FADT: fixed hardware (ACPI 6.5, 5.2.9).

use super::bytes;

/// A FADT, whole with its header.
#[derive(Clone, Copy, Debug)]
pub struct Fadt<'a>(pub &'a [u8]);

impl Fadt<'_> {
    /// The I/O port of the ACPI timer, where there is one.
    pub fn timer(&self) -> Option<u16> {
        self.port(76)
    }

    /// The I/O ports of the PM1a and PM1b control registers, where there are any.
    pub fn control(&self) -> (Option<u16>, Option<u16>) {
        (self.port(64), self.port(68))
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
        assert_eq!(Fadt(&table).control(), (Some(0x604), None));
        assert_eq!(Fadt(&table[..60]).timer(), None);
    }
}

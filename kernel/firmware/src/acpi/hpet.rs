//! The HPET table (IA-PC HPET Specification 1.0a, 3.2.4).

use super::bytes;

/// An HPET table, whole with its header.
#[derive(Clone, Copy, Debug)]
pub struct Hpet<'a>(pub &'a [u8]);

impl Hpet<'_> {
    /// Physical address of the registers; `None` when they are not in memory.
    #[must_use]
    pub fn address(&self) -> Option<u64> {
        const MEMORY: u8 = 0;
        let [space] = bytes(self.0, 40)?;
        let address = u64::from_le_bytes(bytes(self.0, 44)?);
        (space == MEMORY && address != 0 && address.is_multiple_of(8)).then_some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sealed;
    use super::*;

    #[test]
    fn registers_are_in_memory() {
        let mut content = std::vec![0; 20];
        content[8..16].copy_from_slice(&0xfed0_0000u64.to_le_bytes());
        assert_eq!(Hpet(&sealed("HPET", &content)).address(), Some(0xfed0_0000));
        content[4] = 1;
        let table = sealed("HPET", &content);
        assert_eq!(Hpet(&table).address(), None);
        for len in 0..table.len() {
            assert_eq!(Hpet(&table[..len]).address(), None);
        }
    }
}

//! Marks: instructions that do nothing, told from all others by the number in them.
//!
//! A mark is `nop dword ptr [rax + N]`, of seven bytes: 0F 1F 80, then N (Intel SDM volume 2, NOP). The upper half of N says
//! that it is a mark, the next byte which kind, the last one belongs to the kind. It costs a processor one instruction, and
//! nothing else; the plug-in finds it when QEMU translates the instruction, whatever the kernel.

/// The upper half of N.
const MAGIC: u32 = 0x6272;
/// Bytes of a mark.
pub const SIZE: usize = 7;
const NOP: [u8; 3] = [0x0f, 0x1f, 0x80];

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The process begins its part of the region with this number.
    Begin(u8),
    /// It has ended it.
    End,
    /// It has done one operation.
    Operation,
}

impl Mark {
    const fn kind(self) -> (u8, u8) {
        match self {
            Mark::Begin(region) => (1, region),
            Mark::End => (2, 0),
            Mark::Operation => (3, 0),
        }
    }

    /// The number in the instruction.
    #[must_use]
    pub const fn number(self) -> u32 {
        let (kind, value) = self.kind();
        MAGIC << 16 | (kind as u32) << 8 | value as u32
    }

    /// Which mark these bytes of an instruction are.
    #[must_use]
    pub fn read(instruction: &[u8]) -> Option<Mark> {
        let number = instruction.strip_prefix(&NOP)?;
        let number = u32::from_le_bytes(number.try_into().ok()?);
        if number >> 16 != MAGIC {
            return None;
        }
        let [value, kind, ..] = number.to_le_bytes();
        let mark = match kind {
            1 => Mark::Begin(value),
            2 => Mark::End,
            3 => Mark::Operation,
            _ => return None,
        };
        (mark.number() == number).then_some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_other_instructions() {
        for mark in [Mark::Begin(0), Mark::Begin(255), Mark::End, Mark::Operation] {
            let mut bytes = NOP.to_vec();
            bytes.extend(mark.number().to_le_bytes());
            assert_eq!(bytes.len(), SIZE);
            assert_eq!(Mark::read(&bytes), Some(mark));
            assert_eq!(Mark::read(&bytes[..6]), None);
        }
        // Assemblers align code with these.
        assert_eq!(Mark::read(&[0x0f, 0x1f, 0x80, 0, 0, 0, 0]), None);
        assert_eq!(Mark::read(&[0x0f, 0x1f, 0x80, 1, 2, 0x72, 0x62]), None);
        assert_eq!(Mark::read(&[0x90]), None);
    }
}

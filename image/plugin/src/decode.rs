//! Instructions that mean something here, told by their bytes (Intel SDM vol. 2).

use braid_bench::mark::Mark;

/// What an instruction is to the plug-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// A mark of the benchmark program.
    Mark(Mark),
    /// `invlpg`, or a write of CR3.
    TlbFlush,
}

/// What the instruction with these bytes is, if it is special.
pub(crate) fn special(bytes: &[u8]) -> Option<Special> {
    if is_tlb_flush(bytes) {
        return Some(Special::TlbFlush);
    }
    Mark::read(bytes).map(Special::Mark)
}

fn is_tlb_flush(bytes: &[u8]) -> bool {
    match bytes {
        // REX prefixes name the upper registers.
        [0x40..=0x4f, rest @ ..] => is_tlb_flush(rest),
        // invlpg is 0f 01 /7 with a memory operand.
        [0x0f, 0x01, modrm, ..] => modrm >> 6 != 3 && modrm >> 3 & 7 == 7,
        // mov cr3, r64 is 0f 22 /3.
        [0x0f, 0x22, modrm, ..] => modrm >> 3 & 7 == 3,
        _ => false,
    }
}

/// What a block's last or any instruction says about the processor's interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// `sti`: interrupts come in after the block, which this instruction ends.
    pub opens: bool,
    /// `cli`: interrupts were let in before.
    pub closes: bool,
    /// `pause`: the block belongs to a loop that waits for another processor.
    pub waits: bool,
}

impl Gate {
    /// Adds what the instruction with these bytes says.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.opens |= bytes == [0xfb];
        self.closes |= bytes == [0xfa];
        self.waits |= bytes == [0xf3, 0x90];
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, Special, special};
    use braid_bench::mark::Mark;

    #[test]
    fn marks_are_no_operations_with_a_number() {
        let mut bytes = vec![0x0f, 0x1f, 0x80];
        bytes.extend(Mark::Begin(7).number().to_le_bytes());
        assert_eq!(special(&bytes), Some(Special::Mark(Mark::Begin(7))));
        assert_eq!(special(b"\x0f\x1f\x80\0\0\0\0"), None);
    }

    #[test]
    fn a_block_lets_interrupts_in_or_waits() {
        let gate = |instructions: &[&[u8]]| {
            let mut gate = Gate::default();
            instructions.iter().for_each(|bytes| gate.add(bytes));
            (gate.opens, gate.closes, gate.waits)
        };
        assert_eq!(gate(&[&[0x90], &[0xfb]]), (true, false, false));
        assert_eq!(gate(&[&[0x90], &[0xfa]]), (false, true, false));
        assert_eq!(gate(&[&[0xf3, 0x90], &[0xc3]]), (false, false, true));
        assert_eq!(gate(&[&[0xf3, 0xc3], &[0x90]]), (false, false, false));
    }

    #[test]
    fn flushes_are_found_with_every_register() {
        let flushes: [&[u8]; 5] = [
            &[0x0f, 0x01, 0x38],       // invlpg [rax]
            &[0x41, 0x0f, 0x01, 0x3f], // invlpg [r15]
            &[0x0f, 0x22, 0xd8],       // mov cr3, rax
            &[0x0f, 0x22, 0xdf],       // mov cr3, rdi
            &[0x41, 0x0f, 0x22, 0xdf], // mov cr3, r15
        ];
        for bytes in flushes {
            assert_eq!(special(bytes), Some(Special::TlbFlush), "{bytes:x?}");
        }
        let others: [&[u8]; 5] = [
            &[0x0f, 0x01, 0xf8], // swapgs
            &[0x0f, 0x01, 0x30], // lmsw [rax]
            &[0x0f, 0x22, 0xc0], // mov cr0, rax
            &[0x0f, 0x20, 0xd8], // mov rax, cr3
            &[],
        ];
        for bytes in others {
            assert_eq!(special(bytes), None, "{bytes:x?}");
        }
    }
}

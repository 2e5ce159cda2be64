//! Instructions that mean something here, told by their bytes (Intel SDM vol. 2).

/// What an instruction is to the plug-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// The next instruction reads a byte at the address of the region that begins.
    Begin,
    /// The next instruction reads a byte at the address of the region that ends.
    End,
    /// `invlpg`, or a write of CR3.
    TlbFlush,
}

/// `nop dword ptr [rax + disp32]` without its displacement.
const NOP: [u8; 3] = [0x0f, 0x1f, 0x80];

/// What the instruction with these bytes is, if it is special.
pub(crate) fn special(bytes: &[u8]) -> Option<Special> {
    match bytes {
        [a, b, c, rest @ ..] if [*a, *b, *c] == NOP => match rest {
            b"BRDB" => Some(Special::Begin),
            b"BRDE" => Some(Special::End),
            _ => None,
        },
        // REX prefixes name the upper registers.
        [0x40..=0x4f, rest @ ..] => special(rest).filter(|found| *found == Special::TlbFlush),
        // invlpg is 0f 01 /7 with a memory operand.
        [0x0f, 0x01, modrm, ..] if modrm >> 6 != 3 && modrm >> 3 & 7 == 7 => {
            Some(Special::TlbFlush)
        }
        // mov cr3, r64 is 0f 22 /3.
        [0x0f, 0x22, modrm, ..] if modrm >> 3 & 7 == 3 => Some(Special::TlbFlush),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Special, special};

    #[test]
    fn marks_are_no_operations_with_a_word() {
        assert_eq!(special(b"\x0f\x1f\x80BRDB"), Some(Special::Begin));
        assert_eq!(special(b"\x0f\x1f\x80BRDE"), Some(Special::End));
        assert_eq!(special(b"\x0f\x1f\x80\0\0\0\0"), None);
        assert_eq!(special(b"\x48\x0f\x1f\x80BRDB"), None);
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

//! The alternative signal stack (sigaltstack(2)).

/// MINSIGSTKSZ of x86-64 Linux.
const MIN_SIZE: u64 = 2048;
/// The thread runs on it.
pub const SS_ONSTACK: u32 = 1;
/// No alternative stack.
pub const SS_DISABLE: u32 = 2;
/// It is taken away while a handler runs on it.
pub const SS_AUTODISARM: u32 = 1 << 31;

/// An alternative stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AltStack {
    /// Lowest address.
    pub base: u64,
    /// Length in bytes; 0: none.
    pub size: u64,
    /// The flags it was set with (SS_AUTODISARM).
    pub flags: u32,
}

/// An alternative stack cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// No handler's frame fits: ENOMEM.
    #[error("too small")]
    TooSmall,
    /// Flags that there are not, or that exclude each other: EINVAL.
    #[error("unknown flags")]
    Flags,
}

impl AltStack {
    /// The stack of a stack_t: base, flags, size.
    ///
    /// # Errors
    /// [`StackError`].
    pub fn checked([base, flags, size]: [u64; 3]) -> Result<Self, StackError> {
        let flags = flags as u32;
        match flags & !SS_AUTODISARM {
            SS_DISABLE => Ok(Self::default()),
            0 | SS_ONSTACK if size < MIN_SIZE => Err(StackError::TooSmall),
            0 | SS_ONSTACK => Ok(Self {
                base,
                size,
                flags: flags & SS_AUTODISARM,
            }),
            _ => Err(StackError::Flags),
        }
    }

    /// Whether a thread with the stack pointer `sp` runs on it.
    pub const fn contains(&self, sp: u64) -> bool {
        sp > self.base && sp - self.base <= self.size
    }

    /// The stack_t of it for a thread that runs on it, or not: base, flags, size.
    pub fn words(&self, is_on: bool) -> [u64; 3] {
        let state = match (self.size, is_on) {
            (0, _) => SS_DISABLE,
            (_, true) => SS_ONSTACK,
            _ => 0,
        };
        [self.base, u64::from(state | self.flags), self.size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_was_set() {
        let size = 8192;
        for flags in [0, SS_AUTODISARM] {
            let stack = AltStack::checked([0x1000, flags.into(), size]).unwrap();
            assert_eq!(stack.words(false), [0x1000, flags.into(), size]);
            assert_eq!(
                stack.words(true),
                [0x1000, (flags | SS_ONSTACK).into(), size]
            );
            // What is told is accepted again, from on the stack, too.
            assert_eq!(AltStack::checked(stack.words(true)), Ok(stack));
        }
        let none = AltStack::checked([0x1000, SS_DISABLE.into(), 0]).unwrap();
        assert_eq!(none.words(false), [0, SS_DISABLE.into(), 0]);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let small = AltStack::checked([0x1000, 0, MIN_SIZE - 1]);
        assert_eq!(small, Err(StackError::TooSmall));
        for flags in [4, SS_DISABLE | SS_ONSTACK, 1 << 30] {
            let refused = AltStack::checked([0x1000, flags.into(), 8192]);
            assert_eq!(refused, Err(StackError::Flags));
        }
    }

    #[test]
    fn its_top_belongs_to_it_and_its_base_does_not() {
        let stack = AltStack::checked([0x1000, 0, 8192]).unwrap();
        let on = [0x1000, 0x1001, 0x3000, 0x3001].map(|sp| stack.contains(sp));
        assert_eq!(on, [false, true, true, false]);
        assert!(!AltStack::default().contains(1));
    }
}

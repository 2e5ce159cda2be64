//! The way out of the loader.

use super::HHDM;

unsafe extern "C" {
    /// In `entry.s`.
    fn leave(entry: u64, stack: u64, root: u64, argument: u64, hhdm: u64) -> !;
}

/// Where a processor goes when it is the kernel's. Addresses are those of the kernel's address space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Departure {
    /// What it runs.
    pub(super) entry: u64,
    /// Top of its stack.
    pub(super) stack: u64,
    /// Physical address of the root of the kernel's tables.
    pub(super) root: u64,
    /// What it finds in RDI.
    pub(super) argument: u64,
}

impl Departure {
    /// Goes, with all other registers 0.
    pub(super) fn go(self) -> ! {
        // SAFETY: L11, the kernel's tables map the loader and the stack at `HHDM`, and the kernel at its entry.
        unsafe { leave(self.entry, self.stack, self.root, self.argument, HHDM) }
    }
}

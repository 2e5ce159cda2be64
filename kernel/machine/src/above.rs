//! What layers above do for the machine, by names that are bound when the kernel is linked: no table is looked up on the way.

use super::causes::{Exception, Interrupt};
use super::regs::UserRegs;

/// A call that only looks something up: it has no arguments, and its result goes to rax. The trap entry runs it without saving what
/// Rust functions preserve. It takes no user memory, never waits, changes nothing that another thread waits for, and does not look
/// at the thread's registers. Whatever else asks for the thread's attention meanwhile comes with an interrupt, which is taken as
/// soon as the call is over.
pub(super) type Quick = extern "C" fn() -> u64;

/// One more than the highest number of a quick call.
pub const QUICK_LIMIT: usize = 187;

/// The quick calls by number.
pub type QuickTable = [Option<Quick>; QUICK_LIMIT];

// SAFETY: K39, the kernel binds them to functions, safe where they are here, and a table of these types.
unsafe extern "Rust" {
    /// A system call of the current thread.
    pub(super) safe fn above_syscall();
    /// An exception of the current thread.
    pub(super) safe fn above_exception(exception: Exception);
    /// An interrupt, already acknowledged, of a program or of the kernel.
    pub(super) safe fn above_interrupt(interrupt: Interrupt, from_user: bool);
    /// Another torus has rung: work for the next way out of a trap. Comes under any lock.
    pub(super) safe fn above_doorbell();
    /// The registers to load next, which stay in place until the core is back in the kernel (K5). The core is on its way out of a trap:
    /// nothing that worked on the current thread is on its stack any more (K20).
    pub(super) unsafe fn above_next() -> *mut UserRegs;
    /// The quick calls.
    pub(super) safe static above_quick: QuickTable;
}

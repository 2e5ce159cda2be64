//! What traps from programs and interrupts lead to.

use crate::arch::regs::UserRegs;
use crate::arch::{Exception, Interrupt};

/// A program's system call.
pub fn syscall(regs: &mut UserRegs) {
    regs.rax = crate::syscall::errno::Errno::ENOSYS.as_return();
}

/// A program's exception.
pub fn exception(regs: &mut UserRegs, exception: Exception) {
    panic!("{exception:?} at {:#x}", regs.rip);
}

/// An interrupt, acknowledged.
pub fn interrupt(_interrupt: Interrupt, _from_user: bool) {}

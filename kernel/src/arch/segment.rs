//! The segment bases of the running program.

use super::{features, msr};
use core::arch::asm;

/// Whether an address may be loaded as a segment base: sign-extended from bit 47.
fn is_canonical(address: u64) -> bool {
    ((address << 16) as i64 >> 16) as u64 == address
}

/// The program's FS base.
pub fn fs_base() -> u64 {
    if features::get().fsgsbase {
        let base;
        // SAFETY: K2, CR4.FSGSBASE is on where CPUID has it.
        unsafe { asm!("rdfsbase {}", out(reg) base, options(nomem, nostack, preserves_flags)) };
        base
    } else {
        // SAFETY: K2, every x86-64 processor has it.
        unsafe { msr::read(msr::FS_BASE) }
    }
}

/// Sets the program's FS base; an address that is not canonical is ignored.
pub fn set_fs_base(base: u64) {
    if !is_canonical(base) {
        return;
    }
    // SAFETY: K2, canonical; the kernel does not use FS.
    unsafe {
        if features::get().fsgsbase {
            asm!("wrfsbase {}", in(reg) base, options(nostack, preserves_flags));
        } else {
            msr::write(msr::FS_BASE, base);
        }
    }
}

/// The program's GS base, which waits in KERNEL_GS_BASE while the kernel runs.
pub fn user_gs_base() -> u64 {
    // SAFETY: K2, every x86-64 processor has it.
    unsafe { msr::read(msr::KERNEL_GS_BASE) }
}

/// Sets the program's GS base; an address that is not canonical is ignored.
pub fn set_user_gs_base(base: u64) {
    if is_canonical(base) {
        // SAFETY: K2, canonical; the kernel's own base is the other register.
        unsafe { msr::write(msr::KERNEL_GS_BASE, base) }
    }
}

//! Control registers: what the kernel relies on, the same on every core whatever firmware and loader left there
//! (SDM vol. 3A, 2.5).

use super::{features, msr};
use core::arch::asm;

/// DR6 after nothing.
pub(super) const NO_DEBUG_STATUS: u64 = 0xffff_0ff0;
/// Protection, x87 errors as exceptions, write protection, alignment checks for programs, paging.
const CR0: u64 = 1 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 18 | 1 << 31;

const CR4_PAE: u64 = 1 << 5;
const CR4_MCE: u64 = 1 << 6;
const CR4_PGE: u64 = 1 << 7;
const CR4_OSFXSR: u64 = 1 << 9;
const CR4_OSXMMEXCPT: u64 = 1 << 10;
const CR4_UMIP: u64 = 1 << 11;
const CR4_LA57: u64 = 1 << 12;
const CR4_FSGSBASE: u64 = 1 << 16;
const CR4_OSXSAVE: u64 = 1 << 18;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;

/// DR7 with every breakpoint off; the one bit is always set.
const NO_BREAKPOINTS: u64 = 1 << 10;

/// System calls, long mode (enabled and active), no-execute.
const EFER: u64 = 1 | 1 << 8 | 1 << 10 | 1 << 11;

/// Page attributes by PAT index (SDM vol. 3A, 11.12): write-back, write-combining, uncached unless an MTRR says
/// otherwise, uncached; twice.
const PAGE_ATTRIBUTES: u64 = 0x0007_0106_0007_0106;

/// Sets this core's registers. The processor has the no-execute bit, and page tables of four levels are in use.
pub(super) fn set() {
    // SAFETY: K2, bits that every x86-64 processor has or CPUID reports; the mode stays as it is.
    unsafe {
        msr::write(msr::PAT, PAGE_ATTRIBUTES);
        msr::write(msr::EFER, EFER);
        asm!("mov cr0, {}", "mov cr4, {}", in(reg) CR0, in(reg) cr4(), options(nostack));
        asm!("mov dr7, {}", "mov dr6, {}", in(reg) NO_BREAKPOINTS, in(reg) NO_DEBUG_STATUS, options(nostack));
    }
}

fn cr4() -> u64 {
    let features = features::get();
    let optional = [
        (features.mce, CR4_MCE),
        (features.umip, CR4_UMIP),
        (features.fsgsbase, CR4_FSGSBASE),
        (features.xsave, CR4_OSXSAVE),
        (features.smep, CR4_SMEP),
        (features.smap, CR4_SMAP),
    ];
    let always = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    let optional = optional.into_iter().filter(|(has, _)| *has);
    optional.fold(always, |all, (_, bit)| all | bit)
}

/// Whether the loader has left this core with page tables of five levels.
pub fn has_five_levels() -> bool {
    let cr4: u64;
    // SAFETY: K2, reading CR4 has no effect.
    unsafe { asm!("mov {}, cr4", out(reg) cr4, options(nomem, nostack)) };
    cr4 & CR4_LA57 != 0
}

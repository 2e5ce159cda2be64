//! Control registers: what the kernel relies on, the same on every core whatever firmware and loader left there
//! (SDM vol. 3A, 2.5).

use super::{features, msr};
use core::arch::asm;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags, EferFlags};
use x86_64::registers::debug::Dr7;

/// DR6 after nothing.
pub(super) const NO_DEBUG_STATUS: u64 = 0xffff_0ff0;
/// Protection, x87 errors as exceptions, write protection, alignment checks for programs, paging.
const CR0: Cr0Flags = Cr0Flags::PROTECTED_MODE_ENABLE
    .union(Cr0Flags::MONITOR_COPROCESSOR)
    .union(Cr0Flags::EXTENSION_TYPE)
    .union(Cr0Flags::NUMERIC_ERROR)
    .union(Cr0Flags::WRITE_PROTECT)
    .union(Cr0Flags::ALIGNMENT_MASK)
    .union(Cr0Flags::PAGING);

/// What every x86-64 processor has.
const CR4: Cr4Flags = Cr4Flags::PHYSICAL_ADDRESS_EXTENSION
    .union(Cr4Flags::PAGE_GLOBAL)
    .union(Cr4Flags::OSFXSR)
    .union(Cr4Flags::OSXMMEXCPT_ENABLE);

/// DR7 with every breakpoint off; the one bit is always set.
const NO_BREAKPOINTS: u64 = 1 << 10;

/// System calls, long mode (enabled and active), no-execute.
const EFER: EferFlags = EferFlags::SYSTEM_CALL_EXTENSIONS
    .union(EferFlags::LONG_MODE_ENABLE)
    .union(EferFlags::LONG_MODE_ACTIVE)
    .union(EferFlags::NO_EXECUTE_ENABLE);

/// Page attributes by PAT index (SDM vol. 3A, 11.12): write-back, write-combining, uncached unless an MTRR says
/// otherwise, uncached; twice.
const PAGE_ATTRIBUTES: u64 = 0x0007_0106_0007_0106;

/// Sets this core's registers. The processor has the no-execute bit, and page tables of four levels are in use.
pub(super) fn set() {
    // SAFETY: K2, bits that every x86-64 processor has or CPUID reports; the mode stays as it is.
    unsafe {
        msr::write(msr::PAT, PAGE_ATTRIBUTES);
        msr::write(msr::EFER, EFER.bits());
        // All bits, those that the crate does not know too: firmware and loader may have left some set.
        Cr0::write_raw(CR0.bits());
        Cr4::write_raw(cr4().bits());
        Dr7::write_raw(NO_BREAKPOINTS);
        asm!("mov dr6, {}", in(reg) NO_DEBUG_STATUS, options(nostack));
    }
}

fn cr4() -> Cr4Flags {
    let features = features::get();
    let optional = [
        (features.mce, Cr4Flags::MACHINE_CHECK_EXCEPTION),
        (features.umip, Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION),
        (features.fsgsbase, Cr4Flags::FSGSBASE),
        (features.xsave, Cr4Flags::OSXSAVE),
        (
            features.smep,
            Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION,
        ),
        (features.smap, Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION),
    ];
    let optional = optional.into_iter().filter(|(has, _)| *has);
    optional.fold(CR4, |all, (_, bit)| all | bit)
}

/// Whether the loader has left this core with page tables of five levels.
pub fn has_five_levels() -> bool {
    Cr4::read().contains(Cr4Flags::L5_PAGING)
}

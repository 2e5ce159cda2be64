//! The segments of the running program: the bases of FS and GS, and the selectors, for which 64-bit code has no use but
//! which the next program is not to see.

use super::regs::{USER_CS, USER_SS};
use super::{features, msr};
use core::arch::asm;

/// What a program has in its segment registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// FS base: the thread pointer.
    pub fs_base: u64,
    /// GS base.
    pub gs_base: u64,
    /// DS, ES, FS, GS from the lowest 16 bits up.
    pub selectors: u64,
}

impl Segments {
    /// Those of the program whose trap is being served.
    #[inline]
    pub fn save() -> Self {
        Self {
            fs_base: fs_base(),
            gs_base: user_gs_base(),
            selectors: selectors(),
        }
    }

    /// With another FS base, and a null selector that does not contradict it.
    pub fn with_fs(self, fs_base: u64) -> Self {
        Self {
            fs_base,
            selectors: self.selectors & !(0xffff << 32),
            ..self
        }
    }

    /// With another GS base, as [`Segments::with_fs`].
    pub fn with_gs(self, gs_base: u64) -> Self {
        Self {
            gs_base,
            selectors: self.selectors & !(0xffff << 48),
            ..self
        }
    }

    /// Puts them into the registers. A base that is not canonical is left out.
    #[inline]
    pub fn load(self) {
        // First, as loading a selector changes the base.
        if self.selectors != selectors() {
            load_selectors(self.selectors);
        }
        set_fs_base(self.fs_base);
        set_user_gs_base(self.gs_base);
    }
}

#[inline]
fn selectors() -> u64 {
    let (ds, es, fs, gs): (u64, u64, u64, u64);
    // SAFETY: K2, reading selectors has no effect.
    unsafe {
        asm!(
            "mov {0:e}, ds", "mov {1:e}, es", "mov {2:e}, fs", "mov {3:e}, gs",
            out(reg) ds, out(reg) es, out(reg) fs, out(reg) gs, options(nomem, nostack, preserves_flags)
        );
    }
    ds | es << 16 | fs << 32 | gs << 48
}

#[cold]
fn load_selectors(selectors: u64) {
    let [ds, es, fs, gs] = [0, 16, 32, 48].map(|at| checked((selectors >> at) as u16));
    // SAFETY: K37, null selectors and those of the user's segments always load. The kernel's GS base waits in the other
    // register meanwhile, and no interrupt comes that uses it (K4).
    unsafe {
        asm!(
            "mov ds, {0:x}", "mov es, {1:x}", "mov fs, {2:x}", "swapgs", "mov gs, {3:x}", "swapgs",
            in(reg) u32::from(ds), in(reg) u32::from(es), in(reg) u32::from(fs), in(reg) u32::from(gs),
            options(nostack, preserves_flags)
        );
    }
}

/// A selector that a program can have loaded; null for any other.
fn checked(selector: u16) -> u16 {
    match u64::from(selector | 3) {
        3 | USER_SS | USER_CS => selector,
        _ => 0,
    }
}

/// Whether an address may be loaded as a segment base: sign-extended from bit 47.
pub fn is_canonical(address: u64) -> bool {
    ((address << 16) as i64 >> 16) as u64 == address
}

/// The program's FS base.
fn fs_base() -> u64 {
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
fn set_fs_base(base: u64) {
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
fn user_gs_base() -> u64 {
    // SAFETY: K2, every x86-64 processor has it.
    unsafe { msr::read(msr::KERNEL_GS_BASE) }
}

/// Sets the program's GS base; an address that is not canonical is ignored.
fn set_user_gs_base(base: u64) {
    if is_canonical(base) {
        // SAFETY: K2, canonical; the kernel's own base is the other register.
        unsafe { msr::write(msr::KERNEL_GS_BASE, base) }
    }
}

//! Model-specific registers (SDM vol. 4).

use x86_64::registers::model_specific::Msr;

pub(super) const APIC_BASE: u32 = 0x1b;
pub(super) const SYSENTER_CS: u32 = 0x174;
pub(super) const SYSENTER_ESP: u32 = 0x175;
pub(super) const SYSENTER_EIP: u32 = 0x176;
pub(super) const XAPIC_DISABLE_STATUS: u32 = 0xbd;
pub(super) const ARCH_CAPABILITIES: u32 = 0x10a;
pub(super) const TSC_DEADLINE: u32 = 0x6e0;
pub(super) const PAT: u32 = 0x277;
pub(super) const EFER: u32 = 0xc000_0080;
pub(super) const STAR: u32 = 0xc000_0081;
pub(super) const LSTAR: u32 = 0xc000_0082;
pub(super) const CSTAR: u32 = 0xc000_0083;
pub(super) const FMASK: u32 = 0xc000_0084;
pub(super) const FS_BASE: u32 = 0xc000_0100;
pub(super) const GS_BASE: u32 = 0xc000_0101;
pub(super) const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// Reads a model-specific register.
///
/// # Safety
/// The register exists on this processor.
pub(super) unsafe fn read(register: u32) -> u64 {
    // SAFETY: K2, by the caller's promise.
    unsafe { Msr::new(register).read() }
}

/// Writes a model-specific register.
///
/// # Safety
/// The register exists, and the value breaks no invariant of the kernel.
pub(super) unsafe fn write(register: u32, value: u64) {
    // SAFETY: K2, by the caller's promise.
    unsafe { Msr::new(register).write(value) };
}

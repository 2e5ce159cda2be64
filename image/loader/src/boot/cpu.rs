//! Processor and port instructions, and the loader's handling of exceptions.

use super::serial;
use braid_loader::paging::Features;
use core::{
    arch::asm,
    sync::atomic::{AtomicU64, Ordering},
};
use raw_cpuid::{CpuId, FeatureInfo};

/// Where the tool puts QEMU's isa-debug-exit device, and what a refused boot writes there.
const DEBUG_EXIT: (u16, u8) = (0xf4, 0x12);

const IA32_PAT: u32 = 0x277;
const IA32_EFER: u32 = 0xc000_0080;
const EFER_NXE: u64 = 1 << 11;

/// Write-back, write-through, uncached-, uncached, write-protect, write-combining (Limine protocol, Caching).
const PAT: u64 = 0x0007_0105_0007_0406;

unsafe extern "C" {
    /// In `entry.s`.
    fn exception_entry();
    /// In `entry.s`.
    fn wake_entry();
}

/// Sends a byte to a port.
pub(super) fn write_port(port: u16, value: u8) {
    // SAFETY: L5, the ports that the loader writes to have no effect on its memory.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags))
    }
}

/// Reads a byte from a port.
pub(super) fn read_port(port: u16) -> u8 {
    let value;
    // SAFETY: L5, as in `write_port`.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags))
    }
    value
}

/// Sends 16 bits to a port.
pub(super) fn write_port16(port: u16, value: u16) {
    // SAFETY: L5, as in `write_port`.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags))
    }
}

/// Reads 16 bits from a port.
pub(super) fn read_port16(port: u16) -> u16 {
    let value;
    // SAFETY: L5, as in `write_port`.
    unsafe {
        asm!("in ax, dx", in("dx") port, out("ax") value, options(nomem, nostack, preserves_flags))
    }
    value
}

/// Sends 32 bits to a port.
pub(super) fn write_port32(port: u16, value: u32) {
    // SAFETY: L5, as in `write_port`.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags))
    }
}

/// Reads 32 bits from a port.
pub(super) fn read_port32(port: u16) -> u32 {
    let value;
    // SAFETY: L5, as in `write_port`.
    unsafe {
        asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags))
    }
    value
}

/// Reads a model-specific register.
///
/// # Safety
/// By L6 the processor must have it.
pub(super) unsafe fn read_msr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: L6, the caller vouches that the register exists; reading has no effect.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack))
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
/// By L6 the processor must have it, and the value must keep the loader's memory as it is.
pub(super) unsafe fn write_msr(register: u32, value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: L6, the caller vouches for register and value.
    unsafe { asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack)) }
}

/// What the page tables can do.
pub(super) fn paging_features() -> Features {
    let extended = CpuId::new().get_extended_processor_and_feature_identifiers();
    extended.map_or(Features::default(), |extended| Features {
        no_execute: extended.has_execute_disable(),
        gigabyte: extended.has_1gib_pages(),
    })
}

/// Whether this processor has a basic feature.
pub(super) fn has(feature: impl FnOnce(&FeatureInfo) -> bool) -> bool {
    CpuId::new()
        .get_feature_info()
        .as_ref()
        .is_some_and(feature)
}

/// The state that every processor has in the kernel, as far as it can be had at once: no-execute, caching types,
/// and until then exceptions that are reported.
pub(super) fn prepare() {
    catch_exceptions();
    if paging_features().no_execute {
        // SAFETY: L6, EFER exists in 64-bit mode; NXE exists by CPUID, and the loader's tables have no NX bits yet.
        unsafe { write_msr(IA32_EFER, read_msr(IA32_EFER) | EFER_NXE) }
    }
    if has(FeatureInfo::has_pat) {
        // SAFETY: L6, CPUID says that the PAT exists. The loader's tables use entry 0 only: write-back,
        // as before.
        unsafe { write_msr(IA32_PAT, PAT) }
    }
}

/// The vector that wakes a parked processor. Its low bits are ones, so that it can be the spurious vector as well.
pub(super) const WAKE_VECTOR: u8 = 0x2f;

/// Gates of vectors 0 to `WAKE_VECTOR`: low and high half of each.
static IDT: [[AtomicU64; 2]; WAKE_VECTOR as usize + 1] =
    [const { [const { AtomicU64::new(0) }; 2] }; _];

fn catch_exceptions() {
    for (vector, [low, high]) in IDT.iter().enumerate() {
        let handler = if vector < 32 {
            exception_entry
        } else {
            wake_entry
        };
        let handler = (handler as *const ()).addr() as u64;
        // A 64-bit interrupt gate, present, code selector 0x28 (Intel SDM volume 3, 6.14.1).
        low.store(
            handler & 0xffff | 0x28 << 16 | 0x8e << 40 | (handler >> 16 & 0xffff) << 48,
            Ordering::Relaxed,
        );
        high.store(handler >> 32, Ordering::Relaxed);
    }
    #[repr(C, packed)]
    struct Register(u16, u64);
    let register = Register(size_of_val(&IDT) as u16 - 1, super::memory::physical(&IDT));
    // SAFETY: L7, the table is complete, static and identity mapped.
    unsafe {
        asm!("lidt [{}]", in(reg) &raw const register, options(readonly, nostack, preserves_flags))
    }
}

/// Called by `entry.s` with the two topmost words that the processor pushed, and CR2.
pub(super) extern "C" fn exception(first: u64, second: u64, address: u64) -> ! {
    super::refuse(&format_args!(
        "processor exception (pushed {first:#x} {second:#x}, cr2 {address:#x})"
    ))
}

/// Ends QEMU by its isa-debug-exit device, or stops the processor where there is none.
pub(super) fn end_machine() -> ! {
    write_port(DEBUG_EXIT.0, DEBUG_EXIT.1);
    serial::line(format_args!("stopped"));
    halt()
}

/// Waits until all earlier writes are seen by other processors.
pub(super) fn fence() {
    // SAFETY: L12.
    unsafe { asm!("mfence", "lfence", options(nostack, preserves_flags)) }
}

/// Lets interrupts in until one has come.
pub(super) fn sleep() {
    // SAFETY: L7, the gates of all vectors that may come are there, and they change no registers. An interrupt
    // cannot come between `sti` and `hlt`.
    unsafe { asm!("sti", "hlt", "cli") }
}

/// Lets interrupts in that are already pending.
pub(super) fn take_pending() {
    // SAFETY: L7, as in `sleep`.
    unsafe { asm!("sti", "nop", "cli") }
}

/// Stops this processor for good.
pub(super) fn halt() -> ! {
    loop {
        // SAFETY: L8, nothing is left to do; interrupts stay off.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) }
    }
}

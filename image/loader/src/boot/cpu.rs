//! Processor and port instructions, and the loader's handling of exceptions.

use super::serial;
use braid_loader::paging::Features;
use core::{
    arch::asm,
    sync::atomic::{AtomicU64, Ordering},
};
use raw_cpuid::{CpuId, FeatureInfo};
use x86_64::VirtAddr;
use x86_64::instructions::port::{Port, PortRead, PortWrite};
use x86_64::instructions::tables::{DescriptorTablePointer, lidt};
use x86_64::instructions::{hlt, interrupts};
use x86_64::registers::model_specific::{Efer, EferFlags, Msr};

/// Where the tool puts QEMU's isa-debug-exit device, and what a refused boot writes there.
const DEBUG_EXIT: (u16, u8) = (0xf4, 0x12);

const IA32_PAT: u32 = 0x277;

/// Write-back, write-through, uncached-, uncached, write-protect, write-combining (Limine protocol, Caching).
const PAT: u64 = 0x0007_0105_0007_0406;

unsafe extern "C" {
    /// In `entry.s`.
    fn exception_entry();
    /// In `entry.s`.
    fn wake_entry();
}

/// Sends a value to a port.
pub(super) fn write_port<T: PortWrite>(port: u16, value: T) {
    // SAFETY: L5, the ports that the loader writes to have no effect on its memory.
    unsafe { Port::new(port).write(value) }
}

/// Reads a value from a port.
pub(super) fn read_port<T: PortRead>(port: u16) -> T {
    // SAFETY: L5, as in `write_port`.
    unsafe { Port::new(port).read() }
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
        unsafe { Efer::update(|flags| flags.insert(EferFlags::NO_EXECUTE_ENABLE)) }
    }
    if has(FeatureInfo::has_pat) {
        // SAFETY: L6, CPUID says that the PAT exists. The loader's tables use entry 0 only: write-back,
        // as before.
        unsafe { Msr::new(IA32_PAT).write(PAT) }
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
    let table = DescriptorTablePointer {
        limit: size_of_val(&IDT) as u16 - 1,
        base: VirtAddr::from_ptr(&raw const IDT),
    };
    // SAFETY: L7, the table is complete and static.
    unsafe { lidt(&table) }
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
    // L7: as in `sleep`.
    interrupts::enable();
    interrupts::disable();
}

/// Stops this processor for good.
pub(super) fn halt() -> ! {
    loop {
        // L8: nothing is left to do; interrupts stay off.
        interrupts::disable();
        hlt();
    }
}

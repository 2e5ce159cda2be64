//! The local APIC of each core, in xAPIC or x2APIC mode (SDM vol. 3A, chapter 10).
//!
//! The first core keeps the mode in which the loader handed the machine over, or turns on x2APIC where CPUID has
//! it; every core then uses the same mode.

use super::{features, msr, paging};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use raw_cpuid::CpuId;
use x86_64::registers::model_specific::ApicBaseFlags;

/// Interrupt vectors of the kernel.
pub mod vector {
    /// COM2 has input.
    pub const CONSOLE: u8 = 0x23;
    /// The torus's swap disk has answered.
    pub const DISK: u8 = 0x24;
    /// The one-shot timer.
    pub const TIMER: u8 = 0xec;
    /// Another torus has sent a message, or made room for one.
    pub const DOORBELL: u8 = 0xfa;
    /// Another core asks for a look at the run queues.
    pub const RESCHEDULE: u8 = 0xfb;
    /// Another core asks for a TLB flush.
    pub const FLUSH: u8 = 0xfc;
    /// The APIC's spurious interrupt, which is not acknowledged.
    pub const SPURIOUS: u8 = 0xff;
}

const ENABLE: u64 = ApicBaseFlags::LAPIC_ENABLE.bits();
const ENABLE_X2: u64 = ApicBaseFlags::X2APIC_ENABLE.bits();
const BASE: u64 = 0x000f_ffff_ffff_f000;

const ID: u32 = 0x20;
const TASK_PRIORITY: u32 = 0x80;
const END_OF_INTERRUPT: u32 = 0xb0;
const SPURIOUS: u32 = 0xf0;
const COMMAND_LOW: u32 = 0x300;
const COMMAND_HIGH: u32 = 0x310;
const LVT_TIMER: u32 = 0x320;
const LVT_LINT0: u32 = 0x350;
const LVT_LINT1: u32 = 0x360;
const LVT_ERROR: u32 = 0x370;
const TIMER_INITIAL: u32 = 0x380;
const TIMER_CURRENT: u32 = 0x390;
const TIMER_DIVIDE: u32 = 0x3e0;

const MASKED: u32 = 1 << 16;
const DELIVER_NMI: u32 = 4 << 8;
const ASSERT: u32 = 1 << 14;
const PENDING: u32 = 1 << 12;
const TSC_DEADLINE_MODE: u32 = 2 << 17;
const DIVIDE_BY_16: u32 = 3;

/// Where the registers are mapped, in xAPIC mode. Written once at boot.
static REGISTERS: AtomicUsize = AtomicUsize::new(0);
static X2: AtomicBool = AtomicBool::new(false);

fn x2() -> bool {
    X2.load(Ordering::Relaxed)
}

fn read(register: u32) -> u32 {
    if x2() {
        // SAFETY: K2, the APIC is in x2APIC mode.
        return unsafe { msr::read(0x800 + (register >> 4)) } as u32;
    }
    let at = REGISTERS.load(Ordering::Relaxed) + register as usize;
    // SAFETY: K2, the register page is mapped uncached.
    unsafe { (at as *const u32).read_volatile() }
}

fn write(register: u32, value: u32) {
    if x2() {
        // SAFETY: K2, the APIC is in x2APIC mode.
        unsafe { msr::write(0x800 + (register >> 4), u64::from(value)) };
        return;
    }
    let at = REGISTERS.load(Ordering::Relaxed) + register as usize;
    // SAFETY: K2, the register page is mapped uncached.
    unsafe { (at as *mut u32).write_volatile(value) };
}

/// The physical address of the registers.
pub fn physical_base() -> u64 {
    // SAFETY: K2, every x86-64 processor has it.
    unsafe { msr::read(msr::APIC_BASE) & BASE }
}

/// Decides the mode; on the first core, once its registers are mapped. x2APIC mode is used where the processor has it, unless
/// it is not `wanted` and the mode can be left: not where a core's id has more than 8 bits (`wide`).
pub(super) fn choose_mode(wanted: bool, wide: bool) {
    REGISTERS.store(
        paging::phys_to_virt(paging::PhysAddr(physical_base())) as usize,
        Ordering::Relaxed,
    );
    // SAFETY: K2, every x86-64 processor has it.
    let handed_over_in_x2 = unsafe { msr::read(msr::APIC_BASE) } & ENABLE_X2 != 0;
    let mut x2 = features::get().x2apic;
    if x2 && !wanted {
        x2 = handed_over_in_x2 && (wide || features::is_x2apic_locked());
        if x2 {
            log::warn!("x2apic=off: this machine has to stay in x2APIC mode");
        }
    }
    X2.store(x2, Ordering::Relaxed);
}

/// The APIC cannot be brought into the mode that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck;

/// Enables this core's APIC: every local source masked but the non-maskable pin.
///
/// # Errors
/// [`Stuck`]: the processor does not leave x2APIC mode. The APIC is off then, until the machine is reset.
pub(super) fn enable() -> Result<(), Stuck> {
    // SAFETY: K2, the mode is supported; from disabled, x2APIC is reached through xAPIC, and the other way round.
    unsafe {
        let mut base = msr::read(msr::APIC_BASE) | ENABLE;
        if !x2() && base & ENABLE_X2 != 0 {
            base &= !ENABLE_X2;
            msr::write(msr::APIC_BASE, base & !ENABLE);
        }
        msr::write(msr::APIC_BASE, base);
        if x2() {
            msr::write(msr::APIC_BASE, base | ENABLE_X2);
        }
        if msr::read(msr::APIC_BASE) & ENABLE == 0 {
            return Err(Stuck);
        }
    }
    write(TASK_PRIORITY, 0);
    write(LVT_TIMER, MASKED);
    write(LVT_LINT0, MASKED);
    write(LVT_LINT1, DELIVER_NMI);
    write(LVT_ERROR, MASKED);
    write(TIMER_DIVIDE, DIVIDE_BY_16);
    write(SPURIOUS, 0x100 | u32::from(vector::SPURIOUS));
    Ok(())
}

/// Lets this core's timer interrupt, in the mode that alarms use. Until then it only counts.
pub(super) fn allow_timer() {
    let mode = if features::get().tsc_deadline {
        TSC_DEADLINE_MODE
    } else {
        0
    };
    write(LVT_TIMER, u32::from(vector::TIMER) | mode);
    // Writes of the deadline are ordered after the mode by this alone, where the registers are memory (SDM vol. 3A, 10.5.4.1).
    // SAFETY: K2, a fence.
    unsafe { core::arch::x86_64::_mm_mfence() };
}

/// This core's APIC id.
pub fn id() -> u32 {
    if x2() {
        read(ID)
    } else if REGISTERS.load(Ordering::Relaxed) == 0 {
        let one = CpuId::new().get_feature_info();
        one.map_or(0, |one| one.initial_local_apic_id().into())
    } else {
        read(ID) >> 24
    }
}

/// Says that the interrupt being served has been taken.
pub(super) fn acknowledge() {
    write(END_OF_INTERRUPT, 0);
}

fn command(apic_id: u32, low: u32) {
    if x2() {
        // x2APIC writes are not ordered after earlier stores (SDM vol. 3A, 10.12.3).
        // SAFETY: K2, the APIC is in x2APIC mode.
        unsafe {
            core::arch::x86_64::_mm_mfence();
            msr::write(0x830, u64::from(apic_id) << 32 | u64::from(low));
        }
        return;
    }
    while read(COMMAND_LOW) & PENDING != 0 {
        core::hint::spin_loop();
    }
    write(COMMAND_HIGH, apic_id << 24);
    write(COMMAND_LOW, low);
}

/// Interrupts another core.
pub(super) fn send(apic_id: u32, vector: u8) {
    command(apic_id, ASSERT | u32::from(vector));
}

/// Interrupts another core, whatever it is doing.
pub(super) fn send_nmi(apic_id: u32) {
    command(apic_id, ASSERT | DELIVER_NMI);
}

/// Starts the one-shot timer: so many of its ticks (after division), 0 stops it.
pub(super) fn start_timer(ticks: u32) {
    write(TIMER_INITIAL, ticks);
}

/// Ticks left.
pub(super) fn timer_left() -> u32 {
    read(TIMER_CURRENT)
}

/// Interrupts at this value of the time-stamp counter; 0 stops it. Only where CPUID has tsc-deadline.
pub(super) fn set_deadline(tsc: u64) {
    // SAFETY: K2, called where CPUID has it.
    unsafe { msr::write(msr::TSC_DEADLINE, tsc) };
}

/// In words, for the log.
pub fn mode_name() -> &'static str {
    if x2() { "x2apic" } else { "xapic" }
}

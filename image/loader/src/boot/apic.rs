//! The local APIC, as far as starting processors needs it, and silence of the I/O APICs and the PICs
//! (Intel SDM volume 3, chapter 12).

use super::cpu;
use braid_firmware::acpi::madt::IoApic;
use raw_cpuid::FeatureInfo;
use x86_64::registers::model_specific::{ApicBase, ApicBaseFlags, Msr};

const GLOBAL_ENABLE: u64 = ApicBaseFlags::LAPIC_ENABLE.bits();
const X2APIC_ENABLE: u64 = ApicBaseFlags::X2APIC_ENABLE.bits();
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Register numbers: offset / 16 in memory, and from 0x800 on as model-specific registers.
const ID: u32 = 0x02;
const END_OF_INTERRUPT: u32 = 0x0b;
const SPURIOUS: u32 = 0x0f;
const COMMAND: u32 = 0x30;
const COMMAND_HIGH: u32 = 0x31;
const TIMER: u32 = 0x32;
const TIMER_COUNT: u32 = 0x38;
const TIMER_DIVIDE: u32 = 0x3e;

/// Software enable, in the spurious-vector register; that register is 0xff after reset.
const ENABLE: u32 = 1 << 8;
const SPURIOUS_RESET: u32 = 0xff;
/// Of a timer's vector register.
const PERIODIC: u32 = 1 << 17;
const MASKED: u32 = 1 << 16;
/// Code for no division.
const DIVIDE_BY_1: u32 = 0xb;

/// Interrupt command: INIT, level asserted.
const INIT: u32 = 0x4500;
/// Interrupt command: start-up, level asserted; the page number goes into the low byte.
const START_UP: u32 = 0x4600;
/// Interrupt command: delivery pending (xAPIC only).
const PENDING: u32 = 1 << 12;

/// This processor's local APIC.
#[derive(Debug, Clone, Copy)]
pub(super) enum LocalApic {
    /// Registers in memory, at this address.
    Xapic(u64),
    /// Registers are model-specific ones.
    X2apic,
}

impl LocalApic {
    /// Switches this processor's local APIC on, into x2APIC mode if `x2apic`; one that firmware has left in that mode
    /// stays in it. `None` when there is none.
    pub(super) fn enable(x2apic: bool) -> Option<Self> {
        if !cpu::has(FeatureInfo::has_apic) {
            return None;
        }
        // SAFETY: L6, a processor with a local APIC has this register.
        let base = unsafe { ApicBase::MSR.read() };
        let mut enabled = base | GLOBAL_ENABLE;
        if x2apic && cpu::has(FeatureInfo::has_x2apic) {
            enabled |= X2APIC_ENABLE;
        }
        if enabled != base {
            // SAFETY: L6; the steps off -> xAPIC -> x2APIC are the permitted ones, and memory is not touched.
            unsafe {
                let mut register = ApicBase::MSR;
                register.write(base | GLOBAL_ENABLE);
                register.write(enabled);
            }
        }
        Some(if enabled & X2APIC_ENABLE == 0 {
            Self::Xapic(base & ADDRESS)
        } else {
            Self::X2apic
        })
    }

    /// Whether it is in x2APIC mode.
    pub(super) fn is_x2apic(self) -> bool {
        matches!(self, Self::X2apic)
    }

    /// Whether it can send to this APIC ID (255 addresses all in xAPIC mode).
    pub(super) fn reaches(self, apic_id: u32) -> bool {
        self.is_x2apic() || apic_id < 0xff
    }

    /// This processor's APIC ID.
    pub(super) fn id(self) -> u32 {
        let id = self.read(ID);
        if self.is_x2apic() { id } else { id >> 24 }
    }

    /// Resets a processor to where it waits for a start-up interrupt.
    pub(super) fn send_init(self, apic_id: u32) {
        self.send(apic_id, INIT);
    }

    /// Starts a waiting processor in real mode at a page below 1 MiB.
    pub(super) fn send_start_up(self, apic_id: u32, page: u8) {
        self.send(apic_id, START_UP | u32::from(page));
    }

    fn send(self, apic_id: u32, command: u32) {
        match self {
            Self::X2apic => {
                // Unlike one to memory, this write does not wait for earlier ones (Intel SDM volume 3, 12.12.3).
                cpu::fence();
                // SAFETY: L6, the register exists in x2APIC mode; other processors run the trampoline only.
                unsafe {
                    Msr::new(0x800 + COMMAND).write(u64::from(apic_id) << 32 | u64::from(command))
                }
            }
            Self::Xapic(_) => {
                self.write(COMMAND_HIGH, apic_id << 24);
                self.write(COMMAND, command);
                while self.read(COMMAND) & PENDING != 0 {
                    core::hint::spin_loop();
                }
            }
        }
    }

    /// Sleeps until `done`, which is asked every `ticks` of the timer, and leaves the APIC as after reset.
    ///
    /// A processor that spun instead would, under emulation, take the time of those that work.
    pub(super) fn sleep_until(self, ticks: u32, done: impl Fn() -> bool) {
        let vector = u32::from(cpu::WAKE_VECTOR);
        self.write(SPURIOUS, ENABLE | vector);
        self.write(TIMER_DIVIDE, DIVIDE_BY_1);
        self.write(TIMER, PERIODIC | vector);
        self.write(TIMER_COUNT, ticks);
        while !done() {
            cpu::sleep();
            self.write(END_OF_INTERRUPT, 0);
        }
        self.write(TIMER_COUNT, 0);
        self.write(TIMER, MASKED);
        cpu::take_pending();
        self.write(END_OF_INTERRUPT, 0);
        self.write(TIMER_DIVIDE, 0);
        self.write(SPURIOUS, SPURIOUS_RESET);
    }

    fn read(self, register: u32) -> u32 {
        match self {
            // SAFETY: L6, the register exists in x2APIC mode.
            Self::X2apic => unsafe { Msr::new(0x800 + register).read() as u32 },
            // SAFETY: L9, the registers are device memory in the identity map.
            Self::Xapic(base) => unsafe { address(base, register * 16).read_volatile() },
        }
    }

    fn write(self, register: u32, value: u32) {
        match self {
            // SAFETY: L6, the register exists in x2APIC mode; interrupts come to the gates of L7 only.
            Self::X2apic => unsafe { Msr::new(0x800 + register).write(value.into()) },
            // SAFETY: L9, the registers are device memory in the identity map; interrupts as above.
            Self::Xapic(base) => unsafe { address(base, register * 16).write_volatile(value) },
        }
    }
}

fn address(base: u64, offset: u32) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut(base as usize + offset as usize)
}

/// Masks every line of the two PICs, and the fixed and lowest-priority ones of the I/O APICs
/// (Limine protocol, Machine state at entry).
pub(super) fn mask_interrupts(io_apics: impl Iterator<Item = IoApic>) {
    cpu::write_port(0x21, 0xff_u8);
    cpu::write_port(0xa1, 0xff_u8);
    for base in io_apics.map(|io_apic| io_apic.address) {
        let select = address(base, 0);
        let window = address(base, 0x10);
        // SAFETY: L9, the registers of an I/O APIC that the MADT lists are device memory in the identity map: one
        // selects a register, the other is it (82093AA data sheet, 3.0).
        unsafe {
            select.write_volatile(1);
            let lines = (window.read_volatile() >> 16 & 0xff) + 1;
            for line in 0..lines {
                select.write_volatile(0x10 + 2 * line);
                let entry = window.read_volatile();
                if entry >> 8 & 7 <= 1 {
                    window.write_volatile(entry | 1 << 16);
                }
            }
        }
    }
}

//! How fast the time-stamp counter and the APIC timer run, measured against a clock of known rate: the HPET, else the ACPI
//! timer, else the 8254.

use super::paging::{self, PhysAddr};
use super::{apic, features, tsc};
use raw_cpuid::CpuId;
use x86_64::instructions::port::Port;

/// Ticks per second.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Of the time-stamp counter.
    pub tsc: u64,
    /// Of the APIC timer, after division.
    pub apic: u64,
    /// What they were measured against; `None` when they are guessed.
    pub against: Option<&'static str>,
}

/// Clocks of known rate that the firmware describes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clocks {
    /// Physical address of the HPET's registers, which are mapped.
    pub hpet: Option<u64>,
    /// I/O port of the ACPI timer.
    pub acpi_timer: Option<u16>,
}

/// Ticks per second of the ACPI timer (ACPI 6.5, 4.8.3.3) and of the 8254.
const PM_RATE: u64 = 3_579_545;
const PIT_RATE: u64 = 1_193_182;
/// How long to measure, as a fraction of a second.
const FRACTION: u64 = 100;
/// Reads of the reference clock after which it is taken for dead.
const PATIENCE: u32 = 10_000_000;

/// One reading of all three clocks.
#[derive(Clone, Copy)]
struct Sample {
    reference: u32,
    tsc: u64,
    apic: u32,
}

pub(super) fn measure(clocks: Clocks) -> Rates {
    let by_acpi_timer = |port| {
        let read = || {
            // SAFETY: K2, reading the ACPI timer has no effect.
            unsafe { Port::<u32>::new(port).read() & 0xff_ffff }
        };
        against(&read, 0xff_ffff, PM_RATE, "ACPI timer")
    };
    let measured = clocks
        .hpet
        .and_then(by_hpet)
        .or_else(|| clocks.acpi_timer.and_then(by_acpi_timer))
        .or_else(|| {
            start_pit();
            // It counts down.
            against(&|| u32::from(!read_pit()), 0xffff, PIT_RATE, "8254")
        });
    // A guess rather than a refusal: time is wrong then, all else works.
    let mut rates = measured.unwrap_or(Rates {
        tsc: 1_000_000_000,
        apic: 1_000_000_000 / 16,
        against: None,
    });
    if let Some(tsc) = CpuId::new()
        .get_tsc_info()
        .and_then(|info| info.tsc_frequency())
    {
        rates.tsc = tsc;
    }
    rates
}

/// By the HPET at this physical address (IA-PC HPET Specification 1.0a, 2.3), whose main counter runs meanwhile.
fn by_hpet(address: u64) -> Option<Rates> {
    const CONFIGURATION: usize = 0x10;
    const COUNTER: usize = 0xf0;
    const FEMTOSECONDS: u64 = 1_000_000_000_000_000;
    let base = paging::phys_to_virt(PhysAddr(address)) as usize;
    // SAFETY: K2, the registers are mapped uncached; 32-bit reads have no effect.
    let read = |register: usize| unsafe { ((base + register) as *const u32).read_volatile() };
    // SAFETY: K2, as above; the configuration only starts and stops the counter.
    let configure =
        |word: u32| unsafe { ((base + CONFIGURATION) as *mut u32).write_volatile(word) };
    // The specification allows periods up to 100 ns.
    let period = u64::from(read(4));
    if !(1..=100_000_000).contains(&period) {
        return None;
    }
    let before = read(CONFIGURATION);
    configure(before | 1);
    let rates = against(&|| read(COUNTER), u32::MAX, FEMTOSECONDS / period, "HPET");
    configure(before);
    rates
}

fn against(read: &dyn Fn() -> u32, mask: u32, rate: u64, name: &'static str) -> Option<Rates> {
    apic::start_timer(u32::MAX);
    let first = sample(read);
    let wanted = (rate / FRACTION) as u32;
    let mut reads = 0;
    while read().wrapping_sub(first.reference) & mask < wanted {
        reads += 1;
        if reads > PATIENCE {
            apic::start_timer(0);
            return None;
        }
    }
    let last = sample(read);
    apic::start_timer(0);
    let passed = u64::from(last.reference.wrapping_sub(first.reference) & mask);
    let per_second = |ticks: u64| ticks * rate / passed;
    let rates = Rates {
        tsc: per_second(last.tsc - first.tsc),
        apic: per_second(u64::from(first.apic - last.apic)),
        against: Some(name),
    };
    let alarms = rates.apic > 0 || features::get().tsc_deadline;
    (rates.tsc > 0 && alarms).then_some(rates)
}

/// The tightest of a few readings, so that a pause of the (virtual) processor between two clocks does not count.
fn sample(read: &dyn Fn() -> u32) -> Sample {
    let mut best = None;
    for _ in 0..8 {
        let before = tsc::counter();
        let reference = read();
        let apic = apic::timer_left();
        let tsc = tsc::counter();
        let width = tsc - before;
        if best.is_none_or(|(narrowest, _)| width < narrowest) {
            best = Some((
                width,
                Sample {
                    reference,
                    tsc,
                    apic,
                },
            ));
        }
    }
    match best {
        Some((_, sample)) => sample,
        None => Sample {
            reference: 0,
            tsc: 0,
            apic: 0,
        },
    }
}

/// The 8254: the counter of channel 2, and the commands.
const PIT_COUNTER: u16 = 0x42;
const PIT_COMMAND: u16 = 0x43;
/// Channel 2's gate (bit 0) and the speaker (bit 1).
const PIT_GATE: u16 = 0x61;

/// Lets channel 2 of the 8254 count down from 65535, speaker off.
fn start_pit() {
    let mut gate = Port::<u8>::new(PIT_GATE);
    let mut counter = Port::<u8>::new(PIT_COUNTER);
    // SAFETY: K2, the 8254's documented programming.
    unsafe {
        let before = gate.read();
        gate.write(before & !2 | 1);
        Port::<u8>::new(PIT_COMMAND).write(0b1011_0100);
        counter.write(0xff);
        counter.write(0xff);
    }
}

fn read_pit() -> u16 {
    let mut counter = Port::<u8>::new(PIT_COUNTER);
    // SAFETY: K2, latching and reading the counter.
    unsafe {
        Port::<u8>::new(PIT_COMMAND).write(0b1000_0000);
        u16::from_le_bytes([counter.read(), counter.read()])
    }
}

//! Starting the other cores.
//!
//! *Arrival*: the first core writes each core's goto address; the core loads the kernel's tables and an interim
//! block, says that it is there, and sleeps. *Comparison*: the first core asks each for its time-stamp counter some times.
//! *Joining*: once the machine is divided, the core gets its final block in its torus's memory and goes to the scheduler.
//! A core that does not arrive within a bounded time, or lacks what the first one has, is left out.

use super::cpu::{self, Cpu};
use super::index::CoreIndex;
use super::stacks::CoreStacks;
use super::start::{enable_features, install};
use super::{apic, features, fpu, ipi, paging, time, tsc};
use braid_firmware::counters::{self, Round};
use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use vm::addr::PhysAddr;
use x86_64::registers::model_specific::EferFlags;

/// Bytes of the interim block and stacks of an arriving core.
pub const ARRIVAL_SIZE: u64 = 16 * 4096;
/// How long the first core waits without any core arriving before it gives up on the rest.
const PATIENCE: time::Nanos = time::Nanos::from_secs(5);

/// What an arriving core is told; in its interim memory, below the block.
#[repr(C)]
struct Arrival {
    root: u64,
    stack: u64,
    efer: u64,
    own: u64,
    state: AtomicU32,
    block: AtomicPtr<Cpu>,
    /// The comparison: the round that the first core has begun, the last one answered, and the answer.
    round: AtomicU32,
    answered: AtomicU32,
    counter: AtomicU64,
}

/// States of an arrival. A core told to stay away once it is late halts when it comes after all.
const CALLED: u32 = 0;
const HERE: u32 = 1;
const JOINED: u32 = 2;
const TOO_LATE: u32 = 3;
const UNLIKE: u32 = 4;

/// Rounds of the comparison, and what says that it is over.
const ROUNDS: u32 = 8;
const COMPARED: u32 = ROUNDS + 1;

/// What becomes of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coming {
    /// It has arrived.
    Here,
    /// It does not answer.
    Silent,
    /// It lacks what the first core has.
    Unlike,
}

// rdi: the loader's record of this core, whose `extra` (offset 24) is the address of its Arrival.
// EFER.NXE comes before the tables, whose no-execute bits would be reserved without it.
global_asm!(
    ".global braid_core_start",
    "braid_core_start:",
    "cli",
    "cld",
    "mov rdi, [rdi + 24]",
    "mov ecx, 0xc0000080",
    "rdmsr",
    "or eax, [rdi + 16]",
    "wrmsr",
    "mov rax, [rdi]",
    "mov rsp, [rdi + 8]",
    "mov rdi, [rdi + 24]",
    "mov cr3, rax",
    "xor ebp, ebp",
    "call {arrive}",
    "ud2",
    arrive = sym arrive,
);

unsafe extern "C" {
    /// What a goto address is set to.
    pub fn braid_core_start(core: &limine::mp::Cpu) -> !;
}

/// A core that the loader has parked.
#[derive(Clone, Copy)]
pub struct Parked {
    /// Its number in the kernel.
    pub index: CoreIndex,
    /// Its local APIC id.
    pub apic_id: u32,
    /// The loader's record.
    pub record: &'static limine::mp::Cpu,
    /// [`ARRIVAL_SIZE`] bytes of interim memory, zeroed.
    pub memory: PhysAddr,
}

fn arrival(memory: PhysAddr) -> *mut Arrival {
    // Above the block, which takes whole pages.
    (paging::phys_to_virt(memory) as usize + size_of::<Cpu>()) as *mut Arrival
}

/// Calls all cores; returns when every one has answered or none has for [`PATIENCE`]. `told` is told of each core what becomes
/// of it.
pub fn call(cores: &[Parked], mut told: impl FnMut(&Parked, Coming)) {
    for core in cores {
        prepare(core);
        core.record.goto_address.write(braid_core_start);
    }
    let mut seen = 0;
    wait(|| {
        let answered = cores.iter().filter(|core| state(core) != CALLED).count();
        let more = answered > seen;
        seen = answered;
        match (answered == cores.len(), more) {
            (true, _) => Progress::Done,
            (_, true) => Progress::Some,
            _ => Progress::None,
        }
    });
    for core in cores {
        let was =
            of(core)
                .state
                .compare_exchange(CALLED, TOO_LATE, Ordering::AcqRel, Ordering::Acquire);
        let coming = match was {
            Ok(_) => Coming::Silent,
            Err(UNLIKE) => Coming::Unlike,
            Err(_) if compare(core) => Coming::Here,
            Err(_) => Coming::Silent,
        };
        told(core, coming);
    }
}

enum Progress {
    None,
    Some,
    Done,
}

/// Looks until it is done, or there has been no progress for [`PATIENCE`]: false.
fn wait(mut look: impl FnMut() -> Progress) -> bool {
    let mut last = time::now();
    loop {
        match look() {
            Progress::Done => return true,
            Progress::Some => last = time::now(),
            Progress::None if time::now() - last > PATIENCE => return false,
            Progress::None => core::hint::spin_loop(),
        }
    }
}

/// Compares an arrived core's counter with this one's; false when it does not answer any more.
fn compare(core: &Parked) -> bool {
    let arrival = of(core);
    let mut rounds = [Round {
        sent: 0,
        theirs: 0,
        back: 0,
    }; ROUNDS as usize];
    for (number, round) in (1..).zip(&mut rounds) {
        round.sent = tsc::counter();
        arrival.round.store(number, Ordering::Release);
        if number == 1 {
            ipi::send(core.index, ipi::Ipi::Reschedule);
        }
        let answered = wait(
            || match arrival.answered.load(Ordering::Acquire) == number {
                true => Progress::Done,
                false => Progress::None,
            },
        );
        if !answered {
            return false;
        }
        round.back = tsc::counter();
        round.theirs = arrival.counter.load(Ordering::Relaxed);
    }
    arrival.round.store(COMPARED, Ordering::Release);
    let offset = counters::offset(&rounds);
    if offset != 0 {
        log::debug!("core {}: counter differs by {} ticks", core.index, -offset);
    }
    if let Some(block) = cpu::get(core.index) {
        block.tsc_offset.store(offset, Ordering::Relaxed);
    }
    true
}

fn of(core: &Parked) -> &'static Arrival {
    // SAFETY: K3, prepared before; what both cores use are atomics.
    unsafe { &*arrival(core.memory) }
}

fn state(core: &Parked) -> u32 {
    of(core).state.load(Ordering::Acquire)
}

fn prepare(core: &Parked) {
    let base = paging::phys_to_virt(core.memory) as u64;
    let stacks = CoreStacks::stacked(base, ARRIVAL_SIZE);
    let block = base as *mut Cpu;
    let arrival = arrival(core.memory);
    // SAFETY: K3, the interim memory is this core's alone and the core does not run yet.
    unsafe {
        block.write(Cpu::new(core.index, core.apic_id, stacks));
        arrival.write(Arrival {
            root: paging::kernel_root().0,
            stack: stacks.main,
            efer: if features::get().nx {
                EferFlags::NO_EXECUTE_ENABLE.bits()
            } else {
                0
            },
            own: arrival as u64,
            state: AtomicU32::new(CALLED),
            block: AtomicPtr::new(block),
            round: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            counter: AtomicU64::new(0),
        });
    }
    core.record.extra.store(arrival as u64, Ordering::Release);
}

/// The first Rust code of a core, on its interim stack.
extern "C" fn arrive(arrival: &'static Arrival) -> ! {
    let block = arrival.block.swap(core::ptr::null_mut(), Ordering::AcqRel);
    let alike = features::suffice() && fpu::suffices();
    let answer = if alike { HERE } else { UNLIKE };
    let answered =
        arrival
            .state
            .compare_exchange(CALLED, answer, Ordering::AcqRel, Ordering::Acquire);
    if answered.is_err() || !alike {
        cpu::halt();
    }
    // SAFETY: K3, the interim block is this core's.
    unsafe { install(block) };
    enable_features(false);
    if apic::enable().is_err() {
        cpu::halt();
    }
    apic::allow_timer();
    loop {
        let block = arrival.block.load(Ordering::Acquire);
        if !block.is_null() {
            // SAFETY: K3, the final block is this core's.
            unsafe { install(block) };
            super::entry::enter_user(&arrival.state, JOINED);
        }
        answer_rounds(arrival);
        cpu::halt_until_interrupt();
    }
}

/// Tells this core's counter in each round, from the first on until the last.
fn answer_rounds(arrival: &Arrival) {
    let mut answered = 0;
    loop {
        match arrival.round.load(Ordering::Acquire) {
            0 | COMPARED => return,
            round if round == answered => core::hint::spin_loop(),
            round => {
                arrival.counter.store(tsc::counter(), Ordering::Relaxed);
                arrival.answered.store(round, Ordering::Release);
                answered = round;
            }
        }
    }
}

/// Gives an arrived core its final block and wakes it.
///
/// # Safety
/// `block` is this core's for good.
pub unsafe fn release(core: &Parked, block: *mut Cpu) {
    of(core).block.store(block, Ordering::Release);
    ipi::send(core.index, ipi::Ipi::Reschedule);
}

/// Whether the core has left its interim memory.
pub fn has_joined(core: &Parked) -> bool {
    state(core) == JOINED
}

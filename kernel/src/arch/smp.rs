//! Starting the other cores.
//!
//! *Arrival*: the first core writes each core's goto address; the core loads the kernel's tables and an interim
//! block, says that it is there, and sleeps. *Joining*: once the machine is divided, the core gets its final block
//! in its torus's memory and goes to the scheduler. A core that does not arrive within a bounded time is left out.

use super::cpu::{self, CoreIndex, Cpu};
use super::stacks::CoreStacks;
use super::{apic, features, ipi, paging, time};
use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use vm::addr::PhysAddr;

/// Bytes of the interim block and stacks of an arriving core.
pub const ARRIVAL_SIZE: u64 = 16 * 4096;
/// How long the first core waits without any core arriving before it gives up on the rest.
const PATIENCE: time::Nanos = time::Nanos(2_000_000_000);

/// What an arriving core is told; in its interim memory, below the block.
#[repr(C)]
struct Arrival {
    root: u64,
    stack: u64,
    efer: u64,
    own: u64,
    state: AtomicU32,
    block: AtomicPtr<Cpu>,
    /// Counter of the first core when it wrote the goto address, and of this core when it arrived.
    sent: AtomicU64,
    arrived: AtomicU64,
}

/// States of an arrival. A core told to stay away once it is late halts when it comes after all.
const CALLED: u32 = 0;
const HERE: u32 = 1;
const JOINED: u32 = 2;
const TOO_LATE: u32 = 3;

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

/// Calls all cores; returns when every one has arrived or none has for [`PATIENCE`]. `told` is told of each
/// core whether it came.
pub fn call(cores: &[Parked], mut told: impl FnMut(&Parked, bool)) {
    for core in cores {
        prepare(core);
        core.record.goto_address.write(braid_core_start);
    }
    let mut last = time::now();
    let mut here = 0;
    loop {
        let count = cores.iter().filter(|core| state(core) == HERE).count();
        if count == cores.len() {
            break;
        }
        if count > here {
            here = count;
            last = time::now();
        } else if time::now().0 - last.0 > PATIENCE.0 {
            break;
        }
        core::hint::spin_loop();
    }
    for core in cores {
        // SAFETY: K3, the arrival's atomics.
        let arrival = unsafe { &*arrival(core.memory) };
        let late = arrival
            .state
            .compare_exchange(CALLED, TOO_LATE, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        told(core, !late);
    }
}

fn state(core: &Parked) -> u32 {
    // SAFETY: K3, the arrival's atomics.
    unsafe { (*arrival(core.memory)).state.load(Ordering::Acquire) }
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
            efer: if features::get().nx { 1 << 11 } else { 0 },
            own: arrival as u64,
            state: AtomicU32::new(CALLED),
            block: AtomicPtr::new(block),
            sent: AtomicU64::new(time::counter()),
            arrived: AtomicU64::new(0),
        });
    }
    core.record.extra.store(arrival as u64, Ordering::Release);
}

/// The first Rust code of a core, on its interim stack.
extern "C" fn arrive(arrival: &'static Arrival) -> ! {
    let block = arrival.block.swap(core::ptr::null_mut(), Ordering::AcqRel);
    let answered =
        arrival
            .state
            .compare_exchange(CALLED, HERE, Ordering::AcqRel, Ordering::Acquire);
    if answered.is_err() {
        super::halt();
    }
    // SAFETY: K3, the interim block is this core's.
    let own = unsafe { cpu::install(block) };
    cpu::enable_features(false);
    adjust_counter(own, arrival.sent.load(Ordering::Relaxed));
    apic::enable();
    loop {
        let block = arrival.block.load(Ordering::Acquire);
        if !block.is_null() {
            // SAFETY: K3, the final block is this core's.
            unsafe { cpu::install(block) };
            super::enter_user(&arrival.state, JOINED);
        }
        cpu::halt_until_interrupt();
    }
}

/// A counter that lags behind the first core's at the time of the call is moved forward.
fn adjust_counter(own: &Cpu, sent: u64) {
    let lag = sent as i64 - time::counter() as i64;
    own.tsc_offset.store(lag.max(0), Ordering::Relaxed);
}

/// Gives an arrived core its final block and wakes it.
///
/// # Safety
/// `block` is this core's for good.
pub unsafe fn release(core: &Parked, block: *mut Cpu) {
    // SAFETY: K3, the arrival's atomics.
    let arrival = unsafe { &*arrival(core.memory) };
    arrival.block.store(block, Ordering::Release);
    ipi::send(core.index, ipi::Ipi::Reschedule);
}

/// Whether the core has left its interim memory.
pub fn has_joined(core: &Parked) -> bool {
    state(core) == JOINED
}

//! The block of each core, reached through GS.

use super::descriptors::Tables;
use super::shootdown::Mailbox;
use super::stacks::CoreStacks;
use super::{fpu, msr};
use crate::sched;
use crate::tori::Torus;
use core::arch::asm;
use core::fmt;
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use torus::TorusId;
use vm::pool::CoreCache;

/// The most cores a machine may have.
pub const MAX_CORES: usize = 256;

/// The number of a core, counted from 0 over the machine; the first core is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoreIndex(pub u16);

impl CoreIndex {
    /// The number as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for CoreIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What belongs to one core. The first fields are at offsets that the trap entry code knows.
#[repr(C, align(4096))]
pub struct Cpu {
    /// Address of this block.
    own: *const Cpu,
    /// Top of the core's kernel stack.
    pub(super) stack_top: u64,
    /// The program's stack pointer, between a system call's first two instructions.
    pub(super) scratch: u64,
    /// GDT, task state segment (with RSP0: the end of the current thread's registers).
    pub(super) tables: Tables,
    /// Number in the machine.
    pub index: CoreIndex,
    /// Local APIC id.
    pub apic_id: u32,
    /// Number within the torus.
    pub core_in_torus: usize,
    torus: Option<&'static Torus>,
    /// Where its stacks are.
    pub(super) stacks: CoreStacks,
    /// What this core's time-stamp counter lacks to the first core's, in ticks. Written by the first core, before this one
    /// joins its torus.
    pub(super) tsc_offset: AtomicI64,
    /// Physical address of the root table that is loaded; 0 when not known.
    pub(super) root: AtomicU64,
    /// Free frames of the torus that this core keeps at hand.
    pub(crate) frames: CoreCache,
    /// The scheduler's state of this core.
    pub sched: sched::Core,
    /// Where other cores ask for flushes.
    pub(super) mailbox: CachePadded<Mailbox>,
}

// SAFETY: K3, fields without atomics or locks are written by the core itself, or before the core runs.
unsafe impl Sync for Cpu {}
// SAFETY: K3.
unsafe impl Send for Cpu {}

pub(super) const STACK_TOP: usize = core::mem::offset_of!(Cpu, stack_top);
pub(super) const SCRATCH: usize = core::mem::offset_of!(Cpu, scratch);
pub(super) const RSP0: usize = core::mem::offset_of!(Cpu, tables) + super::descriptors::RSP0;

static CPUS: [AtomicPtr<Cpu>; MAX_CORES] =
    [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_CORES];
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Cpu {
    /// The block of a core that does not run yet.
    pub fn new(index: CoreIndex, apic_id: u32, stacks: CoreStacks) -> Self {
        Self {
            own: core::ptr::null(),
            stack_top: stacks.main,
            scratch: 0,
            tables: Tables::new(),
            index,
            apic_id,
            core_in_torus: 0,
            torus: None,
            stacks,
            tsc_offset: AtomicI64::new(0),
            root: AtomicU64::new(0),
            frames: CoreCache::new(),
            sched: sched::Core::new(),
            mailbox: CachePadded::new(Mailbox::new()),
        }
    }

    /// Gives the core its place in a torus, before it runs.
    pub fn join(&mut self, torus: &'static Torus, core_in_torus: usize) {
        self.torus = Some(torus);
        self.core_in_torus = core_in_torus;
    }

    /// The torus it belongs to; none while the machine is being divided.
    pub fn try_torus(&self) -> Option<&'static Torus> {
        self.torus
    }

    /// The torus it belongs to.
    ///
    /// # Panics
    /// Before the machine is divided.
    #[inline]
    pub fn torus(&self) -> &'static Torus {
        match self.torus {
            Some(torus) => torus,
            None => panic!("core {} is not part of a torus yet", self.index.0),
        }
    }
}

/// The block of the core that executes this.
#[inline]
pub fn this() -> &'static Cpu {
    let own: *const Cpu;
    // SAFETY: K3, GS points at the block in the kernel, whose first word is its own address.
    unsafe {
        asm!("mov {}, gs:[0]", out(reg) own, options(nostack, readonly, preserves_flags));
        &*own
    }
}

/// The block of the core that executes this, if it has one yet.
#[inline]
pub fn try_this() -> Option<&'static Cpu> {
    (COUNT.load(Ordering::Relaxed) > 0).then(this)
}

/// Torus and number of the core that executes this; `None` while the machine is not divided.
pub fn place() -> Option<(TorusId, CoreIndex)> {
    let cpu = try_this()?;
    Some((cpu.torus?.id, cpu.index))
}

/// Waits for the next interrupt with interrupts on, and turns them off again. For the idle loop alone.
pub fn halt_until_interrupt() {
    // SAFETY: K4, interrupts are on between the instructions of this block; `sti` takes effect after `hlt` has begun,
    // so no wake-up is lost.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Lets interrupts in that wait: between the pieces of what takes long. Under an [`IrqLock`](crate::sched::lock::IrqLock) they are only
/// acknowledged, and come again after it. The caller holds none of the other locks that an interrupt takes, which are held for a few
/// instructions only. What the core has reserved is not theirs.
pub fn let_interrupts_in() {
    let sched = &this().sched;
    let own = sched.reserved.replace(0);
    // SAFETY: K4, interrupts are on between the instructions of this block.
    unsafe { asm!("sti", "nop", "cli", options(nostack)) };
    sched.reserved.set(own);
}

/// The block of core `index`, if that core runs.
pub fn get(index: CoreIndex) -> Option<&'static Cpu> {
    let cpu = CPUS.get(index.index())?.load(Ordering::Acquire);
    // SAFETY: K3, a block once entered is never freed while its core runs.
    unsafe { cpu.as_ref() }
}

/// How many cores run.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// All cores that run.
pub fn all() -> impl Iterator<Item = &'static Cpu> {
    (0..MAX_CORES as u16).filter_map(|index| get(CoreIndex(index)))
}

/// Makes `cpu` the block of the core that executes this: segments, task state, interrupt table, GS.
///
/// # Safety
/// `cpu` stays where it is for as long as the core uses it, and no other core uses it.
pub unsafe fn install(cpu: *mut Cpu) -> &'static Cpu {
    // SAFETY: K3, by the caller's promise.
    unsafe {
        (*cpu).own = cpu;
        let stacks = (*cpu).stacks;
        (*cpu).tables.fill(&stacks);
        (&raw mut (*cpu).tables).as_ref_unchecked().load();
        msr::write(msr::GS_BASE, cpu as u64);
        msr::write(msr::KERNEL_GS_BASE, 0);
        let old = CPUS[(*cpu).index.index()].swap(cpu, Ordering::AcqRel);
        if old.is_null() {
            COUNT.fetch_add(1, Ordering::Relaxed);
        } else {
            (*cpu)
                .tsc_offset
                .store((*old).tsc_offset.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        &*cpu
    }
}

/// Turns on what the kernel relies on, on this core: control registers, vector state, system calls.
pub(super) fn enable_features(first: bool) {
    super::control::set();
    fpu::enable(first);
    super::entry::enable_system_calls();
}

//! The block of each core, reached through GS.

use super::descriptors::Tables;
use super::index::{CoreIndex, MAX_CORES};
use super::mailbox::Mailbox;
use super::msr;
use super::stacks::CoreStacks;
use crate::console::Backlog;
use core::arch::asm;
use core::cell::Cell;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use sync::{Head, Local};
use torus::TorusId;
use vm::addr::PAGE_SIZE;
use x86_64::instructions::{hlt, interrupts};

/// What a layer above keeps of each core: found through the core's block, by its slot.
///
/// # Safety
/// No other type has this slot.
pub unsafe trait Part: Sync + Sized + 'static {
    /// Its number, below [`PARTS`].
    const SLOT: usize;
}

/// What a layer keeps of each core that the core alone touches: cells.
///
/// # Safety
/// No other type and no other [`Part`] has this slot.
pub unsafe trait Own: Default + Send + 'static {
    /// Its number, below [`PARTS`].
    const SLOT: usize;
}

/// The part that has a layer's [`Own`].
#[derive(Default)]
pub struct OwnPart<T>(Local<T>);

// SAFETY: K3, by the promise of `Own`.
unsafe impl<T: Own> Part for OwnPart<T> {
    const SLOT: usize = T::SLOT;
}

/// Makes a type what a layer keeps of each core ([`Part`], or [`Own`]), with a slot of its own: of two with one number the program does not
/// link.
#[macro_export]
macro_rules! core_part {
    ($kind:ident for $part:ty, $slot:literal) => {
        const _: () = {
            #[unsafe(export_name = concat!("core_part_", $slot))]
            static TAKEN: u8 = 0;
            // SAFETY: K3, there is one symbol of this name.
            unsafe impl $crate::cpu::$kind for $part {
                const SLOT: usize = $slot;
            }
        };
    };
}

/// What a layer has for the core that executes this alone.
///
/// # Panics
/// Before the machine is divided.
#[inline]
pub fn own<T: Own>() -> &'static T {
    // SAFETY: K20, it is the executing core's.
    unsafe { part::<OwnPart<T>>().0.get() }
}

/// Layers above that have a part of each core: tori, scheduler, programs.
pub const PARTS: usize = 3;

/// How a layer's part of a core is made.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// Bytes of the part.
    pub bytes: usize,
    make: unsafe fn(*mut u8, &mut Cpu),
}

impl Maker {
    /// Of a part that is the same for every core at first.
    pub const fn of<T: Part + Default>() -> Self {
        const { assert!(align_of::<T>() <= PAGE_SIZE) };
        Self {
            bytes: size_of::<T>(),
            make: make::<T>,
        }
    }

    /// Makes the part of `cpu`, before it runs.
    ///
    /// # Safety
    /// `memory` has so many bytes from the start of a page, which stay and are nobody else's.
    pub unsafe fn make(self, memory: *mut u8, cpu: &mut Cpu) {
        // SAFETY: K3, by the caller's promise.
        unsafe { (self.make)(memory, cpu) }
    }
}

/// As [`Maker::make`].
unsafe fn make<T: Part + Default>(memory: *mut u8, cpu: &mut Cpu) {
    let part = memory.cast::<T>();
    // SAFETY: K3, by the caller's promise.
    unsafe {
        part.write(T::default());
        cpu.set_part(&*part);
    }
}

/// What belongs to one core. The first fields are at offsets that the trap entry code knows.
#[repr(C, align(4096))]
pub struct Cpu {
    /// Its address, and what locks need.
    pub(super) head: Head,
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
    /// Its torus; `None` while the machine is being divided.
    pub torus: Option<TorusId>,
    parts: [*const (); PARTS],
    /// Where its torus's log lines wait.
    pub log: Option<&'static Backlog>,
    /// A word of what the core does now, and not of interrupts that are let in meanwhile: they find 0.
    carried: Cell<u64>,
    /// Rounds of long loops since it last looked for interrupts.
    rounds: Cell<u32>,
    /// It has been asked to look whose turn it is.
    resched: Cell<bool>,
    /// Where its stacks are.
    pub(super) stacks: CoreStacks,
    /// What this core's time-stamp counter lacks to the first core's, in ticks. Written by the first core, before this one
    /// joins its torus.
    pub(super) tsc_offset: AtomicI64,
    /// Physical address of the root table that is loaded; 0 when not known.
    pub(super) root: AtomicU64,
    /// Where other cores ask for flushes.
    pub(super) mailbox: CachePadded<Mailbox>,
}

// SAFETY: K3, fields without atomics or locks are written by the core itself, or before the core runs.
unsafe impl Sync for Cpu {}
// SAFETY: K3.
unsafe impl Send for Cpu {}

pub(super) const STACK_TOP: usize = offset_of!(Cpu, stack_top);
pub(super) const SCRATCH: usize = offset_of!(Cpu, scratch);
pub(super) const RSP0: usize = offset_of!(Cpu, tables) + super::descriptors::RSP0;

static CPUS: [AtomicPtr<Cpu>; MAX_CORES] =
    [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_CORES];
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Cpu {
    /// The block of a core that does not run yet.
    pub fn new(index: CoreIndex, apic_id: u32, stacks: CoreStacks) -> Self {
        Self {
            head: Head::new(),
            stack_top: stacks.main,
            scratch: 0,
            tables: Tables::new(),
            index,
            apic_id,
            core_in_torus: 0,
            torus: None,
            parts: [ptr::null(); PARTS],
            log: None,
            carried: Cell::new(0),
            rounds: Cell::new(0),
            resched: Cell::new(false),
            stacks,
            tsc_offset: AtomicI64::new(0),
            root: AtomicU64::new(0),
            mailbox: CachePadded::new(Mailbox::new()),
        }
    }

    /// Gives the core its place in a torus, before it runs.
    pub fn join(&mut self, torus: TorusId, core_in_torus: usize, log: &'static Backlog) {
        self.torus = Some(torus);
        self.log = Some(log);
        self.core_in_torus = core_in_torus;
    }

    /// Gives the core a layer's part, before it runs.
    pub fn set_part<T: Part>(&mut self, part: &'static T) {
        self.parts[T::SLOT] = ptr::from_ref(part).cast();
    }

    /// A layer's part; none while the machine is being divided.
    #[inline]
    pub fn try_part<T: Part>(&self) -> Option<&'static T> {
        // SAFETY: K3, `set_part` alone writes the slot, which is this type's.
        unsafe { self.parts[T::SLOT].cast::<T>().as_ref() }
    }

    /// A layer's part.
    ///
    /// # Panics
    /// Before the machine is divided.
    #[inline]
    pub fn part<T: Part>(&self) -> &'static T {
        self.try_part().unwrap_or_else(|| missing())
    }
}

#[cold]
fn missing() -> ! {
    panic!("core {} is not part of a torus yet", this().index)
}

/// A layer's part of the core that executes this.
///
/// # Panics
/// Before the machine is divided.
#[inline]
pub fn part<T: Part>() -> &'static T {
    // SAFETY: K3, `set_part` alone writes the slot, which is this type's.
    let part = unsafe { slot::<T>().as_ref() };
    part.unwrap_or_else(|| missing())
}

/// As [`part`], without a look whether there is one.
///
/// # Safety
/// The core has joined its torus.
#[inline]
pub unsafe fn part_of_member<T: Part>() -> &'static T {
    // SAFETY: K3, all parts are there by the caller's promise; `set_part` alone writes the slot, which is this type's.
    unsafe { &*slot::<T>() }
}

/// What is in a slot of the core that executes this.
#[inline]
fn slot<T: Part>() -> *const T {
    let part: *const T;
    // SAFETY: K3, GS points at the block in the kernel; what sets it anew is for the compiler a write to memory.
    unsafe {
        asm!(
            "mov {part}, gs:[{at}]",
            part = out(reg) part,
            at = const offset_of!(Cpu, parts) + 8 * T::SLOT,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    part
}

/// The block of the core that executes this.
#[inline]
pub fn this() -> &'static Cpu {
    let own: *const Cpu;
    // SAFETY: K3, GS points at the block in the kernel, whose first word is its own address; what sets it anew is for the compiler a
    // write to memory.
    unsafe {
        asm!("mov {}, gs:[0]", out(reg) own, options(pure, readonly, nostack, preserves_flags));
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
    Some((cpu.torus?, cpu.index))
}

/// A word of what this core does now, and not of interrupts that are let in meanwhile: they find 0.
#[inline]
pub fn carried() -> &'static Cell<u64> {
    &this().carried
}

/// Waits for the next interrupt with interrupts on, and turns them off again. For the idle loop alone.
pub fn halt_until_interrupt() {
    // SAFETY: K4, interrupts are on between the instructions of this block; `sti` takes effect after `hlt` has begun,
    // so no wake-up is lost.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Lets interrupts in that wait: between the pieces of what takes long. Under a lock that their handlers take they are only
/// acknowledged, and come again after it. The caller holds none of the other locks that an interrupt takes, which are held for a few
/// instructions only.
pub fn let_interrupts_in() {
    let carried = &this().carried;
    let own = carried.replace(0);
    // K4: interrupts are on between the two.
    interrupts::enable();
    interrupts::disable();
    carried.set(own);
}

/// Rounds between two looks at what else there is to do: with four thousand instructions in each, still below the bound of 20,000.
const ROUNDS: u32 = 4;

/// Counts a round of a loop whose length a program chooses; whether enough were made. They are counted for each core, not for each
/// loop: loops of few rounds one after the other, or within each other, are long too.
pub fn is_due() -> bool {
    let rounds = &this().rounds;
    let count = rounds.get() + 1;
    rounds.set(count % ROUNDS);
    count == ROUNDS
}

/// After a round: [lets interrupts in](let_interrupts_in) where it is time.
// SAFETY: K39, of the type that `sync` declares.
#[unsafe(export_name = "sync_step")]
pub fn step() {
    if is_due() {
        let_interrupts_in();
    }
}

/// Has this core look whose turn it is before its current thread goes on with its program. Interrupts ask for that, too.
// SAFETY: K39, of the type that `sync` declares.
#[unsafe(export_name = "sync_yield")]
pub fn request_resched() {
    this().resched.set(true);
}

/// Whether this core has been [asked](request_resched) to look whose turn it is.
#[inline]
pub fn is_resched_requested() -> bool {
    this().resched.get()
}

/// Whether this core has been [asked](request_resched) to look whose turn it is, which it is not any more.
#[inline]
pub fn take_resched() -> bool {
    this().resched.replace(false)
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

/// Enters `cpu` as the block that GS points at; counts the core, if it is new.
///
/// # Safety
/// As for [`super::install`].
pub(super) unsafe fn enter(cpu: *mut Cpu) -> &'static Cpu {
    // SAFETY: K3, by the caller's promise.
    unsafe {
        (*cpu).head.own.set(cpu.cast());
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

/// Stops this core for good.
pub fn halt() -> ! {
    loop {
        // K4: interrupts stay off; an NMI ends the halt and the loop halts again.
        interrupts::disable();
        hlt();
    }
}

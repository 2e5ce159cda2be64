//! Page faults: `vm` says what to do, this does it.

use super::held::Held;
use super::later;
use super::object::{MemoryObject, Shown, SourceError};
use super::reclaim::{self, Room};
use super::space::{Space, VmSpace};
use super::stuck;
use super::swap::{Asked, PageName};
use super::user::USER_END;
use crate::mem::object::ObjectRef;
use crate::mem::reclaim::OfTorus as _;
use crate::migrate::host::{self, NoFrame};
use crate::process::Thread;
use crate::process::thread::Fault;
use crate::signal::info::{BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SigInfo};
use crate::signal::{self, Signal};
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use core::fmt;
use machine::cpu;
use machine::paging;
use tori::Torus;
use tori::counters::{self, Counters};
use tori::pieces;
use vm::addr::{Frame, FrameRange, PAGE_SIZE, Page, PageRange, RUN, VirtAddr};
use vm::fault::{Access, Fill, Recipe, Refusal, Target};
use vm::flush::FlushDebt;
use vm::frames::Use;
use vm::table::{Rights, Slot};

/// Pages around a fault on a cached object that are entered with it, where they are cached too.
const AROUND: u64 = 16;

/// The bit of a page fault's error code for an entry that is there.
const PRESENT: u64 = 1;

/// How a fault ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The access may be tried again.
    Resolved,
    /// The entry is right already: the access may be tried again.
    Present,
    /// The program may not do that.
    Refused(Refusal),
    /// The page lies beyond the end of its object.
    Bus,
    /// The swap disk has lost the page.
    Lost,
    /// The current thread is enrolled: when it is woken, the access is to be resolved afresh.
    Wait,
    /// No memory is left for it.
    NoMemory,
}

impl Space {
    /// Resolves an access that the processor refused.
    pub fn fault(&self, address: VirtAddr, access: Access) -> Outcome {
        self.with_all(|space, host| {
            let torus = tori::here();
            let memory = torus.memory();
            loop {
                let recipe = space.resolve(memory, address, access);
                count(counters::own(), &recipe);
                Thread::with_current(|thread| count(&thread.process.counters, &recipe));
                match recipe {
                    Recipe::Grow(page) => {
                        if space.grow(page).is_err() {
                            return (Outcome::NoMemory, FlushDebt::none());
                        }
                    }
                    Recipe::Unfold(page) => {
                        if space.unfold(memory, page).is_err() {
                            return (Outcome::NoMemory, FlushDebt::none());
                        }
                    }
                    Recipe::Pull { page, source } => {
                        let Some(host) = host else {
                            return (Outcome::Lost, FlushDebt::none());
                        };
                        self.waiters.enrol();
                        match host::fault(space, &mut host.resident, page, source) {
                            Ok(true) => {}
                            Ok(false) => return (Outcome::Wait, FlushDebt::none()),
                            Err(NoFrame) => return (Outcome::NoMemory, FlushDebt::none()),
                        }
                    }
                    recipe => return execute(space, torus, recipe),
                }
            }
        })
    }
}

/// Does what a recipe says.
#[inline]
fn execute(
    space: &mut VmSpace,
    torus: &'static Torus,
    recipe: Recipe<super::object::ObjectRef>,
) -> (Outcome, FlushDebt) {
    let none = FlushDebt::none();
    match recipe {
        Recipe::Present => {
            // Another core was faster, or this one remembers less than is allowed.
            paging::flush_all();
            (Outcome::Present, none)
        }
        Recipe::ZeroRead(target) => install(space, torus, target, Fill::Zero),
        Recipe::Zero(target) => {
            if target.wants_run()
                && let Some(done) = run(space, torus, target)
            {
                return done;
            }
            let Some(frame) = torus.alloc_zeroed_frame(Use::Private) else {
                return (Outcome::NoMemory, none);
            };
            install(space, torus, target, Fill::Private(frame))
        }
        Recipe::Keep(target) => install(space, torus, target, Fill::Kept),
        Recipe::CopyOnWrite { source, target } => copy(space, torus, source, target),
        Recipe::Cached {
            object,
            index,
            target,
        } => match object.0.page(index) {
            Ok(Shown::Zero) => install(space, torus, target, Fill::Zero),
            Ok(Shown::Frame(frame)) => {
                let done = install(space, torus, target, Fill::Cached(frame.into_frame()));
                if done.0 == Outcome::Resolved {
                    around(space, torus, &object.0, index, target.page());
                }
                done
            }
            Ok(Shown::Lent(frame)) => install(space, torus, target, Fill::Lent(frame)),
            Err(error) => (failed(error), none),
        },
        Recipe::CopyObject {
            object,
            index,
            target,
        } => {
            let Some(mut frame) = Held::new(Use::Private) else {
                return (Outcome::NoMemory, none);
            };
            match frame.fill(|page| object.0.copy(index, page)) {
                Ok(()) => install(space, torus, target, Fill::Private(frame.into_frame())),
                Err(error) => (failed(error), none),
            }
        }
        Recipe::Refuse(refusal) => (Outcome::Refused(refusal), none),
        Recipe::SwapIn { slot, target } => {
            let page = PageName {
                used: Use::Private,
                owner: space.lineage(),
                index: target.index(),
            };
            (from_swap(torus, slot, page), none)
        }
        // These were done before.
        Recipe::Pull { .. } | Recipe::Unfold(_) | Recipe::Grow(_) => (Outcome::Lost, none),
    }
}

/// Has a page come back from its slot.
fn from_swap(torus: &Torus, slot: Slot, page: PageName) -> Outcome {
    let asked = torus
        .reclaim()
        .swap()
        .map(|swap| swap.bring_back(slot, page));
    match asked {
        Some(Asked::Wait) => Outcome::Wait,
        Some(Asked::NoMemory) => Outcome::NoMemory,
        Some(Asked::Lost) | None => Outcome::Lost,
    }
}

/// Enters 2 MiB of zeros; `None` without a run of frames or a table for it: a single frame will do.
fn run(space: &mut VmSpace, torus: &'static Torus, target: Target) -> Option<(Outcome, FlushDebt)> {
    let first = torus.alloc_zeroed_run(Use::Private)?;
    match space.install(torus.memory(), target, Fill::PrivateRun(first)) {
        Ok(debt) => Some((Outcome::Resolved, debt)),
        Err(_) => {
            FrameRange::at(first, RUN).iter().for_each(|frame| {
                drop(Held::again(frame));
                pieces::step();
            });
            None
        }
    }
}

fn failed(error: SourceError) -> Outcome {
    match error {
        SourceError::BeyondEnd | SourceError::Full => Outcome::Bus,
        SourceError::NoMemory => Outcome::NoMemory,
        SourceError::Wait => Outcome::Wait,
        SourceError::Lost => Outcome::Lost,
    }
}

/// Enters a page; its frame is freed when there is no memory for a table. Part of each path of a fault, where what is entered is known.
#[inline(always)]
fn install(
    space: &mut VmSpace,
    torus: &'static Torus,
    target: Target,
    fill: Fill,
) -> (Outcome, FlushDebt) {
    match space.install(torus.memory(), target, fill) {
        Ok(debt) => (Outcome::Resolved, debt),
        Err(_) => {
            if let Fill::Private(frame) | Fill::Cached(frame) = fill {
                drop(Held::again(frame));
            }
            (Outcome::NoMemory, FlushDebt::none())
        }
    }
}

/// A private copy of `source`.
fn copy(
    space: &mut VmSpace,
    torus: &'static Torus,
    source: Frame,
    target: Target,
) -> (Outcome, FlushDebt) {
    let Some(frame) = torus.alloc_frame(Use::Private) else {
        return (Outcome::NoMemory, FlushDebt::none());
    };
    let from = paging::phys_to_virt(source.start());
    let to = paging::phys_to_virt(frame.start());
    // SAFETY: K21, the new frame is nobody else's; the source stays as long as the space is locked.
    unsafe { to.copy_from_nonoverlapping(from, PAGE_SIZE) };
    install(space, torus, target, Fill::Private(frame))
}

/// Enters the cached neighbours of an object's page: each spares a fault. The page is there, and with it the tables.
fn around(
    space: &mut VmSpace,
    torus: &'static Torus,
    object: &Arc<MemoryObject>,
    index: u64,
    page: Page,
) {
    let Some(range) = space.find(page.start()).map(|mapping| mapping.range) else {
        return;
    };
    let block = PageRange::at(Page(page.0 & !(AROUND - 1)), AROUND).intersect(range);
    let mut cached = object.look();
    space.install_around(torus.memory(), block, |near| {
        let index = (index + near.0).checked_sub(page.0)?;
        cached.frame(index).map(Held::into_frame)
    });
}

/// A page fault of the running program (SDM vol. 3A, 4.7: bit 1 write, bit 4 fetch).
pub fn of_program(thread: &Arc<Thread>, address: u64, code: u64) {
    let access = match code {
        code if code & 0x10 != 0 => Access::Execute,
        code if code & 2 != 0 => Access::Write,
        _ => Access::Read,
    };
    match on(thread, VirtAddr(address), access) {
        Outcome::Resolved => {}
        Outcome::Present if stuck::faulted_again(thread, address, code) => {
            punish(thread, address, code, access, Outcome::Present);
        }
        Outcome::Present => {}
        Outcome::Wait => later::wait(thread),
        outcome => punish(thread, address, code, access, outcome),
    }
}

/// Resolves an access of the current thread, with room made for it where there was none.
#[inline]
fn on(thread: &Arc<Thread>, address: VirtAddr, access: Access) -> Outcome {
    loop {
        let outcome = thread.space.with(|space| match space {
            Some(space) => space.fault(address, access),
            None => Outcome::Refused(Refusal::NotMapped),
        });
        if outcome == Outcome::Resolved {
            reclaim::satisfied(thread);
        }
        if outcome != Outcome::NoMemory {
            return outcome;
        }
        match reclaim::make_room(thread) {
            Room::Made => {}
            Room::Wait => return Outcome::Wait,
            Room::None => return Outcome::NoMemory,
        }
    }
}

/// An access of the kernel's on behalf of the program, through the door. EFAULT when the program may not, there is nothing
/// there, or `again` says that the entry was right too often already.
pub fn of_kernel(address: usize, write: bool, again: &mut u32) -> Result<(), Stop> {
    cpu::let_interrupts_in();
    let access = if write { Access::Write } else { Access::Read };
    let outcome = Thread::with_current(|thread| on(thread, VirtAddr(address as u64), access));
    match outcome {
        Outcome::Resolved => Ok(()),
        Outcome::Present if *again < stuck::TRUSTED => {
            *again += 1;
            Ok(())
        }
        Outcome::Wait => Err(Stop::Memory),
        Outcome::NoMemory => Err(Errno::ENOMEM.into()),
        Outcome::Refused(_) | Outcome::Bus | Outcome::Lost | Outcome::Present => {
            Err(Errno::EFAULT.into())
        }
    }
}

/// The signal for an access that cannot be resolved.
#[cold]
fn punish(thread: &Arc<Thread>, address: u64, code: u64, access: Access, outcome: Outcome) {
    if outcome == Outcome::NoMemory {
        let label = thread.process.label();
        log::error!("{label}: killed: no memory for the page at {address:#x}");
        signal::send(&thread.process, Signal::KILL);
        return;
    }
    // Programs are not to know what the kernel's half looks like (Linux's sanitize_error_code).
    let hidden = if address >= USER_END as u64 {
        PRESENT
    } else {
        0
    };
    thread.fault.set(Fault {
        vector: 14,
        code: code | hidden,
        address,
    });
    let (signal, why) = match outcome {
        Outcome::Bus | Outcome::Lost => (Signal::BUS, BUS_ADRERR),
        Outcome::Refused(Refusal::Forbidden(_)) | Outcome::Present => (Signal::SEGV, SEGV_ACCERR),
        _ => (Signal::SEGV, SEGV_MAPERR),
    };
    // A fault that the program handles itself is its own affair.
    if !signal::is_caught(thread, signal) {
        tell(thread, address, access, outcome);
    }
    signal::force(thread, SigInfo::fault(signal, why, address));
}

/// Says what was touched.
fn tell(thread: &Thread, address: u64, access: Access, outcome: Outcome) {
    let rip = thread.regs().with(|regs| regs.rip);
    let mapping = thread.space.with(|space| match space {
        Some(space) => space.look(|space| Touched::of(space, address)),
        None => Touched::Nothing,
    });
    let why = match outcome {
        Outcome::Lost => "lost by the swap disk",
        Outcome::Present => "faults again and again",
        _ => "refused",
    };
    let text = format_args!("{access:?} of {address:#x} at {rip:#x} {why}: {mapping}");
    thread.process.log(log::Level::Info, text);
}

/// What an access that was refused has touched.
enum Touched {
    Nothing,
    Mapping(PageRange, Rights),
}

impl Touched {
    fn of(space: &VmSpace, address: u64) -> Self {
        let found = space.find(VirtAddr(address));
        found.map_or(Self::Nothing, |mapping| {
            Self::Mapping(mapping.range, mapping.rights)
        })
    }
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing is mapped there"),
            Self::Mapping(range, rights) => {
                let (start, end) = (range.start.start().0, range.end.start().0);
                write!(f, "mapping {start:#x}..{end:#x} {rights:?}")
            }
        }
    }
}

/// Counts a recipe.
fn count(counters: &Counters, recipe: &Recipe<ObjectRef>) {
    let counter = match recipe {
        Recipe::ZeroRead(_) => &counters.faults_zero_read,
        Recipe::Zero(_) => &counters.faults_zero,
        Recipe::Cached { .. } => &counters.faults_cached,
        Recipe::CopyOnWrite { .. } | Recipe::CopyObject { .. } => &counters.faults_copy,
        Recipe::Keep(_) => &counters.faults_keep,
        Recipe::Grow(_) => &counters.faults_grow,
        Recipe::Present => &counters.faults_present,
        Recipe::Refuse(_) => &counters.faults_refused,
        Recipe::SwapIn { .. } | Recipe::Pull { .. } => &counters.faults_moved,
        Recipe::Unfold(_) => return,
    };
    counter.add(1);
}

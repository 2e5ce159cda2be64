//! Page faults: `vm` says what to do, this does it.

use super::held::Held;
use super::object::{MemoryObject, Shown, SourceError};
use super::remote::NoFrame;
use super::space::{Space, VmSpace};
use super::swap::{Asked, PageName};
use crate::OfTorus as _;
use crate::object::ObjectRef;
use alloc::sync::Arc;
use machine::paging;
use tori::Torus;
use tori::counters::{self, Counters};
use tori::pieces;
use vm::addr::{Frame, FrameRange, PAGE_SIZE, Page, PageRange, RUN, VirtAddr};
use vm::fault::{Access, Fill, Recipe, Refusal, Target};
use vm::flush::FlushDebt;
use vm::frames::Use;
use vm::table::Slot;

/// Pages around a fault on a cached object that are entered with it, where they are cached too.
const AROUND: u64 = 16;

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
    /// Resolves an access that the processor refused, or would; it is counted as the torus's and in `asker`.
    pub fn fault(&self, address: VirtAddr, access: Access, asker: &Counters) -> Outcome {
        self.with_all(|space, remote| {
            let torus = tori::here();
            let memory = torus.memory();
            loop {
                let recipe = space.resolve(memory, address, access);
                count(counters::own(), &recipe);
                count(asker, &recipe);
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
                        let Some(remote) = remote else {
                            return (Outcome::Lost, FlushDebt::none());
                        };
                        self.waiters.enrol();
                        match remote.pull(space, page, source) {
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
            Ok(Shown::Lent(frame)) => install(space, torus, target, Fill::Lent(frame.frame())),
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
    let asked = torus.kept().swap().map(|swap| swap.bring_back(slot, page));
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
                // SAFETY: K40, the run is new, and nobody has taken it.
                drop(unsafe { Held::again(frame) });
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
                // SAFETY: K40, what could not be entered is still the fault's.
                drop(unsafe { Held::again(frame) });
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

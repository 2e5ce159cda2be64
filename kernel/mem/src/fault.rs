//! Page faults: `vm` says what to do, this does it.

use super::frame_ref::FrameRef;
use super::object::{MemoryObject, Shown, SourceError};
use super::remote::{NoFrame, RemotePages};
use super::space::{Space, VmSpace};
use super::swap::{Asked, PageName};
use crate::OfTorus as _;
use crate::object::ObjectRef;
use alloc::boxed::Box;
use alloc::sync::Arc;
use machine::paging;
use sync::Counter;
use tori::Torus;
use tori::counters::{self, Counters};
use tori::pieces;
use vm::addr::{Frame, FrameRange, PAGE_SIZE, PAGES_PER_2M, Page, PageRange, VirtAddr};
use vm::fault::{Access, Fill, Recipe, Refusal, Target};
use vm::flush::FlushDebt;
use vm::frames::Use;
use vm::space::SpaceError;
use vm::table::{Slot, Source};

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

/// Whom a fault is counted for: the core, and the process that asked.
#[derive(Clone, Copy)]
struct Tally<'a>([&'a Counters; 2]);

impl Tally<'_> {
    /// Counts a fault of a kind.
    #[inline]
    fn count(self, kind: impl Fn(&Counters) -> &Counter) {
        for counters in self.0 {
            kind(counters).add(1);
        }
    }
}

impl Space {
    /// Resolves an access that the processor refused, or would; it is counted as the torus's and in `asker`.
    pub fn fault(&self, address: VirtAddr, access: Access, asker: &Counters) -> Outcome {
        let tally = Tally([counters::own(), asker]);
        self.with_all(|space, remote| {
            let torus = tori::here();
            loop {
                match space.resolve(torus.memory(), address, access) {
                    Recipe::Grow(page) => {
                        if grow(space, page, tally).is_err() {
                            return (Outcome::NoMemory, FlushDebt::none());
                        }
                    }
                    Recipe::Unfold(page) => {
                        if unfold(space, torus, page).is_err() {
                            return (Outcome::NoMemory, FlushDebt::none());
                        }
                    }
                    Recipe::Pull { page, source } => {
                        if let Err(outcome) = self.pull(space, remote, (page, source), tally) {
                            return (outcome, FlushDebt::none());
                        }
                    }
                    recipe => return execute(space, torus, recipe, tally),
                }
            }
        })
    }

    /// Has a page come from another torus, unless the thread must wait for it.
    #[cold]
    fn pull(
        &self,
        space: &mut VmSpace,
        remote: &mut Option<Box<dyn RemotePages>>,
        (page, source): (Page, Source),
        tally: Tally,
    ) -> Result<(), Outcome> {
        tally.count(|counters| &counters.faults_moved);
        let remote = remote.as_mut().ok_or(Outcome::Lost)?;
        self.waiters.enrol();
        match remote.pull(space, page, source) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Outcome::Wait),
            Err(NoFrame) => Err(Outcome::NoMemory),
        }
    }
}

/// Has the stack grow down to a page.
#[cold]
fn grow(space: &mut VmSpace, page: Page, tally: Tally) -> Result<(), SpaceError> {
    tally.count(|counters| &counters.faults_grow);
    space.grow(page)
}

/// Enters the table that a page's entry is in.
#[cold]
fn unfold(space: &mut VmSpace, torus: &Torus, page: Page) -> Result<(), SpaceError> {
    space.unfold(torus.memory(), page)
}

/// Does what a recipe says.
#[inline]
fn execute(
    space: &mut VmSpace,
    torus: &'static Torus,
    recipe: Recipe<ObjectRef>,
    tally: Tally,
) -> (Outcome, FlushDebt) {
    match recipe {
        Recipe::Present => {
            tally.count(|counters| &counters.faults_present);
            // Another core was faster, or this one remembers less than is allowed.
            paging::flush_all();
            (Outcome::Present, FlushDebt::none())
        }
        Recipe::ZeroRead(target) => {
            tally.count(|counters| &counters.faults_zero_read);
            install(space, torus, target, Fill::Zero)
        }
        Recipe::Zero(target) => {
            tally.count(|counters| &counters.faults_zero);
            zero(space, torus, target)
        }
        Recipe::Keep(target) => {
            tally.count(|counters| &counters.faults_keep);
            install(space, torus, target, Fill::Kept)
        }
        Recipe::CopyOnWrite { source, target } => {
            tally.count(|counters| &counters.faults_copy);
            copy(space, torus, source, target)
        }
        Recipe::Cached {
            object,
            index,
            target,
        } => {
            tally.count(|counters| &counters.faults_cached);
            cached(space, torus, &object.0, index, target)
        }
        Recipe::CopyObject {
            object,
            index,
            target,
        } => {
            tally.count(|counters| &counters.faults_copy);
            copy_object(space, torus, &object.0, index, target)
        }
        Recipe::Refuse(refusal) => {
            tally.count(|counters| &counters.faults_refused);
            (Outcome::Refused(refusal), FlushDebt::none())
        }
        Recipe::SwapIn { slot, target } => {
            tally.count(|counters| &counters.faults_moved);
            let page = PageName {
                used: Use::Private,
                owner: space.lineage(),
                index: target.index(),
            };
            (from_swap(torus, slot, page), FlushDebt::none())
        }
        // These were done before.
        Recipe::Pull { .. } | Recipe::Unfold(_) | Recipe::Grow(_) => {
            (Outcome::Lost, FlushDebt::none())
        }
    }
}

/// A page of zeros that is written to.
#[inline]
fn zero(space: &mut VmSpace, torus: &'static Torus, target: Target) -> (Outcome, FlushDebt) {
    if target.wants_run()
        && let Some(done) = run(space, torus, target)
    {
        return done;
    }
    match torus.alloc_zeroed_frame(Use::Private) {
        Some(frame) => install(space, torus, target, Fill::Private(frame)),
        None => (Outcome::NoMemory, FlushDebt::none()),
    }
}

/// A page of an object, and its neighbours.
fn cached(
    space: &mut VmSpace,
    torus: &'static Torus,
    object: &Arc<MemoryObject>,
    index: u64,
    target: Target,
) -> (Outcome, FlushDebt) {
    match object.page(index) {
        Ok(Shown::Zero) => install(space, torus, target, Fill::Zero),
        Ok(Shown::Frame(frame)) => {
            let done = install(space, torus, target, Fill::Cached(frame.into_frame()));
            if done.0 == Outcome::Resolved {
                around(space, torus, object, index, target.page());
            }
            done
        }
        Ok(Shown::Lent(frame)) => install(space, torus, target, Fill::Lent(frame.frame())),
        Err(error) => (failed(error), FlushDebt::none()),
    }
}

/// A private copy of a page of an object.
fn copy_object(
    space: &mut VmSpace,
    torus: &'static Torus,
    object: &MemoryObject,
    index: u64,
    target: Target,
) -> (Outcome, FlushDebt) {
    let Some(mut frame) = FrameRef::new(Use::Private) else {
        return (Outcome::NoMemory, FlushDebt::none());
    };
    match frame.fill(|page| object.copy(index, page)) {
        Ok(()) => install(space, torus, target, Fill::Private(frame.into_frame())),
        Err(error) => (failed(error), FlushDebt::none()),
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
            FrameRange::at(first, PAGES_PER_2M)
                .iter()
                .for_each(|frame| {
                    // SAFETY: K40, the run is new, and nobody has taken it.
                    drop(unsafe { FrameRef::from_raw(frame) });
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
                drop(unsafe { FrameRef::from_raw(frame) });
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
        cached.frame(index).map(FrameRef::into_frame)
    });
}

//! The address space of a process: `vm`'s, and the cores that have it loaded.

use super::object::ObjectRef;
use super::remote::RemotePages;
use crate::OfTorus as _;
use crate::spaces::Spaces;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use fallible::NoMemory;
use machine::CoreIndex;
use machine::cpu;
use machine::paging;
use machine::shootdown::{self, CoreSet};
use sync::Lock;
use sync::WaitQueue;
use tori::counters;
use torus::pid::Pid;
use vm::addr::{Frame, VirtAddr};
use vm::flush::{Flush, FlushDebt};
use vm::frames::Owner;
use vm::space::{AddressSpace, Lost, Replacement, SpaceError};
use vm::table::TableMemory;

const WORDS: usize = machine::MAX_CORES / 64;

/// What the kernel's address spaces are made of.
pub type VmSpace = AddressSpace<ObjectRef>;

/// An address space and who has it loaded.
pub struct Space {
    inner: Lock<Inner>,
    /// Threads that wait for pages from other tori.
    pub waiters: WaitQueue,
    root: Frame,
    /// Its name in the reverse map, which its forks share.
    lineage: Owner,
    /// A number no other space of the torus ever has.
    number: u64,
    /// Cores of the machine that have it loaded.
    cores: [AtomicU64; WORDS],
    /// It stayed when its process moved: what it has of private pages is another torus's to read.
    frozen: AtomicBool,
}

struct Inner {
    /// Mappings and page table; `None` once it is torn down.
    space: Option<VmSpace>,
    /// If it has moved, or is about to: what it has elsewhere.
    remote: Option<Box<dyn RemotePages>>,
    /// What eviction owes: paid by whoever works on the space next, so that nobody relies on what a core may still remember.
    owed: FlushDebt,
}

impl Inner {
    /// Does what leaves a debt that is paid later; true when something is owed now.
    fn owe(&mut self, f: impl FnOnce(&mut VmSpace) -> FlushDebt) -> bool {
        let Some(space) = self.space.as_mut() else {
            return false;
        };
        let debt = f(space);
        let frames = tori::here().memory().frames();
        self.owed.merge(frames, debt);
        !self.owed.is_none()
    }

    fn replace(&mut self, frame: Frame, replacement: Replacement) -> bool {
        let memory = tori::here().memory();
        self.owe(|space| space.evict(memory, frame, replacement))
    }
}

/// A space that has no mappings and no table yet: its memory is there before they are made, as they would be lost without it.
pub struct Blank(Arc<Space>);

impl Blank {
    /// Memory for a space.
    pub fn new() -> Result<Self, NoMemory> {
        let number = tori::here().kept().names.space();
        let space = fallible::arc_with(|| Space {
            inner: Lock::new(Inner {
                space: None,
                remote: None,
                owed: FlushDebt::none(),
            }),
            waiters: WaitQueue::new(),
            root: Frame(0),
            lineage: Owner(0),
            number,
            cores: [const { AtomicU64::new(0) }; WORDS],
            frozen: AtomicBool::new(false),
        })?;
        Ok(Self(space))
    }

    /// The space of these mappings and this table.
    pub fn of(mut self, space: VmSpace) -> Result<Arc<Space>, SpaceError> {
        if let Some(blank) = Arc::get_mut(&mut self.0) {
            (blank.root, blank.lineage) = (space.table().root(), space.lineage());
            blank.inner.get_mut().space = Some(space);
        }
        let torus = tori::here();
        if torus.part::<Spaces>().add(&self.0)? {
            self.0.look(|space| space.show_all(torus.memory()))?;
        }
        Ok(self.0)
    }
}

impl Space {
    /// An empty space, where mappings that name no place come below `ceiling`.
    pub fn new(ceiling: VirtAddr) -> Result<Arc<Self>, SpaceError> {
        let torus = tori::here();
        let lineage = torus.kept().names.lineage();
        let space = Blank::new()?;
        space.of(AddressSpace::new(torus.memory(), lineage, ceiling)?)
    }

    /// Works on the mappings and what the space has elsewhere, and pays the debt that comes of it.
    pub(super) fn with_all<R>(
        &self,
        f: impl FnOnce(&mut VmSpace, &mut Option<Box<dyn RemotePages>>) -> (R, FlushDebt),
    ) -> R {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let Some(space) = inner.space.as_mut() else {
            panic!("an address space was used after its end");
        };
        let (result, mut debt) = f(space, &mut inner.remote);
        count_wasted(space);
        if !inner.owed.is_none() {
            let owed = core::mem::take(&mut inner.owed);
            debt.merge(tori::here().memory().frames(), owed);
        }
        self.pay(debt);
        result
    }

    /// Works on the mappings and pays the debt that comes of it.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut VmSpace) -> (R, FlushDebt)) -> R {
        self.with_all(|space, _| f(space))
    }

    /// Works on the mappings and what the space has elsewhere, if it has anything.
    pub fn with_pages<R>(
        &self,
        f: impl FnOnce(&mut VmSpace, &mut Option<Box<dyn RemotePages>>) -> R,
    ) -> R {
        self.with_all(|space, remote| (f(space, remote), FlushDebt::none()))
    }

    /// Looks at the mappings, unless another core is at work on them.
    pub fn try_look<R>(&self, f: impl FnOnce(&VmSpace) -> R) -> Option<R> {
        self.inner.try_lock()?.space.as_ref().map(f)
    }

    /// Replaces the entries of a frame; true when the space now owes a flush, for [`Space::settle`].
    pub fn replace(&self, frame: Frame, replacement: Replacement) -> bool {
        self.inner.lock().replace(frame, replacement)
    }

    /// As [`Space::replace`], unless another core is at work on the space.
    pub fn try_replace(&self, frame: Frame, replacement: Replacement) -> Option<bool> {
        Some(self.inner.try_lock()?.replace(frame, replacement))
    }

    /// Splits the 2 MiB pages that a frame is part of; true when the space now owes a flush.
    pub fn split(&self, frame: Frame) -> bool {
        let memory = tori::here().memory();
        let mut inner = self.inner.lock();
        inner.owe(|space| space.split(memory, frame))
    }

    /// Pays what the space owes.
    pub fn settle(&self) {
        self.look(|_| ());
    }

    /// Works on the mappings where no debt can come of it.
    #[inline]
    pub fn look<R>(&self, f: impl FnOnce(&mut VmSpace) -> R) -> R {
        self.with(|space| (f(space), FlushDebt::none()))
    }

    /// Takes the pages that objects have lost out of the space, which nothing can refuse: A frozen space keeps its
    /// private ones, which are another torus's to read: that cuts them itself.
    pub fn cut(&self, lost: &Lost<ObjectRef>) {
        let memory = tori::here().memory();
        self.with(|space| {
            if self.is_frozen() {
                return ((), space.forget(memory, lost));
            }
            // Other cores may be running it. They forget first: else who shares a frame with it could free that before.
            self.pay(space.withhold(memory, lost));
            ((), space.cut(memory, lost))
        });
    }

    /// A copy of a frozen space, for the child of its process.
    pub fn fork_frozen(&self) -> Result<Arc<Self>, SpaceError> {
        let blank = Blank::new()?;
        self.with(|space| {
            let (copy, debt) = space.fork_frozen(tori::here().memory());
            (copy.and_then(|copy| blank.of(copy)), debt)
        })
    }

    /// A copy for fork, sharing every page until one of the two writes. What the space has elsewhere, `child` has too when the homes
    /// have answered.
    pub fn fork(&self, child: Pid) -> Result<Arc<Self>, SpaceError> {
        let blank = Blank::new()?;
        // At once: a page that came in between would be remote in the copy, and gone from the home before that is asked to keep it.
        let (copy, kept) = self.with_all(|space, remote| {
            let (copy, debt) = space.fork(tori::here().memory());
            let copy = copy.and_then(|copy| blank.of(copy));
            let kept = match (&copy, remote) {
                (Ok(copy), Some(remote)) => remote.fork(child, copy),
                _ => Ok(()),
            };
            ((copy, kept), debt)
        });
        kept.and(copy)
    }

    /// The frame of its top table.
    pub fn root(&self) -> Frame {
        self.root
    }

    /// Pays a debt of this space: every core that has it loaded forgets, then the frames are free.
    #[inline]
    pub fn pay(&self, debt: FlushDebt) {
        if !debt.is_none() {
            self.pay_some(debt);
        }
    }

    #[inline(never)]
    fn pay_some(&self, debt: FlushDebt) {
        if debt.flush() != Flush::None {
            let cores = self.loaded();
            let counters = counters::own();
            counters.flushes.add(1);
            let own = cpu::this().index;
            let others = cores.iter().filter(|core| *core != own).count() as u64;
            counters.shootdowns.add(others.min(1));
            counters.flush_interrupts.add(others);
            shootdown::flush(debt.flush(), cores);
        }
        let torus = tori::here();
        torus.free_list(debt.pay(torus.memory().frames()));
    }

    fn loaded(&self) -> CoreSet {
        let mut set = CoreSet::empty();
        for (index, word) in self.cores.iter().enumerate() {
            let mut word = word.load(Ordering::Acquire);
            while word != 0 {
                let core = index * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                set.insert(CoreIndex(core as u16));
            }
        }
        set
    }

    /// This core loads the space.
    pub fn enter(&self) {
        let core = cpu::this().index.index();
        self.cores[core / 64].fetch_or(1 << (core % 64), Ordering::AcqRel);
        // SAFETY: K10, the root is this space's, and a space is freed only when no core has it loaded.
        unsafe { paging::activate(self.root) };
    }

    /// This core has loaded another one.
    pub fn leave(&self) {
        let core = cpu::this().index.index();
        self.cores[core / 64].fetch_and(!(1 << (core % 64)), Ordering::AcqRel);
    }

    /// Its name in the reverse map.
    pub fn lineage(&self) -> Owner {
        self.lineage
    }

    /// Its process moves away, or stays after all. With the space locked.
    pub fn set_frozen(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Release);
    }

    /// Whether its process has moved away, or is about to.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    /// A number that no other space ever has.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Counts pages that came unasked and went unused.
fn count_wasted(space: &mut VmSpace) {
    let wasted = space.take_wasted();
    if wasted > 0 {
        counters::own().pages_wasted.add(wasted);
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        tori::here().part::<Spaces>().remove(self);
        let inner = self.inner.get_mut();
        let mut debt = core::mem::take(&mut inner.owed);
        let remote = inner.remote.take();
        if let Some(mut space) = inner.space.take() {
            if let Some(remote) = remote {
                remote.end(&mut space);
            }
            let memory = tori::here().memory();
            debt.merge(memory.frames(), space.clear(memory));
            count_wasted(&mut space);
            debt.merge(memory.frames(), space.destroy(memory));
        }
        self.pay(debt);
    }
}

//! The kernel's part: execute recipes, hold objects, evict.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use vm::addr::{Frame, PAGES_PER_2M, Page, VirtAddr};
use vm::clock::{Clock, Verdict};
use vm::fault::{Access, Fill, Recipe, Refusal};
use vm::frames::{Owner, Use};
use vm::space::{AddressSpace, Age, Object, Replacement};
use vm::table::{Slot, Source, State, TableMemory};

use super::Machine;

/// Why an access did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The resolver refused it.
    Refused(Refusal),
    /// No frame was left.
    OutOfMemory,
    /// The page is remote.
    Away(Source),
}

/// An object of pages, each cached in a frame when first needed.
#[derive(Clone, Debug)]
pub struct MemoryObject {
    name: u32,
    cached: Rc<RefCell<HashMap<u64, Frame>>>,
    /// What evicted pages held.
    stored: Rc<RefCell<HashMap<u64, u64>>>,
}

impl Object for MemoryObject {
    fn owner(&self) -> Owner {
        Owner(self.name)
    }
}

impl MemoryObject {
    /// An object; its pages hold [`MemoryObject::initial`].
    pub fn new(name: u32) -> Self {
        Self {
            name,
            cached: Rc::default(),
            stored: Rc::default(),
        }
    }

    /// Its name.
    pub const fn name(&self) -> u32 {
        self.name
    }

    /// What page `index` holds at first.
    pub const fn initial(name: u32, index: u64) -> u64 {
        (name as u64) << 32 | (index + 1)
    }

    fn frame(&self, machine: &Machine<'_>, index: u64) -> Option<Frame> {
        if let Some(frame) = self.cached.borrow().get(&index) {
            return Some(*frame);
        }
        let frame = machine.allocate(Use::Kernel)?;
        machine
            .frames()
            .assign(frame, Use::Cached, self.owner(), index);
        let initial = Self::initial(self.name, index);
        machine.set_content(
            frame,
            self.stored.borrow().get(&index).copied().unwrap_or(initial),
        );
        self.cached.borrow_mut().insert(index, frame);
        Some(frame)
    }

    /// Gives the cached pages back; no space maps them any more.
    ///
    /// # Panics
    /// When one does.
    pub fn drop_cache(&self, machine: &Machine<'_>) {
        for (index, frame) in self.cached.borrow_mut().drain() {
            assert!(
                machine.frames().release(frame),
                "page {index} is still mapped"
            );
            machine.free(frame);
        }
    }
}

/// An address space of the emulated machine.
pub type Space = AddressSpace<MemoryObject>;

impl Machine<'_> {
    /// An access by a core, with faults as they come; answers with the frame.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn access(
        &self,
        core: usize,
        id: u64,
        space: &mut Space,
        address: VirtAddr,
        access: Access,
    ) -> Result<Frame, Fault> {
        let page = Page::containing(address);
        for _ in 0..8 {
            let root = space.table().root();
            let known = self.cores.borrow_mut()[core].translate(self, id, root, page, access);
            if let Some(frame) = known {
                return Ok(frame);
            }
            self.resolve(id, space, address, access)?;
        }
        panic!(
            "{access:?} of {address:?} does not come to an end: {:?}",
            space.table().entry(self, page)
        );
    }

    /// One fault.
    fn resolve(
        &self,
        id: u64,
        space: &mut Space,
        address: VirtAddr,
        access: Access,
    ) -> Result<(), Fault> {
        let (target, fill) = match space.resolve(self, address, access) {
            Recipe::Present => return Ok(()),
            Recipe::Refuse(why) => return Err(Fault::Refused(why)),
            Recipe::Grow(page) => return space.grow(page).map_err(|_| Fault::OutOfMemory),
            Recipe::ZeroRead(target) => (target, Fill::Zero),
            Recipe::Zero(target) if target.wants_run() => match self.allocate_run() {
                Some(first) => (target, Fill::PrivateRun(first)),
                None => (target, Fill::Private(self.filled(0)?)),
            },
            Recipe::Zero(target) => (target, Fill::Private(self.filled(0)?)),
            Recipe::Keep(target) => (target, Fill::Kept),
            Recipe::CopyOnWrite { source, target } => {
                (target, Fill::Private(self.filled(self.content(source))?))
            }
            Recipe::Cached {
                object,
                index,
                target,
            } => {
                let frame = object.frame(self, index).ok_or(Fault::OutOfMemory)?;
                self.frames().share(frame);
                (target, Fill::Cached(frame))
            }
            Recipe::CopyObject {
                object,
                index,
                target,
            } => {
                let frame = object.frame(self, index).ok_or(Fault::OutOfMemory)?;
                (target, Fill::Private(self.filled(self.content(frame))?))
            }
            Recipe::SwapIn { slot, target } => {
                (target, Fill::Private(self.filled(self.read_slot(slot))?))
            }
            Recipe::Pull { source, .. } => return Err(Fault::Away(source)),
            Recipe::Unfold(page) => {
                return space.unfold(self, page).map_err(|_| Fault::OutOfMemory);
            }
        };
        match space.install(self, target, fill) {
            Ok(debt) => {
                self.pay(id, debt);
                Ok(())
            }
            Err(_) => {
                match fill {
                    Fill::Private(frame) => self.free(frame),
                    Fill::Cached(frame) => {
                        assert!(!self.frames().release(frame), "the object has let it go");
                    }
                    Fill::PrivateRun(first) => (0..PAGES_PER_2M).for_each(|n| self.free(first + n)),
                    _ => {}
                }
                Err(Fault::OutOfMemory)
            }
        }
    }

    /// A run of zeros.
    fn allocate_run(&self) -> Option<Frame> {
        let run = self.pool.borrow_mut().allocate_run()?;
        for frame in run.iter() {
            self.frames().claim(frame, Use::Kernel);
            self.set_content(frame, 0);
        }
        Some(run.start)
    }

    fn filled(&self, value: u64) -> Result<Frame, Fault> {
        let frame = self.allocate(Use::Kernel).ok_or(Fault::OutOfMemory)?;
        self.set_content(frame, value);
        Ok(frame)
    }

    /// Lets the clock evict up to `count` frames of `spaces`; answers how many went.
    pub fn evict(
        &self,
        clock: &mut Clock,
        spaces: &mut [(u64, Space)],
        objects: &[MemoryObject],
        count: usize,
    ) -> usize {
        let mut gone = 0;
        for _ in 0..count * 4 {
            let mut round = self.frames().range().len();
            let Some(candidate) = clock.next(self.frames(), &mut round) else {
                break;
            };
            let frame = candidate.frame;
            let mut age = Age::default();
            for (_, space) in spaces.iter() {
                age += space.age(self, frame);
            }
            let held = u32::from(candidate.used == Use::Cached);
            let verdict = Clock::judge(self.frames(), &candidate, age, held);
            gone += usize::from(match (verdict, candidate.used) {
                (Verdict::Keep, _) => false,
                (Verdict::Split, _) => {
                    for (id, space) in spaces.iter_mut() {
                        let debt = space.split(self, frame);
                        self.pay(*id, debt);
                    }
                    false
                }
                (_, Use::Cached) => self.evict_cached(frame, candidate.owner, spaces, objects),
                _ => self.evict_private(frame, spaces.iter_mut().map(|(id, space)| (*id, space))),
            });
            if gone == count {
                break;
            }
        }
        gone
    }

    /// Brings what `space` has swapped out at `page` back to all those `spaces` that `found` allows.
    pub fn bring_back(
        &self,
        spaces: &mut [(u64, Space)],
        space: usize,
        page: Page,
        found: impl Fn(usize) -> bool,
    ) {
        let owner = &spaces[space].1;
        let State::Swap(slot) = owner.table().entry(self, page).state() else {
            return;
        };
        let mapping = owner.find(page.start()).expect("a page has a mapping");
        let (lineage, index) = (owner.lineage(), mapping.index(page));
        let value = self.written.borrow()[&slot.0];
        let Ok(frame) = self.filled(value) else {
            return;
        };
        assert!(self.slots.share(slot), "the slot is in use");
        self.frames().assign(frame, Use::Private, lineage, index);
        for (_, space) in spaces
            .iter_mut()
            .enumerate()
            .filter(|(n, _)| found(*n))
            .map(|(_, pair)| pair)
        {
            if space.lineage() == lineage {
                space.restore(self, index, slot, frame);
            }
        }
        self.slots.release(slot);
        if self.frames().release(frame) {
            self.free(frame);
        }
    }

    /// What a slot holds.
    pub fn read_slot(&self, slot: Slot) -> u64 {
        self.written.borrow()[&slot.0]
    }

    /// Writes a private frame to a slot, in all `spaces` that have it; false when the device is full.
    ///
    /// # Panics
    /// When another space has it.
    pub fn evict_private<'s>(
        &self,
        frame: Frame,
        spaces: impl Iterator<Item = (u64, &'s mut Space)>,
    ) -> bool {
        let Some(slot) = self.slots.take(|| ()) else {
            return false;
        };
        self.frames().share(frame);
        for (id, space) in spaces {
            let debt = space.evict(self, frame, Replacement::Slot(slot));
            self.pay(id, debt);
        }
        self.written
            .borrow_mut()
            .insert(slot.0, self.content(frame));
        assert!(!self.slots.release(slot), "no entry took the slot");
        assert!(self.frames().release(frame), "an entry was not replaced");
        self.free(frame);
        true
    }

    fn evict_cached(
        &self,
        frame: Frame,
        owner: Owner,
        spaces: &mut [(u64, Space)],
        objects: &[MemoryObject],
    ) -> bool {
        let Some(object) = objects.iter().find(|object| object.owner() == owner) else {
            return false;
        };
        let Some((_, index)) = self.frames().owner(frame) else {
            return false;
        };
        for (id, space) in spaces.iter_mut() {
            let debt = space.evict(self, frame, Replacement::Drop);
            self.pay(*id, debt);
        }
        object
            .stored
            .borrow_mut()
            .insert(index, self.content(frame));
        object.cached.borrow_mut().remove(&index);
        assert!(self.frames().release(frame), "an entry was not replaced");
        self.free(frame);
        true
    }
}

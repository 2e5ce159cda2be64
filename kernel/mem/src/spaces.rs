//! The address spaces of a torus: found when a file in memory is cut, whose pages have to go from every mapping.

use crate::OfTorus as _;
use crate::space::Space;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use fallible::{NoMemory, TryMap};
use machine::cpu;
use sync::Lock;
use tori::Make;
use torus::TorusId;
use vm::addr::PAGE_SIZE;
use vm::frames::Owner;
use vm::space::Lost;

/// Proof that no core of this torus leads to what was given up any more: every space has given it up, and all cores have forgotten
/// it. Whoever owns frames may be told so only by who has this.
#[must_use = "whoever waits for the frames is to be told"]
pub struct Forgotten(());

/// All spaces of one torus, by lineage, and within it by number: forks come after what they were forked from.
pub struct Spaces {
    all: Lock<BTreeMap<(Owner, u64), Weak<Space>>>,
}

tori::part!(Spaces, 5);

impl Make for Spaces {
    fn new(_: TorusId, _: usize) -> Self {
        Self::new()
    }
}

impl Spaces {
    /// None yet.
    const fn new() -> Self {
        Self {
            all: Lock::new(BTreeMap::new()),
        }
    }

    /// Adds a space; whether it is the first of its lineage. A fork is added before the lock of its parent is let go: who has seen all spaces of a lineage has then
    /// seen all entries of its pages.
    pub(super) fn add(&self, space: &Arc<Space>) -> Result<bool, NoMemory> {
        let key = (space.lineage(), space.number());
        let mut all = self.all.lock();
        let is_first = !has(&all, space.lineage());
        all.put(key, Arc::downgrade(space))?;
        Ok(is_first)
    }

    /// Removes a space.
    pub(super) fn remove(&self, space: &Space) {
        let mut all = self.all.lock();
        all.remove(&(space.lineage(), space.number()));
        let is_last = !has(&all, space.lineage());
        if all.is_empty() {
            *all = BTreeMap::new();
        }
        drop(all);
        if is_last {
            tori::here().kept().forget_lineage(space.lineage());
        }
    }

    /// The first space whose key is at least `key`.
    fn next(&self, key: (Owner, u64)) -> Option<(Owner, Arc<Space>)> {
        let all = self.all.lock();
        let mut rest = all.range(key..);
        rest.find_map(|((lineage, _), space)| Some((*lineage, space.upgrade()?)))
    }

    /// Calls `see` with each space, the list's lock not held and interrupts let in between them, until it answers false; says whether it never did.
    pub fn each(&self, mut see: impl FnMut(&Arc<Space>) -> bool) -> bool {
        let mut key = (Owner(0), 0);
        while let Some((lineage, space)) = self.next(key) {
            key = (lineage, space.number() + 1);
            if !see(&space) {
                return false;
            }
            cpu::let_interrupts_in();
        }
        true
    }

    /// Calls `see` with each space of a lineage, until it answers false; says whether it never did.
    pub fn of_lineage(&self, lineage: Owner, mut see: impl FnMut(&Arc<Space>) -> bool) -> bool {
        let mut key = (lineage, 0);
        while let Some((_, space)) = self.next(key).filter(|(found, _)| *found == lineage) {
            key = (lineage, space.number() + 1);
            if !see(&space) {
                return false;
            }
            cpu::let_interrupts_in();
        }
        true
    }

    /// Calls `see` with each space that may show an object, until it answers false; says whether it never did.
    pub fn showing(&self, object: Owner, mut see: impl FnMut(&Arc<Space>) -> bool) -> bool {
        let mut from = Owner(0);
        loop {
            let next = tori::here().kept().shown.lock().next(object, from);
            let Some(lineage) = next else { return true };
            if !self.of_lineage(lineage, &mut see) {
                return false;
            }
            from = Owner(lineage.0 + 1);
            cpu::let_interrupts_in();
        }
    }

    /// Takes the pages of an object from number `page` on out of every space, locked ones and private copies included (mmap(2): beyond
    /// the end of a file is SIGBUS). The object has been cut before, so that no fault brings them back. Nothing can refuse it.
    pub fn cut(&self, object: Owner, page: u64) -> Forgotten {
        self.showing(object, |space| {
            space.cut(&Lost::Of(object, page));
            true
        });
        Forgotten(())
    }

    /// Waits until all cores have forgotten what any space has given up so far.
    pub fn settle(&self) -> Forgotten {
        self.each(|space| {
            space.settle();
            true
        });
        Forgotten(())
    }
}

/// Whether there is a space of a lineage.
fn has(all: &BTreeMap<(Owner, u64), Weak<Space>>, lineage: Owner) -> bool {
    let mut rest = all.range((lineage, 0)..);
    rest.next().is_some_and(|((found, _), _)| *found == lineage)
}

/// Makes up for what happened to objects while the space was frozen, as its process has not moved after all.
pub fn thaw(space: &Space) {
    let memory = tori::here().memory();
    space.with(|vm| {
        space.set_frozen(false);
        ((), vm.forget_objects(memory))
    });
    space.cut(&Lost::Each(|object| {
        object.0.len().div_ceil(PAGE_SIZE as u64)
    }));
}

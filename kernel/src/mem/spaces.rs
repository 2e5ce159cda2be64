//! The address spaces of a torus: found when a file in memory is cut, whose pages have to go from every mapping.

use super::calls::split_unit;
use super::space::Space;
use crate::arch::cpu;
use crate::sched::lock::Lock;
use crate::syscall::errno::Errno;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use vm::addr::{Page, PageRange, USER_END};
use vm::frames::Owner;
use vm::space::{Advice, Backing, Object};

/// A space and what it is known by.
struct Known {
    lineage: Owner,
    number: u64,
    space: Weak<Space>,
}

impl Known {
    fn key(&self) -> (Owner, u64) {
        (self.lineage, self.number)
    }
}

/// All spaces of one torus, by lineage, and within it by number: forks come after what they were forked from.
pub struct Spaces {
    all: Lock<Vec<Known>>,
}

impl Spaces {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            all: Lock::new(Vec::new()),
        }
    }

    /// Adds a space. A fork is added before the lock of its parent is let go: who has seen all spaces of a lineage has then
    /// seen all entries of its pages.
    pub(super) fn add(&self, space: &Arc<Space>) -> Result<(), Errno> {
        let mut all = self.all.lock();
        all.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let known = Known {
            lineage: space.lineage(),
            number: space.number(),
            space: Arc::downgrade(space),
        };
        let at = all.partition_point(|other| other.key() < known.key());
        all.insert(at, known);
        Ok(())
    }

    /// Removes a space.
    pub(super) fn remove(&self, space: &Space) {
        let key = (space.lineage(), space.number());
        let mut all = self.all.lock();
        if let Ok(at) = all.binary_search_by_key(&key, Known::key) {
            all.remove(at);
        }
    }

    /// The first space whose key is at least `key`.
    fn next(&self, key: (Owner, u64)) -> Option<(Owner, Arc<Space>)> {
        let all = self.all.lock();
        let from = all.partition_point(|other| other.key() < key);
        all[from..]
            .iter()
            .find_map(|known| Some((known.lineage, known.space.upgrade()?)))
    }

    /// Calls `see` with each space, the list's lock not held, until it answers false; says whether it never did.
    pub fn each(&self, mut see: impl FnMut(&Arc<Space>) -> bool) -> bool {
        let mut key = (Owner(0), 0);
        while let Some((lineage, space)) = self.next(key) {
            key = (lineage, space.number() + 1);
            if !see(&space) {
                return false;
            }
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
        }
        true
    }

    /// Takes the pages of an object from number `page` on out of every space, private copies included (mmap(2): beyond the end of
    /// a file is SIGBUS). The object has been cut before, so that no fault brings them back. A process that has moved away is told
    /// where it is.
    pub fn drop_pages(&self, object: Owner, page: u64) {
        self.each(|space| {
            if !space.is_frozen() {
                drop_from(space, object, page);
            }
            true
        });
    }
}

/// Makes up for what happened to objects while the space was frozen, as its process has not moved after all.
pub fn thaw(space: &Space) {
    space.set_frozen(false);
    let memory = cpu::this().torus().memory();
    space.with(|space| ((), space.forget_objects(memory)));
    let mut from = Page(0);
    let next = |from: Page| {
        space.look(|space| {
            let range = PageRange::new(from, Page::containing(USER_END));
            let mapping = space.mappings_in(range).next()?;
            let end = match &mapping.backing {
                Backing::Object { object, .. } => Some((object.owner(), object.0.len())),
                Backing::Zero => None,
            };
            Some((mapping.range.end, end))
        })
    };
    while let Some((end, object)) = next(from) {
        from = end;
        if let Some((owner, len)) = object {
            drop_from(space, owner, len.div_ceil(super::object::PAGE as u64));
        }
    }
}

fn drop_from(space: &Space, object: Owner, page: u64) {
    let mut from = Page(0);
    loop {
        let found = space.look(|space| {
            space
                .mappings_in(PageRange::new(from, Page::containing(USER_END)))
                .filter_map(|mapping| {
                    let Backing::Object {
                        object: other,
                        offset,
                        ..
                    } = &mapping.backing
                    else {
                        return None;
                    };
                    let beyond = *offset + mapping.range.len() > page && other.owner() == object;
                    let skipped = page.saturating_sub(*offset);
                    beyond.then(|| (mapping.range.start + skipped, mapping.range.len() - skipped))
                })
                .next()
        });
        let Some((start, pages)) = found else { return };
        let length = pages * super::object::PAGE as u64;
        let memory = cpu::this().torus().memory();
        // Without memory to split a large page the old pages stay: they are the process's until it unmaps them.
        let done = space.with(|space| {
            split_unit(space.advise(memory, start.start(), length, Advice::DontNeed))
        });
        if done.is_err() {
            return;
        }
        from = start + pages;
    }
}

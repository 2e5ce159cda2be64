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

/// All spaces of one torus.
pub struct Spaces {
    all: Lock<Vec<(u64, Weak<Space>)>>,
}

impl Spaces {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            all: Lock::new(Vec::new()),
        }
    }

    /// Adds a space with its number.
    pub(super) fn add(&self, number: u64, space: &Arc<Space>) -> Result<(), Errno> {
        let mut all = self.all.lock();
        all.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        all.push((number, Arc::downgrade(space)));
        Ok(())
    }

    /// Removes the space of this number.
    pub(super) fn remove(&self, number: u64) {
        let mut all = self.all.lock();
        if let Some(at) = all.iter().position(|(other, _)| *other == number) {
            all.swap_remove(at);
        }
    }

    /// Takes the pages of an object from number `page` on out of every space, private copies included (mmap(2): beyond the end of
    /// a file is SIGBUS). The object has been cut before, so that no fault brings them back.
    pub fn drop_pages(&self, object: Owner, page: u64) {
        let mut index = 0;
        loop {
            let all = self.all.lock();
            let Some((_, space)) = all.get(index) else {
                return;
            };
            let space = space.upgrade();
            drop(all);
            if let Some(space) = space {
                drop_from(&space, object, page);
            }
            index += 1;
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

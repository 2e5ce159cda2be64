//! What a program does with its memory besides reading and writing, and what the kernel does with it.

use super::world::{Frozen, RW, SIZE, World};
use vm::addr::{Page, PageRange};
use vm::space::{Advice, Flags, Placement, RemapRequest, SpaceError};
use vm::table::{Rights, TableMemory};

impl World<'_> {
    pub(crate) fn unmap(&mut self, range: PageRange) {
        let (start, length) = (range.start.start(), range.len() * SIZE);
        let debt = self.live.unmap(&self.machine, start, length);
        self.pay(debt.expect("memory"));
        self.model.retain(|page, _| !range.contains(*page));
    }

    /// Forgets the content of anonymous memory.
    pub(crate) fn forget(&mut self, range: PageRange) {
        let (start, length) = (range.start.start(), range.len() * SIZE);
        let advice = Advice::Free;
        if let Ok(debt) = self.live.advise(&self.machine, start, length, advice) {
            self.pay(debt);
            let pages = self.model.range_mut(range.start..range.end);
            pages.for_each(|(_, word)| *word = 0);
        }
    }

    /// Takes rights away and gives them back, with a look in between.
    pub(crate) fn protect(&mut self, range: PageRange) {
        let (start, length) = (range.start.start(), range.len() * SIZE);
        for rights in [Rights::empty(), Rights::READ, RW] {
            // It stops at the first hole, with what lies before it changed.
            let (_, debt) = self.live.protect(&self.machine, start, length, rights);
            self.pay(debt);
            if rights == Rights::READ {
                self.read(range.start);
            }
        }
    }

    pub(crate) fn remap(&mut self, range: PageRange, to: Page) {
        let request = RemapRequest {
            address: range.start.start(),
            old_length: range.len() * SIZE,
            new_length: range.len() * SIZE,
            may_move: true,
            to: Placement::Fixed(to.start()),
            keep_old: false,
        };
        let (mut outcome, debt) = self.live.remap(&self.machine, request);
        self.pay(debt);
        if outcome == Err(SpaceError::Away) {
            self.met.away += 1;
            range.iter().for_each(|page| self.read(page));
            let again = self.live.remap(&self.machine, request);
            outcome = again.0;
            self.pay(again.1);
        }
        if outcome.is_err() {
            return;
        }
        for (from, to) in range.iter().zip(PageRange::at(to, range.len()).iter()) {
            // Gaps stay gaps of what is moved, and leave what is at the target.
            if let Some(word) = self.model.remove(&from) {
                self.model.insert(to, word);
            }
        }
    }

    /// Has children not get the pages of a range, get them wiped, or get them again.
    pub(crate) fn leave_out(&mut self, range: PageRange, which: u64) {
        let advice = match which {
            0 => Advice::Set(Flags::DONT_FORK),
            1 => Advice::Clear(Flags::DONT_FORK),
            2 => Advice::Set(Flags::WIPE_ON_FORK),
            _ => Advice::Clear(Flags::WIPE_ON_FORK),
        };
        let (start, length) = (range.start.start(), range.len() * SIZE);
        // Pages of objects cannot be wiped.
        if let Ok(debt) = self.live.advise(&self.machine, start, length, advice) {
            self.pay(debt);
        }
    }

    /// Forks, and ends one of the two with all that is kept for it.
    pub(crate) fn fork(&mut self, goes_on: bool) {
        let (child, debt) = self.live.fork(&self.machine);
        self.pay(debt);
        let mut child = child.expect("memory");
        let mut others = Vec::new();
        for home in &mut self.frozen {
            let (space, debt) = home.space.fork_frozen(&self.machine);
            self.machine.pay(0, debt);
            let space = space.expect("memory");
            let noted = child.set_source(home.source, space.table().root());
            noted.expect("memory");
            let (source, torus) = (home.source, home.torus);
            others.push(Frozen {
                source,
                torus,
                space,
            });
        }
        if goes_on {
            let (parent, written) = (&self.live, &mut self.model);
            let flags = |page: &Page| parent.find(page.start()).map(|mapping| mapping.flags);
            written.retain(|page, _| flags(page).is_some_and(|f| !f.contains(Flags::DONT_FORK)));
            for (page, word) in written {
                if flags(page).is_some_and(|flags| flags.contains(Flags::WIPE_ON_FORK)) {
                    (*word, self.met.wiped) = (0, self.met.wiped + 1);
                }
            }
            self.id += 1;
            std::mem::swap(&mut self.live, &mut child);
            std::mem::swap(&mut self.frozen, &mut others);
        }
        self.pay(child.destroy(&self.machine));
        for home in others {
            self.pay(home.space.destroy(&self.machine));
        }
    }

    /// Writes a page of a frozen or of the live space to swap, if nobody else has it.
    pub(crate) fn swap_out(&mut self, page: Page, which: usize) {
        let spaces = self.frozen.iter_mut().map(|home| &mut home.space);
        let spaces: Vec<_> = spaces.chain([&mut self.live]).collect();
        let index = which % spaces.len();
        let frozen = index + 1 < spaces.len();
        let entry = spaces[index].table().entry(&self.machine, page);
        let sole = entry.holds_frame() && self.machine.frames().is_exclusive(entry.frame());
        if sole && !entry.is_pinned() {
            let all = spaces.into_iter().map(|space| (self.id, space));
            assert!(self.machine.evict_private(entry.frame(), all) || !frozen);
        }
    }
}

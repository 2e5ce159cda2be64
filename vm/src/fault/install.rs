//! The second step of a fault: a page is entered.

use super::{Access, Fill, Target, block};
use crate::addr::{Frame, PAGES_PER_2M, Page, PageRange};
use crate::flush::FlushDebt;
use crate::frames::Use;
use crate::space::{AddressSpace, Object, SpaceError};
use crate::table::{Entry, Released, State, TableMemory, release};
use core::sync::atomic::Ordering::Relaxed;

impl<O: Object> AddressSpace<O> {
    /// Enters a page. The debt is small: at most one page and one frame.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`] when no frame is left for a table: nothing has changed, and a
    /// [`Fill::Private`] or [`Fill::Cached`] frame is still the caller's.
    #[inline(always)]
    pub fn install<M: TableMemory>(
        &mut self,
        memory: &M,
        target: Target,
        fill: Fill,
    ) -> Result<FlushDebt, SpaceError> {
        let write = target.access == Access::Write;
        let entry = match fill {
            Fill::Kept => return self.upgrade(memory, target),
            Fill::PrivateRun(first) => return self.install_run(memory, target, first),
            Fill::Private(frame) => Entry::leaf(frame, target.rights),
            Fill::Zero => {
                Entry::leaf(memory.zero_frame(), target.rights.without_write()).borrowed()
            }
            Fill::Cached(frame) => Entry::leaf(frame, target.shared_rights()).of_object(),
            Fill::Lent(frame) => Entry::leaf(frame, target.shared_rights())
                .of_object()
                .borrowed(),
        };
        let entry = entry.touched(write);
        let old = self.table_mut().set(memory, target.place, entry)?;
        match fill {
            Fill::Private(frame) => {
                memory
                    .frames()
                    .assign(frame, Use::Private, self.lineage(), target.index);
            }
            Fill::Cached(_) | Fill::Zero | Fill::Lent(_) | Fill::PrivateRun(_) | Fill::Kept => {}
        }
        self.entered(1);
        let mut debt = FlushDebt::none();
        if !old.is_empty() {
            self.replaced(memory, target.page(), old, &mut debt);
        }
        Ok(debt)
    }

    /// Enters 2 MiB. On its own, so that what enters a page becomes part of the fault.
    #[inline(never)]
    fn install_run<M: TableMemory>(
        &mut self,
        memory: &M,
        target: Target,
        first: Frame,
    ) -> Result<FlushDebt, SpaceError> {
        let entry = Entry::leaf(first, target.rights).touched(true);
        let block = block(target.page());
        self.table_mut().set_large(memory, block.start, entry)?;
        for n in 0..PAGES_PER_2M {
            let index = target.index - (target.page() - block.start) + n;
            memory
                .frames()
                .assign(first + n, Use::Private, self.lineage(), index);
            if n % 128 == 127 {
                memory.pause();
            }
        }
        self.entered(PAGES_PER_2M);
        Ok(FlushDebt::none())
    }

    /// Lets go what an installed page replaces.
    fn replaced<M: TableMemory>(
        &mut self,
        memory: &M,
        page: Page,
        old: Entry,
        debt: &mut FlushDebt,
    ) {
        let mut released = Released::default();
        // A remote page has been pulled: its home knows by the acknowledgement.
        if !matches!(old.state(), State::Remote(_)) {
            if old.is_present() {
                debt.add_pages(PageRange::at(page, 1));
            }
            release(memory, old, debt, &mut released);
        }
        self.account(released);
    }

    /// Gives the entry that is there the rights that its frame may have.
    fn upgrade<M: TableMemory>(
        &mut self,
        memory: &M,
        target: Target,
    ) -> Result<FlushDebt, SpaceError> {
        let page = target.page();
        let old = self.table().entry(memory, page);
        if !old.holds_frame() || old.is_large() {
            return Ok(FlushDebt::none());
        }
        let sole = old.is_counted() && memory.frames().is_exclusive(old.frame());
        let rights = if sole {
            target.rights
        } else {
            target.shared_rights()
        };
        let entry = old
            .with_rights(rights)
            .touched(target.access == Access::Write);
        self.table_mut().set(memory, target.place, entry)?;
        // Only more is allowed: a core that remembers less faults, finds it present and forgets.
        Ok(FlushDebt::none())
    }

    /// Enters pages of an object that are cached around a fault, where nothing is yet: fewer faults for pages that come free.
    /// `frame_of` is asked for the pages of `range` that are vacant; it gives a frame with a reference for the entry, or none.
    pub fn install_around<M: TableMemory>(
        &mut self,
        memory: &M,
        range: PageRange,
        mut frame_of: impl FnMut(Page) -> Option<Frame>,
    ) {
        let Some(mapping) = self.find(range.start.start()) else {
            return;
        };
        let range = range.intersect(mapping.range);
        let rights = if mapping.is_private() {
            mapping.rights.without_write()
        } else {
            mapping.rights
        };
        if rights.is_empty() {
            return;
        }
        let mut place = self.table().find(memory, range.start).1;
        let mut entered = 0;
        for page in range.iter() {
            place = place.moved_to(page);
            let Ok(slot) = self.table_mut().slot(memory, place) else {
                break;
            };
            if slot.load(Relaxed) == 0
                && let Some(frame) = frame_of(page)
            {
                slot.store(Entry::leaf(frame, rights).of_object().0, Relaxed);
                entered += 1;
            }
        }
        self.entered(entered);
    }
}

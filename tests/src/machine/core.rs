//! A core's memory-management unit: walks four levels, marks entries, remembers translations.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use vm::addr::{Frame, Page, PageRange};
use vm::fault::Access;
use vm::table::{Entry, Rights, TableMemory};

/// What one core remembers of address spaces.
#[derive(Debug, Default)]
pub struct Core {
    known: HashMap<(u64, Page), Entry>,
}

impl Core {
    /// Translates a page of a space for an access; none is a page fault.
    pub fn translate<M: TableMemory>(
        &mut self,
        memory: &M,
        space: u64,
        root: Frame,
        page: Page,
        access: Access,
    ) -> Option<Frame> {
        if let Some(entry) = self.known.get(&(space, page))
            && permits(*entry, access)
            && (access != Access::Write || entry.is_dirty())
        {
            return Some(entry.frame());
        }
        // A refused access makes the processor forget the page (SDM vol. 3, 4.10.4.1).
        self.known.remove(&(space, page));
        let mut table = root;
        for level in (1..=4u32).rev() {
            let index = (page.0 >> (9 * (level - 1))) as usize & 511;
            let word = &memory.table(table)[index];
            let entry = Entry(word.load(Relaxed));
            if !entry.is_present() {
                return None;
            }
            if level > 1 && !entry.is_large() {
                table = entry.frame();
                continue;
            }
            if !permits(entry, access) {
                return None;
            }
            let marked = entry.touched(access == Access::Write);
            word.fetch_or(marked.0, Relaxed);
            let frame = entry.frame() + if level == 2 { page.0 & 511 } else { 0 };
            let known = Entry::leaf(frame, entry.rights()).touched(marked.is_dirty());
            self.known.insert((space, page), known);
            return Some(frame);
        }
        None
    }

    /// Forgets pages of a space.
    pub fn forget(&mut self, space: u64, pages: PageRange) {
        for page in pages.iter() {
            self.known.remove(&(space, page));
        }
    }

    /// Forgets a space.
    pub fn forget_all(&mut self, space: u64) {
        self.known.retain(|(known, _), _| *known != space);
    }
}

fn permits(entry: Entry, access: Access) -> bool {
    let rights = entry.rights();
    match access {
        Access::Read => rights.contains(Rights::READ),
        Access::Write => rights.contains(Rights::WRITE),
        Access::Execute => rights.contains(Rights::EXECUTE),
    }
}

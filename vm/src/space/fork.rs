//! fork(2): the child gets the mappings and shares every page until one of the two writes.

use super::mapping::{Flags, Mapping, Object};
use super::{AddressSpace, SpaceError, USER, map};
use crate::flush::FlushDebt;
use crate::table::{PageTable, TableMemory};

impl<O: Object> AddressSpace<O> {
    /// A copy of the space. The debt is the parent's: it lost the right to write shared pages. It
    /// is also to be paid after an error.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`]: there is no child, and the parent is as it was.
    pub fn fork<M: TableMemory>(&mut self, memory: &M) -> (Result<Self, SpaceError>, FlushDebt) {
        let mut debt = FlushDebt::none();
        let mut child = match self.childless_copy(memory) {
            Ok(child) => child,
            Err(error) => return (Err(error), debt),
        };
        let mut copied = crate::table::Copied::default();
        let mut result = Ok(());
        let left_out = Flags::DONT_FORK | Flags::WIPE_ON_FORK;
        let inherited = |mapping: &&Mapping<O>| !mapping.flags.intersects(left_out);
        for mapping in self.mappings.iter().filter(inherited) {
            let private = mapping.is_private();
            result = self.table.copy_to(
                memory,
                &mut child.table,
                mapping.range,
                private,
                &mut copied,
            );
            if result.is_err() {
                break;
            }
        }
        child.resident = copied.resident;
        child.swapped = copied.swapped;
        if copied.protected {
            debt.add_all();
        }
        match result {
            Ok(()) => (Ok(child), debt),
            Err(error) => {
                debt.merge(memory.frames(), child.destroy(memory));
                (Err(error.into()), debt)
            }
        }
    }

    /// The same mappings with no page.
    fn childless_copy<M: TableMemory>(&self, memory: &M) -> Result<Self, SpaceError> {
        let mut mappings = self.mappings.duplicate()?;
        let mut mapped = self.mapped;
        let mut locked = false;
        for mapping in self.mappings.iter() {
            if mapping.flags.contains(Flags::DONT_FORK) {
                mappings.remove(mapping.range);
                mapped -= mapping.range.len();
            }
            locked |= mapping.flags.contains(Flags::LOCKED);
        }
        let mut child = Self {
            mappings,
            table: PageTable::new(memory)?,
            lineage: self.lineage,
            limits: self.limits,
            future: Flags::empty(),
            heap: self.heap,
            ceiling: self.ceiling,
            search: map::Search::new(self.ceiling),
            mapped,
            resident: 0,
            swapped: 0,
            peak: 0,
            wasted: 0,
        };
        if locked {
            child.mark(USER, Flags::LOCKED, false)?;
        }
        Ok(child)
    }
}

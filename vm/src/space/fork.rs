//! fork(2): the child gets the mappings and shares every page until one of the two writes.

use super::mapping::{Flags, Mapping, Object};
use super::{AddressSpace, SpaceError, map};
use crate::flush::FlushDebt;
use crate::table::{PageTable, TableMemory};

/// Mappings whose pages a child does not get.
const LEFT_OUT: Flags = Flags::DONT_FORK.union(Flags::WIPE_ON_FORK);

impl<O: Object> AddressSpace<O> {
    /// A copy of the space. The debt is the parent's: it lost the right to write shared pages. It
    /// is also to be paid after an error.
    ///
    /// # Errors
    /// [`SpaceError::NoMemory`]: there is no child, and the parent is as it was.
    pub fn fork<M: TableMemory>(&mut self, memory: &M) -> (Result<Self, SpaceError>, FlushDebt) {
        let child = self.part_left_out(memory).and_then(|()| {
            self.pageless(memory, |mapping| !mapping.flags.contains(Flags::DONT_FORK))
        });
        self.share(memory, child, |mapping| !mapping.flags.intersects(LEFT_OUT))
    }

    /// A copy of a frozen space for a child of its process: every private page, whatever the mappings said when it was
    /// frozen. Which of them the child has is decided where the process is.
    ///
    /// # Errors
    /// As [`AddressSpace::fork`].
    pub fn fork_frozen<M: TableMemory>(
        &mut self,
        memory: &M,
    ) -> (Result<Self, SpaceError>, FlushDebt) {
        let child = self.pageless(memory, |_| true);
        self.share(memory, child, Mapping::is_private)
    }

    /// Unfolds what reaches over the ends of mappings that a child does not get: a folded entry is copied as a whole.
    fn part_left_out<M: TableMemory>(&mut self, memory: &M) -> Result<(), SpaceError> {
        for mapping in self.mappings.iter(|| memory.pause()) {
            if mapping.flags.intersects(LEFT_OUT) {
                self.table.split_edges(memory, mapping.range)?;
                memory.pause();
            }
        }
        Ok(())
    }

    /// Enters the pages of the mappings that `inherits` chooses in `child`.
    fn share<M: TableMemory>(
        &mut self,
        memory: &M,
        child: Result<Self, SpaceError>,
        inherits: impl Fn(&Mapping<O>) -> bool,
    ) -> (Result<Self, SpaceError>, FlushDebt) {
        let mut debt = FlushDebt::none();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return (Err(error), debt),
        };
        let mut copied = crate::table::Copied::default();
        let mut result = Ok(());
        let mappings = self.mappings.iter(|| memory.pause());
        for mapping in mappings.filter(|mapping| inherits(mapping)) {
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

    /// The mappings that `keeps` chooses, none of them locked, with no page.
    fn pageless<M: TableMemory>(
        &self,
        memory: &M,
        keeps: impl Fn(&Mapping<O>) -> bool,
    ) -> Result<Self, SpaceError> {
        let mut mappings = self.mappings.duplicate(|| memory.pause())?;
        let mut mapped = self.mapped;
        for mapping in self.mappings.iter(|| memory.pause()) {
            if !keeps(mapping) {
                mappings.remove(mapping.range, || ());
                mapped -= mapping.range.len();
                memory.pause();
            } else if mapping.flags.contains(Flags::LOCKED) {
                mappings.change_above(mapping.range.start, |copy| copy.flags.remove(Flags::LOCKED));
                mappings.join(mapping.range.start);
                mappings.join(mapping.range.end);
                memory.pause();
            }
        }
        let table = match PageTable::new(memory) {
            Ok(table) => table,
            Err(error) => {
                mappings.clear(|| memory.pause());
                return Err(error.into());
            }
        };
        Ok(Self {
            mappings,
            table,
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
        })
    }
}

//! What must hold: between any two operations, and at the end.

use braid_tests::machine::MemoryObject;
use vm::addr::Frame;
use vm::fault::Access;
use vm::frames::Use;
use vm::space::Backing;
use vm::table::TableMemory;

use super::model::{Expected, Source};
use super::world::World;

impl World<'_, '_> {
    pub(super) fn compare(&self, which: usize, page: u64, frame: Frame, expected: &Expected) {
        let object = |name: u32, at: u64| {
            let initial = MemoryObject::initial(name, at);
            self.shared.get(&(name, at)).copied().unwrap_or(initial)
        };
        let value = expected.written.unwrap_or_else(|| match expected.source {
            Source::Zero => 0,
            Source::Private(name, at) | Source::Shared(name, at) => object(name, at),
        });
        let found = self.machine.content(frame);
        assert_eq!(found, value, "space {which} page {page:#x}: {expected:?}");
    }

    /// What must hold between any two operations.
    pub(super) fn check(&self) {
        let (_, space) = &self.spaces[self.current];
        let model = &self.models[self.current];
        space.audit(self.machine, |_, _, _| false, |stray| panic!("{stray}"));
        assert_eq!(space.mapped(), model.len() as u64);
        let mappings: Vec<_> = space.mappings(self.machine).collect();
        assert_eq!(space.mapping_count(), mappings.len());
        for pair in mappings.windows(2) {
            assert!(pair[0].range.end <= pair[1].range.start);
            let one = pair[0].range.end == pair[1].range.start
                && pair[0].rights == pair[1].rights
                && pair[0].flags == pair[1].flags
                && pair[0].origin + pair[0].range.len() == pair[1].origin
                && matches!(
                    (&pair[0].backing, &pair[1].backing),
                    (Backing::Zero, Backing::Zero)
                );
            assert!(!one, "{pair:?} are one mapping");
        }
        for mapping in space.mappings(self.machine) {
            assert!(!mapping.range.is_empty());
            for page in mapping.range.iter() {
                assert_eq!(model[&page.0].rights, mapping.rights, "{page:?}");
            }
        }
    }

    /// The reverse map finds every reference to a frame.
    fn check_reverse_map(&self) {
        let frames = self.machine.frames();
        for frame in frames.range().iter() {
            let held = match frames.usage(frame) {
                Use::Private => 0,
                Use::Cached => 1,
                _ => continue,
            };
            let ages = self
                .spaces
                .iter()
                .map(|(_, space)| space.age(self.machine, frame).entries);
            assert_eq!(ages.sum::<u32>() + held, frames.shares(frame), "{frame:?}");
        }
    }

    /// Touches everything, ends everything, and counts.
    pub(crate) fn finish(mut self, frames: u64, slots: u64) {
        for which in 0..self.spaces.len() {
            let pages: Vec<u64> = self.models[which].keys().copied().collect();
            for page in pages {
                self.touch(which, page, Access::Read, which % 3, 0);
                self.touch(which, page, Access::Write, (which + 1) % 3, page);
                self.touch(which, page, Access::Execute, which % 3, 0);
            }
        }
        self.check_reverse_map();
        for (id, space) in self.spaces.drain(..) {
            let debt = space.destroy(self.machine);
            self.machine.pay(id, debt);
        }
        for object in &self.objects {
            object.drop_cache(self.machine);
        }
        assert_eq!(self.machine.available(), frames, "frames leak");
        assert_eq!(self.machine.available_slots(), slots, "swap slots leak");
    }
}

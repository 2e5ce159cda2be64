//! The list's index against a search through all mappings.

use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;
use crate::frames::Owner;
use crate::space::Flags;
use crate::space::mapping::Backing;
use crate::table::Rights;

#[derive(Clone, Debug)]
struct Thing(u32);

impl Object for Thing {
    fn owner(&self) -> Owner {
        Owner(self.0)
    }
}

/// A mapping that joins no other but its own parts.
fn mapping(range: PageRange, kind: u32, origin: u64) -> Mapping<Thing> {
    let backing = match kind % 4 {
        0 => Backing::Zero,
        kind => Backing::Object {
            object: Thing(kind),
            offset: origin / 3,
            shared: kind == 3,
        },
    };
    Mapping {
        range,
        rights: Rights::READ,
        maximum: Rights::READ,
        flags: Flags::empty(),
        origin,
        backing,
    }
}

fn check(list: &MappingList<Thing>, pages: core::ops::Range<u64>) {
    assert!(list.index.is_some() || list.len() <= BLOCK);
    for of in [None, Some(Owner(1)), Some(Owner(2)), Some(Owner(3))] {
        let mut shown: Vec<_> = list
            .showing(of, pages.clone(), || ())
            .map(|it| it.range.start)
            .collect();
        shown.sort();
        let all = list.iter(|| ()).filter(|it| it.shows(of, &pages));
        assert!(all.map(|it| it.range.start).eq(shown));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_index_has_what_the_list_has(
        operations in prop::collection::vec((0u8..8, 0u64..600, 1u64..4, 0u32..4, 0u64..300), 200..600),
    ) {
        let mut list = MappingList::new();
        for (operation, start, len, kind, origin) in operations {
            let range = PageRange::at(Page(start), len);
            list.reserve(2, || ()).unwrap();
            match operation {
                0..5 => {
                    list.remove(range, || ());
                    list.insert(mapping(range, kind, origin));
                }
                5 => {
                    let whole = list.find(range.start).map(|found| found.range);
                    if let Some(part) = whole.map(|whole| whole.intersect(range)) {
                        let changed = list.isolate(part, || (), |it| it.rights = Rights::empty());
                        prop_assert!(changed.is_ok());
                        list.change_above(part.start, |it| it.rights = Rights::READ);
                        list.join(part.start);
                        list.join(part.end);
                    }
                }
                6 if origin < 10 => {
                    let long = PageRange::new(range.start, range.end + 30 * origin);
                    list.remove(long, || ());
                }
                _ if origin < 10 => {
                    let copy = list.duplicate(|| ()).unwrap();
                    list.clear(|| ());
                    check(&list, 0..600);
                    list = copy;
                }
                _ => {}
            }
            check(&list, origin..origin + len);
        }
        check(&list, 0..u64::MAX);
    }
}

#[test]
fn a_list_that_has_become_short_has_no_index() {
    let mut list = MappingList::new();
    for start in 0..2 * BLOCK as u64 {
        list.reserve(1, || ()).unwrap();
        list.insert(mapping(PageRange::at(Page(2 * start), 1), 1, start));
    }
    assert!(list.index.is_some());
    list.remove(PageRange::new(Page(20), Page(500)), || ());
    assert_eq!((list.len(), list.index.is_none()), (10, true));
}

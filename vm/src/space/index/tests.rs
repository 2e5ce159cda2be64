//! The index against a search through all mappings.

use super::*;
use crate::addr::PageRange;
use crate::frames::Owner;
use crate::space::Flags;
use crate::table::Rights;
use alloc::vec::Vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Thing(u32);

impl Object for Thing {
    fn owner(&self) -> Owner {
        Owner(self.0)
    }
}

fn mapping(start: u64, len: u64, origin: u64, object: u32) -> Mapping<Thing> {
    Mapping {
        range: PageRange::at(Page(start), len),
        rights: Rights::READ,
        maximum: Rights::READ,
        flags: Flags::empty(),
        origin,
        backing: match object {
            0 => Backing::Zero,
            _ => Backing::Object {
                object: Thing(object),
                offset: origin / 2,
                shared: object == 3,
            },
        },
    }
}

/// Heights and reaches, and that the tree is balanced; its height.
fn check(link: &Link) -> (u32, u64) {
    let Some(node) = link else { return (0, 0) };
    let [left, right] = node.children.each_ref().map(check);
    assert!(left.0.abs_diff(right.0) <= 1);
    assert_eq!(node.height, 1 + left.0.max(right.0));
    assert_eq!(node.reach, node.interval.end.max(left.1).max(right.1));
    (node.height, node.reach)
}

fn found(index: &Index, of: Of, pages: &Range<u64>) -> Vec<Page> {
    let mut after = None;
    let keys = core::iter::from_fn(|| {
        after = Some(index.next(of, pages, after)?);
        after
    });
    let mut found: Vec<_> = keys.map(|(_, _, start)| start).collect();
    found.sort();
    found
}

proptest! {
    #[test]
    fn finds_what_a_search_through_all_finds(
        operations in prop::collection::vec((0u64..80, 1u64..30, 0u64..60, 0u32..4, 0u64..80, 1u64..20), 1..300),
    ) {
        let (mut index, mut model) = (Index::default(), Vec::<Mapping<Thing>>::new());
        for (start, len, origin, object, first, many) in operations {
            match model.iter().position(|old| old.range.start == Page(start)) {
                Some(at) => index.replace(Interval::of(&model.swap_remove(at)), [None; EACH]),
                None => {
                    let new = mapping(start, len, origin, object);
                    index.reserve(EACH).unwrap();
                    index.replace([None; EACH], Interval::of(&new));
                    model.push(new);
                }
            }
            check(&index.root);
            if first == 0 {
                let copy = index.duplicate(&|| ()).unwrap();
                check(&copy.root);
                core::mem::replace(&mut index, copy).clear(&|| ());
            }
            let pages = first..if many == 1 { u64::MAX } else { first + many };
            for of in [None, Some(Owner(1)), Some(Owner(2)), Some(Owner(3)), Some(Owner(4))] {
                let shown = model.iter().filter(|it| it.shows(of, &pages));
                let mut all: Vec<_> = shown.map(|it| it.range.start).collect();
                all.sort();
                prop_assert_eq!(found(&index, of, &pages), all);
            }
        }
    }
}

#[test]
fn the_order_of_insertion_does_not_matter_to_its_height() {
    let mut index = Index::default();
    for start in 0..4096 {
        index.reserve(EACH).unwrap();
        index.replace([None; EACH], Interval::of(&mapping(start, 1, start, 0)));
    }
    assert!(check(&index.root).0 <= 14);
    for start in 0..2048 {
        index.replace(Interval::of(&mapping(start, 1, start, 0)), [None; EACH]);
    }
    assert!(check(&index.root).0 <= 13);
    index.clear(&|| ());
    assert_eq!(found(&index, None, &(0..u64::MAX)), []);
}

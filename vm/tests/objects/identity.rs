//! Ids: what they are, what they cost, and that they forget how an object was made.

use proptest::prelude::*;
use vm::hash::{Digest, Hasher, Portable};
use vm::store::VmoStore;
use vm::vmo::page::HeapPages;
use vm::vmo::{PageView, Patch};

use crate::model::{Store, bytes, content, flat_id, store};
use crate::vectors::xorshift64;

const PAGE_COMPRESSIONS: u64 = 2 * 127;
const NODE_COMPRESSIONS: u64 = 2;

/// Compressions that `work` costs in `store`.
fn cost<T>(store: &Store, work: impl FnOnce() -> T) -> (u64, T) {
    let before = store.hasher().compressions();
    let result = work();
    (store.hasher().compressions() - before, result)
}

#[test]
fn nothing_is_hashed_before_an_id_is_asked_for() {
    let store = store();
    let (compressions, ()) = cost(&store, || {
        let object = store.from_bytes(&xorshift64(1, 50_000)).unwrap();
        let joined = object.slice(5..40_000).unwrap().concat(&object).unwrap();
        let patched = joined
            .patch(&[Patch {
                offset: 7000,
                bytes: &[1; 5000],
            }])
            .unwrap();
        bytes(&patched);
        assert!(matches!(object.page(3).unwrap(), PageView::Page(_)));
        assert!(patched.known_id().is_none());
    });
    assert_eq!(compressions, 0);
}

#[test]
fn an_id_is_hashed_once() {
    let store = store();
    let object = store.from_bytes(&xorshift64(1, 40 * 4096)).unwrap();
    let (first, id) = cost(&store, || object.id().unwrap());
    assert_eq!(
        first,
        40 * PAGE_COMPRESSIONS + (20 + 10 + 5 + 3 + 2 + 1 + 1) * NODE_COMPRESSIONS
    );
    assert_eq!(cost(&store, || object.clone().id().unwrap()), (0, id));
    assert_eq!(object.known_id(), Some(id));
}

#[test]
fn slices_and_joins_at_page_borders_reuse_page_roots() {
    let store = store();
    let pages = 64;
    let object = store.from_bytes(&xorshift64(3, pages * 4096)).unwrap();
    object.id().unwrap();
    let slice = object.slice(5 * 4096..60 * 4096).unwrap();
    let (compressions, _) = cost(&store, || slice.id().unwrap());
    assert!(
        compressions <= 64 * NODE_COMPRESSIONS,
        "{compressions}: no page is hashed again"
    );
    let half = object.slice(0..32 * 4096).unwrap();
    let (compressions, _) = cost(&store, || half.id().unwrap());
    assert_eq!(
        compressions, NODE_COMPRESSIONS,
        "a half is a subtree: only the size is new"
    );
    let (compressions, id) = cost(&store, || {
        half.concat(&object.slice(32 * 4096..64 * 4096).unwrap())
            .unwrap()
            .id()
            .unwrap()
    });
    assert_eq!(compressions, 2 * NODE_COMPRESSIONS, "root and size");
    assert_eq!(id, object.id().unwrap());
}

proptest! {
    #[test]
    fn a_patch_hashes_its_pages_and_their_ancestors(
        pages in 1..300u64,
        cut in 0..4096u64,
        at in prop::collection::btree_set(any::<u64>(), 1..6),
    ) {
        let store = store();
        let object = store.from_bytes(&xorshift64(9, (pages * 4096 - cut) as usize)).unwrap();
        object.id().unwrap();
        let at: std::collections::BTreeSet<u64> = at.into_iter().map(|at| at % object.size()).collect();
        let touched = at.iter().map(|at| at / 4096).collect::<std::collections::BTreeSet<_>>().len() as u64;
        let patches: Vec<Patch<'_>> = at.iter().map(|&offset| Patch { offset, bytes: &[1] }).collect();
        let depth = u64::from(pages.next_power_of_two().trailing_zeros());
        let (compressions, patched) = cost(&store, || {
            let patched = object.patch(&patches).unwrap();
            patched.id().unwrap();
            patched
        });
        let bound = touched * PAGE_COMPRESSIONS + touched * depth * NODE_COMPRESSIONS + NODE_COMPRESSIONS;
        prop_assert!(compressions <= bound, "{compressions} > {bound}");
        let mut model = bytes(&object);
        at.iter().for_each(|&at| model[at as usize] = 1);
        prop_assert_eq!(patched.id().unwrap(), flat_id(store.hasher(), &model));
    }

    #[test]
    fn diff_finds_the_pages_that_differ(a in content(), b in content(), cut in any::<usize>()) {
        let (store, other) = (store(), store());
        let (x, y) = (store.from_bytes(&a).unwrap(), other.from_bytes(&b).unwrap());
        let cut = (cut % (a.len() + 1)) as u64;
        let x = x.slice(0..cut).unwrap().concat(&x.slice(cut..x.size()).unwrap()).unwrap();
        let len = a.len().max(b.len()).next_multiple_of(4096);
        let padded = |bytes: &[u8]| [bytes, &vec![0; len - bytes.len()]].concat();
        let (a, b) = (padded(&a), padded(&b));
        let differ = |page: &u64| {
            let range = *page as usize * 4096..(*page as usize + 1) * 4096;
            a[range.clone()] != b[range]
        };
        let expected: Vec<u64> = (0..len as u64 / 4096).filter(differ).collect();
        let ranges = x.diff(&y).unwrap();
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        prop_assert_eq!(ranges.into_iter().flatten().collect::<Vec<u64>>(), expected);
    }
}

#[test]
fn one_page_of_a_sparse_gibibyte_is_cheap() {
    let store = store();
    let object = store.zeros(1 << 30).unwrap();
    let (compressions, _) = cost(&store, || object.id().unwrap());
    assert_eq!(
        compressions, NODE_COMPRESSIONS,
        "roots of empty subtrees are known"
    );
    let (compressions, _) = cost(&store, || {
        object
            .patch(&[Patch {
                offset: 123_456_789,
                bytes: &[7],
            }])
            .unwrap()
            .id()
            .unwrap()
    });
    assert_eq!(
        compressions,
        PAGE_COMPRESSIONS + (18 + 1) * NODE_COMPRESSIONS
    );
    assert_eq!(store.supply().live(), 0);
}

#[test]
fn the_largest_object_has_an_id() {
    let store = store();
    let object = store.zeros(vm::vmo::MAX_SIZE).unwrap();
    let last = vm::vmo::MAX_SIZE - 1;
    let patched = object
        .patch(&[Patch {
            offset: last,
            bytes: &[9],
        }])
        .unwrap();
    assert_ne!(object.id().unwrap(), patched.id().unwrap());
    assert_eq!(
        object.diff(&patched).unwrap(),
        vec![(last / 4096)..(last / 4096 + 1)]
    );
    let mut byte = [0];
    patched.read(last, &mut byte).unwrap();
    assert_eq!(byte, [9]);
}

#[test]
fn an_empty_object_has_the_id_of_no_pages() {
    let store = store();
    let id = store.from_bytes(&[]).unwrap().id().unwrap();
    assert_eq!(id, store.hasher().id(0, &Digest::ZERO));
    assert_ne!(id, store.zeros(1).unwrap().id().unwrap(), "the size counts");
}

#[test]
fn equal_content_is_held_once_when_ids_are_asked_for() {
    let store = store();
    let content = xorshift64(5, 100 * 4096);
    let first = store.from_bytes(&content).unwrap();
    let second = store.from_bytes(&content).unwrap();
    let repeated = store.from_bytes(&content[..4096].repeat(50)).unwrap();
    assert_eq!(store.supply().live(), 250);
    first.id().unwrap();
    second.id().unwrap();
    assert_eq!(store.supply().live(), 150, "equal objects share all pages");
    repeated.id().unwrap();
    assert_eq!(
        store.supply().live(),
        100,
        "and equal pages of different objects are one"
    );
    let [PageView::Page(a), PageView::Page(b)] = [&first, &repeated].map(|o| o.page(0).unwrap())
    else {
        panic!("both are pages");
    };
    assert!(std::ptr::eq(&*a, &*b));
    drop((first, a));
    assert_eq!(store.supply().live(), 100, "the second still needs them");
    drop(second);
    assert_eq!(store.supply().live(), 1, "the repeated object needs one");
    drop((repeated, b));
    assert_eq!(store.supply().live(), 0);
}

#[test]
fn a_page_can_t_pose_as_a_branch() {
    // The bytes of this page are the roots of 128 others, so that its root is the root of the tree over these.
    let store = store();
    let content = xorshift64(6, 128 * 4096);
    let object = store.from_bytes(&content).unwrap();
    object.id().unwrap();
    let roots: Vec<u8> = content
        .chunks(4096)
        .flat_map(|page| store.hasher().page_root(page.try_into().unwrap()).0)
        .collect();
    let forged = store.from_bytes(&roots).unwrap();
    assert_ne!(forged.id().unwrap(), object.id().unwrap());
    assert!(bytes(&forged) == roots);
    let again = store.from_bytes(&content).unwrap();
    again.id().unwrap();
    assert!(bytes(&again) == content);
}

#[test]
fn both_backends_give_the_same_ids() {
    let portable = VmoStore::new(HeapPages::unlimited(), Hasher::new(&Portable));
    let content = xorshift64(8, 33_333);
    let id = portable.from_bytes(&content).unwrap().id().unwrap();
    assert_eq!(id, store().from_bytes(&content).unwrap().id().unwrap());
}

#[test]
fn seams_one_byte_off_a_page_border_count() {
    let store = store();
    let lengths = [1, 4094, 4095, 4096, 4097, 8191, 8192, 8193];
    for (a, b) in lengths.iter().flat_map(|a| lengths.map(|b| (*a, b))) {
        for (x, y) in [(0, 9), (9, 0), (9, 9), (0, 0), (8, 9)] {
            let (first, second) = (vec![x; a], vec![y; b]);
            let parts = [&first, &second].map(|part| store.from_bytes(part).unwrap());
            let joined = parts[0].concat(&parts[1]).unwrap();
            let expected = flat_id(store.hasher(), &[first, second].concat());
            assert_eq!(joined.id().unwrap(), expected, "{a} of {x}, {b} of {y}");
        }
    }
}

#[test]
fn hashing_in_parts_gives_the_same_id() {
    let store = store();
    let object = store.from_bytes(&xorshift64(1, 40 * 4096 + 5)).unwrap();
    // Every page of it lies across a page border of its source.
    let shifted = store.from_bytes(b"x").unwrap().concat(&object).unwrap();
    let sparse = store.zeros(1 << 40).unwrap().concat(&shifted).unwrap();
    for object in [object, shifted, sparse, store.zeros(0).unwrap()] {
        let expected = store.from_bytes(&[]).unwrap().id().unwrap();
        let (mut from, mut runs) = (0, 0);
        while let Some(next) = object.hash_some(from, 7).unwrap() {
            assert!(next >= from);
            (from, runs) = (next, runs + 1);
        }
        assert_eq!(runs, object.stored(u64::MAX).saturating_sub(1) / 7);
        let (interior, id) = cost(&store, || object.id().unwrap());
        assert!(interior <= NODE_COMPRESSIONS * 100, "{interior}");
        assert_eq!(id == expected, object.size() == 0);
        if (1..1 << 20).contains(&object.size()) {
            assert_eq!(id, flat_id(store.hasher(), &bytes(&object)));
        }
        for index in 0..object.page_count().min(50) {
            let (compressions, leaf) = cost(&store, || object.leaf(index).unwrap());
            assert_eq!(compressions, 0);
            let mut page = [0; 4096];
            let held = (object.size() - index * 4096).min(4096) as usize;
            object.read(index * 4096, &mut page[..held]).unwrap();
            assert_eq!(leaf, store.hasher().leaf(&page));
        }
    }
}

#[test]
fn what_an_object_stores_is_counted_up_to_a_bound() {
    let store = store();
    let mut object = store.from_bytes(&[1; 3 * 4096]).unwrap();
    assert_eq!(object.stored(10), 3);
    // 2^40 pages, of which three are held: counting stops.
    for _ in 0..40 {
        object = object.concat(&object).unwrap();
    }
    assert_eq!(object.stored(1000), 1000);
    assert_eq!(store.zeros(1 << 50).unwrap().stored(1000), 0);
}

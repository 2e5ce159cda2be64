//! Data caps: against the vectors, what is shared and hashed, and what is refused.

mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use vm::datacap::{CapError, DataCap, Form, PageAt, PageSlot};
use vm::hash::{Digest, Hasher};
use vm::store::{Counts, VmoStore};
use vm::vmo::page::{HeapPages, OutOfPages, Page, PageSupply};
use vm::vmo::{MAX_SIZE, Patch};

use crate::model::{Store, bytes, store};
use crate::vectors::{cases, digest, fill, pages, xorshift64};

type Cap = DataCap<HeapPages>;

fn root(cap: &Cap) -> Digest {
    cap.root().unwrap()
}

fn flat(cap: &Cap) -> Vec<u8> {
    let mut flat = vec![0; cap.content_len() as usize];
    cap.copy_into(0, &mut flat).unwrap();
    flat
}

fn page_of(store: &Store, byte: u8) -> Arc<Page<<HeapPages as PageSupply>::Page>> {
    let mut page = Page::new(store.supply().zeroed().unwrap());
    page.bytes_mut().unwrap().fill(byte);
    Arc::new(page)
}

#[test]
fn vectors() {
    let store = store();
    for case in cases("cases") {
        let name = case["name"].as_str().unwrap();
        let size = case["size"].as_u64().unwrap();
        let pages = pages(&case);
        let requested = case["requested_size"].as_u64().unwrap_or(size);
        let named = pages.iter().map(|(index, page)| (*index, page));
        let cap = match size {
            0 => DataCap::empty(&store),
            _ => DataCap::from_sparse_pages(&store, requested, named).unwrap(),
        };
        let expected = digest(&case["cap_root"]);
        assert_eq!(cap.content_len(), size, "{name}");
        assert_eq!(
            cap.pages_root().unwrap(),
            digest(&case["pages_root"]),
            "{name}"
        );
        assert_eq!(root(&cap), expected, "{name}");
        assert_eq!(cap.to_vmo().unwrap().id().unwrap(), expected, "{name}");
        for (index, leaf) in case["page_roots"].as_object().unwrap() {
            let found = match cap.page_at(index.parse().unwrap()).unwrap() {
                PageAt::Bytes(page) => page.leaf(store.hasher()),
                PageAt::Zero => Digest::ZERO,
                PageAt::Missing(_) => panic!("{name}: nothing is missing"),
            };
            assert_eq!(found, digest(leaf), "{name} page {index}");
        }
        if let Some(spec) = case.get("from_bytes") {
            let len = spec["len"].as_u64().unwrap() as usize;
            let target = spec["target_size"].as_u64().unwrap_or(len as u64);
            let content = fill(&spec["fill"], 0, len);
            let built = DataCap::from_bytes_sized(&store, &content, target).unwrap();
            assert_eq!(
                (built.content_len(), root(&built)),
                (size, expected),
                "{name}"
            );
        }
        for form in [Form::Pages, Form::Roots] {
            let encoded = cap.encode(form).unwrap();
            let decoded = DataCap::decode(&store, &encoded, usize::MAX).unwrap();
            assert_eq!(root(&decoded), expected, "{name}");
            assert_eq!(decoded.encode(form).unwrap(), encoded, "{name}");
        }
        written_page_by_page(&store, size, &pages, expected, name);
    }
    drop_check(&store);
}

/// The same cap by overlay pages on an empty one.
fn written_page_by_page(
    store: &Store,
    size: u64,
    pages: &[(u64, [u8; 4096])],
    expected: Digest,
    name: &str,
) {
    let mut cap = DataCap::empty(store);
    if size > 0 {
        cap = DataCap::from_bytes_sized(store, &[], size).unwrap();
    }
    for (index, page) in pages {
        cap.put_page(*index, page).unwrap();
    }
    assert_eq!(cap.flush(), pages.len());
    assert_eq!(root(&cap), expected, "{name}");
}

fn drop_check(store: &Store) {
    assert_eq!(store.supply().live(), 0);
    assert_eq!(store.counts(), Counts::default());
}

#[test]
fn a_root_is_of_clean_caps_only() {
    let store = store();
    let mut cap = DataCap::from_bytes(&store, &[1; 5000]).unwrap();
    cap.write_page(0, 0, &[2]).unwrap();
    assert!(cap.is_dirty());
    assert_eq!(cap.root(), Err(CapError::Dirty));
    assert_eq!(cap.pages_root(), Err(CapError::Dirty));
    assert_eq!(cap.flush(), 1);
    assert!(cap.root().is_ok());
}

#[test]
fn a_flush_hashes_nothing_and_a_root_only_what_is_new() {
    let store = store();
    let mut cap = DataCap::from_bytes(&store, &xorshift64(1, 64 * 4096)).unwrap();
    root(&cap);
    let before = store.hasher().compressions();
    cap.write_page(17, 100, &[1, 2, 3]).unwrap();
    cap.flush();
    assert_eq!(store.hasher().compressions(), before);
    root(&cap);
    assert_eq!(store.hasher().compressions() - before, 2 * (127 + 6 + 1));
}

#[test]
fn clones_share_pages_until_one_writes() {
    let store = store();
    let mut cap = DataCap::from_bytes(&store, &[1; 40_960]).unwrap();
    let mut copy = cap.clone();
    copy.write_page(3, 0, &[2; 10]).unwrap();
    copy.write_page(3, 10, &[2; 10]).unwrap();
    assert_eq!(
        store.supply().live(),
        11,
        "a page of its own is written in place"
    );
    cap.place_shared(0, &copy, 2..5).unwrap();
    assert_eq!(store.supply().live(), 11);
    copy.write_page(3, 0, &[3]).unwrap();
    assert_eq!(store.supply().live(), 12, "a shared page is not");
    let mut byte = [0];
    cap.copy_into(4096, &mut byte).unwrap();
    assert_eq!(byte, [2]);
}

#[test]
fn a_snapshot_shares_pages_with_what_goes_on_being_written() {
    let store = store();
    let mut cap = DataCap::from_bytes(&store, &[1; 8192]).unwrap();
    cap.flush();
    let snapshot = cap.to_vmo().unwrap();
    assert_eq!(store.supply().live(), 2);
    cap.write_page(1, 0, &[9]).unwrap();
    assert_eq!(store.supply().live(), 3);
    assert!(bytes(&snapshot) == [1; 8192]);
    cap.flush();
    let patched = snapshot
        .patch(&[Patch {
            offset: 4096,
            bytes: &[9],
        }])
        .unwrap();
    assert_eq!(patched.id().unwrap(), root(&cap));
}

#[test]
fn missing_pages_are_named_and_can_be_supplied() {
    let store = store();
    let content = xorshift64(3, 3 * 4096);
    let whole = DataCap::from_bytes(&store, &content).unwrap();
    let encoded = whole.encode(Form::Roots).unwrap();
    let mut cap = DataCap::decode(&store, &encoded, 0).unwrap();
    let PageAt::Missing(wanted) = cap.page_at(1).unwrap() else {
        panic!("page 1 is missing")
    };
    assert_eq!(
        cap.copy_into(4000, &mut [0; 200]),
        Err(CapError::Missing(match cap.page_at(0) {
            Ok(PageAt::Missing(first)) => first,
            other => panic!("{other:?}"),
        }))
    );
    assert_eq!(cap.write_page(1, 0, &[1]), Err(CapError::Missing(wanted)));
    assert!(!cap.is_dirty(), "a refused write changes nothing");
    assert_eq!(root(&cap), root(&whole), "a root needs no pages");
    assert_eq!(
        cap.supply_page(1, page_of(&store, 1)),
        Err(CapError::NotTheMissing(1))
    );
    for index in 0..3 {
        let PageAt::Bytes(page) = whole.page_at(index).unwrap() else {
            panic!("held")
        };
        cap.supply_page(index, page.clone()).unwrap();
        assert_eq!(
            cap.supply_page(index, page),
            Err(CapError::NotTheMissing(index))
        );
    }
    assert!(!cap.is_dirty());
    assert!(flat(&cap) == content);
}

#[test]
fn a_missing_page_can_be_overwritten_and_passes_through_objects() {
    let store = store();
    let whole = DataCap::from_bytes(&store, &xorshift64(3, 3 * 4096)).unwrap();
    let mut cap = DataCap::decode(&store, &whole.encode(Form::Roots).unwrap(), 0).unwrap();
    let object = cap.to_vmo().unwrap();
    assert_eq!(object.id().unwrap(), root(&whole));
    let PageAt::Missing(first) = cap.page_at(0).unwrap() else {
        panic!("missing")
    };
    let missing = vm::vmo::VmoError::Missing(first);
    assert_eq!(object.read(1, &mut [0]).unwrap_err(), missing);
    assert_eq!(object.slice(1..4097).unwrap().id().unwrap_err(), missing);
    assert!(object.slice(4096..8192).unwrap().id().is_ok());
    cap.write_page(0, 0, &[5; 4096]).unwrap();
    cap.flush();
    let mut byte = [0];
    cap.copy_into(4095, &mut byte).unwrap();
    assert_eq!(byte, [5]);
}

#[test]
fn roots_of_empty_pages_are_empty_pages() {
    let store = store();
    let zero_page = store.hasher().page_root(&[0; 4096]);
    let roots = [(0, zero_page), (1, Digest::ZERO)];
    let cap = DataCap::from_roots(&store, 8192, roots).unwrap();
    assert_eq!(
        root(&cap),
        root(&DataCap::from_bytes_sized(&store, &[], 8192).unwrap())
    );
    assert_eq!(cap.page_slot(0), Ok(PageSlot::Empty));
}

#[test]
fn indices_and_sizes_near_the_limit_are_errors() {
    let store = store();
    for size in [MAX_SIZE + 1, u64::MAX - 4095, u64::MAX] {
        assert_eq!(
            DataCap::from_bytes_sized(&store, &[1], size).unwrap_err(),
            CapError::TooLarge
        );
        assert_eq!(
            DataCap::from_sparse_pages(&store, size, []).unwrap_err(),
            CapError::TooLarge
        );
    }
    let mut cap = DataCap::from_sparse_pages(&store, MAX_SIZE, []).unwrap();
    let other = cap.clone();
    let count = cap.page_count();
    for index in [count, count + 1, u64::MAX / 4096, u64::MAX - 1, u64::MAX] {
        let is_refused = |result| matches!(result, Err(CapError::OutOfRange { .. }));
        assert!(is_refused(cap.page_at(index).map(|_| ())));
        assert!(is_refused(cap.page_slot(index).map(|_| ())));
        assert!(is_refused(cap.put_page(index, &[1; 4096])));
        assert!(is_refused(cap.write_page(index, 0, &[1])));
        assert!(is_refused(cap.insert_overlay_page(
            index,
            page_of(&store, 1),
            None
        )));
        assert!(is_refused(cap.place_shared(index, &other, 0..1)));
        assert!(
            is_refused(cap.place_shared(0, &other, index..index.saturating_add(1).max(index)))
                == (index < u64::MAX)
        );
        assert!(is_refused(cap.supply_page(index, page_of(&store, 1))));
        let pages = [(index, &[1; 4096])];
        assert!(is_refused(
            DataCap::from_sparse_pages(&store, MAX_SIZE, pages).map(|_| ())
        ));
    }
    #[expect(clippy::reversed_empty_ranges, reason = "what a caller may pass")]
    let reversed = cap.place_shared(0, &other, 5..3);
    assert!(matches!(reversed, Err(CapError::OutOfRange { .. })));
    assert!(matches!(
        cap.place_shared(1, &other, 0..count),
        Err(CapError::OutOfRange { .. })
    ));
    assert!(matches!(
        cap.write_page(0, usize::MAX, &[1, 2]),
        Err(CapError::OutOfRange { .. })
    ));
    assert!(matches!(
        cap.copy_into(u64::MAX, &mut [0; 2]),
        Err(CapError::BeyondEnd { .. })
    ));
    assert!(matches!(
        cap.copy_into(MAX_SIZE, &mut [0]),
        Err(CapError::BeyondEnd { .. })
    ));
    cap.write_page(count - 1, 4095, &[1]).unwrap();
    cap.flush();
    assert!(cap.root().is_ok());
}

#[test]
fn refused_calls_lose_nothing() {
    let small = VmoStore::new(HeapPages::limited(2), Hasher::host());
    assert_eq!(
        DataCap::from_bytes(&small, &[1; 9000]).unwrap_err(),
        OutOfPages.into()
    );
    assert_eq!(small.supply().live(), 0);
    let mut cap = DataCap::from_bytes(&small, &[1; 8192]).unwrap();
    assert_eq!(cap.write_page(0, 0, &[2]), Err(OutOfPages.into()));
    assert!(!cap.is_dirty());
    let twice = BTreeMap::from([(0u64, [1; 4096])]);
    let twice = twice
        .iter()
        .chain(&twice)
        .map(|(index, page)| (*index, page));
    let store = store();
    assert_eq!(
        DataCap::from_sparse_pages(&store, 1, twice).unwrap_err(),
        CapError::Duplicate(0)
    );
    let other = DataCap::from_bytes(&store, &[1]).unwrap();
    assert_eq!(
        cap.place_shared(0, &other, 0..1),
        Err(CapError::ForeignStore)
    );
}

#[test]
fn a_page_that_became_zeros_takes_no_room_after_a_flush() {
    let store = store();
    let mut cap = DataCap::from_bytes(&store, &[1; 8192]).unwrap();
    cap.write_page(0, 0, &[0; 4096]).unwrap();
    assert!(matches!(cap.page_at(0), Ok(PageAt::Zero)));
    assert_eq!(store.supply().live(), 3);
    cap.flush();
    assert_eq!(cap.page_slot(0), Ok(PageSlot::Empty));
    assert_eq!(store.supply().live(), 1);
}

#[test]
fn pages_that_are_not_held_neither_replace_nor_take_those_that_are() {
    let store = store();
    let content = xorshift64(3, 4 * 4096);
    let encoded = DataCap::from_bytes(&store, &content)
        .unwrap()
        .encode(Form::Roots)
        .unwrap();
    let roots_only = DataCap::decode(&store, &encoded, 0)
        .unwrap()
        .to_vmo()
        .unwrap();
    let id = roots_only.id().unwrap();
    let held = store.from_bytes(&content).unwrap();
    assert_eq!(held.id().unwrap(), id);
    assert!(bytes(&held) == content);
    // Knowing a root gives nobody the bytes.
    let again = DataCap::decode(&store, &encoded, 0)
        .unwrap()
        .to_vmo()
        .unwrap();
    assert_eq!(again.id().unwrap(), id);
    assert!(matches!(
        again.read(0, &mut [0]),
        Err(vm::vmo::VmoError::Missing(_))
    ));
}

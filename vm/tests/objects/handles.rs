//! Handles: rights, ranges and stores.

use std::sync::Arc;

use vm::hash::Hasher;
use vm::store::VmoStore;
use vm::vmo::page::{HeapPages, OutOfPages, Page, PageSupply};
use vm::vmo::{MAX_SIZE, Patch, Rights, VmoError};

use crate::model::{bytes, flat_id, store};

#[test]
fn rights_only_shrink() {
    let all = store().from_bytes(b"content").unwrap();
    assert_eq!(all.rights(), Rights::all());
    let read = all.restrict(Rights::READ).unwrap();
    assert_eq!(
        read.restrict(Rights::all()).unwrap_err(),
        VmoError::Denied(Rights::all() - Rights::READ)
    );
    assert_eq!(read.restrict(Rights::READ).unwrap().rights(), Rights::READ);
    assert_eq!(read.page(0).unwrap_err(), VmoError::Denied(Rights::MAP));
    assert_eq!(
        read.demand(Rights::EXECUTE | Rights::READ),
        Err(VmoError::Denied(Rights::EXECUTE))
    );
    let map = all.restrict(Rights::MAP).unwrap();
    assert!(map.page(0).is_ok());
    let denied = VmoError::Denied(Rights::READ);
    assert_eq!(map.read(0, &mut [0]).unwrap_err(), denied);
    assert_eq!(map.id().unwrap_err(), denied);
    assert_eq!(map.slice(0..1).unwrap_err(), denied);
    assert_eq!(map.concat(&all).unwrap_err(), denied);
    assert_eq!(all.concat(&map).unwrap_err(), denied);
    assert_eq!(map.patch(&[]).unwrap_err(), denied);
    assert_eq!(map.diff(&all).unwrap_err(), denied);
}

#[test]
fn what_is_made_of_handles_has_no_more_rights_than_they() {
    let all = store().from_bytes(b"content").unwrap();
    let read = all.restrict(Rights::READ | Rights::MAP).unwrap();
    assert_eq!(read.slice(1..3).unwrap().rights(), read.rights());
    assert_eq!(read.patch(&[]).unwrap().rights(), read.rights());
    let other = all.restrict(Rights::READ | Rights::EXECUTE).unwrap();
    assert_eq!(read.concat(&other).unwrap().rights(), Rights::READ);
}

#[test]
fn ranges_are_checked() {
    let object = store().from_bytes(&[1; 100]).unwrap();
    let beyond = |start, end| VmoError::OutOfRange {
        start,
        end,
        size: 100,
    };
    assert_eq!(object.read(99, &mut [0; 2]).unwrap_err(), beyond(99, 101));
    assert_eq!(
        object.read(u64::MAX, &mut [0; 2]).unwrap_err(),
        beyond(u64::MAX, u64::MAX)
    );
    assert!(object.read(100, &mut []).is_ok());
    assert_eq!(object.slice(0..101).unwrap_err(), beyond(0, 101));
    #[expect(clippy::reversed_empty_ranges, reason = "what a program may ask for")]
    let reversed = object.slice(7..3);
    assert_eq!(reversed.unwrap_err(), beyond(7, 3));
    assert_eq!(object.slice(100..100).unwrap().size(), 0);
    assert!(object.page(0).is_ok());
    assert!(matches!(object.page(1), Err(VmoError::OutOfRange { .. })));
    assert!(matches!(
        object.page(u64::MAX),
        Err(VmoError::OutOfRange { .. })
    ));
}

#[test]
fn patches_are_checked_before_anything_is_done() {
    let store = store();
    let object = store.from_bytes(&[1; 100]).unwrap();
    let patch = |offset, bytes| Patch { offset, bytes };
    let overlapping = [patch(10, &[2; 5][..]), patch(50, &[3]), patch(14, &[4])];
    assert_eq!(
        object.patch(&overlapping).unwrap_err(),
        VmoError::Overlap(14)
    );
    let beyond = VmoError::OutOfRange {
        start: 99,
        end: 101,
        size: 100,
    };
    assert_eq!(object.patch(&[patch(99, &[0; 2])]).unwrap_err(), beyond);
    assert!(object.patch(&[patch(u64::MAX, &[0; 2])]).is_err());
    assert!(
        object.patch(&[patch(1000, &[])]).is_ok(),
        "an empty patch is none"
    );
    let adjoining = object
        .patch(&[patch(14, &[4]), patch(10, &[2; 4])])
        .unwrap();
    assert_eq!(bytes(&adjoining)[9..16], [1, 2, 2, 2, 2, 4, 1]);
    assert_eq!(bytes(&object), [1; 100], "the base is as it was");
}

#[test]
fn stores_do_not_mix_and_sizes_do_not_wrap() {
    let store = store();
    let object = store.from_bytes(&[1; 100]).unwrap();
    let foreign = crate::model::store().from_bytes(&[1; 100]).unwrap();
    assert_eq!(object.concat(&foreign).unwrap_err(), VmoError::ForeignStore);
    let large = store.zeros(MAX_SIZE).unwrap();
    assert_eq!(object.concat(&large).unwrap_err(), VmoError::TooLarge);
    assert_eq!(large.concat(&large).unwrap_err(), VmoError::TooLarge);
    assert_eq!(store.zeros(MAX_SIZE + 1).unwrap_err(), VmoError::TooLarge);
}

#[test]
fn running_out_of_pages_is_an_error_and_loses_nothing() {
    let store = VmoStore::new(HeapPages::limited(2), Hasher::host());
    let object = store.from_bytes(&[1; 8192]).unwrap();
    let patch = [Patch {
        offset: 4095,
        bytes: &[2, 2],
    }];
    assert_eq!(
        object.patch(&patch).unwrap_err(),
        VmoError::OutOfPages(OutOfPages)
    );
    assert!(bytes(&object) == [1; 8192]);
    let shifted = object.slice(1..8192).unwrap();
    shifted.id().unwrap();
    assert_eq!(store.supply().live(), 2, "an id needs no page");
}

#[test]
fn a_slice_keeps_alive_only_what_it_shows() {
    let store = store();
    let content: Vec<u8> = (0..100u8).flat_map(|page| [page + 1; 4096]).collect();
    let object = store.from_bytes(&content).unwrap();
    let slice = object.slice(50 * 4096 - 1..52 * 4096).unwrap();
    drop(object);
    assert_eq!(store.supply().live(), 3);
    assert!(bytes(&slice) == content[50 * 4096 - 1..52 * 4096]);
}

#[test]
fn pages_become_an_object_where_they_lie() {
    let store = store();
    let page = |bytes: &[u8]| {
        let mut page = Page::new(store.supply().zeroed().unwrap());
        page.bytes_mut().unwrap()[..bytes.len()].copy_from_slice(bytes);
        Arc::new(page)
    };
    let (first, last) = (page(&[1; 4096]), page(&[2; 100]));
    let pages = || [(2, last.clone()), (0, first.clone())];
    let object = store.from_pages(2 * 4096 + 100, pages()).unwrap();
    let expected = [&[1; 4096][..], &[0; 4096], &[2; 100]].concat();
    assert!(bytes(&object) == expected);
    assert_eq!(object.id().unwrap(), flat_id(store.hasher(), &expected));
    assert_eq!(store.supply().live(), 2);
    let refused = |size, pages: &[(u64, &Arc<_>)]| {
        let pages = pages.iter().map(|(index, page)| (*index, Arc::clone(page)));
        store.from_pages(size, pages).unwrap_err()
    };
    assert_eq!(refused(99, &[(0, &last)]), VmoError::DirtyTail);
    assert_eq!(
        refused(8192, &[(1, &last), (1, &first)]),
        VmoError::Duplicate(1)
    );
    assert!(matches!(
        refused(8192, &[(2, &last)]),
        VmoError::OutOfRange { .. }
    ));
    assert!(matches!(
        refused(8192, &[(u64::MAX, &last)]),
        VmoError::OutOfRange { .. }
    ));
    assert!(matches!(
        refused(0, &[(0, &last)]),
        VmoError::OutOfRange { .. }
    ));
}

#[test]
fn a_vouched_root_is_not_computed_again_but_forgotten_on_writing() {
    let store = store();
    let root = store.hasher().page_root(&[0; 4096]);
    let before = store.hasher().compressions();
    let mut page = Page::vouched(store.supply().zeroed().unwrap(), root);
    assert_eq!(
        (page.leaf(store.hasher()), page.known_leaf()),
        (root, Some(root))
    );
    assert_eq!(store.hasher().compressions(), before);
    page.bytes_mut().unwrap()[0] = 1;
    assert_eq!(page.known_leaf(), None);
}

//! The page cache against a plain map.

use std::collections::HashMap;

use proptest::prelude::*;
use vm::hash::Digest;
use vm::page_cache::{PageCache, Refused, Slot};
use vm::vmo::{PageView, Patch};

use crate::model::store;
use crate::vectors::xorshift64;

proptest! {
    #[test]
    fn the_cache_is_a_map(key: u64, steps in prop::collection::vec((0..3u8, 0..80u8), 0..400)) {
        let mut cache = PageCache::new(key, || ());
        let mut model: HashMap<u8, (Slot, usize)> = HashMap::new();
        for (frame, (action, content)) in steps.into_iter().enumerate() {
            let root = Digest([content; 32]);
            match action {
                0 => match (cache.insert(root, frame), model.get(&content)) {
                    (Ok(slot), None) => {
                        prop_assert!(model.values().all(|(other, _)| *other != slot));
                        model.insert(content, (slot, frame));
                    }
                    (Err(Refused::Present(slot, back)), Some((there, _))) => {
                        prop_assert_eq!((slot, back), (*there, frame));
                    }
                    (Err(Refused::Zero(back)), None) => prop_assert_eq!((content, back), (0, frame)),
                    (result, _) => prop_assert!(false, "{result:?}"),
                },
                1 => {
                    let expected = model.get(&content).copied();
                    prop_assert_eq!(cache.get(&root).map(|(slot, frame)| (slot, *frame)), expected);
                }
                _ => {
                    let slot = Slot(u32::from(content));
                    let held = model.iter().find(|(_, (other, _))| *other == slot);
                    let held = held.map(|(content, (_, frame))| (*content, *frame));
                    if let Some((content, _)) = held {
                        model.remove(&content);
                    }
                    let expected = held.map(|(content, frame)| (Digest([content; 32]), frame));
                    prop_assert_eq!(cache.remove(slot), expected);
                }
            }
            prop_assert_eq!(cache.len(), model.len());
        }
    }
}

#[test]
fn equal_pages_of_different_objects_meet_in_one_frame() {
    let store = store();
    let object = store.from_bytes(&xorshift64(1, 10 * 4096)).unwrap();
    let patched = object
        .patch(&[Patch {
            offset: 5 * 4096,
            bytes: &[1],
        }])
        .unwrap();
    let shifted = store.zeros(4096).unwrap().concat(&object).unwrap();
    let mut cache = PageCache::new(1, || ());
    let mut frames = 0;
    for mapped in [&object, &patched, &shifted] {
        mapped.id().unwrap();
        for index in 0..mapped.page_count() {
            let page = match mapped.page(index).unwrap() {
                PageView::Page(page) => page,
                PageView::Zero => continue,
                other => panic!("{other:?}"),
            };
            let root = page.known_leaf().unwrap();
            if cache.get(&root).is_none() {
                cache.insert(root, frames).unwrap();
                frames += 1;
            }
        }
    }
    assert_eq!(frames, 11);
    assert_eq!(
        (cache.statistics().hits, cache.statistics().misses),
        (19, 11)
    );
    let before = store.hasher().compressions();
    assert!(
        matches!(object.page(3).unwrap(), PageView::Page(page) if cache.get(&page.known_leaf().unwrap()).is_some())
    );
    assert_eq!(
        store.hasher().compressions(),
        before,
        "a fault on cached content hashes nothing"
    );
}

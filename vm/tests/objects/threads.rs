//! Several cores of one torus at the same objects at once.

use std::thread;

use vm::store::Counts;
use vm::vmo::Patch;

use crate::model::{bytes, flat_id, store};
use crate::vectors::xorshift64;

#[test]
fn ids_sharing_and_freeing_hold_under_threads() {
    let store = store();
    let content = xorshift64(1, 20 * 4096 + 77);
    let expected = flat_id(store.hasher(), &content);
    let shared = store.from_bytes(&content).unwrap();
    thread::scope(|scope| {
        for number in 0..4u64 {
            let (store, content, shared) = (store.clone(), &content, shared.clone());
            scope.spawn(move || {
                for round in 0..100 {
                    let own = store.from_bytes(content).unwrap();
                    let cut = (round * 997 + number * 13) % own.size();
                    let (head, tail) = (
                        own.slice(0..cut).unwrap(),
                        shared.slice(cut..own.size()).unwrap(),
                    );
                    let joined = head.concat(&tail).unwrap();
                    assert_eq!(joined.id().unwrap(), expected);
                    assert_eq!(shared.id().unwrap(), expected);
                    let patched = joined
                        .patch(&[Patch {
                            offset: cut,
                            bytes: &[round as u8],
                        }])
                        .unwrap();
                    let mut model = content.clone();
                    model[cut as usize] = round as u8;
                    assert_eq!(patched.id().unwrap(), flat_id(store.hasher(), &model));
                    assert!(bytes(&joined) == *content);
                }
            });
        }
    });
    drop(shared);
    assert_eq!(store.counts(), Counts::default());
    assert_eq!(store.supply().live(), 0);
}

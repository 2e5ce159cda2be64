//! Long histories: 100,000 operations on one object, on a small stack, without slow reads and without a trace left.

use std::thread;

use vm::store::Counts;
use vm::vmo::Patch;

use crate::model::{Handle, Store, bytes, flat_id, store};
use crate::vectors::xorshift64;

const LEVELS: usize = 100_000;

/// Runs `history` on a stack of 128 KiB, checks the object that comes of it and that dropping everything frees everything.
fn on_a_small_stack(history: impl FnOnce(&Store) -> (Handle, Vec<u8>) + Send + 'static) {
    let run = move || {
        let store = store();
        let (object, model) = history(&store);
        assert!(bytes(&object) == model);
        assert_eq!(object.id().unwrap(), flat_id(store.hasher(), &model));
        drop(object);
        assert_eq!(store.counts(), Counts::default());
        assert_eq!(store.supply().live(), 0);
    };
    thread::Builder::new()
        .stack_size(128 << 10)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn slices_of_slices() {
    on_a_small_stack(|store| {
        let content = xorshift64(1, 2 * LEVELS + 10_000);
        let mut object = store.from_bytes(&content).unwrap();
        let mut ancestors = Vec::new();
        for level in 0..LEVELS {
            object = object.slice(1..object.size() - 1).unwrap();
            if level % 1000 == 0 {
                ancestors.push(object.clone());
            }
        }
        (object, content[LEVELS..content.len() - LEVELS].to_vec())
    });
}

#[test]
fn joins_of_single_bytes() {
    on_a_small_stack(|store| {
        let letters: Vec<Handle> = (0..=255)
            .map(|byte| store.from_bytes(&[byte]).unwrap())
            .collect();
        let content = xorshift64(2, LEVELS);
        let mut object = store.from_bytes(&[]).unwrap();
        for byte in &content {
            object = object.concat(&letters[usize::from(*byte)]).unwrap();
        }
        drop(letters);
        assert!(
            store.supply().live() < 400,
            "{} pages for 100,000 bytes",
            store.supply().live()
        );
        (object, content)
    });
}

#[test]
fn patches_of_patches() {
    on_a_small_stack(|store| {
        let mut content = xorshift64(3, 300_000);
        let mut object = store.from_bytes(&content).unwrap();
        for level in 0..LEVELS {
            let offset = level * 7919 % content.len();
            let byte = [level as u8];
            object = object
                .patch(&[Patch {
                    offset: offset as u64,
                    bytes: &byte,
                }])
                .unwrap();
            content[offset] = byte[0];
        }
        assert_eq!(store.supply().live(), content.len().div_ceil(4096));
        (object, content)
    });
}

#[test]
fn everything_in_turn() {
    on_a_small_stack(|store| {
        let mut content = xorshift64(4, 100_001);
        let mut object = store.from_bytes(&content).unwrap();
        for level in 0..LEVELS / 4 {
            let cut = level * 7907 % content.len();
            // Exchange the parts, patch a byte, and once in a while ask for the id.
            let (head, tail) = (
                object.slice(0..cut as u64),
                object.slice(cut as u64..object.size()),
            );
            object = tail.unwrap().concat(&head.unwrap()).unwrap();
            content.rotate_left(cut);
            let offset = level * 7919 % content.len();
            object = object
                .patch(&[Patch {
                    offset: offset as u64,
                    bytes: &[0xbb],
                }])
                .unwrap();
            content[offset] = 0xbb;
            if level % 5000 == 0 {
                object.id().unwrap();
            }
        }
        (object, content)
    });
}

//! Every interleaving of small cases under loom: cores that share a frame and let it go.

extern crate std;

use super::*;
use loom::sync::{Arc, Mutex};
use loom::thread;

const FRAME: Frame = Frame(5);

/// A frame of private memory with so many references.
fn frame(references: u32) -> Arc<FrameMeta> {
    let meta = Arc::new(FrameMeta::default());
    let metas = core::slice::from_ref(&*meta);
    let table = FrameTable::new(FRAME, metas);
    table.claim(FRAME, Use::Private);
    table.assign(FRAME, Use::Private, Owner(1), 2);
    (1..references).for_each(|_| table.share(FRAME));
    meta
}

fn table(meta: &FrameMeta) -> FrameTable<'_> {
    FrameTable::new(FRAME, core::slice::from_ref(meta))
}

#[test]
fn of_those_who_let_a_frame_go_one_is_the_last() {
    loom::model(|| {
        let meta = frame(3);
        let others = [(); 2].map(|()| {
            let meta = meta.clone();
            thread::spawn(move || table(&meta).release(FRAME))
        });
        let own = table(&meta).release(FRAME);
        let others = others.map(|other| other.join().unwrap());
        let last = [own, others[0], others[1]];
        assert_eq!(last.iter().filter(|last| **last).count(), 1);
        assert_eq!(table(&meta).shares(FRAME), 0);
        table(&meta).retire(FRAME).unwrap();
    });
}

#[test]
fn what_a_holder_has_written_is_not_forgotten_when_another_lets_go() {
    loom::model(|| {
        let meta = frame(2);
        let other = {
            let meta = meta.clone();
            thread::spawn(move || table(&meta).release(FRAME))
        };
        table(&meta).mark_dirty(FRAME);
        assert!(!other.join().unwrap());
        assert!(table(&meta).take_dirty(FRAME) && !table(&meta).take_dirty(FRAME));
        assert!(table(&meta).is_exclusive(FRAME));
        assert!(table(&meta).release(FRAME));
    });
}

/// V2: a reference is made under the lock of who has an entry for the frame, and the entry's is given up under the same lock.
#[test]
fn a_reference_that_is_made_under_the_lock_of_an_entry_keeps_the_frame() {
    loom::model(|| {
        let meta = frame(1);
        let has_entry = Arc::new(Mutex::new(true));
        let evictor = {
            let (meta, has_entry) = (meta.clone(), has_entry.clone());
            thread::spawn(move || {
                let held = has_entry.lock().unwrap();
                if *held {
                    table(&meta).share(FRAME);
                }
                let has = *held;
                drop(held);
                has.then(|| table(&meta).release(FRAME))
            })
        };
        let mut held = has_entry.lock().unwrap();
        *held = false;
        let own = table(&meta).release(FRAME);
        drop(held);
        match evictor.join().unwrap() {
            // The entry went first, or after the evictor: one of them was the last.
            Some(last) => assert!(last != own),
            None => assert!(own),
        }
        assert_eq!(table(&meta).shares(FRAME), 0);
    });
}

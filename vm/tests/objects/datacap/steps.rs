//! Any steps on data caps, against flat byte vectors.

use proptest::prelude::*;
use vm::datacap::{CapError, DataCap, Form, PageSlot};
use vm::hash::Digest;

use super::{Cap, drop_check, flat, page_of, root};
use crate::model::{Store, flat_id, store};
use crate::vectors::xorshift64;

#[derive(Clone, Debug)]
enum Step {
    Put(u64, u8),
    Write(u64, usize, Vec<u8>),
    Insert(u64, u8),
    Place(u64, u64, u64),
    Flush,
    Clone,
    Encode,
    Vmo,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<u64>(), 0..3u8).prop_map(|(index, byte)| Step::Put(index, byte)),
        (
            any::<u64>(),
            0..4096usize,
            prop::collection::vec(0..3u8, 0..300)
        )
            .prop_map(|(index, start, bytes)| Step::Write(index, start, bytes)),
        (any::<u64>(), 0..3u8).prop_map(|(index, byte)| Step::Insert(index, byte)),
        any::<(u64, u64, u64)>().prop_map(|(to, from, len)| Step::Place(to, from, len)),
        Just(Step::Flush),
        Just(Step::Clone),
        Just(Step::Encode),
        Just(Step::Vmo),
    ]
}

/// Caps beside their bytes; the last is the one that is changed, the others must stay as they are.
type Caps = Vec<(Cap, Vec<u8>)>;

fn take(store: &Store, caps: &mut Caps, step: Step) -> Result<(), TestCaseError> {
    let before = caps[0].clone();
    let (cap, model) = caps.last_mut().unwrap();
    let count = cap.page_count();
    let at = |index: u64| (index % count) as usize * 4096;
    match step {
        Step::Put(index, byte) => {
            cap.put_page(index % count, &[byte; 4096]).unwrap();
            model[at(index)..][..4096].fill(byte);
            prop_assert_eq!(cap.page_slot(index % count), Ok(PageSlot::Overlay));
        }
        Step::Write(index, start, bytes) => {
            let result = cap.write_page(index % count, start, &bytes);
            if start + bytes.len() > 4096 {
                prop_assert!(
                    matches!(result, Err(CapError::OutOfRange { .. })),
                    "{result:?}"
                );
            } else {
                result.unwrap();
                model[at(index) + start..][..bytes.len()].copy_from_slice(&bytes);
            }
        }
        Step::Insert(index, byte) => {
            let stale = Some(Digest([byte; 32]));
            cap.insert_overlay_page(index % count, page_of(store, byte), stale)
                .unwrap();
            model[at(index)..][..4096].fill(byte);
        }
        Step::Place(to, from, len) => {
            let (to, from) = (to % count, from % before.0.page_count());
            let len = len % (count - to + 1).min(before.0.page_count() - from + 1);
            cap.place_shared(to, &before.0, from..from + len).unwrap();
            let source = &before.1[from as usize * 4096..][..len as usize * 4096];
            model[to as usize * 4096..][..source.len()].copy_from_slice(source);
        }
        Step::Flush => {
            cap.flush();
            prop_assert!(!cap.is_dirty());
            prop_assert_eq!(root(cap), flat_id(store.hasher(), model));
        }
        Step::Clone => {
            let copy = (cap.clone(), model.clone());
            caps.push(copy);
        }
        Step::Encode if !cap.is_dirty() => {
            let encoded = cap.encode(Form::Pages).unwrap();
            *cap = DataCap::decode(store, &encoded, 100).unwrap();
        }
        Step::Vmo if !cap.is_dirty() => {
            // Through an object, shifted to and fro, so that pages are spliced.
            let object = cap.to_vmo().unwrap();
            let head = store.from_bytes(&[7; 5]).unwrap().concat(&object).unwrap();
            *cap = DataCap::from_vmo(&head).unwrap();
            model.splice(0..0, [7; 5]);
            model.resize(model.len().next_multiple_of(4096), 0);
        }
        Step::Encode => prop_assert_eq!(cap.encode(Form::Pages), Err(CapError::Dirty)),
        Step::Vmo => prop_assert_eq!(cap.to_vmo().unwrap_err(), CapError::Dirty),
    }
    Ok(())
}

proptest! {
    #[test]
    fn caps_agree_with_flat_bytes(
        len in 0..30_000usize,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let store = store();
        let mut content = xorshift64(1, len);
        let cap = DataCap::from_bytes(&store, &content).unwrap();
        content.resize(len.next_multiple_of(4096).max(4096), 0);
        let mut caps = vec![(cap, content)];
        for step in steps {
            take(&store, &mut caps, step)?;
        }
        for (mut cap, model) in caps {
            prop_assert!(flat(&cap) == model);
            cap.flush();
            prop_assert!(flat(&cap) == model);
            prop_assert_eq!(root(&cap), flat_id(store.hasher(), &model));
        }
        drop_check(&store);
    }
}

//! Builders against flat byte vectors, and what they refuse.

use proptest::prelude::*;
use vm::builder::BuilderError;
use vm::hash::Hasher;
use vm::store::{Counts, VmoStore};
use vm::vmo::MAX_SIZE;
use vm::vmo::page::{HeapPages, OutOfPages};

use crate::model::{bytes, content, flat_id, store};

#[derive(Clone, Debug)]
enum Write {
    Append(Vec<u8>),
    Zeros(u64),
    Patch(u64, Vec<u8>),
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        2 => content().prop_map(Write::Append),
        1 => (0..9000u64).prop_map(Write::Zeros),
        2 => (any::<u64>(), content()).prop_map(|(offset, bytes)| Write::Patch(offset, bytes)),
    ]
}

proptest! {
    #[test]
    fn writes_agree_with_flat_bytes(writes in prop::collection::vec(write(), 0..12), bound in 0..60_000u64) {
        let store = store();
        let mut builder = store.bounded_builder(bound);
        let mut model = Vec::new();
        for write in writes {
            let grown = match &write {
                Write::Append(bytes) => model.len() as u64 + bytes.len() as u64,
                Write::Zeros(len) => model.len() as u64 + len,
                Write::Patch(..) => model.len() as u64,
            };
            let exceeded = BuilderError::BoundExceeded { wanted: grown, bound };
            match write {
                Write::Append(_) if grown > bound => {
                    let Write::Append(bytes) = write else { unreachable!() };
                    prop_assert_eq!(builder.append(&bytes), Err(exceeded));
                }
                Write::Zeros(len) if grown > bound => {
                    prop_assert_eq!(builder.append_zeros(len), Err(exceeded));
                }
                Write::Append(bytes) => {
                    builder.append(&bytes).unwrap();
                    model.extend(bytes);
                }
                Write::Zeros(len) => {
                    builder.append_zeros(len).unwrap();
                    model.resize(model.len() + len as usize, 0);
                }
                Write::Patch(offset, bytes) => {
                    let offset = offset % (model.len() as u64 + 10);
                    let range = offset as usize..offset as usize + bytes.len();
                    match (builder.patch(offset, &bytes), model.get_mut(range)) {
                        (Ok(()), Some(target)) => target.copy_from_slice(&bytes),
                        (Err(BuilderError::PatchBeyondEnd { .. }), None) => {}
                        (result, _) => prop_assert!(false, "{result:?}"),
                    }
                }
            }
            prop_assert_eq!(builder.size(), Ok(model.len() as u64));
        }
        prop_assert_eq!(store.counts().objects, 0, "nothing is visible before commit");
        let object = builder.commit().unwrap();
        prop_assert!(bytes(&object) == model);
        prop_assert_eq!(object.id().unwrap(), flat_id(store.hasher(), &model));
        drop((builder, object));
        prop_assert_eq!(store.counts(), Counts::default());
        prop_assert_eq!(store.supply().live(), 0);
    }
}

#[test]
fn nothing_can_be_done_after_commit() {
    let store = store();
    let mut builder = store.streaming_builder();
    builder.append(b"sealed").unwrap();
    let object = builder.commit().unwrap();
    assert_eq!(builder.append(b"x"), Err(BuilderError::Committed));
    assert_eq!(builder.append(b""), Err(BuilderError::Committed));
    assert_eq!(builder.append_zeros(1), Err(BuilderError::Committed));
    assert_eq!(builder.patch(0, b"x"), Err(BuilderError::Committed));
    assert_eq!(builder.size(), Err(BuilderError::Committed));
    assert_eq!(builder.commit().unwrap_err(), BuilderError::Committed);
    assert_eq!(bytes(&object), b"sealed");
}

#[test]
fn an_abandoned_builder_frees_everything() {
    let store = store();
    let mut builder = store.streaming_builder();
    builder.append(&[1; 100_000]).unwrap();
    assert_eq!(store.supply().live(), 25);
    drop(builder);
    assert_eq!(store.supply().live(), 0);
}

#[test]
fn errors_name_themselves() {
    let store = store();
    let mut builder = store.bounded_builder(4);
    builder.append(b"abc").unwrap();
    let error = builder.append(b"de").unwrap_err();
    assert_eq!(error.to_string(), "5 bytes exceed the bound of 4 bytes");
    let error = builder.patch(2, b"xy").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a patch of 2 bytes at 2 reaches beyond the end at 3"
    );
    assert!(builder.patch(u64::MAX, b"xy").is_err(), "no wrap-around");
    builder.commit().unwrap();
    assert_eq!(
        builder.append(b"").unwrap_err().to_string(),
        "the builder is committed"
    );
}

#[test]
fn sizes_near_the_limit_are_errors() {
    let store = store();
    let mut builder = store.streaming_builder();
    builder.append_zeros(MAX_SIZE).unwrap();
    let beyond = BuilderError::BoundExceeded {
        wanted: MAX_SIZE + 1,
        bound: MAX_SIZE,
    };
    assert_eq!(builder.append(b"x"), Err(beyond));
    let beyond = BuilderError::BoundExceeded {
        wanted: u64::MAX,
        bound: MAX_SIZE,
    };
    assert_eq!(builder.append_zeros(u64::MAX), Err(beyond));
    builder.patch(MAX_SIZE - 1, b"x").unwrap();
    let object = builder.commit().unwrap();
    assert_eq!(object.size(), MAX_SIZE);
    assert_eq!(store.supply().live(), 1);
}

#[test]
fn running_out_of_pages_changes_nothing() {
    let supply = HeapPages::limited(3);
    let store = VmoStore::new(supply, Hasher::host());
    let mut builder = store.streaming_builder();
    builder.append(&[1; 5000]).unwrap();
    assert_eq!(
        builder.append(&[2; 10_000]),
        Err(BuilderError::OutOfPages(OutOfPages))
    );
    assert_eq!(builder.size(), Ok(5000));
    assert_eq!(store.supply().live(), 2);
    builder.append(&[3; 3000]).unwrap();
    let object = builder.commit().unwrap();
    assert!(bytes(&object) == [vec![1; 5000], vec![3; 3000]].concat());
}

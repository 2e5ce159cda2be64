//! Serialized data caps from hostile hands.

use proptest::prelude::*;
use vm::datacap::{DataCap, DecodeError, Form};
use vm::hash::Digest;

use crate::model::{Store, store};
use crate::vectors::xorshift64;

/// A cap of pages of several kinds, serialized.
fn sample(store: &Store, form: Form) -> Vec<u8> {
    let mut cap = DataCap::from_bytes_sized(store, &xorshift64(1, 300), 100 * 4096).unwrap();
    cap.write_page(7, 4000, &[1; 96]).unwrap();
    cap.write_page(90, 0, &[1]).unwrap();
    cap.flush();
    cap.encode(form).unwrap()
}

fn decode(store: &Store, bytes: &[u8]) -> Result<Digest, DecodeError> {
    DataCap::decode(store, bytes, 1000).map(|cap| cap.root().unwrap())
}

#[test]
fn every_cut_is_refused() {
    let store = store();
    for form in [Form::Pages, Form::Roots] {
        let encoded = sample(&store, form);
        assert!(decode(&store, &encoded).is_ok());
        for len in 0..encoded.len() {
            assert!(
                decode(&store, &encoded[..len]).is_err(),
                "{len} of {}",
                encoded.len()
            );
        }
        let longer = [&encoded[..], &[0]].concat();
        assert_eq!(decode(&store, &longer), Err(DecodeError::TrailingBytes(1)));
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let store = store();
    for form in [Form::Pages, Form::Roots] {
        let encoded = sample(&store, form);
        for at in (0..encoded.len()).step_by(3).chain(0..20) {
            let mut changed = encoded.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(decode(&store, &changed).is_err(), "byte {at}");
        }
    }
    assert_eq!(store.supply().live(), 0);
}

/// A cap with the given body and a root that is not looked at before the body is refused.
fn forged(body: &[u8]) -> Vec<u8> {
    [b"BCAP\x01", body, &[0; 32]].concat()
}

#[test]
fn forgeries_are_refused_by_name() {
    let store = store();
    let refused = |body: &[u8]| decode(&store, &forged(body)).unwrap_err();
    assert_eq!(
        decode(&store, b"BCAPS").unwrap_err(),
        DecodeError::Version(b'S')
    );
    assert_eq!(
        decode(&store, b"PACB\x01").unwrap_err(),
        DecodeError::NotACap
    );
    assert_eq!(refused(&[1, 1, 1, 1, 9]), DecodeError::OutOfRange(1));
    assert_eq!(
        refused(&[2, 2, 0, 1, 9, 1, 1, 9]),
        DecodeError::OutOfRange(2)
    );
    assert_eq!(refused(&[1, 1, 0, 0x81, 0x20]), DecodeError::BadEntry(0));
    assert_eq!(refused(&[1, 1, 0, 2, 9, 0]), DecodeError::BadEntry(0));
    assert_eq!(refused(&[1, 1, 0, 0]), DecodeError::BadEntry(0));
    assert_eq!(refused(&[0x81, 0]), DecodeError::BadNumber(5));
    assert_eq!(refused(&[0xff; 11]), DecodeError::BadNumber(5));
    assert!(matches!(
        refused(&[1, 1, 0, 1, 9]),
        DecodeError::WrongRoot { .. }
    ));
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1];
    assert_eq!(refused(&huge), DecodeError::TooLarge(1 << 63));
    let many_entries = [
        &[1][..],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ]
    .concat();
    assert!(
        decode(&store, &forged(&many_entries)).is_err(),
        "claims 2^64 entries"
    );
    let far = [
        &[100, 2, 5, 1, 9][..],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ]
    .concat();
    assert_eq!(refused(&far), DecodeError::OutOfRange(100));
}

#[test]
fn pages_are_limited() {
    let store = store();
    let encoded = sample(&store, Form::Pages);
    let result = DataCap::decode(&store, &encoded, 2);
    assert_eq!(result.unwrap_err(), DecodeError::TooManyPages(2));
    assert!(DataCap::decode(&store, &encoded, 3).is_ok());
}

proptest! {
    #[test]
    fn noise_does_no_harm(noise in prop::collection::vec(any::<u8>(), 0..200), at in any::<usize>()) {
        let store = store();
        prop_assert!(decode(&store, &forged(&noise)).is_err());
        let mut encoded = sample(&store, Form::Pages);
        let at = at % encoded.len();
        let end = (at + noise.len()).min(encoded.len());
        let same = encoded[at..end] == noise[..end - at];
        encoded[at..end].copy_from_slice(&noise[..end - at]);
        prop_assert!(decode(&store, &encoded).is_ok() == same);
        prop_assert_eq!(store.supply().live(), 0);
    }
}

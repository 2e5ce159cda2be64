//! Serialized data caps, and lines of rings.

use std::fmt::Debug;

use torus::message::Protocol;
use torus::ring::Line;
use vm::datacap::{DataCap, Form};
use vm::hash::Hasher;
use vm::store::VmoStore;
use vm::vmo::page::HeapPages;

/// Pages of memory at the most.
const MOST: usize = 1000;

fn store() -> VmoStore<HeapPages> {
    VmoStore::new(HeapPages::unlimited(), Hasher::host())
}

/// A cap: what is taken has the root that it says, and is written again as the same bytes.
pub(crate) fn cap(bytes: &[u8]) {
    let store = store();
    if let Ok(cap) = DataCap::decode(&store, bytes, MOST) {
        let root = cap.root().expect("a cap that was read has its root");
        assert_eq!(&bytes[bytes.len() - 32..], &root.0[..]);
    }
}

/// A cap of a few pages in both forms.
pub(crate) fn caps() -> Vec<Vec<u8>> {
    let store = store();
    let mut cap =
        DataCap::from_bytes_sized(&store, &[7; 300], 100 * 4096).expect("memory is there");
    cap.write_page(7, 4000, &[1; 96]).expect("memory is there");
    cap.flush();
    let encode = |form| cap.encode(form).expect("memory is there");
    [Form::Pages, Form::Roots].map(encode).to_vec()
}

/// A line: what is a message is the same line again.
pub(crate) fn line(bytes: &[u8]) {
    let mut words = [0; 8];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    }
    let line = Line(words);
    again::<torus::migrate::Message>(&line);
    again::<torus::family::Message>(&line);
    again::<torus::lease::Message>(&line);
    again::<torus::file::Message>(&line);
    again::<torus::balance::Message>(&line);
    again::<torus::machine::Message>(&line);
    again::<torus::probe::Message>(&line);
}

fn again<M: Protocol + Copy + Debug + PartialEq>(line: &Line) {
    if let Ok(message) = M::decode(line) {
        assert_eq!(M::decode(&message.encode()), Ok(message));
    }
}

/// A line of each kind.
pub(crate) fn lines() -> Vec<Vec<u8>> {
    let heads = (1..8_u64).flat_map(|protocol| (1..17).map(move |kind| protocol << 8 | kind));
    heads
        .map(|kind| [kind, 0, 0, 0, 0, 0, 0, 0].map(u64::to_le_bytes).concat())
        .collect()
}

//! The rope stays balanced, whatever is done to it.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Piece, Rope};
use crate::vmo::page::{HeapPage, HeapPages, Page, page_with};
use crate::vmo::tree::{Link, level_for};

fn tree(pages: u64) -> Rope<HeapPage> {
    let supply = HeapPages::unlimited();
    let page = |index: u64| -> Page<HeapPage> {
        page_with(&supply, |bytes| bytes.fill(index as u8 % 251 + 1)).unwrap()
    };
    let leaves = (0..pages).map(|index| (index, Link::Page(Arc::new(page(index)))));
    let (size, level) = (pages * 4096, level_for(pages * 4096));
    Rope::of(Piece::subtree(
        Link::Zero.updated(level, 0, &mut leaves.peekable()),
        level,
        size,
    ))
}

fn bytes(rope: &Rope<HeapPage>) -> Vec<u8> {
    let mut bytes = vec![0; rope.len() as usize];
    rope.read(0, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn cuts_and_joins_keep_balance_and_bytes(
        pages in 1..20u64,
        cuts in prop::collection::vec((any::<u64>(), any::<u64>(), any::<bool>()), 1..40),
    ) {
        let mut rope = tree(pages);
        let mut model = bytes(&rope);
        for (cut, amount, front) in cuts {
            let cut = cut % (rope.len() + 1);
            let (a, b) = rope.split(cut);
            a.check();
            b.check();
            // Exchanges the parts, and doubles a little of one.
            let (model_a, model_b) = model.split_at(cut as usize);
            let extra = amount % (1 + a.len().min(9000));
            let (first, model_first) = if front {
                (a.slice(0, extra), &model_a[..extra as usize])
            } else {
                (a.slice(a.len() - extra, a.len()), &model_a[model_a.len() - extra as usize..])
            };
            model = [model_first, model_b, model_a].concat();
            rope = Rope::concat(Rope::concat(first, b, |_, _| None), a, |_, _| None);
            rope.check();
            prop_assert_eq!(rope.len(), model.len() as u64);
        }
        prop_assert_eq!(bytes(&rope), model);
    }
}

#[test]
fn parts_cut_from_a_page_become_one_again() {
    let whole = tree(1);
    let mut rope = whole.clone();
    for cut in 1..4096 {
        let (a, b) = rope.split(cut);
        rope = Rope::concat(a, b, |_, _| None);
        assert_eq!(rope.check(), 1);
    }
    assert_eq!(bytes(&rope), bytes(&whole));
}

#[test]
fn a_cut_makes_few_pieces() {
    let rope = tree(1000);
    let middle = rope.slice(1, 999 * 4096 + 5);
    assert!(middle.check() <= 22, "{} pieces", middle.check());
}

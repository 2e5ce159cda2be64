//! Page roots and interior nodes against the vectors, and the backends against each other.

use proptest::prelude::*;
use vm::hash::{Digest, Hasher, PairHash, Portable};

use crate::vectors::{cases, digest, page};

fn hashers() -> Vec<Hasher> {
    vec![Hasher::new(&Portable), Hasher::host()]
}

#[test]
fn page_roots_are_those_of_the_vectors() {
    for hasher in hashers() {
        for case in cases("pages") {
            let bytes = page(&case["fill"], 0);
            assert_eq!(
                hasher.page_root(&bytes),
                digest(&case["root"]),
                "{}",
                case["name"]
            );
            assert_eq!(
                hasher.leaf(&bytes),
                digest(&case["slab_leaf"]),
                "{}",
                case["name"]
            );
        }
    }
}

#[test]
fn empty_subtrees_are_pairs_of_empty_subtrees() {
    for hasher in hashers() {
        assert_eq!(hasher.zero(0), Digest::ZERO);
        for level in 1..=vm::hash::MAX_LEVEL {
            let below = hasher.zero(level - 1);
            assert_eq!(hasher.zero(level), hasher.node(&below, &below));
        }
        assert!(hasher.is_zero_root(&Digest::ZERO));
        assert!(hasher.is_zero_root(&hasher.page_root(&[0; 4096])));
        assert!(!hasher.is_zero_root(&hasher.zero(1)));
    }
}

#[test]
fn compressions_are_counted() {
    let hasher = Hasher::host();
    assert_eq!(hasher.compressions(), 0);
    hasher.node(&Digest::ZERO, &Digest::ZERO);
    assert_eq!(hasher.compressions(), 2);
    hasher.page_root(&[1; 4096]);
    assert_eq!(hasher.compressions(), 2 + 2 * 127);
    hasher.leaf(&[0; 4096]);
    assert_eq!(
        hasher.compressions(),
        2 + 2 * 127,
        "a page of zeros is not hashed"
    );
}

proptest! {
    #[test]
    fn backends_agree(bytes in prop::collection::vec(any::<[u8; 32]>(), 0..12)) {
        let pairs = bytes.as_flattened().as_chunks::<64>().0;
        let mut portable = vec![[0; 32]; pairs.len()];
        Portable.hash_pairs(pairs, &mut portable);
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        if let Some(sha_ni) = vm::hash::ShaNi::detect() {
            let mut fast = vec![[0; 32]; pairs.len()];
            sha_ni.hash_pairs(pairs, &mut fast);
            prop_assert_eq!(fast, portable);
        }
    }
}

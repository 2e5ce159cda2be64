//! The backend that runs everywhere.

use sha2::block_api::compress256;

use super::{Pair, PairHash};

/// SHA-256 by the `sha2` crate: plain integer code in the kernel (`sha2_backend="soft"`), what suits the processor elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

/// Initial hash value (FIPS 180-4, 5.3.3).
pub(super) const INITIAL: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// Second block of every 64-byte message: the end mark and the length of 512 bits (FIPS 180-4, 5.1.1).
pub(super) const PADDING: Pair = {
    let mut block = [0; 64];
    block[0] = 0x80;
    block[62] = 2;
    block
};

impl PairHash for Portable {
    fn hash_pairs(&self, pairs: &[Pair], out: &mut [[u8; 32]]) {
        for (pair, digest) in pairs.iter().zip(out) {
            let mut state = INITIAL;
            compress256(&mut state, &[*pair, PADDING]);
            for (word, bytes) in state.iter().zip(digest.as_chunks_mut().0) {
                *bytes = word.to_be_bytes();
            }
        }
    }

    fn name(&self) -> &'static str {
        "portable"
    }
}

//! Hashing of content: with the SHA instructions where the processor has them.

use machine::{cpu, features, fpu, shootdown};
use vm::hash::{Hasher, Pair, PairHash, Portable, ShaNi};

/// Pairs hashed between two looks for interrupts: without the instructions one takes some five thousand others.
const PORTABLE_PIECE: usize = 2;
/// The same with the instructions.
const PIECE: usize = 32;

/// What hashes in the kernel.
#[derive(Debug)]
enum Backend {
    Portable,
    /// Uses vector registers, which are the program's.
    Instructions(ShaNi),
}

static PORTABLE: Backend = Backend::Portable;
// SAFETY: V20 and K26, it is used only where CPUID reports the instructions, and the guard keeps the registers.
static INSTRUCTIONS: Backend = Backend::Instructions(unsafe { ShaNi::assume_supported() });

/// A hasher for this machine.
pub fn hasher() -> Hasher {
    Hasher::new(if features::get().sha {
        &INSTRUCTIONS
    } else {
        &PORTABLE
    })
}

impl PairHash for Backend {
    fn hash_pairs(&self, pairs: &[Pair], out: &mut [[u8; 32]]) {
        let piece = match self {
            Self::Portable => PORTABLE_PIECE,
            Self::Instructions(_) => PIECE,
        };
        for (pairs, out) in pairs.chunks(piece).zip(out.chunks_mut(piece)) {
            shootdown::serve();
            match self {
                Self::Portable => Portable.hash_pairs(pairs, out),
                Self::Instructions(sha) => fpu::with_vectors(|| sha.hash_pairs(pairs, out)),
            }
            cpu::let_interrupts_in();
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Portable => Portable.name(),
            Self::Instructions(sha) => sha.name(),
        }
    }
}

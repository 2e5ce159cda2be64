//! Hashing in the kernel: with the SHA instructions where the processor has them, and a few pages at a time.

use super::{Handle, cost};
use crate::file::{Body, OpenFile};
use crate::syscall::call::{Call, Stop};
use machine::{cpu, features, fpu, shootdown};
use vm::hash::{Hasher, Pair, PairHash, Portable, ShaNi};

/// Pages hashed in one run of a call: others want the core too. About a tenth of a millisecond with SHA instructions.
const PAGES_PER_RUN: usize = 16;

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

/// Hashes an object, in as many runs of the call as it takes.
pub fn all(call: &mut Call, handle: &Handle) -> Result<(), Stop> {
    if handle.known_id().is_some() {
        return Ok(());
    }
    let _held = cost::reserve(cost::id_of(handle)?)?;
    // Odd, so that a call that maps tells it from an address.
    match handle.hash_some(call.inflight.word / 2, PAGES_PER_RUN)? {
        None => {
            handle.id()?;
            Ok(())
        }
        Some(next) => {
            call.inflight.word = next * 2 + 1;
            // Behind those who wait for the core.
            Err(Stop::Again)
        }
    }
}

/// Hashes the object of a descriptor that is about to be mapped, so that its pages are found by root.
pub fn before_mapping(call: &mut Call, file: &OpenFile) -> Result<(), Stop> {
    match &file.body {
        Body::Vmo(file) => all(call, file.whole()),
        _ => Ok(()),
    }
}

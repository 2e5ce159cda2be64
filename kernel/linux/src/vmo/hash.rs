//! Hashing of objects, a few pages at a time.

use super::file::VmoFile;
use super::{Handle, cost};
use crate::file::OpenFile;
use crate::syscall::call::{Call, Stop};

/// Pages hashed in one run of a call: others want the core too. About a tenth of a millisecond with SHA instructions.
const PAGES_PER_RUN: usize = 16;

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
    match file.as_kind::<VmoFile>() {
        Some(file) => all(call, file.whole()),
        None => Ok(()),
    }
}

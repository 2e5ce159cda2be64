//! How many write to a file in memory, or run it: there are never both at once (ETXTBSY).

use crate::syscall::errno::Errno;
use core::sync::atomic::{AtomicI32, Ordering};

/// The claims on a file in memory: how many write to it, or less than 0, how many run it.
#[derive(Default)]
pub struct Claims(AtomicI32);

impl Claims {
    /// One more writes (1) or runs it (-1), unless others do the opposite.
    pub fn take(&self, one: i32) -> Result<(), Errno> {
        let more = |count: i32| (count.signum() != -one).then(|| count.checked_add(one))?;
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .map_or(Err(Errno::ETXTBSY), |_| Ok(()))
    }

    /// One that [took](Self::take) it does so no more.
    pub fn give_back(&self, one: i32) {
        self.0.fetch_sub(one, Ordering::AcqRel);
    }
}

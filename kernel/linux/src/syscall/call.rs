//! What a system call sees of its caller.

pub use super::in_flight::{InFlight, TimeLeft, Wait};
pub use super::stop::{Stop, SysResult};
use crate::process::{Current, Process};
use alloc::sync::Arc;
use braid_time::Nanos;

/// One run of a system call.
pub struct Call<'a> {
    /// The calling process.
    pub process: &'a Arc<Process>,
    /// The calling thread.
    pub thread: &'a Current,
    /// rdi, rsi, rdx, r10, r8, r9.
    pub args: [u64; 6],
    /// What earlier runs of the same call left.
    pub inflight: &'a mut InFlight,
}

impl Call<'_> {
    /// Argument `index` as a signed 32-bit number: descriptors, pids, signals and flags of type `int`.
    pub fn int(&self, index: usize) -> i32 {
        self.args[index] as i32
    }

    /// Has the call give up when `read` says, which is asked once, however often the call runs.
    pub fn set_deadline(
        &mut self,
        read: impl FnOnce(&Self) -> Result<Option<Nanos>, Stop>,
    ) -> Result<(), Stop> {
        if !self.inflight.is_timed {
            self.inflight.deadline = read(self)?;
            self.inflight.is_timed = true;
        }
        Ok(())
    }

    /// Argument `index` as a length or an address.
    pub fn size(&self, index: usize) -> usize {
        self.args[index] as usize
    }
}

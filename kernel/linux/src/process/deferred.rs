//! What keeps a thread from its program, besides a call: a page on its way, and writes to the program's memory that are done when their page
//! has come.

use alloc::vec::Vec;
use fallible::{NoMemory, TryVec};
use mem::user::{UserError, UserSlice, write_now};

/// Bytes that may wait: more than any single answer has. Calls that write more wait for the pages, and are run again.
const MOST: usize = 16 << 10;

/// What a thread has to do, or to wait for, before its program goes on.
#[derive(Default)]
pub struct Deferred {
    /// It waits for a page that an instruction of its own has touched.
    waits: bool,
    writes: Vec<UserSlice>,
    /// The bytes of all writes.
    bytes: Vec<u8>,
    /// How many of both are done.
    done: (usize, usize),
}

impl Deferred {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            waits: false,
            writes: Vec::new(),
            bytes: Vec::new(),
            done: (0, 0),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether there is nothing to write and nothing to wait for.
    pub fn is_idle(&self) -> bool {
        !self.waits && self.writes.is_empty()
    }

    /// Whether a write to `place` has to come after another one.
    pub fn overlaps(&self, place: &UserSlice) -> bool {
        self.writes.iter().any(|write| write.overlaps(place))
    }

    /// It waits for a page that its program has touched.
    pub fn wait(&mut self) {
        self.waits = true;
    }

    /// Takes the wait back; whether there was one.
    pub fn end_wait(&mut self) -> bool {
        core::mem::take(&mut self.waits)
    }

    /// Does the writes that are left, in order. [`UserError::Wait`]: the page of the next one has yet to come; other errors are of the write
    /// at that address, and what comes after it is not done.
    pub fn write(&mut self) -> Result<(), (usize, UserError)> {
        while let Some(place) = self.writes.get(self.done.0) {
            let end = self.done.1 + place.len();
            write_now(place, &self.bytes[self.done.1..end])
                .map_err(|error| (place.address(), error))?;
            self.done = (self.done.0 + 1, end);
        }
        Ok(())
    }

    /// Forgets what a run of a call has added that is to be as if it had not been.
    pub fn forget(&mut self) {
        *self = Self {
            waits: self.waits,
            ..Self::new()
        };
    }

    /// Adds a write.
    pub fn add(&mut self, place: UserSlice, bytes: &[u8]) -> Result<(), UserError> {
        if self.bytes.len() + bytes.len() > MOST {
            return Err(UserError::Wait);
        }
        self.bytes
            .try_reserve(bytes.len())
            .map_err(NoMemory::from)?;
        self.writes.try_push(place)?;
        Ok(self.bytes.try_extend_from_slice(bytes)?)
    }
}

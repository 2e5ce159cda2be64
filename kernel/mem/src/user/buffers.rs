//! What read, write and their vectors move bytes through.

use super::{BadAddress, PAGE, RW_MAX, UserError, UserSlice, read_value, write_now};
use alloc::vec::Vec;
use fallible::{TryVec, with_capacity};
use tori::pieces;

/// The most parts an iovec array may have (`UIO_MAXIOV`).
const IOV_MAX: usize = 1024;

/// A sequence of user ranges with a cursor: what read, write, readv and writev move bytes through.
pub struct UserBuffers {
    parts: Parts,
    next: usize,
    current: UserSlice,
    remaining: usize,
}

enum Parts {
    One,
    Many(Vec<UserSlice>),
}

impl UserBuffers {
    /// One range; longer ones than [`RW_MAX`] are cut.
    pub fn one(address: usize, len: usize) -> Result<Self, BadAddress> {
        // All of it has to be the program's, though no more is moved.
        let whole = UserSlice::new(address, len)?;
        let len = len.min(RW_MAX);
        let current = UserSlice { len, ..whole };
        Ok(Self {
            parts: Parts::One,
            next: 0,
            current,
            remaining: len,
        })
    }

    /// The ranges of an iovec array (readv(2)): [`UserError::TooMany`] for too many or too long ones.
    pub fn vector(address: usize, count: usize) -> Result<Self, UserError> {
        if count > IOV_MAX {
            return Err(UserError::TooMany);
        }
        let mut parts = with_capacity(count)?;
        let mut remaining = 0;
        for i in 0..count {
            pieces::step();
            let [base, len]: [usize; 2] = read_value(address.wrapping_add(i * 16))?;
            if len > isize::MAX as usize {
                return Err(UserError::TooMany);
            }
            let whole = UserSlice::new(base, len)?;
            let len = len.min(RW_MAX - remaining);
            parts.try_push(UserSlice { len, ..whole })?;
            remaining += len;
        }
        let current = UserSlice { address: 0, len: 0 };
        Ok(Self {
            parts: Parts::Many(parts),
            next: 0,
            current,
            remaining,
        })
    }

    /// Bytes between the cursor and the end.
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// Moves the cursor on without copying (for a call that runs again after partial progress).
    pub fn skip(&mut self, mut len: usize) {
        while len > 0 {
            pieces::step();
            let Some(part) = self.part() else { return };
            let n = part.len.min(len);
            self.advance(n);
            len -= n;
        }
    }

    /// How many of the next `len` bytes are the program's, by a look at each page. [`UserError::BadAddress`] when not even the first is.
    pub fn probe(&self, len: usize) -> Result<usize, UserError> {
        let wanted = len.min(self.remaining);
        let parts: &[UserSlice] = match &self.parts {
            Parts::One => &[],
            Parts::Many(parts) => parts.get(self.next..).unwrap_or(&[]),
        };
        let mut done = 0;
        for part in core::iter::once(&self.current).chain(parts) {
            let end = part.len.min(wanted - done);
            let mut at = 0;
            while at < end {
                pieces::step();
                match read_value::<u8>(part.address + at) {
                    Ok(_) => {}
                    Err(error) if error != UserError::Wait && done + at > 0 => return Ok(done + at),
                    Err(error) => return Err(error),
                }
                at = end.min((part.address + at) / PAGE * PAGE + PAGE - part.address);
            }
            done += end;
        }
        Ok(done)
    }

    /// Copies from `from` to the program; answers how many bytes, fewer than `from` at the end of the buffers or
    /// at a bad address. An error only when nothing was moved.
    pub fn put(&mut self, from: &[u8]) -> Result<usize, UserError> {
        let mut done = 0;
        while done < from.len() {
            pieces::step();
            let Some(part) = self.part() else { break };
            let n = part.to_page_end().min(from.len() - done);
            match write_now(&part, &from[done..done + n]) {
                Ok(()) => self.advance(n),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += n;
        }
        Ok(done)
    }

    /// Copies from the program to `to`; otherwise like [`Self::put`].
    pub fn take(&mut self, to: &mut [u8]) -> Result<usize, UserError> {
        let mut done = 0;
        while done < to.len() {
            pieces::step();
            let Some(part) = self.part() else { break };
            let n = part.to_page_end().min(to.len() - done);
            match part.read(&mut to[done..done + n]) {
                Ok(()) => self.advance(n),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += n;
        }
        Ok(done)
    }

    fn part(&mut self) -> Option<UserSlice> {
        while self.current.len == 0 {
            let Parts::Many(parts) = &self.parts else {
                return None;
            };
            self.current = *parts.get(self.next)?;
            self.next += 1;
        }
        Some(self.current)
    }

    fn advance(&mut self, n: usize) {
        self.current = self.current.skip(n);
        self.remaining -= n;
    }
}

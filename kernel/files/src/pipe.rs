//! The buffer of a pipe (pipe(7)).

use crate::error::FileError;
use alloc::collections::VecDeque;

/// Bytes a pipe holds.
pub const CAPACITY: usize = 65536;
/// Writes up to this many bytes are not split (`PIPE_BUF`).
pub const ATOMIC: usize = 4096;

/// Bytes on their way, and how many ends are open.
#[derive(Debug, Default)]
pub struct Pipe {
    bytes: VecDeque<u8>,
    /// Open reading ends.
    pub readers: usize,
    /// Open writing ends.
    pub writers: usize,
}

impl Pipe {
    /// An empty pipe with one open end of each kind.
    pub const fn new() -> Self {
        Self {
            bytes: VecDeque::new(),
            readers: 1,
            writers: 1,
        }
    }

    /// Bytes that can be read.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes a write with `total` bytes, `left` of them still to do, may put now; 0 means: wait.
    pub fn admits(&self, total: usize, left: usize) -> usize {
        let free = CAPACITY - self.bytes.len();
        if total <= ATOMIC && free < left {
            0
        } else {
            free.min(left)
        }
    }

    /// Whether a write of [`ATOMIC`] bytes would not wait.
    pub fn is_writable(&self) -> bool {
        CAPACITY - self.bytes.len() >= ATOMIC
    }

    /// Appends `bytes`, which [`Self::admits`] allowed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.bytes
            .try_reserve(bytes.len())
            .map_err(|_| FileError::NoMemory)?;
        self.bytes.extend(bytes);
        Ok(())
    }

    /// The first bytes, in one piece: not necessarily all.
    pub fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// Takes away the first `n` bytes.
    pub fn consume(&mut self, n: usize) {
        self.bytes.drain(..n.min(self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order() {
        let mut pipe = Pipe::new();
        let mut expected = 0u8;
        let mut next = 0u8;
        for round in 1..200usize {
            for _ in 0..pipe.admits(round, round) {
                pipe.push(&[next]).unwrap();
                next = next.wrapping_add(1);
            }
            let n = pipe.front().len().min(round / 2);
            for &byte in &pipe.front()[..n] {
                assert_eq!(byte, expected);
                expected = expected.wrapping_add(1);
            }
            pipe.consume(n);
        }
    }

    #[test]
    fn small_writes_are_whole() {
        let mut pipe = Pipe::new();
        pipe.push(&[0; CAPACITY - 10]).unwrap();
        assert_eq!(pipe.admits(10, 10), 10);
        assert_eq!(pipe.admits(11, 11), 0);
        assert_eq!(pipe.admits(ATOMIC, ATOMIC), 0);
        assert_eq!(pipe.admits(ATOMIC + 1, ATOMIC + 1), 10);
        assert!(!pipe.is_writable());
    }
}

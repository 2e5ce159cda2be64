//! Argument and environment strings on their way from one program to the next.

use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use fallible::{TryVec, with_capacity};
use machine::cpu;
use mem::user::{UserError, read_c_string, read_value};
use tori::pieces;

/// The longest single string, its NUL included (MAX_ARG_STRLEN).
const STRING_MAX: usize = 128 * 1024;
/// The most bytes of strings and their pointers together (ARG_MAX with the default stack limit: a quarter of it).
const TOTAL_MAX: usize = 2 << 20;

/// Bytes of a chunk, unless a string is longer.
const CHUNK: usize = 16 << 10;

/// Bytes that are looked at in one go.
const SCANNED: usize = 1024;

/// A list of strings, one after the other, each with its NUL. They lie in chunks, so that what is there need not move.
#[derive(Debug, Default)]
pub struct Strings {
    chunks: Vec<Vec<u8>>,
    size: usize,
    count: usize,
}

impl Strings {
    /// No strings.
    pub const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            size: 0,
            count: 0,
        }
    }

    /// Reads an array of string pointers that ends with a null pointer; a null array is an empty one.
    pub fn read(array: usize) -> Result<Self, Stop> {
        let mut strings = Self::new();
        if array == 0 {
            return Ok(strings);
        }
        for index in 0.. {
            pieces::step();
            let at = array.checked_add(index * 8).ok_or(Errno::EFAULT)?;
            let string: usize = read_value(at)?;
            if string == 0 {
                break;
            }
            match read_c_string(string, STRING_MAX) {
                Ok(string) => strings.push(&string)?,
                Err(UserError::TooLong) => return Err(Errno::E2BIG.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(strings)
    }

    /// Appends a string.
    pub fn push(&mut self, string: &[u8]) -> Result<(), Errno> {
        let size = self.size + string.len() + 1;
        if size + (self.count + 1) * 8 > TOTAL_MAX {
            return Err(Errno::E2BIG);
        }
        let room = |chunk: &Vec<u8>| chunk.capacity() - chunk.len();
        if self
            .chunks
            .last()
            .is_none_or(|last| room(last) <= string.len())
        {
            // The first is as long as it has to be: most programs get few.
            let least = if self.chunks.is_empty() { 0 } else { CHUNK };
            self.chunks
                .try_push(with_capacity(least.max(string.len() + 1))?)?;
        }
        if let Some(last) = self.chunks.last_mut() {
            last.try_extend_from_slice(string)?;
            last.try_push(0)?;
        }
        self.size = size;
        self.count += 1;
        Ok(())
    }

    /// Appends all strings of `other` but its first `skip`.
    pub fn append(&mut self, other: &Self, skip: usize) -> Result<(), Errno> {
        other
            .iter()
            .skip(skip)
            .try_for_each(|string| self.push(string))
    }

    /// How many strings.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of all, NULs included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// All bytes in order, NULs included, in parts.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(Vec::as_slice)
    }

    /// The strings, without their NULs.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        // Each chunk ends with a NUL, after which there is no string.
        self.chunks.iter().flat_map(|chunk| {
            let mut rest = chunk.get(..chunk.len().saturating_sub(1));
            core::iter::from_fn(move || {
                let (string, after) = rest?.split_at(length(rest?));
                rest = after.get(1..);
                Some(string)
            })
        })
    }
}

/// Bytes before the first NUL; all when there is none. A string may be long.
fn length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for part in bytes.chunks(SCANNED) {
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            return length + end;
        }
        length += part.len();
        cpu::let_interrupts_in();
    }
    length
}

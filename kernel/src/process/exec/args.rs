//! Argument and environment strings on their way from one program to the next.

use crate::mem::user::{read_c_string, read_value};
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;

/// The longest single string, its NUL included (MAX_ARG_STRLEN).
const STRING_MAX: usize = 128 * 1024;
/// The most bytes of strings and their pointers together (ARG_MAX with the default stack limit: a quarter of it).
const TOTAL_MAX: usize = 2 << 20;

/// A list of strings, one after the other, each with its NUL.
#[derive(Debug, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    count: usize,
}

impl Strings {
    /// No strings.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
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
            let at = array.checked_add(index * 8).ok_or(Errno::EFAULT)?;
            let string: usize = read_value(at)?;
            if string == 0 {
                break;
            }
            match read_c_string(string, STRING_MAX) {
                Ok(string) => strings.push(&string)?,
                Err(Stop::Errno(Errno::ENAMETOOLONG)) => return Err(Errno::E2BIG.into()),
                Err(stop) => return Err(stop),
            }
        }
        Ok(strings)
    }

    /// Appends a string.
    pub fn push(&mut self, string: &[u8]) -> Result<(), Errno> {
        let total = self.bytes.len() + string.len() + 1 + (self.count + 1) * 8;
        if total > TOTAL_MAX {
            return Err(Errno::E2BIG);
        }
        self.bytes
            .try_reserve(string.len() + 1)
            .map_err(|_| Errno::ENOMEM)?;
        self.bytes.extend_from_slice(string);
        self.bytes.push(0);
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

    /// All bytes, NULs included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The strings, without their NULs.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|&byte| byte == 0).take(self.count)
    }
}

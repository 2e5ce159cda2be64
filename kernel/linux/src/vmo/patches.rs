//! The patches that a program passes.

use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use fallible::TryVec;
use machine::cpu;
use mem::user::{UserSlice, read_value};
use vm::addr::PAGE_SIZE;
use vm::vmo::Patch;

/// The most patches of one call.
const COUNT_MAX: usize = 64;
/// The most bytes of them together.
const BYTES_MAX: usize = 1 << 20;

/// Patches, copied from the program.
pub(super) struct Patches {
    places: Vec<(u64, usize)>,
    bytes: Vec<u8>,
}

impl Patches {
    /// Reads `count` patches of three words each: offset in the object, address and length of the bytes. E2BIG for too many, or
    /// for too many bytes.
    pub(super) fn read(address: usize, count: usize) -> Result<Self, Stop> {
        if count > COUNT_MAX {
            return Err(Errno::E2BIG.into());
        }
        let mut patches = Self {
            places: Vec::new(),
            bytes: Vec::new(),
        };
        let reserved = patches.places.try_reserve_exact(count);
        reserved.map_err(|_| Errno::ENOMEM)?;
        for index in 0..count {
            let [offset, from, length]: [u64; 3] = read_value(address.wrapping_add(index * 24))?;
            let from = UserSlice::new(from as usize, length as usize)?;
            patches.add(offset, &from)?;
        }
        Ok(patches)
    }

    fn add(&mut self, offset: u64, from: &UserSlice) -> Result<(), Stop> {
        let (start, length) = (self.bytes.len(), from.len());
        if length > BYTES_MAX - start {
            return Err(Errno::E2BIG.into());
        }
        while self.bytes.len() < start + length {
            let end = (start + length).min(self.bytes.len() + PAGE_SIZE);
            self.bytes.try_resize(end, 0)?;
            cpu::let_interrupts_in();
        }
        from.read(&mut self.bytes[start..])?;
        self.places.try_push((offset, length))?;
        Ok(())
    }

    /// How many they are, and how many bytes in all.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.places.len() as u64, self.bytes.len() as u64)
    }

    /// The patches.
    pub(super) fn iter(&self) -> impl Iterator<Item = Patch<'_>> {
        let mut rest = &self.bytes[..];
        self.places.iter().map(move |&(offset, length)| {
            let (bytes, after) = rest.split_at(length);
            rest = after;
            Patch { offset, bytes }
        })
    }
}

//! Page tables for the kernel: four levels, with the largest pages that fit (Intel SDM volume 3, 4.5).

use crate::map::{MapError, PAGE};
use thiserror::Error;

const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Why a range cannot be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PagingError {
    /// No memory for a table.
    #[error("page tables: {0}")]
    Memory(#[from] MapError),
    /// The address is mapped to something else.
    #[error("page tables: {0:#x} is mapped twice")]
    Twice(u64),
}

/// Memory that tables lie in.
pub trait Tables {
    /// The physical address of a new table of zeroes.
    ///
    /// # Errors
    /// When there is no memory.
    fn create(&mut self) -> Result<u64, MapError>;
    /// Entry `index` (0 to 511) of the table at `table`.
    fn read(&self, table: u64, index: usize) -> u64;
    /// Sets an entry.
    fn write(&mut self, table: u64, index: usize, entry: u64);
}

/// Rights of a mapping. Everything is readable, and for the kernel only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
}

/// The tables under one root.
pub struct Mapper<'a, T> {
    tables: &'a mut T,
    root: u64,
    features: Features,
}

/// What the processor's page tables can do.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// 1 GiB pages.
    pub gigabyte: bool,
    /// The no-execute bit.
    pub no_execute: bool,
}

impl<'a, T: Tables> Mapper<'a, T> {
    /// Makes an empty root table.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new(tables: &'a mut T, features: Features) -> Result<Self, PagingError> {
        let root = tables.create()?;
        Ok(Self {
            tables,
            root,
            features,
        })
    }

    /// Physical address of the root table: the value of CR3.
    pub fn root(&self) -> u64 {
        self.root
    }

    /// Maps `length` bytes (rounded up to pages) of `physical` at `address`, both page aligned.
    ///
    /// # Errors
    /// When there is no memory for tables, or a page is already mapped to something else.
    pub fn map(
        &mut self,
        address: u64,
        physical: u64,
        length: u64,
        rights: Rights,
    ) -> Result<(), PagingError> {
        let mut done = 0;
        while done < length {
            let (at, to) = (address + done, physical + done);
            let level = (1..=self.largest())
                .rev()
                .find(|&level| (at | to) % size(level) == 0 && size(level) <= length - done)
                .unwrap_or(0);
            self.set(at, to, level, rights)?;
            done += size(level);
        }
        Ok(())
    }

    fn largest(&self) -> u32 {
        if self.features.gigabyte { 2 } else { 1 }
    }

    fn set(
        &mut self,
        address: u64,
        physical: u64,
        level: u32,
        rights: Rights,
    ) -> Result<(), PagingError> {
        let mut table = self.root;
        for above in (level + 1..=3).rev() {
            let index = index(address, above);
            let entry = self.tables.read(table, index);
            if entry & PRESENT == 0 {
                let new = self.tables.create()?;
                self.tables.write(table, index, new | WRITE | PRESENT);
                table = new;
            } else if above < 3 && entry & LARGE != 0 {
                return Err(PagingError::Twice(address));
            } else {
                table = entry & ADDRESS;
            }
        }
        let mut entry = physical | PRESENT;
        entry |= if rights.write { WRITE } else { 0 };
        entry |= if rights.execute || !self.features.no_execute {
            0
        } else {
            NO_EXECUTE
        };
        entry |= if level > 0 { LARGE } else { 0 };
        let index = index(address, level);
        match self.tables.read(table, index) {
            0 => self.tables.write(table, index, entry),
            present if present == entry => {}
            _ => return Err(PagingError::Twice(address)),
        }
        Ok(())
    }
}

/// Bytes that one entry of a table maps: level 0 is the table of 4 KiB pages.
fn size(level: u32) -> u64 {
    PAGE << (9 * level)
}

fn index(address: u64, level: u32) -> usize {
    (address / size(level) % 512) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[derive(Default)]
    struct Memory(Vec<[u64; 512]>);

    impl Tables for Memory {
        fn create(&mut self) -> Result<u64, MapError> {
            self.0.push([0; 512]);
            Ok((self.0.len() as u64) * PAGE)
        }
        fn read(&self, table: u64, index: usize) -> u64 {
            self.0[(table / PAGE) as usize - 1][index]
        }
        fn write(&mut self, table: u64, index: usize, entry: u64) {
            self.0[(table / PAGE) as usize - 1][index] = entry;
        }
    }

    /// What the processor would do: the physical address and the entry.
    fn walk(memory: &Memory, root: u64, address: u64) -> Option<(u64, u64)> {
        let mut table = root;
        for level in (0..4).rev() {
            let entry = memory.read(table, index(address, level));
            if entry & PRESENT == 0 {
                return None;
            }
            if level == 0 || entry & LARGE != 0 && level < 3 {
                return Some((
                    (entry & ADDRESS & !(size(level) - 1)) + address % size(level),
                    entry,
                ));
            }
            table = entry & ADDRESS;
        }
        None
    }

    const ALL: Rights = Rights {
        write: true,
        execute: true,
    };
    const HHDM: u64 = 0xffff_8000_0000_0000;

    #[test]
    fn maps_with_the_largest_pages() {
        for gigabyte in [false, true] {
            let mut memory = Memory::default();
            let mut mapper = Mapper::new(
                &mut memory,
                Features {
                    gigabyte,
                    no_execute: true,
                },
            )
            .unwrap();
            mapper.map(HHDM + 0x1000, 0x1000, 0x8000_1000, ALL).unwrap();
            let root = mapper.root();
            for physical in [
                0x1000,
                0x1f_f000,
                0x20_0123,
                0x4000_0000,
                0x7fff_ffff,
                0x8000_1fff,
            ] {
                assert_eq!(walk(&memory, root, HHDM + physical).unwrap().0, physical);
            }
            assert_eq!(walk(&memory, root, HHDM), None);
            assert_eq!(walk(&memory, root, HHDM + 0x8000_2000), None);
            assert_eq!(memory.0.len(), if gigabyte { 6 } else { 7 });
        }
    }

    #[test]
    fn rights_are_as_asked() {
        let mut memory = Memory::default();
        let mut mapper = Mapper::new(
            &mut memory,
            Features {
                gigabyte: true,
                no_execute: true,
            },
        )
        .unwrap();
        let text = Rights {
            write: false,
            execute: true,
        };
        let data = Rights {
            write: true,
            execute: false,
        };
        mapper
            .map(0xffff_ffff_8000_0000, 0x20_0000, 0x2000, text)
            .unwrap();
        mapper
            .map(0xffff_ffff_8000_2000, 0x20_2000, 0x1000, data)
            .unwrap();
        let root = mapper.root();
        let flags = |address| walk(&memory, root, address).unwrap().1 & (WRITE | NO_EXECUTE);
        assert_eq!(flags(0xffff_ffff_8000_1fff), 0);
        assert_eq!(flags(0xffff_ffff_8000_2000), WRITE | NO_EXECUTE);
    }

    #[test]
    fn nothing_is_mapped_over() {
        let mut memory = Memory::default();
        let mut mapper = Mapper::new(
            &mut memory,
            Features {
                gigabyte: false,
                no_execute: true,
            },
        )
        .unwrap();
        mapper.map(HHDM, 0, 0x40_0000, ALL).unwrap();
        assert_eq!(
            mapper.map(HHDM, 0, 0x20_0000, ALL),
            Ok(()),
            "the same again"
        );
        assert_eq!(
            mapper.map(HHDM + 0x1000, 0x1000, 0x1000, ALL),
            Err(PagingError::Twice(HHDM + 0x1000))
        );
        assert_eq!(
            mapper.map(HHDM, 0x20_0000, 0x20_0000, ALL),
            Err(PagingError::Twice(HHDM))
        );
    }
}

//! What of a kernel's ELF file goes where: read and checked completely before anything is loaded.

use crate::map::PAGE;
use alloc::vec::Vec;
use elf::{
    ElfBytes,
    abi::{EM_X86_64, ET_EXEC, PF_W, PF_X, PT_LOAD},
    endian::LittleEndian,
    file::Class,
};
use thiserror::Error;

/// Where the Limine protocol lets a kernel begin.
pub const LOWEST: u64 = 0xffff_ffff_8000_0000;

/// The most alignment that a kernel gets, bytes.
const MAX_ALIGN: u64 = 2 << 20;

/// The largest image that is loaded, bytes. Above it the file is damaged.
const MAX_SIZE: u64 = 1 << 30;

/// Why a file is not a kernel that can be loaded.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ExecutableError {
    /// Not an ELF file, or its tables do not fit into it.
    #[error("the kernel is not a whole ELF file")]
    NotElf,
    /// Not for x86-64.
    #[error("the kernel is not for x86-64 (ELF class and machine)")]
    Machine,
    /// Not linked to a fixed address.
    #[error("the kernel is not an executable linked to a fixed address (ELF type {0})")]
    Type(u16),
    /// No `PT_LOAD` segment with anything in it.
    #[error("the kernel has nothing to load")]
    Empty,
    /// A segment outside the last two GiB.
    #[error("the kernel has a segment at {0:#x}, below 0xffffffff80000000")]
    Low(u64),
    /// A segment's size does not make sense.
    #[error("the kernel's segment at {0:#x} does not fit the file or the address space")]
    Size(u64),
    /// Two segments claim a byte.
    #[error("the kernel's segments overlap at {0:#x}")]
    Overlap(u64),
    /// The entry point is outside every executable segment.
    #[error("the kernel's entry point {0:#x} is not in executable memory")]
    Entry(u64),
}

/// A range of bytes to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Virtual address.
    pub address: u64,
    /// Bytes in memory; after those of the file come zeroes.
    pub size: u64,
    /// Bytes of the file.
    pub data: &'a [u8],
    /// Programs may write.
    pub write: bool,
    /// Programs may execute.
    pub execute: bool,
}

impl Segment<'_> {
    /// The address after the last byte. Cannot overflow: `plan` has checked it.
    pub fn end(&self) -> u64 {
        self.address + self.size
    }
}

/// Rights on a run of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// Virtual address of the first page.
    pub address: u64,
    /// Address after the last page.
    pub end: u64,
    /// Writable.
    pub write: bool,
    /// Executable.
    pub execute: bool,
}

/// A checked kernel.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Virtual address of the image, page aligned.
    pub base: u64,
    /// Bytes of the image, whole pages.
    pub size: u64,
    /// Alignment that the image's physical address needs.
    pub align: u64,
    /// Where the kernel starts.
    pub entry: u64,
    /// Segments sorted by address.
    pub segments: Vec<Segment<'a>>,
}

impl<'a> Plan<'a> {
    /// Reads and checks an ELF file.
    ///
    /// # Errors
    /// For every file that is not a static x86-64 executable in the last two GiB.
    pub fn new(file: &'a [u8]) -> Result<Self, ExecutableError> {
        let elf =
            ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|_| ExecutableError::NotElf)?;
        if elf.ehdr.class != Class::ELF64 || elf.ehdr.e_machine != EM_X86_64 {
            return Err(ExecutableError::Machine);
        }
        if elf.ehdr.e_type != ET_EXEC {
            return Err(ExecutableError::Type(elf.ehdr.e_type));
        }
        let mut align = PAGE;
        let mut segments = Vec::new();
        for header in elf.segments().ok_or(ExecutableError::Empty)? {
            if header.p_type != PT_LOAD || header.p_memsz == 0 {
                continue;
            }
            let address = header.p_vaddr;
            if address < LOWEST {
                return Err(ExecutableError::Low(address));
            }
            let data = elf
                .segment_data(&header)
                .map_err(|_| ExecutableError::Size(address))?;
            let end = address
                .checked_add(header.p_memsz)
                .filter(|&end| end <= u64::MAX - PAGE);
            if end.is_none() || header.p_filesz > header.p_memsz {
                return Err(ExecutableError::Size(address));
            }
            if header.p_align.is_power_of_two() {
                align = align.max(header.p_align.min(MAX_ALIGN));
            }
            segments.push(Segment {
                address,
                size: header.p_memsz,
                data,
                write: header.p_flags & PF_W != 0,
                execute: header.p_flags & PF_X != 0,
            });
        }
        Self::check(segments, align, elf.ehdr.e_entry)
    }

    fn check(
        mut segments: Vec<Segment<'a>>,
        align: u64,
        entry: u64,
    ) -> Result<Self, ExecutableError> {
        segments.sort_unstable_by_key(|segment| segment.address);
        if let Some(pair) = segments
            .windows(2)
            .find(|pair| pair[0].end() > pair[1].address)
        {
            return Err(ExecutableError::Overlap(pair[1].address));
        }
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Err(ExecutableError::Empty);
        };
        let base = first.address & !(align - 1);
        let size = last.end().next_multiple_of(PAGE) - base;
        if size > MAX_SIZE {
            return Err(ExecutableError::Size(last.address));
        }
        if !segments
            .iter()
            .any(|s| s.execute && (s.address..s.end()).contains(&entry))
        {
            return Err(ExecutableError::Entry(entry));
        }
        Ok(Self {
            base,
            size,
            align,
            entry,
            segments,
        })
    }

    /// The pages to map, in order, each once: a page that two segments share has the rights of both.
    pub fn pages(&self) -> Vec<Pages> {
        let mut pages: Vec<Pages> = Vec::new();
        for segment in &self.segments {
            let mut address = segment.address / PAGE * PAGE;
            let end = segment.end().next_multiple_of(PAGE);
            if let Some(last) = pages.pop_if(|last| last.end > address) {
                if last.end > last.address + PAGE {
                    pages.push(Pages {
                        end: last.end - PAGE,
                        ..last
                    });
                }
                pages.push(Pages {
                    address,
                    end: last.end,
                    write: last.write || segment.write,
                    execute: last.execute || segment.execute,
                });
                address = last.end;
            }
            if address < end {
                pages.push(Pages {
                    address,
                    end,
                    write: segment.write,
                    execute: segment.execute,
                });
            }
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Builds an ELF file of segments (address, bytes in the file, bytes in memory, flags).
    fn file(segments: &[(u64, u64, u64, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(16, &2u16.to_le_bytes());
        put(18, &62u16.to_le_bytes());
        put(20, &1u32.to_le_bytes());
        put(24, &LOWEST.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(52, &64u16.to_le_bytes());
        put(54, &56u16.to_le_bytes());
        put(56, &u16::try_from(segments.len()).unwrap().to_le_bytes());
        put(58, &64u16.to_le_bytes());
        let data = 64 + 56 * segments.len() as u64;
        for &(address, in_file, in_memory, flags) in segments {
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(flags.to_le_bytes());
            for value in [data, address, address, in_file, in_memory, 0x1000] {
                bytes.extend(value.to_le_bytes());
            }
        }
        let longest = segments.iter().map(|s| s.1).max().unwrap_or(0).min(1 << 16);
        bytes.resize(data as usize + longest as usize, 0xcc);
        bytes
    }

    const TEXT: u32 = 5;
    const DATA: u32 = 6;

    #[test]
    fn plans_a_kernel() {
        let bytes = file(&[
            (LOWEST + 0x2000, 16, 0x1800, DATA),
            (LOWEST, 0x800, 0x800, TEXT),
        ]);
        let plan = Plan::new(&bytes).unwrap();
        assert_eq!((plan.base, plan.size, plan.entry), (LOWEST, 0x4000, LOWEST));
        assert_eq!(plan.segments[1].data, &[0xcc; 16]);
        let expected = [
            Pages {
                address: LOWEST,
                end: LOWEST + 0x1000,
                write: false,
                execute: true,
            },
            Pages {
                address: LOWEST + 0x2000,
                end: LOWEST + 0x4000,
                write: true,
                execute: false,
            },
        ];
        assert_eq!(plan.pages(), expected);
    }

    #[test]
    fn a_shared_page_has_the_rights_of_both() {
        let bytes = file(&[
            (LOWEST, 8, 0x1800, TEXT),
            (LOWEST + 0x1800, 8, 0x100, 4),
            (LOWEST + 0x1900, 8, 0x1000, DATA),
        ]);
        let pages = Plan::new(&bytes).unwrap().pages();
        let expected = [
            Pages {
                address: LOWEST,
                end: LOWEST + 0x1000,
                write: false,
                execute: true,
            },
            Pages {
                address: LOWEST + 0x1000,
                end: LOWEST + 0x2000,
                write: true,
                execute: true,
            },
            Pages {
                address: LOWEST + 0x2000,
                end: LOWEST + 0x3000,
                write: true,
                execute: false,
            },
        ];
        assert_eq!(pages, expected);
    }

    #[test]
    fn refuses_bad_kernels() {
        let error = |segments: &[_]| Plan::new(&file(segments)).unwrap_err();
        assert_eq!(error(&[]), ExecutableError::Empty);
        assert_eq!(
            error(&[(0x10_0000, 8, 8, TEXT)]),
            ExecutableError::Low(0x10_0000)
        );
        assert_eq!(
            error(&[(LOWEST, 16, 8, TEXT)]),
            ExecutableError::Size(LOWEST)
        );
        assert_eq!(
            error(&[(LOWEST, 1 << 40, 1 << 41, TEXT)]),
            ExecutableError::Size(LOWEST)
        );
        assert_eq!(
            error(&[(LOWEST, 8, u64::MAX, TEXT)]),
            ExecutableError::Size(LOWEST)
        );
        assert_eq!(
            error(&[(LOWEST, 8, 0x7fff_ffff, TEXT)]),
            ExecutableError::Size(LOWEST)
        );
        assert_eq!(
            error(&[(LOWEST, 8, 8, DATA)]),
            ExecutableError::Entry(LOWEST)
        );
        assert_eq!(
            error(&[(LOWEST, 8, 0x200, TEXT), (LOWEST + 0x100, 8, 8, DATA)]),
            ExecutableError::Overlap(LOWEST + 0x100)
        );
        assert_eq!(
            Plan::new(b"#!/bin/sh\n").unwrap_err(),
            ExecutableError::NotElf
        );
        let mut other = file(&[(LOWEST, 8, 8, TEXT)]);
        other[18] = 0xb7;
        assert_eq!(Plan::new(&other).unwrap_err(), ExecutableError::Machine);
        other[18] = 62;
        other[16] = 3;
        assert_eq!(Plan::new(&other).unwrap_err(), ExecutableError::Type(3));
    }

    #[test]
    fn damage_never_panics() {
        let bytes = file(&[
            (LOWEST, 0x20, 0x800, TEXT),
            (LOWEST + 0x1000, 16, 0x1800, DATA),
        ]);
        for position in 0..176 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] = value;
                if let Ok(plan) = Plan::new(&damaged) {
                    assert!(plan.size <= MAX_SIZE);
                    assert!(
                        plan.pages()
                            .windows(2)
                            .all(|pair| pair[0].end <= pair[1].address)
                    );
                }
            }
        }
        for length in 0..bytes.len() {
            assert!(Plan::new(&bytes[..length]).is_err(), "cut to {length}");
        }
    }
}

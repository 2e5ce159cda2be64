//! ELF executables: what a file wants mapped, by the rules of Linux's binfmt_elf.
//!
//! *Flow.* [`Header::parse`] reads the first bytes of a file, [`Table::new`] takes its program headers, [`Table::plan`] says
//! what is mapped where. What is wrong with headers leaves the caller of execve as it was. Linux looks at segments only when the old
//! program has gone: what is wrong with those ends the process.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bitflags::bitflags;
use fallible::{NoMemory, TryMap, TryVec};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Bytes of a program header.
pub const ENTRY: usize = 56;
/// The most bytes of program headers.
const TABLE_MAX: usize = 65536;
/// The longest path of an interpreter, its NUL included.
const PATH_MAX: u64 = 4096;
/// The longest file (`MAX_LFS_FILESIZE`).
const FILE_MAX: u64 = i64::MAX as u64;

const MAGIC: &[u8] = b"\x7fELF";
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_X86_64: u16 = 62;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;

bitflags! {
    /// What a program may do with a segment (`p_flags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rights: u32 {
        /// `PF_X`
        const EXECUTE = 1;
        /// `PF_W`
        const WRITE = 2;
        /// `PF_R`
        const READ = 4;
    }
}

/// Why a file is not executed: ENOEXEC, and nothing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No ELF file at all.
    #[error("not an ELF file")]
    NotElf,
    /// An ELF file for another machine, or not an executable.
    #[error("not an x86-64 executable")]
    WrongMachine,
    /// The headers contradict each other or the file.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Why a file whose headers are right cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Segments that make no program: the process ends with SIGSEGV.
    #[error("{0}")]
    Unloadable(&'static str),
    /// There is no memory for the plan.
    #[error("out of memory")]
    NoMemory,
}

impl From<NoMemory> for PlanError {
    fn from(NoMemory: NoMemory) -> Self {
        Self::NoMemory
    }
}

/// The number at a place; what is not there is 0, as the bytes after the end of a file are.
fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut number = [0; N];
    for (to, from) in number.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    number
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(number(bytes, at))
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(number(bytes, at))
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether it lies at fixed addresses.
    fixed: bool,
    /// First instruction, before it is moved.
    entry: u64,
    /// Where in the file the program headers begin.
    pub table: u64,
    /// How many there are.
    pub count: u16,
}

impl Header {
    /// Reads the header from the first bytes of a file. As on Linux its class, byte order and version are not looked at.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn parse(start: &[u8]) -> Result<Self, HeaderError> {
        if !start.starts_with(MAGIC) {
            return Err(HeaderError::NotElf);
        }
        let kind = half(start, 16);
        if half(start, 18) != EM_X86_64 || !matches!(kind, ET_EXEC | ET_DYN) {
            return Err(HeaderError::WrongMachine);
        }
        let header = Self {
            fixed: kind == ET_EXEC,
            entry: word(start, 24),
            table: word(start, 32),
            count: half(start, 56),
        };
        let bytes = header.table_bytes();
        if usize::from(half(start, 54)) != ENTRY || bytes == 0 || bytes > TABLE_MAX {
            return Err(HeaderError::Malformed("program header table"));
        }
        Ok(header)
    }

    /// Bytes of the program headers.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        usize::from(self.count) * ENTRY
    }
}

/// A program header.
#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    size: u64,
    align: u64,
}

impl Segment {
    fn parse(bytes: &[u8]) -> Self {
        Self {
            kind: u32::from_le_bytes(number(bytes, 0)),
            flags: u32::from_le_bytes(number(bytes, 4)),
            offset: word(bytes, 8),
            address: word(bytes, 16),
            file_size: word(bytes, 32),
            size: word(bytes, 40),
            align: word(bytes, 48),
        }
    }
}

/// Where the path of an interpreter (the dynamic linker) stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its first byte.
    pub offset: u64,
    /// Bytes, with the NUL that ends it.
    pub len: usize,
}

/// A file's header and its program headers.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    header: Header,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    /// The program headers `bytes` of a file with this header.
    #[must_use]
    pub const fn new(header: Header, bytes: &'a [u8]) -> Self {
        Self { header, bytes }
    }

    fn segments(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.bytes.chunks_exact(ENTRY).map(Segment::parse)
    }

    fn loads(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.segments().filter(|segment| segment.kind == PT_LOAD)
    }

    /// The interpreter that the file wants.
    ///
    /// # Errors
    /// [`HeaderError::Malformed`] when its path cannot be one.
    pub fn interpreter(&self) -> Result<Option<Interpreter>, HeaderError> {
        let Some(segment) = self.segments().find(|segment| segment.kind == PT_INTERP) else {
            return Ok(None);
        };
        if !(2..=PATH_MAX).contains(&segment.file_size) {
            return Err(HeaderError::Malformed("interpreter"));
        }
        Ok(Some(Interpreter {
            offset: segment.offset,
            len: segment.file_size as usize,
        }))
    }

    /// What has to be mapped for the file to run, with a `pause` after each segment.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn plan(&self, within: &Within, mut pause: impl FnMut()) -> Result<Plan, PlanError> {
        let bias = self.bias(within.base);
        let stack = self.segments().filter(|other| other.kind == PT_GNU_STACK);
        let mut plan = Plan {
            parts: Vec::new(),
            tails: Vec::new(),
            entry: self.header.entry.wrapping_add(bias),
            headers: bias,
            header_count: self.header.count.into(),
            executable_stack: stack.last().is_some_and(|stack| stack.flags & 1 != 0),
            end: 0,
        };
        for segment in self.loads() {
            let at = self.header.table.checked_sub(segment.offset);
            if let Some(at) = at.filter(|&at| at < segment.file_size) {
                plan.headers = segment.address.wrapping_add(at).wrapping_add(bias);
            }
            plan.load(&segment, bias, within)?;
            pause();
        }
        plan.drop_hidden_tails(pause)?;
        if plan.entry >= within.ceiling {
            return Err(PlanError::Unloadable("entry point"));
        }
        Ok(plan)
    }

    /// What is added to every address: nothing for a program of fixed address.
    fn bias(&self, base: u64) -> u64 {
        let Some(first) = self.loads().next().filter(|_| !self.header.fixed) else {
            return 0;
        };
        let aligns = self.loads().map(|segment| segment.align);
        let align = aligns.filter(|align| align.is_power_of_two()).max();
        let align = align.unwrap_or(PAGE).max(PAGE);
        (base & !(align - 1)).wrapping_sub(first.address & !(PAGE - 1))
    }
}

/// What a program has to fit into.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    /// Bytes of the file.
    pub file_len: u64,
    /// Where a program of no fixed address goes.
    pub base: u64,
    /// The first address that programs do not have.
    pub ceiling: u64,
}

/// Pages that are mapped privately, over whatever is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first one's address.
    pub address: u64,
    /// Bytes, whole pages.
    pub len: u64,
    /// Where in the file they begin; None: zeros.
    pub offset: Option<u64>,
    /// What the program may do.
    pub rights: Rights,
}

/// Bytes that are zeroed when all is mapped: what follows a segment's bytes in their last page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The first one's address.
    pub address: u64,
    /// How many, to the end of the page.
    pub len: u64,
    /// How many parts are mapped before it is zeroed.
    after: usize,
}

/// How a program is loaded.
#[derive(Debug)]
pub struct Plan {
    /// What is mapped, in this order.
    pub parts: Vec<Part>,
    /// What is zeroed then.
    pub tails: Vec<Tail>,
    /// First instruction.
    pub entry: u64,
    /// Where the program headers are in memory (AT_PHDR), if they are.
    pub headers: u64,
    /// How many.
    pub header_count: u64,
    /// The stack is to be executable.
    pub executable_stack: bool,
    /// First address above all segments.
    pub end: u64,
}

impl Plan {
    fn load(&mut self, segment: &Segment, bias: u64, within: &Within) -> Result<(), PlanError> {
        let address = segment.address.wrapping_add(bias);
        let ceiling = within.ceiling;
        let fits = |address| address < ceiling && segment.size <= ceiling - address;
        if !fits(segment.address) || !fits(address) || segment.file_size > segment.size {
            return Err(PlanError::Unloadable("segment size"));
        }
        let rights = Rights::from_bits_truncate(segment.flags);
        let start = address & !(PAGE - 1);
        let bytes_end = address + segment.file_size;
        let mut zeros = start;
        if segment.file_size > 0 {
            zeros = bytes_end.next_multiple_of(PAGE);
            let offset = segment.offset.wrapping_sub(address - start);
            let last = offset.checked_add(zeros - start);
            if !offset.is_multiple_of(PAGE) || last.is_none_or(|last| last > FILE_MAX) {
                return Err(PlanError::Unloadable("segment offset"));
            }
            self.parts.try_push(Part {
                address: start,
                len: zeros - start,
                offset: Some(offset),
                rights,
            })?;
            let is_padded = segment.size > segment.file_size && zeros > bytes_end;
            if is_padded && rights.contains(Rights::WRITE) {
                if offset + (zeros - start) - PAGE >= within.file_len {
                    return Err(PlanError::Unloadable("segment ends beyond the file"));
                }
                self.tails.try_push(Tail {
                    address: bytes_end,
                    len: zeros - bytes_end,
                    after: self.parts.len(),
                })?;
            }
        }
        let end = address + segment.size;
        self.end = self.end.max(end);
        let end = end.next_multiple_of(PAGE);
        if segment.size > segment.file_size && end > zeros {
            self.parts.try_push(Part {
                address: zeros,
                len: end - zeros,
                offset: None,
                rights: Rights::READ | Rights::WRITE | rights & Rights::EXECUTE,
            })?;
        }
        Ok(())
    }

    /// Drops the tails over which something else is mapped later.
    fn drop_hidden_tails(&mut self, mut pause: impl FnMut()) -> Result<(), NoMemory> {
        let mut covered = Covered(BTreeMap::new());
        let mut parts = self.parts.iter().enumerate().rev().peekable();
        for tail in self.tails.iter_mut().rev() {
            while let Some((_, part)) = parts.next_if(|(index, _)| *index >= tail.after) {
                covered.add(part.address, part.address + part.len)?;
                pause();
            }
            if covered.has(tail.address) {
                tail.len = 0;
            }
        }
        self.tails.retain(|tail| tail.len > 0);
        Ok(())
    }
}

/// Addresses: the ends of ranges by where they begin. No two of them touch.
struct Covered(BTreeMap<u64, u64>);

impl Covered {
    fn has(&self, address: u64) -> bool {
        let below = self.0.range(..=address).next_back();
        below.is_some_and(|(_, end)| *end > address)
    }

    fn add(&mut self, mut start: u64, mut end: u64) -> Result<(), NoMemory> {
        while let Some((&first, &last)) =
            self.0.range(..=end).next_back().filter(|at| *at.1 >= start)
        {
            self.0.remove(&first);
            (start, end) = (start.min(first), end.max(last));
        }
        self.0.put(start, end).map(|_| ())
    }
}

#[cfg(test)]
mod tests;

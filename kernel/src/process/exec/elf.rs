//! Executables: what an ELF file wants mapped. Headers are allegations: whatever does not add up is ENOEXEC.

use crate::file::Executable;
use crate::mem::user::USER_END;
use crate::syscall::call::Stop;
use alloc::vec::Vec;
use elf::abi;
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};
use fallible::{NoMemory, TryVec};
use vm::addr::VirtAddr;
use vm::space::Prot;

const PAGE: u64 = 4096;
/// Bytes of a program header.
const PHDR: usize = 56;
/// The most program headers that are read (Linux: 64 KiB of them).
const PHDRS_MAX: usize = 65536 / PHDR;

/// Why a file is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// Not an ELF file at all.
    NotElf,
    /// An ELF file for another machine or class, or not an executable.
    WrongMachine,
    /// The headers contradict each other or the file.
    Malformed(&'static str),
    /// It wants this dynamic linker.
    Dynamic(Vec<u8>),
    /// The file could not be read.
    Read(Stop),
}

impl From<NoMemory> for ElfError {
    fn from(error: NoMemory) -> Self {
        Self::Read(error.into())
    }
}

/// A segment to map.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Where, biased.
    pub address: u64,
    /// Bytes of the file from `offset` on; then zeros.
    pub file_size: u64,
    /// Bytes in all.
    pub size: u64,
    /// First byte in the file.
    pub offset: u64,
    /// What the program may do.
    pub rights: Prot,
}

/// A program to load.
#[derive(Debug)]
pub struct Program {
    /// Its segments, ascending.
    pub segments: Vec<Segment>,
    /// First instruction.
    pub entry: u64,
    /// Where the program headers are in memory (AT_PHDR); 0: not mapped.
    pub headers: u64,
    /// How many.
    pub header_count: u64,
    /// The stack is to be executable.
    pub executable_stack: bool,
}

impl Program {
    /// First address above all segments.
    pub fn end(&self) -> u64 {
        self.segments
            .last()
            .map_or(0, |segment| segment.address + segment.size)
    }
}

/// Reads and checks the headers of `file`, of which `start` is the beginning. A program of no fixed address goes to `base`.
pub fn parse(file: &Executable, start: &[u8], base: VirtAddr) -> Result<Program, ElfError> {
    let header = header(start)?;
    let table = headers(file, &header)?;
    let table: SegmentTable<LittleEndian> = SegmentTable::new(LittleEndian, Class::ELF64, &table);
    let bias = bias(&header, &table, base)?;
    let mut program = Program {
        segments: Vec::new(),
        entry: header.e_entry.wrapping_add(bias),
        headers: 0,
        header_count: u64::from(header.e_phnum),
        executable_stack: false,
    };
    for segment in table.iter() {
        match segment.p_type {
            abi::PT_INTERP => return Err(ElfError::Dynamic(interpreter(file, &segment)?)),
            abi::PT_GNU_STACK => program.executable_stack = segment.p_flags & abi::PF_X != 0,
            abi::PT_LOAD if segment.p_memsz > 0 => {
                load(&mut program, file, &segment, bias)?;
                let at = header.e_phoff.wrapping_sub(segment.p_offset);
                if at < segment.p_filesz {
                    program.headers = bias.wrapping_add(segment.p_vaddr).wrapping_add(at);
                }
            }
            _ => {}
        }
    }
    if program.segments.is_empty() {
        return Err(ElfError::Malformed("nothing to load"));
    }
    if program.entry >= USER_END as u64 {
        return Err(ElfError::Malformed("entry point"));
    }
    Ok(program)
}

fn header(start: &[u8]) -> Result<FileHeader<LittleEndian>, ElfError> {
    if !start.starts_with(&abi::ELFMAGIC) {
        return Err(ElfError::NotElf);
    }
    let ident = start
        .get(..abi::EI_NIDENT)
        .ok_or(ElfError::Malformed("truncated"))?;
    let ident = parse_ident::<LittleEndian>(ident).map_err(|_| ElfError::WrongMachine)?;
    if ident.1 != Class::ELF64 {
        return Err(ElfError::WrongMachine);
    }
    let tail = start
        .get(abi::EI_NIDENT..64)
        .ok_or(ElfError::Malformed("truncated"))?;
    let header =
        FileHeader::parse_tail(ident, tail).map_err(|_| ElfError::Malformed("file header"))?;
    if header.e_machine != abi::EM_X86_64 || !matches!(header.e_type, abi::ET_EXEC | abi::ET_DYN) {
        return Err(ElfError::WrongMachine);
    }
    let count = usize::from(header.e_phnum);
    if usize::from(header.e_phentsize) != PHDR || count == 0 || count > PHDRS_MAX {
        return Err(ElfError::Malformed("program header table"));
    }
    Ok(header)
}

fn headers(file: &Executable, header: &FileHeader<LittleEndian>) -> Result<Vec<u8>, ElfError> {
    read(file, header.e_phoff, usize::from(header.e_phnum) * PHDR)
}

fn read(file: &Executable, offset: u64, len: usize) -> Result<Vec<u8>, ElfError> {
    let mut bytes = Vec::new();
    bytes.try_resize(len, 0)?;
    match file.read_at(offset, &mut bytes) {
        Ok(n) if n == len => Ok(bytes),
        Ok(_) => Err(ElfError::Malformed("truncated")),
        Err(stop) => Err(ElfError::Read(stop)),
    }
}

fn interpreter(file: &Executable, segment: &ProgramHeader) -> Result<Vec<u8>, ElfError> {
    let len = usize::try_from(segment.p_filesz).unwrap_or(usize::MAX);
    if !(2..=4096).contains(&len) {
        return Err(ElfError::Malformed("interpreter"));
    }
    let mut path = read(file, segment.p_offset, len)?;
    path.pop();
    Ok(path)
}

/// What is added to every address: nothing for a program of fixed address.
fn bias(
    header: &FileHeader<LittleEndian>,
    table: &SegmentTable<LittleEndian>,
    base: VirtAddr,
) -> Result<u64, ElfError> {
    if header.e_type == abi::ET_EXEC {
        return Ok(0);
    }
    let loads = || {
        table
            .iter()
            .filter(|segment| segment.p_type == abi::PT_LOAD)
    };
    let first = loads()
        .next()
        .ok_or(ElfError::Malformed("nothing to load"))?;
    let align = loads()
        .map(|segment| segment.p_align)
        .filter(|align| align.is_power_of_two());
    let align = align.max().unwrap_or(PAGE).clamp(PAGE, 1 << 30);
    Ok((base.0 & !(align - 1)).wrapping_sub(first.p_vaddr & !(PAGE - 1)))
}

fn load(
    program: &mut Program,
    file: &Executable,
    segment: &ProgramHeader,
    bias: u64,
) -> Result<(), ElfError> {
    let address = segment.p_vaddr.wrapping_add(bias);
    let end = address
        .checked_add(segment.p_memsz)
        .filter(|&end| end <= USER_END as u64);
    let file_end = segment.p_offset.checked_add(segment.p_filesz);
    if end.is_none() || segment.p_filesz > segment.p_memsz {
        return Err(ElfError::Malformed("segment size"));
    }
    if file_end.is_none_or(|end| end > file.len()) {
        return Err(ElfError::Malformed("truncated"));
    }
    if segment.p_filesz > 0 && segment.p_offset % PAGE != address % PAGE {
        return Err(ElfError::Malformed("segment alignment"));
    }
    if address < program.end().next_multiple_of(PAGE) && !program.segments.is_empty() {
        return Err(ElfError::Malformed("segments overlap"));
    }
    let mut rights = Prot::empty();
    rights.set(Prot::READ, segment.p_flags & abi::PF_R != 0);
    rights.set(Prot::WRITE, segment.p_flags & abi::PF_W != 0);
    rights.set(Prot::EXECUTE, segment.p_flags & abi::PF_X != 0);
    program.segments.try_push(Segment {
        address,
        file_size: segment.p_filesz,
        size: segment.p_memsz,
        offset: segment.p_offset,
        rights,
    })?;
    Ok(())
}

//! Reads what an executable wants mapped; what its headers mean is [`elf`]'s.

use crate::file::Executable;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::executable::elf::{Header, HeaderError, Plan, PlanError, Table, Within};
use fallible::{NoMemory, TryVec};
use mem::user::USER_END;
use tori::pieces;
use vm::addr::VirtAddr;

/// Why a file is not executed.
pub enum ElfError {
    /// Its headers are wrong.
    Header(HeaderError),
    /// Its segments make no program.
    Unloadable(&'static str),
    /// It wants this dynamic linker.
    Dynamic(Vec<u8>),
    /// It could not be read.
    Read(Stop),
}

impl From<HeaderError> for ElfError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<PlanError> for ElfError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Unloadable(what) => Self::Unloadable(what),
            PlanError::NoMemory => Self::Read(NoMemory.into()),
        }
    }
}

impl From<NoMemory> for ElfError {
    fn from(error: NoMemory) -> Self {
        Self::Read(error.into())
    }
}

/// Reads the headers of `file`, of which `start` is the beginning. A program of no fixed address goes to `base`.
pub fn read(file: &Executable, start: &[u8], base: VirtAddr) -> Result<Plan, ElfError> {
    let header = Header::parse(start)?;
    let truncated = HeaderError::Malformed("truncated");
    let bytes = bytes(file, header.table, header.table_bytes())?.ok_or(truncated)?;
    let table = Table::new(header, &bytes);
    if let Some(wanted) = table.interpreter()? {
        return Err(dynamic(file, wanted.offset, wanted.len)?);
    }
    let within = Within {
        file_len: file.len(),
        base: base.0,
        ceiling: USER_END as u64,
    };
    Ok(table.plan(&within, pieces::step)?)
}

/// Bytes of the file; None when they are not all there.
fn bytes(file: &Executable, offset: u64, len: usize) -> Result<Option<Vec<u8>>, ElfError> {
    let mut bytes = Vec::new();
    bytes.try_resize(len, 0)?;
    let n = file.read_at(offset, &mut bytes).map_err(ElfError::Read)?;
    Ok((n == len).then_some(bytes))
}

/// The dynamic linker that a file names at this place.
fn dynamic(file: &Executable, offset: u64, len: usize) -> Result<ElfError, ElfError> {
    let missing = ElfError::Read(Errno::EIO.into());
    let mut path = bytes(file, offset, len)?.ok_or(missing)?;
    if path.pop() != Some(0) {
        return Err(HeaderError::Malformed("interpreter").into());
    }
    Ok(ElfError::Dynamic(path))
}

//! Reading and writing an open file, whatever is behind it.

use super::caller::Caller;
use super::content::LEN_MAX;
use super::io::Transfer;
use super::open::OpenFile;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;

/// Bytes that go over the kernel's stack at once.
pub const BLOCK: usize = 2048;

/// Reads at the transfer's position, or at the file's offset, which then moves.
pub fn read(caller: &dyn Caller, file: &OpenFile, io: &mut Transfer) -> SysResult {
    verify(file, file.flags().reads(), io)?;
    file.read(file, caller, io)
}

/// Writes at the transfer's position, or at the file's offset, which then moves.
pub fn write(caller: &dyn Caller, file: &OpenFile, io: &mut Transfer) -> SysResult {
    verify(file, file.flags().writes(), io)?;
    file.write(file, caller, io)
}

/// Checks what Linux checks first: that the file has positions if one is named (ESPIPE), and that it is open for this (EBADF).
fn verify(file: &OpenFile, opened_for_this: bool, io: &Transfer) -> Result<(), Errno> {
    if io.position().is_some() && !file.has_positions() {
        return Err(Errno::ESPIPE);
    }
    if opened_for_this {
        Ok(())
    } else {
        Err(Errno::EBADF)
    }
}

/// Moves bytes with `step`, which gets the position and answers how many it moved (0: the end).
pub fn positioned(
    file: &OpenFile,
    io: &mut Transfer,
    mut step: impl FnMut(&mut Transfer, u64) -> Result<usize, Stop>,
) -> SysResult {
    let mut offset = file.offset.lock();
    let position = io.position();
    let mut at = match position {
        Some(position) => position + io.done() as u64,
        None => *offset,
    };
    let end = at.checked_add(io.left() as u64);
    if end.is_none_or(|end| end > LEN_MAX) {
        return Err(Errno::EINVAL.into());
    }
    while io.left() > 0 {
        match step(io, at) {
            Ok(0) => break,
            Ok(n) => at += n as u64,
            Err(stop) => {
                io.stopped(stop)?;
                break;
            }
        }
        if position.is_none() {
            *offset = at;
        }
        io.pause()?;
    }
    Ok(io.done())
}

/// Reads bytes that lie in the kernel's memory.
pub fn read_bytes(file: &OpenFile, bytes: &[u8], io: &mut Transfer) -> SysResult {
    positioned(file, io, |io, at| {
        let rest = usize::try_from(at)
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or(&[]);
        if rest.is_empty() { Ok(0) } else { io.put(rest) }
    })
}

//! Open files of `/proc`: texts, and what there is to say of each page of an address space.

use super::{Proc, page_map};
use crate::file::caller::Caller;
use crate::file::io::Transfer;
use crate::file::kind::File;
use crate::file::open::OpenFile;
use crate::file::transfer::{positioned, read_bytes};
use crate::file::tree::Node;
use crate::syscall::call::SysResult;
use crate::syscall::errno::Errno;
use alloc::sync::Weak;
use alloc::vec::Vec;
use mem::space::Space;
use mem::user::USER_END;
use vm::addr::PAGE_SIZE;

/// Bytes of its own for which an open text counts as one file more.
const LARGE: usize = 1 << 10;

/// A text, made when it was opened.
pub struct TextFile {
    proc: Proc,
    text: Vec<u8>,
}

impl TextFile {
    /// The text of a name. ENOMEM, and what its making gives.
    pub fn new(proc: &Proc) -> Result<Self, Errno> {
        Ok(Self {
            proc: proc.clone(),
            text: proc.text()?,
        })
    }
}

impl File for TextFile {
    fn read(&self, open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        read_bytes(open, &self.text, io)
    }

    /// All at once: more than a few bytes mean nothing there.
    fn write(&self, _open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        let mut block = [0; 128];
        let n = io.left().min(block.len());
        let n = io.take(&mut block[..n])?;
        self.proc.write(&caller.identity(), &block[..n])?;
        Ok(io.done())
    }

    fn end(&self) -> Option<u64> {
        Some(self.text.len() as u64)
    }

    fn is_never_code(&self) -> bool {
        true
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Proc(self.proc.clone()))
    }

    fn weight(&self) -> u64 {
        1 + (self.text.capacity() / LARGE) as u64
    }
}

/// Words about each page of an address space, as long as that is its process's.
pub struct PageMap {
    proc: Proc,
    space: Weak<Space>,
}

impl PageMap {
    /// Of this space, under this name.
    pub fn new(proc: &Proc, space: Weak<Space>) -> Self {
        Self {
            proc: proc.clone(),
            space,
        }
    }
}

impl File for PageMap {
    /// EINVAL for parts of words. The space of another program, which the process executes by now, has none.
    fn read(&self, open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        const WORD: usize = size_of::<u64>();
        const WORDS: usize = 64;
        positioned(open, io, |io, at| {
            if !at.is_multiple_of(WORD as u64) || !io.left().is_multiple_of(WORD) {
                return Err(Errno::EINVAL.into());
            }
            let first = at / WORD as u64;
            let end = (USER_END / PAGE_SIZE) as u64;
            let n = (io.left() / WORD).min(WORDS);
            let n = n.min(usize::try_from(end.saturating_sub(first)).unwrap_or(0));
            let Some(space) = self.space.upgrade() else {
                return Ok(0);
            };
            let mut words = [0; WORDS];
            page_map(&space, first, &mut words[..n]);
            let bytes = words.map(u64::to_le_bytes);
            if n == 0 {
                Ok(0)
            } else {
                io.put(bytes[..n].as_flattened())
            }
        })
    }

    fn write(&self, _open: &OpenFile, _caller: &dyn Caller, _io: &mut Transfer) -> SysResult {
        Err(Errno::EINVAL.into())
    }

    fn is_never_code(&self) -> bool {
        true
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Proc(self.proc.clone()))
    }
}

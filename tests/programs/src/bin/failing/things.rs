//! What operations make and give back, whatever becomes of them: no allocation fails while they do.

use std::ffi::CStr;

use braid_test_programs::{Answer, call, children};
use libc as l;

use crate::failures::disarm;

/// process_info (docs/abi.md), and its words for mappings.
const PROCESS_INFO: i64 = 4099;
const MAPPINGS: usize = 7;
/// Descriptors that are looked at.
const DESCRIPTORS: usize = 64;

/// What the program has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    descriptors: u64,
    mappings: u64,
    children: bool,
    directory_is_root: bool,
}

impl State {
    /// At this moment.
    pub(crate) fn now() -> Self {
        let open = |fd: &usize| call(l::SYS_fcntl, [*fd, l::F_GETFD as usize]).is_ok();
        let mut words = [0u64; MAPPINGS + 1];
        let arguments = [0, words.as_mut_ptr() as usize, size_of_val(&words)];
        call(PROCESS_INFO, arguments).expect("process_info");
        let arguments = [usize::MAX, 0, l::WNOHANG as usize, 0];
        let mut path = [0u8; 64];
        call(l::SYS_getcwd, [path.as_mut_ptr() as usize, path.len()]).expect("a directory");
        Self {
            descriptors: (0..DESCRIPTORS).filter(open).map(|fd| 1 << fd).sum(),
            mappings: words[MAPPINGS],
            children: call(l::SYS_wait4, arguments) != Err(l::ECHILD),
            directory_is_root: path.starts_with(b"/\0"),
        }
    }
}

/// A descriptor.
pub(crate) struct Descriptor(pub(crate) usize);

impl Descriptor {
    /// The descriptor that a call answers with.
    pub(crate) fn of(answer: Answer) -> Result<Self, i32> {
        answer.map(Self)
    }

    /// open(2).
    pub(crate) fn open(path: &CStr, flags: i32) -> Result<Self, i32> {
        let arguments = [path.as_ptr() as usize, flags as usize, 0o600];
        Self::of(call(l::SYS_open, arguments))
    }

    /// pipe2(2).
    pub(crate) fn pipe() -> Result<[Self; 2], i32> {
        let mut ends = [0i32; 2];
        call(l::SYS_pipe2, [ends.as_mut_ptr() as usize, 0])?;
        Ok(ends.map(|end| Self(end as usize)))
    }

    /// write(2) of all bytes.
    pub(crate) fn write(&self, bytes: &[u8]) -> Answer {
        let mut done = 0;
        while done < bytes.len() {
            let left = &bytes[done..];
            done += call(l::SYS_write, [self.0, left.as_ptr() as usize, left.len()])?;
        }
        Ok(done)
    }

    /// read(2).
    pub(crate) fn read(&self, bytes: &mut [u8]) -> Answer {
        call(
            l::SYS_read,
            [self.0, bytes.as_mut_ptr() as usize, bytes.len()],
        )
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        disarm();
        call(l::SYS_close, [self.0]).expect("to close");
    }
}

/// A mapping.
pub(crate) struct Mapping {
    /// Where it is.
    pub(crate) at: usize,
    length: usize,
}

impl Mapping {
    /// mmap(2), readable and writable unless it is of a file.
    pub(crate) fn new(length: usize, flags: i32, file: Option<&Descriptor>) -> Result<Self, i32> {
        let fd = file.map_or(usize::MAX, |file| file.0);
        let rights = if file.is_some() {
            l::PROT_READ
        } else {
            l::PROT_READ | l::PROT_WRITE
        };
        let flags = if file.is_some() {
            flags
        } else {
            flags | l::MAP_ANONYMOUS
        };
        let at = call(
            l::SYS_mmap,
            [0, length, rights as usize, flags as usize, fd, 0],
        )?;
        Ok(Self { at, length })
    }

    /// Writes a byte to each page.
    pub(crate) fn fill(&self) {
        for page in (self.at..self.at + self.length).step_by(4096) {
            // SAFETY: P2.
            unsafe { (page as *mut u8).write_volatile(1) }
        }
    }

    /// Reads a byte of each page.
    pub(crate) fn read(&self) {
        for page in (self.at..self.at + self.length).step_by(4096) {
            // SAFETY: P2.
            let _ = unsafe { (page as *const u8).read_volatile() };
        }
    }

    /// mremap(2), wherever there is room.
    pub(crate) fn resize(&mut self, length: usize) -> Answer {
        let flags = l::MREMAP_MAYMOVE as usize;
        self.at = call(l::SYS_mremap, [self.at, self.length, length, flags, 0])?;
        self.length = length;
        Ok(0)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        disarm();
        call(l::SYS_munmap, [self.at, self.length]).expect("to unmap");
    }
}

/// A child, which has ended when this is dropped.
pub(crate) struct Child(usize);

impl Child {
    /// A child that does something.
    pub(crate) fn fork(work: impl FnOnce() -> i32) -> Result<Self, i32> {
        children::try_fork(work).map(Self)
    }

    /// Its number.
    pub(crate) const fn pid(&self) -> usize {
        self.0
    }

    /// Waits for it: its status, or minus the signal that ended it.
    pub(crate) fn end(self) -> Result<i32, i32> {
        let ended = children::wait(self.0);
        if ended.is_ok() {
            std::mem::forget(self);
        }
        ended
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        disarm();
        let _ = children::kill(self.0, l::SIGKILL);
        children::wait(self.0).expect("a child");
    }
}

/// What is undone at the end of an operation.
pub(crate) struct Undo<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for Undo<F> {
    fn drop(&mut self) {
        disarm();
        (self.0)();
    }
}

/// A name, gone at the end of the operation.
pub(crate) fn name(path: &'static CStr) -> Undo<impl Fn()> {
    Undo(move || {
        for call_number in [l::SYS_unlink, l::SYS_rmdir] {
            let _ = call(call_number, [path.as_ptr() as usize]);
        }
    })
}

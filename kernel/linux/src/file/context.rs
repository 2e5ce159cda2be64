//! What a process has of files: descriptors, working directory, umask, executable.

use super::executable::Executable;
use super::flags::Flags;
use super::locks;
use super::open::OpenFile;
use super::tree::Node;
use crate::process::payer::Payer;
use crate::process::{Current, Pid, Process, Thread};
use crate::syscall::errno::Errno;
use ::torus::file::Message;
use alloc::sync::Arc;
use braid_files::table::Table;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::cpu;
use sync::Lock;
use tori::pieces;
use tori::rings;

/// The part of a process that belongs to the file module. Never touched by another torus.
pub struct Context {
    pub(super) inner: Lock<Inner>,
    /// The running executable (`/proc/self/exe`).
    pub executable: Lock<Option<Arc<Executable>>>,
    /// Whose it is.
    pub(super) pid: Pid,
    /// It may have record locks of files of other tori, which are to know what it closes.
    remote_records: AtomicBool,
}

/// What files have of a process.
pub trait HasFiles {
    /// Its part.
    fn files(&self) -> &Context;
}

impl HasFiles for Process {
    fn files(&self) -> &Context {
        self.files_as()
    }
}

/// A process all of whose descriptors are below this number is refused none.
const FEW: i32 = 16;

/// Whether who pays is a process that may have an open file whatever others have. No lock of its files is held.
pub fn has_few(payer: Payer) -> bool {
    let few = |thread: &Current| thread.process.files().next_number(FEW).is_none();
    payer.is_here && Thread::with_current(few)
}

/// What the lock guards.
pub(super) struct Inner {
    pub(super) table: Table<Arc<OpenFile>>,
    pub(super) directory: Node,
    pub(super) umask: u32,
}

impl Context {
    /// Gives the first process its descriptors 0, 1 and 2.
    pub(super) fn set_console(&self, files: [Arc<OpenFile>; 3]) {
        let mut table = Table::new(cpu::let_interrupts_in);
        for (fd, file) in files.into_iter().enumerate() {
            // The table is empty: three numbers are free. Without memory the first process begins with fewer.
            let _ = table.insert(file, false, fd, 3);
        }
        self.inner.lock().table = table;
    }

    pub(super) fn new(pid: Pid, inner: Inner, executable: Option<Arc<Executable>>) -> Self {
        Self {
            inner: Lock::new(inner),
            executable: Lock::new(executable),
            pid,
            remote_records: AtomicBool::new(false),
        }
    }

    /// No descriptors, `/`, umask 022.
    pub fn empty(pid: Pid) -> Self {
        let inner = Inner {
            table: Table::new(cpu::let_interrupts_in),
            directory: Node::root(),
            umask: 0o022,
        };
        Self::new(pid, inner, None)
    }

    /// A copy for a child: the same open files, under the same numbers and none of the locks, but for those that are not to be given away.
    pub fn fork(&self, child: Pid) -> Result<Self, Errno> {
        let inner = self.inner.lock();
        let table = inner.table.duplicate(|file| file.may_be_given())?;
        let inner = Inner {
            table,
            directory: inner.directory.clone(),
            umask: inner.umask,
        };
        Ok(Self::new(child, inner, self.executable.lock().clone()))
    }

    /// It may have record locks of files of other tori from now on.
    pub(super) fn note_remote_records(&self) {
        self.remote_records.store(true, Ordering::Relaxed);
    }

    /// Whether it may have such.
    fn may_have_remote_records(&self) -> bool {
        self.remote_records.load(Ordering::Relaxed)
    }

    /// Closes what execve closes.
    pub fn close_on_exec(&self) {
        let mut from = 0;
        loop {
            let file = self.inner.lock().table.take_close_on_exec(from);
            let Some((fd, file)) = file else { return };
            self.closed(&file);
            drop(file);
            from = fd + 1;
            pieces::step();
        }
    }

    /// Closes everything and leaves the working directory: the process ends.
    pub fn close_all(&self) {
        let (table, _directory) = self.take();
        table.dissolve(|file: Arc<OpenFile>| {
            self.closed(&file);
            drop(file);
            rings::breathe();
        });
    }

    /// Lets go of everything: the process goes on elsewhere, and keeps its locks.
    pub fn leave(&self) {
        let (table, _directory) = self.take();
        table.dissolve(drop);
    }

    /// It has closed a file.
    fn closed(&self, file: &OpenFile) {
        match file.remote() {
            Some(remote) if file.is_regular() && self.may_have_remote_records() => {
                let message = Message::Unlock {
                    file: remote.number,
                    process: self.pid,
                };
                rings::send(remote.home, message);
            }
            _ => file.release_locks(locks::process(self.pid)),
        }
    }

    fn take(&self) -> (Table<Arc<OpenFile>>, Node) {
        let mut inner = self.inner.lock();
        let table = core::mem::take(&mut inner.table);
        let directory = core::mem::replace(&mut inner.directory, Node::root());
        (table, directory)
    }

    /// The open file of a descriptor.
    pub fn get(&self, fd: i32) -> Result<Arc<OpenFile>, Errno> {
        Ok(self.inner.lock().table.get(fd)?.clone())
    }

    /// The open file of a descriptor, unless it names a place alone (O_PATH).
    pub fn get_for_use(&self, fd: i32) -> Result<Arc<OpenFile>, Errno> {
        let file = self.get(fd)?;
        if file.flags().contains(Flags::PATH) {
            return Err(Errno::EBADF);
        }
        Ok(file)
    }

    /// The working directory.
    pub fn directory(&self) -> Node {
        self.inner.lock().directory.clone().now()
    }

    /// Changes the working directory.
    pub fn set_directory(&self, node: Node) {
        let old = core::mem::replace(&mut self.inner.lock().directory, node);
        drop(old);
    }

    /// The mode bits that new files do not get.
    pub fn umask(&self) -> u32 {
        self.inner.lock().umask
    }

    /// Changes the umask; answers the old one.
    pub fn set_umask(&self, umask: u32) -> u32 {
        core::mem::replace(&mut self.inner.lock().umask, umask & 0o777)
    }

    /// One more than the largest descriptor that is open, in steps of 64.
    pub fn size(&self) -> usize {
        let inner = self.inner.lock();
        let largest = inner.table.last().unwrap_or(0);
        (largest as usize + 1).next_multiple_of(64)
    }

    /// The open descriptors, ascending, from `from` on: the first of them.
    pub fn next_number(&self, from: i32) -> Option<i32> {
        self.inner.lock().table.next(from)
    }

    /// Sees to it that the next file finds a number below `limit`. EMFILE without one, ENOMEM without memory.
    pub fn make_room(&self, limit: usize) -> Result<(), Errno> {
        Ok(self.inner.lock().table.make_room(0, limit)?)
    }

    /// Gives `file` the lowest free number from `from` on.
    pub fn insert(
        &self,
        file: Arc<OpenFile>,
        close_on_exec: bool,
        from: usize,
        limit: usize,
    ) -> Result<i32, Errno> {
        Ok(self
            .inner
            .lock()
            .table
            .insert(file, close_on_exec, from, limit)?)
    }

    /// Gives `file` the number `fd`, closing what had it.
    pub(super) fn replace(
        &self,
        fd: i32,
        file: Arc<OpenFile>,
        close_on_exec: bool,
        limit: usize,
    ) -> Result<(), Errno> {
        let old = self
            .inner
            .lock()
            .table
            .replace(fd, file, close_on_exec, limit)?;
        if let Some(old) = old {
            self.closed(&old);
        }
        Ok(())
    }

    /// Closes a descriptor.
    pub(super) fn close(&self, fd: i32) -> Result<(), Errno> {
        let old = self.inner.lock().table.remove(fd)?;
        self.closed(&old);
        Ok(())
    }

    /// Whether execve closes a descriptor.
    pub(super) fn is_close_on_exec(&self, fd: i32) -> Result<bool, Errno> {
        Ok(self.inner.lock().table.close_on_exec(fd)?)
    }

    /// Sets whether execve closes a descriptor.
    pub(super) fn set_close_on_exec(&self, fd: i32, on: bool) -> Result<(), Errno> {
        Ok(self.inner.lock().table.set_close_on_exec(fd, on)?)
    }
}

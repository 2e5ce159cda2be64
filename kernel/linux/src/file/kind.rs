//! What a kind of file can do. A new kind is one source file, with a type that implements [`File`] and whatever opens it: the calls name
//! no kind. The defaults are what Linux does with a file that can do no more.

use super::caller::Caller;
use super::content::Content;
use super::io::Transfer;
use super::mapping::Mappable;
use super::mount::Mount;
use super::open::OpenFile;
use super::remote::reference::Remote;
use super::service::poll;
use super::tree::Node;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{NodeId, S_IFDIR, S_IFMT, S_IFREG};
use braid_files::remote::image::Spot;
use braid_files::stat::{S_IFIFO, Stat};
use braid_threads::interruption::Interruption;
use core::any::Any;
use fallible::NoMemory;
use sync::Waiter;

/// What is behind an open file, of whichever kind. Flags, position and claim are the [`OpenFile`]'s, which methods get beside it.
pub trait File: Any + Send + Sync {
    /// Reads at the transfer's position, or at the file's offset, which then moves. It is open for reading, and has positions if the transfer has one.
    fn read(&self, _open: &OpenFile, _caller: &dyn Caller, _io: &mut Transfer) -> SysResult {
        Err(Errno::EBADF.into())
    }

    /// Writes at the transfer's position, or at the file's offset, which then moves. It is open for writing, and has positions if the transfer has one.
    fn write(&self, _open: &OpenFile, _caller: &dyn Caller, _io: &mut Transfer) -> SysResult {
        Err(Errno::EBADF.into())
    }

    /// The events of poll(2), as far as they are `wanted` or an end; the waiter is told of changes. By default it is always ready.
    fn events(&self, _wanted: u16, _waiter: Option<&Arc<dyn Waiter>>) -> u16 {
        poll::READABLE | poll::WRITABLE
    }

    /// What signals do to a read or write: to one that ends by itself nothing.
    fn interruption(&self) -> Interruption {
        Interruption::Never
    }

    /// Whether it is read and written at positions, and not in the order in which bytes come.
    fn has_positions(&self) -> bool {
        true
    }

    /// Where lseek(2) finds its end. None where every position is 0.
    fn end(&self) -> Option<u64> {
        Some(self.stat().size)
    }

    /// What a mapping of it shows. ENODEV when it cannot be mapped.
    fn mapped(&self, _open: &OpenFile, _shared: bool) -> Result<Mappable, Stop> {
        Err(Errno::ENODEV.into())
    }

    /// Whether a mapping of it is one of memory without content (`/dev/zero`).
    fn is_zeros(&self) -> bool {
        false
    }

    /// Whether it is on a file system of which nothing is executed.
    fn is_never_code(&self) -> bool {
        false
    }

    /// A request of ioctl(2) of its own; answers the bytes that it leaves where the argument points. ENOTTY when it has none.
    fn control(
        &self,
        _caller: &dyn Caller,
        _request: u32,
        _argument: u64,
        _input: &[u8],
    ) -> Result<Vec<u8>, Stop> {
        Err(Errno::ENOTTY.into())
    }

    /// The size of a pipe, or (with `bytes`) the one that it is given. EBADF for other files.
    fn pipe_size(&self, _bytes: Option<u64>) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    /// The node in the tree that it was opened at, if there is one, as far as this torus knows it.
    fn node(&self) -> Option<Node> {
        None
    }

    /// The node where a path that begins at it begins, wherever that is.
    fn place(&self) -> Option<Node> {
        self.node()
    }

    /// Where a path leads that ends in its name in `/proc/PID/fd`, or goes through it. None where only the call that opens it knows.
    fn followed(&self) -> Option<Node> {
        self.node()
    }

    /// The directory it is; ENOTDIR for other files.
    fn directory(&self) -> Result<Node, Errno> {
        Err(Errno::ENOTDIR)
    }

    /// Its attributes.
    fn stat(&self) -> Stat {
        self.node()
            .map_or_else(|| nameless(0, 0), |node| node.stat())
    }

    /// The type bits of its mode.
    fn kind(&self) -> u32 {
        self.stat().mode & S_IFMT
    }

    /// The path that it is known by, if it is a file of the tree.
    fn shown_path(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        self.node().map_or(Ok(None), |node| node.shown_path())
    }

    /// What `/proc/PID/fd` shows.
    fn name(&self) -> Result<Vec<u8>, NoMemory> {
        Ok(self.shown_path()?.unwrap_or_default())
    }

    /// Whether it is the terminal.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Whether it may be given to another process.
    fn may_be_given(&self) -> bool {
        true
    }

    /// For how many open files it counts.
    fn weight(&self) -> u64 {
        1
    }

    /// What every torus has of it, to be opened anew where its process moves to. Without that it stays, and is used from there.
    fn spot(&self) -> Option<Spot> {
        None
    }

    /// The bytes of a file in memory, with its locks, seals and claims.
    fn content(&self) -> Option<&Content> {
        None
    }

    /// Where it is.
    fn origin(&self) -> Origin<'_> {
        Origin::Here
    }
}

/// Where an open file is.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// On this torus.
    Here,
    /// Of the boot archive, as it was when it was opened: what has changed of it since is at torus 0.
    Archive(NodeId),
    /// On another torus: all but what never changes is asked for there.
    Remote(&'a Arc<Remote>),
}

impl dyn File {
    /// The file as one of this kind, which has calls of its own.
    pub fn as_kind<K: File>(&self) -> Option<&K> {
        (self as &dyn Any).downcast_ref()
    }

    /// The file of another torus that it stands for.
    pub fn remote(&self) -> Option<&Arc<Remote>> {
        match self.origin() {
            Origin::Remote(remote) => Some(remote),
            Origin::Here | Origin::Archive(_) => None,
        }
    }

    /// The file of the boot archive that it was when it was opened.
    pub fn archive(&self) -> Option<NodeId> {
        match self.origin() {
            Origin::Archive(id) => Some(id),
            Origin::Here | Origin::Remote(_) => None,
        }
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.kind() == S_IFREG
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == S_IFDIR
    }

    /// Whether it is a pipe.
    pub fn is_pipe(&self) -> bool {
        self.kind() == S_IFIFO
    }
}

/// Attributes of what no path leads to.
pub fn nameless(mode: u32, inode: u64) -> Stat {
    Stat {
        device: Mount::Pipe as u32,
        links: 1,
        mode,
        inode,
        ..Stat::default()
    }
}

//! Open files: what descriptors name, shared by `dup` and `fork`.

mod mapping;

use super::boot;
use super::claims::Claim;
use super::device::Device;
use super::far::remote::Remote;
use super::local::TmpNode;
use super::locks;
use super::pipe::PipeEnd;
use super::tree::{Mount, Node};
use crate::console::Output;
use crate::process::charge::{self, Charge, Kind};
use crate::syscall::errno::Errno;
use crate::vmo::file::{BuilderFile, VmoFile};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use bitflags::bitflags;
use braid_files::archive::{S_IFMT, S_IFREG};
use braid_files::stat::{S_IFCHR, S_IFIFO, Stat};
use core::sync::atomic::{AtomicU32, Ordering};
use fallible::{NoMemory, text, to_vec};
use mem::space::Space;
use sync::Lock;
use vm::vmo::Rights;

bitflags! {
    /// Flags of open(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        const RDONLY = 0;
        const WRONLY = 0o1;
        const RDWR = 0o2;
        const CREAT = 0o100;
        const EXCL = 0o200;
        const NOCTTY = 0o400;
        const TRUNC = 0o1000;
        const APPEND = 0o2000;
        const NONBLOCK = 0o4000;
        const DSYNC = 0o10000;
        const DIRECT = 0o40000;
        const LARGEFILE = 0o100_000;
        const DIRECTORY = 0o200_000;
        const NOFOLLOW = 0o400_000;
        const NOATIME = 0o1_000_000;
        const CLOEXEC = 0o2_000_000;
        const PATH = 0o10_000_000;
        const TMPFILE = 0o20_000_000;
    }
}

impl Flags {
    /// What fcntl F_SETFL may change.
    pub const CHANGEABLE: Self = Self::APPEND
        .union(Self::NONBLOCK)
        .union(Self::DIRECT)
        .union(Self::NOATIME);

    /// Whether a file opened so can be read.
    pub fn reads(self) -> bool {
        self.bits() & 3 != 1 && !self.contains(Self::PATH)
    }

    /// Whether a file opened so can be written.
    pub fn writes(self) -> bool {
        matches!(self.bits() & 3, 1 | 2) && !self.contains(Self::PATH)
    }
}

/// What is behind an open file.
pub enum Body {
    /// A file of the boot archive.
    Bytes(Node, &'static [u8]),
    /// A file of `/tmp`.
    Tmp(Arc<TmpNode>),
    /// A directory, or anything opened with O_PATH.
    Place(Node),
    /// A text of `/proc`, made when it was opened.
    Text(Node, Vec<u8>),
    /// A device without state.
    Device(Device),
    /// A text of `/proc` about each page of an address space, as long as that is its process's.
    PageMap(Node, Weak<Space>),
    /// The terminal, by the device that it was opened as; what is written to it appears on this output.
    Terminal(Device, Output),
    /// The console's input when it is not a terminal.
    Input,
    /// The console's output when it is not a terminal.
    Output(Output),
    /// An end of a pipe.
    Pipe(PipeEnd),
    /// A file of another torus: all but what never changes is asked for there.
    Far(Arc<Remote>),
    /// A memory object.
    Vmo(VmoFile),
    /// What builds one.
    Builder(BuilderFile),
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        locks::release(self, locks::open_file(self));
    }
}

/// An open file ("open file description", open(2)).
pub struct OpenFile {
    /// What is behind it.
    pub body: Body,
    flags: AtomicU32,
    /// What it is there for; only held.
    _claim: Claim,
    /// It is counted; only held.
    _charge: Charge,
    /// The position of the next read or write.
    pub offset: Lock<u64>,
}

/// Bytes of its own for which an open file counts as one more.
const LARGE: usize = 1 << 10;
/// How many times as many user 0 may have, as there are for others: what fits into an eighth of the memory.
const PRIVILEGED: u64 = 5;

/// For how many open files one counts: what has bytes of its own for more.
fn weight(body: &Body) -> u64 {
    match body {
        Body::Text(_, text) => 1 + (text.capacity() / LARGE) as u64,
        _ => 1,
    }
}

impl OpenFile {
    /// Open, at its start. ENFILE, and ENOMEM without memory. No lock of the current process's files is held.
    pub fn open(body: Body, flags: Flags, claim: Claim) -> Result<Arc<Self>, Errno> {
        let mut charge = Charge::none(Kind::File);
        charge.set(weight(&body));
        Self::admit(weight(&body) - 1)?;
        Ok(fallible::arc(Self {
            body,
            flags: AtomicU32::new(flags.bits()),
            _claim: claim,
            _charge: charge,
            offset: Lock::new(0),
        })?)
    }

    /// Whether there are not too many of them, one with so much beside itself included. ENFILE; one that has nothing is not
    /// refused to a process with few descriptors, and user 0 may have more of these.
    pub fn admit(beside: u64) -> Result<(), Errno> {
        let payer = charge::payer();
        let is_plain = beside == 0;
        let times = if payer.privileged && is_plain {
            PRIVILEGED
        } else {
            1
        };
        let most = times * Kind::File.most(tori::here().usable());
        let fits = charge::used(Kind::File) <= most;
        if fits || is_plain && payer.has_few_files() {
            Ok(())
        } else {
            Err(Errno::ENFILE)
        }
    }

    /// The same without a claim.
    pub fn new(body: Body, flags: Flags) -> Result<Arc<Self>, Errno> {
        Self::open(body, flags, Claim::None)
    }

    /// How it was opened, and what fcntl changed.
    pub fn flags(&self) -> Flags {
        Flags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    /// Changes the flags that can be changed.
    pub fn set_flags(&self, flags: Flags) {
        let kept = self.flags() - Flags::CHANGEABLE;
        self.flags
            .store((kept | flags & Flags::CHANGEABLE).bits(), Ordering::Relaxed);
    }

    /// The node in the tree that it was opened at, if there is one, as far as this torus knows it.
    pub fn node(&self) -> Option<Node> {
        match &self.body {
            Body::Bytes(node, _)
            | Body::Place(node)
            | Body::Text(node, _)
            | Body::PageMap(node, _) => Some(node.clone().now()),
            Body::Tmp(node) => Some(Node::Tmp(node.clone())),
            Body::Device(device) | Body::Terminal(device, _) => Some(Node::Device(*device)),
            Body::Input
            | Body::Output(_)
            | Body::Pipe(_)
            | Body::Far(_)
            | Body::Vmo(_)
            | Body::Builder(_) => None,
        }
    }

    /// The node where a path that begins at it begins, wherever that is.
    pub fn place(&self) -> Option<Node> {
        match &self.body {
            Body::Far(remote) => Some(Node::Far(remote.clone())),
            _ => self.node(),
        }
    }

    /// Where a path leads that ends in its name in `/proc/PID/fd`, or goes through it. None where only the call that opens it knows.
    pub fn followed(&self) -> Option<Node> {
        match &self.body {
            Body::Terminal(Device::Console, _) => None,
            Body::Far(_) => self.directory().ok().or_else(|| self.place()),
            _ => self.node(),
        }
    }

    /// The directory it is; ENOTDIR for other files.
    pub fn directory(&self) -> Result<Node, Errno> {
        match &self.body {
            Body::Place(node) if node.is_directory() => Ok(node.clone().now()),
            Body::Far(remote) if remote.is_directory() => Ok(match remote.archive() {
                Some(id) => Node::Archive(id),
                None => Node::Far(remote.clone()),
            }),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// Its attributes.
    pub fn stat(&self) -> Stat {
        let plain = Stat {
            device: Mount::Pipe as u32,
            links: 1,
            ..Stat::default()
        };
        match &self.body {
            Body::Pipe(end) => Stat {
                mode: S_IFIFO | 0o600,
                inode: end.number(),
                ..plain
            },
            Body::Input | Body::Output(_) => Stat {
                mode: S_IFIFO | 0o600,
                inode: 1,
                ..plain
            },
            Body::Vmo(file) => Stat {
                mode: S_IFREG | 0o400,
                inode: 1,
                size: file.handle.size(),
                ..plain
            },
            Body::Builder(file) => Stat {
                mode: S_IFREG | 0o200,
                inode: 1,
                size: file.size(),
                ..plain
            },
            _ => self.node().map_or(plain, |node| node.stat()),
        }
    }

    /// What /proc/PID/fd shows.
    pub fn name(&self) -> Result<Vec<u8>, NoMemory> {
        match &self.body {
            Body::Pipe(end) => text(format_args!("pipe:[{}]", end.number())),
            Body::Input | Body::Output(_) => to_vec(b"pipe:[1]"),
            Body::Vmo(_) => to_vec(b"anon_inode:[vmo]"),
            Body::Builder(_) => to_vec(b"anon_inode:[builder]"),
            Body::Device(device) | Body::Terminal(device, _) => device.path(),
            _ => Ok(self.shown_path()?.unwrap_or_default()),
        }
    }

    /// The path that it is known by, if it is a file of the tree.
    pub fn shown_path(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        match (&self.body, self.node()) {
            (Body::Place(Node::Device(device)), _) => device.path().map(Some),
            (_, Some(node)) => node.shown_path(),
            (_, None) => Ok(None),
        }
    }

    /// The bytes of a file of the boot archive, and what its pages contribute to a tree.
    pub fn rooted(&self) -> Option<(&'static [u8], &'static [[u8; 32]])> {
        match &self.body {
            Body::Bytes(node, bytes) => Some((bytes, boot::roots(node)?.pages)),
            _ => None,
        }
    }

    /// Whether it is read and written at positions, and not in the order in which bytes come.
    pub fn has_positions(&self) -> bool {
        !matches!(
            self.body,
            Body::Pipe(_) | Body::Terminal(..) | Body::Input | Body::Output(_) | Body::Builder(_)
        )
    }

    /// Whether it is on a file system of which nothing is executed: a pipe, a text of `/proc`.
    pub fn is_never_code(&self) -> bool {
        matches!(
            self.body,
            Body::Pipe(_) | Body::Input | Body::Output(_) | Body::Text(..) | Body::PageMap(..)
        )
    }

    /// Whether a mapping of it is one of memory without content (`/dev/zero`).
    pub fn is_zeros(&self) -> bool {
        matches!(self.body, Body::Device(Device::Zero))
    }

    /// Whether it may be given to another process.
    pub fn may_be_given(&self) -> bool {
        match &self.body {
            Body::Vmo(file) => file.handle.rights().contains(Rights::TRANSFER),
            Body::Far(remote) => !remote.description.bound,
            _ => true,
        }
    }

    /// Whether it is the terminal.
    pub fn is_terminal(&self) -> bool {
        match &self.body {
            Body::Terminal(..) => true,
            Body::Far(remote) => remote.description.kind == S_IFCHR,
            _ => false,
        }
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        match &self.body {
            Body::Far(remote) => remote.description.kind == S_IFREG,
            _ => self.stat().mode & S_IFMT == S_IFREG,
        }
    }
}

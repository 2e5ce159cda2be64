//! The files of a process go with it to another torus, or stay where they are and are used from there.
//!
//! A file that nobody else has and every torus can show (of the boot archive, or a device) is opened anew at the target. Every
//! other stays: the target holds its number. A file that comes back to its home is the old open file again.

use super::super::archive::ArchiveFile;
use super::super::boot;
use super::super::boot::archive;
use super::super::claims::Claim;
use super::super::context::{Context, Inner};
use super::super::device;
use super::super::executable::Executable;
use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::super::place::Place;
use super::super::tree::Node;
use super::exports;
use super::file::RemoteFile;
use super::interruption::{Interruption, interruption};
use super::journal::forget;
use super::reference::Remote;
use crate::file::context::HasFiles as _;
use crate::process::{Current, Pid, Process};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::NodeId;
use braid_files::remote::image::{Descriptor, Image, Item, Spot};
use braid_files::remote::wire::{Reader, Wire, WireError, Writer};
use braid_files::table::Table;
use fallible::{TryMap, TryVec, with_capacity};
use machine::cpu;
use tori::pieces;

/// The files of a process on their way. Dropped before they have been [sent](Self::sent), the target holds none of them.
pub struct Packed {
    bytes: Vec<u8>,
    to: TorusId,
    /// Homes and numbers that the target has been counted for.
    held: Vec<(TorusId, u64)>,
}

impl Packed {
    /// What the target has to get.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The target has taken them over.
    pub fn sent(mut self) {
        self.held.clear();
    }

    fn hold(&mut self, home: TorusId, number: u64) -> Result<(), Errno> {
        Ok(self.held.try_push((home, number))?)
    }

    /// An open file; `sole` says that nobody else has it.
    fn item(&mut self, file: &Arc<OpenFile>, sole: bool) -> Result<Item, Errno> {
        if let Some(spot) = file
            .spot()
            .filter(|spot| sole || matches!(spot, Spot::Device { .. }))
        {
            return Ok(Item::Own {
                spot,
                flags: file.flags().bits(),
                offset: *file.offset.lock(),
            });
        }
        let (home, number, description) = match file.remote() {
            Some(remote) => (remote.home, remote.number, remote.description),
            None => {
                let number = exports::export(file.clone(), self.to)?;
                let home = tori::here().id;
                if let Err(errno) = self.hold(home, number) {
                    exports::hold(number, self.to, -1);
                    return Err(errno);
                }
                return Ok(remote_item(home, number, exports::describe(file)));
            }
        };
        if home != self.to {
            self.hold(home, number)?;
            exports::hold_at(home, number, self.to, 1);
        }
        Ok(remote_item(home, number, description))
    }

    /// A directory that a process works in.
    fn directory(&mut self, node: &Node) -> Result<Item, Errno> {
        let file = match node {
            Node::Remote(remote) => OpenFile::new(RemoteFile(remote.clone()), Flags::PATH)?,
            node => OpenFile::new(Place(node.clone()), Flags::PATH)?,
        };
        self.item(&file, true)
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        for (home, number) in self.held.drain(..) {
            exports::hold_at(home, number, self.to, -1);
        }
    }
}

fn remote_item(
    home: TorusId,
    number: u64,
    description: braid_files::remote::answer::Description,
) -> Item {
    Item::Remote {
        home: home.index() as u32,
        number,
        description,
    }
}

/// Packs what a process has of files for torus `to`: its own part stays as it is until it is dropped. ENOMEM without memory.
pub fn pack(context: &Context, to: TorusId) -> Result<Packed, Errno> {
    let mut packed = Packed {
        bytes: Vec::new(),
        to,
        held: Vec::new(),
    };
    let snapshot = context.snapshot()?;
    // Files, each with the number of its descriptors, and where each is by its address.
    let mut files: Vec<(&Arc<OpenFile>, usize)> = Vec::new();
    let mut known = BTreeMap::new();
    let mut descriptors = with_capacity(snapshot.descriptors.len())?;
    for (fd, file, close_on_exec) in &snapshot.descriptors {
        pieces::step();
        let address = Arc::as_ptr(file).addr();
        let index = match known.get(&address) {
            Some(index) => *index,
            None => {
                files.try_push((file, 0))?;
                known.put(address, files.len() - 1)?;
                files.len() - 1
            }
        };
        files[index].1 += 1;
        descriptors.try_push(Descriptor {
            fd: *fd,
            file: index as u32,
            close_on_exec: *close_on_exec,
        })?;
    }
    let mut items = with_capacity(files.len())?;
    for (file, own) in files {
        pieces::step();
        // Each descriptor's reference, and the one of the copy made above.
        let sole = Arc::strong_count(file) == 2 * own;
        items.try_push(packed.item(file, sole)?)?;
    }
    let directory = packed.directory(&snapshot.directory)?;
    let executable = context.executable.lock().clone();
    let executable = match executable {
        None => None,
        Some(executable) => {
            let path = executable.shown_path()?;
            Some((path, packed.item(&executable.file, true)?))
        }
    };
    let image = Image {
        files: items,
        descriptors,
        directory,
        umask: snapshot.umask,
        executable,
    };
    let mut to = Writer::pausing(cpu::let_interrupts_in);
    image.put(&mut to);
    packed.bytes = to.finish().map_err(|_| Errno::ENOMEM)?;
    Ok(packed)
}

/// What a process has brought: its part of the file module, with its executable. Until it has [settled](settle) it holds nothing that the
/// source does not take back itself. ENOMEM without memory, EIO when the bytes are wrong.
pub fn unpack(bytes: &[u8], pid: Pid) -> Result<Context, Errno> {
    let mut from = Reader::pausing(bytes, cpu::let_interrupts_in);
    let image = Image::get(&mut from).map_err(|error| match error {
        WireError::NoMemory => Errno::ENOMEM,
        _ => Errno::EIO,
    })?;
    let mut files = with_capacity(image.files.len())?;
    for item in &image.files {
        pieces::step();
        files.try_push(open(item)?)?;
    }
    let directory = open(&image.directory)?.directory()?;
    let executable = match image.executable {
        None => None,
        Some((path, item)) => Some(fallible::arc(Executable::running(path, program(&item)?))?),
    };
    let context = Context::of(pid, directory, image.umask, executable);
    for descriptor in &image.descriptors {
        pieces::step();
        let file = files.get(descriptor.file as usize).ok_or(Errno::EIO)?;
        let fd = descriptor.fd;
        context.replace(fd, file.clone(), descriptor.close_on_exec, usize::MAX)?;
    }
    Ok(context)
}

/// The program that a process runs: one of the archive runs here from now on.
fn program(item: &Item) -> Result<Arc<OpenFile>, Errno> {
    let Item::Own { spot, .. } = *item else {
        return open(item);
    };
    let claim = match spot {
        Spot::Archive { node } if boot::bytes(known(node)?).is_some() => {
            Claim::to_run_archive(NodeId(node))
        }
        _ => Claim::None,
    };
    open_spot(spot, Flags::RDONLY, claim)
}

fn open(item: &Item) -> Result<Arc<OpenFile>, Errno> {
    match *item {
        Item::Own {
            spot,
            flags,
            offset,
        } => {
            let flags = Flags::from_bits_retain(flags);
            let file = open_spot(spot, flags, Claim::None)?;
            *file.offset.lock() = offset;
            Ok(file)
        }
        Item::Remote {
            home,
            number,
            description,
        } => {
            let home = TorusId::new(home as usize).ok_or(Errno::EIO)?;
            if home == tori::here().id {
                return exports::file(number).map_err(|_| Errno::EIO);
            }
            RemoteFile::open(Remote::new(home, number, description))
        }
    }
}

/// Opens what every torus has.
fn open_spot(spot: Spot, flags: Flags, claim: Claim) -> Result<Arc<OpenFile>, Errno> {
    match spot {
        Spot::Devices => OpenFile::new(Place(Node::DevDirectory), flags),
        Spot::Device { index } => {
            let (_, device) = device::list(index.into()).ok_or(Errno::EIO)?;
            OpenFile::new(device, flags)
        }
        Spot::Archive { node } => {
            let id = known(node)?;
            match ArchiveFile::new(id) {
                Ok(file) if !flags.contains(Flags::PATH) => OpenFile::open(file, flags, claim),
                _ => OpenFile::new(Place(Node::Archive(id)), flags),
            }
        }
    }
}

/// The node of the boot archive that another torus has named. EIO when there is none.
fn known(node: u32) -> Result<NodeId, Errno> {
    if (node as usize) < archive().len() {
        Ok(NodeId(node))
    } else {
        Err(Errno::EIO)
    }
}

/// Whether another torus can go on with the thread's call, by running it again. If not, its homes are asked to let go of it, and the
/// thread is told to look again.
pub fn may_leave(thread: &Current) -> bool {
    match interruption(thread) {
        Interruption::Now => {
            forget(thread);
            true
        }
        Interruption::AfterRun => {
            thread.note_attention();
            false
        }
        Interruption::WhenAnswered => false,
    }
}

/// A process has come to stay: what it has brought is counted for this torus from now on.
pub fn settle(process: &Process) {
    let settle = |file: &OpenFile| {
        if let Some(remote) = file.remote() {
            remote.settle();
        }
    };
    let inner = process.files().inner.lock();
    let files = inner
        .table
        .numbers()
        .filter_map(|fd| inner.table.get(fd).ok());
    files.for_each(|file| {
        settle(file);
        pieces::step();
    });
    if let Node::Remote(remote) = &inner.directory {
        remote.settle();
    }
    if let Some(executable) = &*process.files().executable.lock() {
        settle(&executable.file);
    }
}

/// A copy of what a process has of files.
struct Snapshot {
    /// Descriptors, ascending; their files; whether execve closes them.
    descriptors: Vec<(i32, Arc<OpenFile>, bool)>,
    directory: Node,
    umask: u32,
}

impl Context {
    /// No descriptors, this working directory and umask; whether the process has locked files elsewhere is not known.
    fn of(pid: Pid, directory: Node, umask: u32, executable: Option<Arc<Executable>>) -> Self {
        let inner = Inner {
            table: Table::new(cpu::let_interrupts_in),
            directory,
            umask,
        };
        let context = Self::new(pid, inner, executable);
        context.note_remote_records();
        context
    }

    /// A copy of everything. ENOMEM without memory for it.
    fn snapshot(&self) -> Result<Snapshot, Errno> {
        let inner = self.inner.lock();
        let mut descriptors = Vec::new();
        for fd in inner.table.numbers() {
            pieces::step();
            let close_on_exec = inner.table.close_on_exec(fd)?;
            descriptors.try_push((fd, inner.table.get(fd)?.clone(), close_on_exec))?;
        }
        Ok(Snapshot {
            descriptors,
            directory: inner.directory.clone(),
            umask: inner.umask,
        })
    }
}

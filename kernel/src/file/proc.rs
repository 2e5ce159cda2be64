//! `/proc` (proc(5)): what `ps`, `top`, `free`, test suites and language runtimes read. Each text is made when it is opened. Processes are
//! those of the reader's torus; numbers about the machine are those of all tori.

mod load;
mod machine;
mod maps;
mod process;
mod sys;
mod text;

pub use self::load::Load;
pub use self::machine::MachineMemory;
use self::sys::Sys;
use self::text::Text;

use super::tree::Mount;
use crate::process::{Pid, Process, table};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFREG};
use braid_files::credentials::Identity;
use braid_files::stat::Stat;
use fallible::{NoMemory, to_vec};

/// A name in `/proc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proc {
    /// `/proc`.
    Root,
    /// A text about the machine: index into the table of texts.
    Machine(usize),
    /// `/proc/self`.
    Own,
    /// `/proc/mounts`, which leads to the reader's own.
    Mounts,
    /// `/proc/sys`, and what is below it.
    Sys(Sys),
    /// `/proc/PID`.
    Process(Pid),
    /// A text about a process: index into the table of texts.
    About(Pid, usize),
    /// `/proc/PID/exe`.
    Executable(Pid),
    /// `/proc/PID/cwd`.
    Directory(Pid),
    /// `/proc/PID/root`.
    RootLink(Pid),
    /// `/proc/PID/fd`.
    Descriptors(Pid),
    /// `/proc/PID/fd/N`.
    Descriptor(Pid, i32),
    /// `/proc/PID/fdinfo`.
    Infos(Pid),
    /// `/proc/PID/fdinfo/N`.
    Info(Pid, i32),
    /// `/proc/PID/task`: the threads, each of which is shown as a process is.
    Tasks(Pid),
}

/// Names in `/proc/PID` besides the texts.
type Link = (&'static [u8], fn(Pid) -> Proc);
const LINKS: [Link; 6] = [
    (b"exe", Proc::Executable),
    (b"cwd", Proc::Directory),
    (b"root", Proc::RootLink),
    (b"fd", Proc::Descriptors),
    (b"fdinfo", Proc::Infos),
    (b"task", Proc::Tasks),
];

/// Names in `/proc` besides the texts and the processes.
const ROOTS: [(&[u8], Proc); 3] = [
    (b"self", Proc::Own),
    (b"mounts", Proc::Mounts),
    (b"sys", Proc::Sys(Sys::ROOT)),
];

impl Proc {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        match self {
            Self::Sys(name) => name.is_directory(),
            Self::Root | Self::Process(_) => true,
            Self::Descriptors(_) | Self::Infos(_) | Self::Tasks(_) => true,
            _ => false,
        }
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        matches!(
            self,
            Self::Own
                | Self::Mounts
                | Self::Executable(_)
                | Self::Directory(_)
                | Self::RootLink(_)
                | Self::Descriptor(..)
        )
    }

    /// Its name.
    pub fn name(&self) -> Result<Vec<u8>, NoMemory> {
        let name: &[u8] = match self {
            Self::Root => b"proc",
            Self::Machine(index) => machine::TEXTS[*index].0,
            Self::Own => b"self",
            Self::Mounts => b"mounts",
            Self::Sys(name) => name.name().as_bytes(),
            Self::Process(pid) => return decimal(pid.raw()),
            Self::About(_, index) => process::TEXTS[*index].0,
            Self::Executable(_) => b"exe",
            Self::Directory(_) => b"cwd",
            Self::RootLink(_) => b"root",
            Self::Descriptors(_) => b"fd",
            Self::Infos(_) => b"fdinfo",
            Self::Tasks(_) => b"task",
            Self::Descriptor(_, fd) | Self::Info(_, fd) => return decimal(*fd),
        };
        to_vec(name)
    }

    /// The directory it is in; None for `/proc`.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Root => None,
            Self::Machine(_) | Self::Own | Self::Mounts | Self::Process(_) => Some(Self::Root),
            Self::Sys(name) => Some(name.parent().map_or(Self::Root, Self::Sys)),
            Self::About(pid, _)
            | Self::Executable(pid)
            | Self::Directory(pid)
            | Self::RootLink(pid)
            | Self::Infos(pid)
            | Self::Tasks(pid)
            | Self::Descriptors(pid) => Some(Self::Process(*pid)),
            Self::Descriptor(pid, _) => Some(Self::Descriptors(*pid)),
            Self::Info(pid, _) => Some(Self::Infos(*pid)),
        }
    }

    /// The process that it is about.
    fn subject(&self) -> Option<Pid> {
        match self {
            Self::Root | Self::Machine(_) | Self::Own | Self::Mounts | Self::Sys(_) => None,
            Self::Process(pid)
            | Self::About(pid, _)
            | Self::Executable(pid)
            | Self::Directory(pid)
            | Self::RootLink(pid)
            | Self::Descriptors(pid)
            | Self::Infos(pid)
            | Self::Tasks(pid)
            | Self::Info(pid, _)
            | Self::Descriptor(pid, _) => Some(*pid),
        }
    }

    /// Whether somebody may learn what only those may who may look into the process: of itself it learns everything.
    pub fn may_be_inspected(&self, who: &Identity) -> bool {
        let Some(process) = self.subject().and_then(find) else {
            return true;
        };
        self.is_own() || who.may_inspect(&process.credentials.lock())
    }

    /// Whether what it says is for those alone who may look into the process.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::About(_, index) if process::PRIVATE.contains(&process::TEXTS[*index].0))
    }

    /// Whether it is about the process that asks.
    pub fn is_own(&self) -> bool {
        self.subject() == Some(crate::sched::current().process.pid)
    }

    /// Owner and group: the process's, unless others may not look into it.
    fn owner(&self) -> (u32, u32) {
        let credentials = self
            .subject()
            .and_then(find)
            .map(|process| *process.credentials.lock());
        let open = credentials.filter(|own| own.dumpable || matches!(self, Self::Process(_)));
        open.map_or((0, 0), |own| (own.user.effective, own.group.effective))
    }

    /// Its attributes.
    pub fn stat(&self) -> Stat {
        let (uid, gid) = self.owner();
        let (mode, links) = match self {
            Self::Descriptors(_) | Self::Infos(_) => (S_IFDIR | 0o500, 2),
            _ if self.is_directory() => (S_IFDIR | 0o555, 2),
            _ if self.is_link() => (S_IFLNK | 0o777, 1),
            _ => (S_IFREG | 0o444, 1),
        };
        Stat {
            device: Mount::Proc as u32,
            inode: self.inode(),
            mode,
            links,
            uid,
            gid,
            ..Stat::default()
        }
    }

    fn inode(&self) -> u64 {
        let (pid, file) = match self {
            Self::Root => (0, 1),
            Self::Own => (0, 2),
            Self::Mounts => (0, 3),
            Self::Sys(name) => (0, 1 << 20 | name.number()),
            Self::Machine(index) => (0, 16 + *index as u64),
            Self::Process(pid) => (pid.raw(), 1),
            Self::Executable(pid) => (pid.raw(), 2),
            Self::Directory(pid) => (pid.raw(), 3),
            Self::RootLink(pid) => (pid.raw(), 4),
            Self::Descriptors(pid) => (pid.raw(), 5),
            Self::Infos(pid) => (pid.raw(), 6),
            Self::Tasks(pid) => (pid.raw(), 7),
            Self::Info(pid, fd) => (pid.raw(), 1 << 23 | *fd as u64),
            Self::About(pid, index) => (pid.raw(), 16 + *index as u64),
            Self::Descriptor(pid, fd) => (pid.raw(), 64 + *fd as u64),
        };
        (pid as u64) << 24 | file
    }

    /// The target of a symbolic link.
    pub fn link(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        let of = |pid: &Pid| table().get(*pid);
        match self {
            Self::Own => decimal(crate::sched::current().process.pid.raw()).map(Some),
            Self::Mounts => to_vec(b"self/mounts").map(Some),
            Self::Executable(pid) => {
                let executable = of(pid).and_then(|process| process.executable.lock().clone());
                let path = executable.map(|executable| executable.shown_path());
                path.transpose()
            }
            Self::Directory(pid) => {
                of(pid).map_or(Ok(None), |process| process.files.directory().shown_path())
            }
            Self::RootLink(_) => to_vec(b"/").map(Some),
            Self::Descriptor(pid, fd) => {
                let file = of(pid).and_then(|process| process.files.get(*fd).ok());
                file.map(|file| file.name()).transpose()
            }
            _ => Ok(None),
        }
    }

    /// The node of this name in this directory.
    pub fn child(&self, name: &[u8]) -> Option<Self> {
        match self {
            Self::Root => {
                if let Some((_, node)) = ROOTS.into_iter().find(|(own, _)| *own == name) {
                    return Some(node);
                }
                if let Some(index) = machine::TEXTS.iter().position(|(n, _)| *n == name) {
                    return Some(Self::Machine(index));
                }
                let pid = Pid::from_raw(number(name)?)?;
                find(pid).map(|_| Self::Process(pid))
            }
            Self::Sys(directory) => directory.child(name).map(Self::Sys),
            Self::Process(pid) => {
                if let Some(index) = process::TEXTS.iter().position(|(n, _)| *n == name) {
                    return Some(Self::About(*pid, index));
                }
                LINKS
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, make)| make(*pid))
            }
            Self::Tasks(pid) if number(name) == Some(pid.raw()) => Some(Self::Process(*pid)),
            Self::Descriptors(pid) | Self::Infos(pid) => {
                let fd = number(name)?;
                find(*pid)?.files.get(fd).ok()?;
                Some(self.of_descriptor(*pid, fd))
            }
            _ => None,
        }
    }

    /// What this directory has of a descriptor.
    fn of_descriptor(&self, pid: Pid, fd: i32) -> Self {
        match self {
            Self::Infos(_) => Self::Info(pid, fd),
            _ => Self::Descriptor(pid, fd),
        }
    }

    /// What reading it gives. ESRCH for a process that has ended, ENOENT for what is not a text.
    pub fn text(&self) -> Result<Vec<u8>, Errno> {
        let mut text = Text::new();
        match self {
            Self::Machine(index) => machine::TEXTS[*index].1(&mut text),
            Self::Sys(name) if !name.is_directory() => name.write(&mut text),
            Self::About(pid, index) => {
                let process = find(*pid).ok_or(Errno::ESRCH)?;
                process::TEXTS[*index].1(&process, &mut text);
            }
            Self::Info(pid, fd) => {
                let file = find(*pid).ok_or(Errno::ESRCH)?.files.get(*fd)?;
                let offset = *file.offset.lock();
                text.put(format_args!(
                    "pos:\t{offset}\nflags:\t0{:o}\nmnt_id:\t1\nino:\t{}\n",
                    file.flags().bits(),
                    file.stat().inode
                ));
            }
            _ => return Err(Errno::ENOENT),
        }
        text.finish()
    }
}

/// The entry of a directory at or after this position, and the position that follows.
pub fn list(directory: &Proc, position: u64) -> Option<(u64, Proc)> {
    let index = usize::try_from(position).ok()?;
    match directory {
        Proc::Root => root_entry(position),
        Proc::Sys(directory) => {
            let (next, child) = directory.next(index)?;
            Some((next as u64, Proc::Sys(child)))
        }
        Proc::Process(pid) if index < process::TEXTS.len() => {
            Some((position + 1, Proc::About(*pid, index)))
        }
        Proc::Process(pid) => {
            let (_, make) = LINKS.get(index - process::TEXTS.len())?;
            Some((position + 1, make(*pid)))
        }
        Proc::Tasks(pid) if index == 0 => find(*pid).map(|_| (1, Proc::Process(*pid))),
        Proc::Descriptors(pid) | Proc::Infos(pid) => {
            let from = i32::try_from(position).ok()?;
            let fd = find(*pid)?.files.next_number(from)?;
            Some((fd as u64 + 1, directory.of_descriptor(*pid, fd)))
        }
        _ => None,
    }
}

/// An entry of `/proc`: texts, other names, processes.
fn root_entry(position: u64) -> Option<(u64, Proc)> {
    let base = (machine::TEXTS.len() + ROOTS.len()) as u64;
    if position >= base {
        let pid = table().next_from(i32::try_from(position - base).ok()?)?;
        return Some((base + pid.raw() as u64 + 1, Proc::Process(pid)));
    }
    let index = position as usize;
    let node = match index.checked_sub(machine::TEXTS.len()) {
        None => Proc::Machine(index),
        Some(other) => ROOTS.into_iter().nth(other)?.1,
    };
    Some((position + 1, node))
}

fn find(pid: Pid) -> Option<Arc<Process>> {
    table().get(pid)
}

fn decimal(number: i32) -> Result<Vec<u8>, NoMemory> {
    fallible::text(format_args!("{number}"))
}

fn number(name: &[u8]) -> Option<i32> {
    let text = core::str::from_utf8(name).ok()?;
    text.parse()
        .ok()
        .filter(|&number| number >= 0 && (name.len() == 1 || name[0] != b'0'))
}

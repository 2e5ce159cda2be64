//! A small `/proc` (proc(5)): what `ps`, `free`, `uptime` and language runtimes read. Each text is made when it is opened.

mod text;

use super::tree::Mount;
use crate::process::{Pid, Process, table};
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFREG};
use braid_files::credentials::Identity;
use braid_files::stat::Stat;
use fallible::{NoMemory, Text, to_vec};

/// A name in `/proc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proc {
    /// `/proc`.
    Root,
    /// A text about the machine: index into the table of texts.
    Machine(usize),
    /// `/proc/self`.
    Own,
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
}

/// Names in `/proc/PID` besides the texts.
type Link = (&'static [u8], fn(Pid) -> Proc);
const LINKS: [Link; 4] = [
    (b"exe", Proc::Executable),
    (b"cwd", Proc::Directory),
    (b"root", Proc::RootLink),
    (b"fd", Proc::Descriptors),
];

impl Proc {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Root | Self::Process(_) | Self::Descriptors(_))
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        matches!(
            self,
            Self::Own
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
            Self::Machine(index) => text::MACHINE[*index].0,
            Self::Own => b"self",
            Self::Process(pid) => return decimal(pid.raw()),
            Self::About(_, index) => text::PROCESS[*index].0,
            Self::Executable(_) => b"exe",
            Self::Directory(_) => b"cwd",
            Self::RootLink(_) => b"root",
            Self::Descriptors(_) => b"fd",
            Self::Descriptor(_, fd) => return decimal(*fd),
        };
        to_vec(name)
    }

    /// The directory it is in; None for `/proc`.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Root => None,
            Self::Machine(_) | Self::Own | Self::Process(_) => Some(Self::Root),
            Self::About(pid, _)
            | Self::Executable(pid)
            | Self::Directory(pid)
            | Self::RootLink(pid)
            | Self::Descriptors(pid) => Some(Self::Process(*pid)),
            Self::Descriptor(pid, _) => Some(Self::Descriptors(*pid)),
        }
    }

    /// The process that it is about.
    fn subject(&self) -> Option<Pid> {
        match self {
            Self::Root | Self::Machine(_) | Self::Own => None,
            Self::Process(pid)
            | Self::About(pid, _)
            | Self::Executable(pid)
            | Self::Directory(pid)
            | Self::RootLink(pid)
            | Self::Descriptors(pid)
            | Self::Descriptor(pid, _) => Some(*pid),
        }
    }

    /// Whether somebody may learn what only those may who may look into the process: of itself it learns everything.
    pub fn may_be_inspected(&self, who: &Identity) -> bool {
        let Some(process) = self.subject().and_then(process) else {
            return true;
        };
        self.is_own() || who.may_inspect(&process.credentials.lock())
    }

    /// Whether what it says is for those alone who may look into the process.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::About(_, index) if text::PRIVATE.contains(&text::PROCESS[*index].0))
    }

    /// Whether it is about the process that asks.
    pub fn is_own(&self) -> bool {
        self.subject() == Some(crate::sched::current().process.pid)
    }

    /// Owner and group: the process's, unless others may not look into it.
    fn owner(&self) -> (u32, u32) {
        let credentials = self
            .subject()
            .and_then(process)
            .map(|process| *process.credentials.lock());
        let open = credentials.filter(|own| own.dumpable || matches!(self, Self::Process(_)));
        open.map_or((0, 0), |own| (own.user.effective, own.group.effective))
    }

    /// Its attributes.
    pub fn stat(&self) -> Stat {
        let (uid, gid) = self.owner();
        let (mode, links) = match self {
            Self::Descriptors(_) => (S_IFDIR | 0o500, 2),
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
            Self::Machine(index) => (0, 16 + *index as u64),
            Self::Process(pid) => (pid.raw(), 1),
            Self::Executable(pid) => (pid.raw(), 2),
            Self::Directory(pid) => (pid.raw(), 3),
            Self::RootLink(pid) => (pid.raw(), 4),
            Self::Descriptors(pid) => (pid.raw(), 5),
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
            Self::Executable(pid) => {
                let executable = of(pid).and_then(|process| process.executable.lock().clone());
                let path = executable.map(|executable| to_vec(executable.path()));
                path.transpose()
            }
            Self::Directory(pid) => {
                of(pid).map_or(Ok(None), |process| process.files.directory().path())
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
            Self::Root if name == b"self" => Some(Self::Own),
            Self::Root => {
                if let Some(index) = text::MACHINE.iter().position(|(n, _)| *n == name) {
                    return Some(Self::Machine(index));
                }
                let pid = Pid::from_raw(number(name)?)?;
                table().get(pid).map(|_| Self::Process(pid))
            }
            Self::Process(pid) => {
                if let Some(index) = text::PROCESS.iter().position(|(n, _)| *n == name) {
                    return Some(Self::About(*pid, index));
                }
                LINKS
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, make)| make(*pid))
            }
            Self::Descriptors(pid) => {
                let fd = number(name)?;
                table().get(*pid)?.files.get(fd).ok()?;
                Some(Self::Descriptor(*pid, fd))
            }
            _ => None,
        }
    }

    /// What reading it gives; None for what is not a text, and for a process that has ended.
    pub fn text(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        let mut text = Text::default();
        let written = match self {
            Self::Machine(index) => text::MACHINE[*index].1(&mut text),
            Self::About(pid, index) => match process(*pid) {
                Some(process) => text::PROCESS[*index].1(&process, &mut text),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        // Writing fails for want of memory alone.
        written.map_err(|_| NoMemory)?;
        Ok(Some(text.0))
    }
}

/// The entry of a directory at or after this position, and the position that follows.
pub fn list(directory: &Proc, position: u64) -> Option<(u64, Proc)> {
    let index = usize::try_from(position).ok()?;
    match directory {
        Proc::Root if index < text::MACHINE.len() => Some((position + 1, Proc::Machine(index))),
        Proc::Root if index == text::MACHINE.len() => Some((position + 1, Proc::Own)),
        Proc::Root => {
            let base = text::MACHINE.len() as u64 + 1;
            let processes = table().living();
            let after = processes
                .iter()
                .map(|process| process.pid)
                .filter(|pid| pid.raw() as u64 >= position - base);
            let pid = after.min()?;
            Some((base + pid.raw() as u64 + 1, Proc::Process(pid)))
        }
        Proc::Process(pid) if index < text::PROCESS.len() => {
            Some((position + 1, Proc::About(*pid, index)))
        }
        Proc::Process(pid) => {
            let (_, make) = LINKS.get(index - text::PROCESS.len())?;
            Some((position + 1, make(*pid)))
        }
        Proc::Descriptors(pid) => {
            let fd = process(*pid)?
                .files
                .next_number(i32::try_from(position).ok()?)?;
            Some((fd as u64 + 1, Proc::Descriptor(*pid, fd)))
        }
        _ => None,
    }
}

fn process(pid: Pid) -> Option<Arc<Process>> {
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

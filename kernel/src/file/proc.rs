//! `/proc` (proc(5)): what `ps`, `top`, `free`, test suites and language runtimes read. Each text is made when it is opened, on
//! the torus that its process is on; numbers about the machine are those of all tori.

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
    Process(Shown),
    /// A text about a process: index into the table of texts.
    About(Shown, usize),
    /// `/proc/PID/exe`.
    Executable(Shown),
    /// `/proc/PID/cwd`.
    Directory(Shown),
    /// `/proc/PID/root`.
    RootLink(Shown),
    /// `/proc/PID/fd`.
    Descriptors(Shown),
    /// `/proc/PID/fd/N`.
    Descriptor(Shown, i32),
    /// `/proc/PID/fdinfo`.
    Infos(Shown),
    /// `/proc/PID/fdinfo/N`.
    Info(Shown, i32),
    /// `/proc/PID/task`: the threads, each of which is shown as a process is.
    Tasks(Pid),
    /// `/proc` as other tori read it: the processes of this one alone.
    Local,
}

/// What `/proc/PID` and `/proc/PID/task/TID` are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The process.
    pub pid: Pid,
    /// Whether it is shown as a thread of its own: without threads.
    as_task: bool,
}

impl Shown {
    /// A process, as `/proc/PID` shows it.
    pub const fn process(pid: Pid) -> Self {
        let as_task = false;
        Self { pid, as_task }
    }

    const fn task(pid: Pid) -> Self {
        let as_task = true;
        Self { pid, as_task }
    }

    /// What inode numbers are made of.
    fn number(self, file: u64) -> (i32, u64) {
        (self.pid.raw(), u64::from(self.as_task) << 23 | file)
    }

    /// Names besides the texts.
    fn links(self) -> &'static [Link] {
        let own = LINKS.len() - usize::from(self.as_task);
        &LINKS[..own]
    }
}

/// Names in `/proc/PID` besides the texts.
type Link = (&'static [u8], fn(Shown) -> Proc);
/// All of them; threads have no threads.
const LINKS: [Link; 6] = [
    (b"exe", Proc::Executable),
    (b"cwd", Proc::Directory),
    (b"root", Proc::RootLink),
    (b"fd", Proc::Descriptors),
    (b"fdinfo", Proc::Infos),
    (b"task", |shown| Proc::Tasks(shown.pid)),
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
            Self::Root | Self::Local | Self::Process(_) => true,
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
            Self::Root | Self::Local => b"proc",
            Self::Machine(index) => machine::TEXTS[*index].0,
            Self::Own => b"self",
            Self::Mounts => b"mounts",
            Self::Sys(name) => name.name().as_bytes(),
            Self::Process(shown) => return decimal(shown.pid.raw()),
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
            Self::Root | Self::Local => None,
            Self::Process(Shown { pid, as_task: true }) => Some(Self::Tasks(*pid)),
            Self::Machine(_) | Self::Own | Self::Mounts | Self::Process(_) => Some(Self::Root),
            Self::Sys(name) => Some(name.parent().map_or(Self::Root, Self::Sys)),
            Self::About(shown, _)
            | Self::Executable(shown)
            | Self::Directory(shown)
            | Self::RootLink(shown)
            | Self::Infos(shown)
            | Self::Descriptors(shown) => Some(Self::Process(*shown)),
            Self::Tasks(pid) => Some(Self::Process(Shown::process(*pid))),
            Self::Descriptor(shown, _) => Some(Self::Descriptors(*shown)),
            Self::Info(shown, _) => Some(Self::Infos(*shown)),
        }
    }

    /// The process that it is about.
    pub fn subject(&self) -> Option<Pid> {
        match self {
            Self::Root | Self::Local | Self::Machine(_) | Self::Own | Self::Mounts => None,
            Self::Sys(_) => None,
            Self::Process(shown)
            | Self::About(shown, _)
            | Self::Executable(shown)
            | Self::Directory(shown)
            | Self::RootLink(shown)
            | Self::Descriptors(shown)
            | Self::Infos(shown)
            | Self::Info(shown, _)
            | Self::Descriptor(shown, _) => Some(shown.pid),
            Self::Tasks(pid) => Some(*pid),
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
        !crate::sched::is_on_behalf() && self.subject() == Some(crate::sched::current().process.pid)
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
            _ => (S_IFREG | self.rights(), 1),
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

    /// The rights of a text.
    fn rights(&self) -> u32 {
        match self {
            Self::About(_, index) => process::rights(process::TEXTS[*index].0),
            Self::Sys(name) => name.rights(),
            _ => 0o444,
        }
    }

    fn inode(&self) -> u64 {
        let (pid, file) = match self {
            Self::Root | Self::Local => (0, 1),
            Self::Own => (0, 2),
            Self::Mounts => (0, 3),
            Self::Sys(name) => (0, 1 << 20 | name.number()),
            Self::Machine(index) => (0, 16 + *index as u64),
            Self::Process(shown) => shown.number(1),
            Self::Executable(shown) => shown.number(2),
            Self::Directory(shown) => shown.number(3),
            Self::RootLink(shown) => shown.number(4),
            Self::Descriptors(shown) => shown.number(5),
            Self::Infos(shown) => shown.number(6),
            Self::Tasks(pid) => (pid.raw(), 7),
            Self::Info(shown, fd) => shown.number(1 << 22 | *fd as u64),
            Self::About(shown, index) => shown.number(16 + *index as u64),
            Self::Descriptor(shown, fd) => shown.number(64 + *fd as u64),
        };
        (pid as u64) << 24 | file
    }

    /// The target of a symbolic link.
    pub fn link(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        let of = |shown: &Shown| find(shown.pid);
        match self {
            Self::Own => decimal(crate::sched::current().process.pid.raw()).map(Some),
            Self::Mounts => to_vec(b"self/mounts").map(Some),
            Self::Executable(shown) => {
                let executable = of(shown).and_then(|process| process.executable.lock().clone());
                let path = executable.map(|executable| executable.shown_path());
                path.transpose()
            }
            Self::Directory(shown) => {
                of(shown).map_or(Ok(None), |process| process.files.directory().shown_path())
            }
            Self::RootLink(_) => to_vec(b"/").map(Some),
            Self::Descriptor(shown, fd) => {
                let file = of(shown).and_then(|process| process.files.get(*fd).ok());
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
                find(pid).map(|_| Self::Process(Shown::process(pid)))
            }
            Self::Sys(directory) => directory.child(name).map(Self::Sys),
            Self::Process(shown) => {
                if let Some(index) = process::TEXTS.iter().position(|(n, _)| *n == name) {
                    return Some(Self::About(*shown, index));
                }
                let mut links = shown.links().iter();
                links
                    .find(|(n, _)| *n == name)
                    .map(|(_, make)| make(*shown))
            }
            Self::Tasks(pid) if number(name) == Some(pid.raw()) => {
                Some(Self::Process(Shown::task(*pid)))
            }
            Self::Descriptors(shown) | Self::Infos(shown) => {
                let fd = number(name)?;
                find(shown.pid)?.files.get(fd).ok()?;
                Some(self.of_descriptor(*shown, fd))
            }
            _ => None,
        }
    }

    /// What this directory has of a descriptor.
    fn of_descriptor(&self, shown: Shown, fd: i32) -> Self {
        match self {
            Self::Infos(_) => Self::Info(shown, fd),
            _ => Self::Descriptor(shown, fd),
        }
    }

    /// What reading it gives. ESRCH for a process that has ended, ENOENT for what is not a text.
    pub fn text(&self) -> Result<Vec<u8>, Errno> {
        let mut text = Text::new();
        match self {
            Self::Machine(index) => machine::TEXTS[*index].1(&mut text),
            Self::Sys(name) if !name.is_directory() => name.write(&mut text),
            Self::About(shown, index) => {
                let process = find(shown.pid).ok_or(Errno::ESRCH)?;
                process::TEXTS[*index].1(&process, &mut text);
            }
            Self::Info(shown, fd) => {
                let file = find(shown.pid).ok_or(Errno::ESRCH)?.files.get(*fd)?;
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

    /// The process whose page table it tells of page by page.
    pub fn page_map(&self) -> Option<Pid> {
        match self {
            Self::About(shown, index) if process::TEXTS[*index].0 == b"pagemap" => Some(shown.pid),
            _ => None,
        }
    }

    /// Writes to it what a program has written.
    pub fn write(&self, who: &Identity, bytes: &[u8]) -> Result<(), Errno> {
        match self {
            Self::About(shown, index) => {
                let process = find(shown.pid).ok_or(Errno::ESRCH)?;
                let own = self.is_own();
                process::write(&process, process::TEXTS[*index].0, (who, own), bytes)
            }
            Self::Sys(name) => name.set(bytes),
            _ => Err(Errno::EIO),
        }
    }
}

/// What `/proc/PID/pagemap` says of the pages from `first` on.
pub fn page_map(pid: Pid, first: u64, to: &mut [u64]) -> Result<(), Errno> {
    let process = find(pid).ok_or(Errno::ESRCH)?;
    maps::page_map(&process, first, to);
    Ok(())
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
        Proc::Local => process_entry(position),
        Proc::Process(shown) if index < process::TEXTS.len() => {
            Some((position + 1, Proc::About(*shown, index)))
        }
        Proc::Process(shown) => {
            let (_, make) = shown.links().get(index - process::TEXTS.len())?;
            Some((position + 1, make(*shown)))
        }
        Proc::Tasks(pid) if index == 0 => find(*pid).map(|_| (1, Proc::Process(Shown::task(*pid)))),
        Proc::Descriptors(shown) | Proc::Infos(shown) => {
            let from = i32::try_from(position).ok()?;
            let fd = find(shown.pid)?.files.next_number(from)?;
            Some((fd as u64 + 1, directory.of_descriptor(*shown, fd)))
        }
        _ => None,
    }
}

/// An entry of `/proc`: texts, other names, processes.
fn root_entry(position: u64) -> Option<(u64, Proc)> {
    let base = (machine::TEXTS.len() + ROOTS.len()) as u64;
    if position >= base {
        let (next, process) = process_entry(position - base)?;
        return Some((base + next, process));
    }
    let index = position as usize;
    let node = match index.checked_sub(machine::TEXTS.len()) {
        None => Proc::Machine(index),
        Some(other) => ROOTS.into_iter().nth(other)?.1,
    };
    Some((position + 1, node))
}

/// The process of this torus whose number is `position` or above.
fn process_entry(position: u64) -> Option<(u64, Proc)> {
    let pid = table().next_from(i32::try_from(position).ok()?)?;
    Some((pid.raw() as u64 + 1, Proc::Process(Shown::process(pid))))
}

/// The process of another torus that a name in `/proc` may be of.
pub fn absent(directory: &Proc, name: &[u8]) -> Option<Pid> {
    let pid = Pid::from_raw(number(name).filter(|_| *directory == Proc::Root)?)?;
    (crate::tori::count() > 1 && find(pid).is_none()).then_some(pid)
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

//! The names in `/proc`: what each directory has, and where each name is.

use super::sys::Sys;
use super::{Proc, Shown, process, system};
use crate::file::context::HasFiles as _;
use crate::process::{Pid, table};
use alloc::vec::Vec;
use fallible::{NoMemory, to_vec};

/// Names in `/proc/PID` besides the texts.
type Link = (&'static [u8], fn(Shown) -> Proc);
/// All of them; threads have no threads.
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

impl Shown {
    /// Names besides the texts.
    fn links(self) -> &'static [Link] {
        let own = LINKS.len() - usize::from(self.as_task);
        &LINKS[..own]
    }
}

impl Proc {
    /// Its name.
    pub fn name(&self) -> Result<Vec<u8>, NoMemory> {
        let name: &[u8] = match self {
            Self::Root | Self::Local => b"proc",
            Self::Machine(index) => system::TEXTS[*index].0,
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
            Self::Process(shown) if shown.as_task => Some(Self::Tasks(*shown)),
            Self::Machine(_) | Self::Own | Self::Mounts | Self::Process(_) => Some(Self::Root),
            Self::Sys(name) => Some(name.parent().map_or(Self::Root, Self::Sys)),
            Self::About(shown, _)
            | Self::Executable(shown)
            | Self::Directory(shown)
            | Self::RootLink(shown)
            | Self::Infos(shown)
            | Self::Descriptors(shown) => Some(Self::Process(*shown)),
            Self::Tasks(shown) => Some(Self::Process(shown.shown(false))),
            Self::Descriptor(shown, _) => Some(Self::Descriptors(*shown)),
            Self::Info(shown, _) => Some(Self::Infos(*shown)),
        }
    }

    /// The node of this name in this directory.
    pub fn child(&self, name: &[u8]) -> Option<Self> {
        match self {
            Self::Root => {
                if let Some((_, node)) = ROOTS.into_iter().find(|(own, _)| *own == name) {
                    return Some(node);
                }
                if let Some(index) = system::TEXTS.iter().position(|(n, _)| *n == name) {
                    return Some(Self::Machine(index));
                }
                let pid = Pid::from_raw(number(name)?)?;
                Shown::find(pid).map(Self::Process)
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
            Self::Tasks(shown) if number(name) == Some(shown.pid.raw()) => {
                shown.process().map(|_| Self::Process(shown.shown(true)))
            }
            Self::Descriptors(shown) | Self::Infos(shown) => {
                let fd = number(name)?;
                shown.process()?.files().get(fd).ok()?;
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
        Proc::Tasks(shown) if index == 0 => {
            let thread = Proc::Process(shown.shown(true));
            shown.process().map(|_| (1, thread))
        }
        Proc::Descriptors(shown) | Proc::Infos(shown) => {
            let from = i32::try_from(position).ok()?;
            let fd = shown.process()?.files().next_number(from)?;
            Some((fd as u64 + 1, directory.of_descriptor(*shown, fd)))
        }
        _ => None,
    }
}

/// An entry of `/proc`: texts, other names, processes.
fn root_entry(position: u64) -> Option<(u64, Proc)> {
    let base = (system::TEXTS.len() + ROOTS.len()) as u64;
    if position >= base {
        let (next, process) = process_entry(position - base)?;
        return Some((base + next, process));
    }
    let index = position as usize;
    let node = match index.checked_sub(system::TEXTS.len()) {
        None => Proc::Machine(index),
        Some(other) => ROOTS.into_iter().nth(other)?.1,
    };
    Some((position + 1, node))
}

/// The process of this torus whose number is `position` or above.
fn process_entry(position: u64) -> Option<(u64, Proc)> {
    let mut from = i32::try_from(position).ok()?;
    loop {
        let pid = table().next_from(from)?;
        from = pid.raw() + 1;
        // It may have ended meanwhile.
        if let Some(shown) = Shown::find(pid) {
            return Some((from as u64, Proc::Process(shown)));
        }
    }
}

/// The process of another torus that a name in `/proc` may be of.
pub fn absent(directory: &Proc, name: &[u8]) -> Option<Pid> {
    let pid = Pid::from_raw(number(name).filter(|_| *directory == Proc::Root)?)?;
    (tori::count() > 1 && Shown::find(pid).is_none()).then_some(pid)
}

pub(super) fn decimal(number: i32) -> Result<Vec<u8>, NoMemory> {
    fallible::text(format_args!("{number}"))
}

fn number(name: &[u8]) -> Option<i32> {
    let text = core::str::from_utf8(name).ok()?;
    text.parse()
        .ok()
        .filter(|&number| number >= 0 && (name.len() == 1 || name[0] != b'0'))
}

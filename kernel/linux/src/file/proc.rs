//! `/proc` (proc(5)): what `ps`, `top`, `free`, test suites and language runtimes read. Each text is made when it is opened, on
//! the torus that its process is on; numbers about the machine are those of all tori.

mod attributes;
mod content;
mod entries;
mod file;
mod maps;
mod process;
mod sys;
mod system;
mod text;

pub use self::entries::{absent, list};
pub use self::file::{PageMap, TextFile};
use self::maps::page_map;
use self::sys::Sys;
pub use self::system::MachineMemory;

use crate::process::{Pid, Process, table};
use alloc::sync::Arc;

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
    Tasks(Shown),
    /// `/proc` as other tori read it: the processes of this one alone.
    Local,
}

/// What `/proc/PID` and `/proc/PID/task/TID` are about: a process, and never a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pid: Pid,
    /// When it was made, or came here: no two processes of one number have that in common.
    since: u64,
    /// Whether it is shown as a thread of its own: without threads.
    as_task: bool,
}

impl Shown {
    /// The process of a number, as `/proc/PID` shows it; None when it is not here.
    pub fn find(pid: Pid) -> Option<Self> {
        let since = table().get(pid)?.since();
        let as_task = false;
        Some(Self {
            pid,
            since,
            as_task,
        })
    }

    /// The process; None when it has ended or moved on.
    pub fn process(self) -> Option<Arc<Process>> {
        table()
            .get(self.pid)
            .filter(|process| process.since() == self.since)
    }

    /// The same process, shown as a process or as its thread.
    const fn shown(self, as_task: bool) -> Self {
        Self { as_task, ..self }
    }
}

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

    /// The process that it is about.
    pub fn subject(&self) -> Option<Shown> {
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
            | Self::Tasks(shown)
            | Self::Descriptor(shown, _) => Some(*shown),
        }
    }
}

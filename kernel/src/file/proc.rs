//! `/proc` (proc(5)): what `ps`, `top`, `free`, test suites and language runtimes read. Each text is made when it is opened, on
//! the torus that its process is on; numbers about the machine are those of all tori.

mod attributes;
mod content;
mod entries;
mod load;
mod machine;
mod maps;
mod process;
mod sys;
mod text;

pub use self::content::page_map;
pub use self::entries::{absent, list};
pub use self::load::Load;
pub use self::machine::MachineMemory;
use self::sys::Sys;

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
}

fn find(pid: Pid) -> Option<Arc<Process>> {
    table().get(pid)
}

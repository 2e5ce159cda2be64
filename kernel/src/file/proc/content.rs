//! What reading from `/proc` gives, where its links lead, and what may be written to it.

use super::entries::decimal;
use super::text::Text;
use super::{Proc, Shown, find, machine, maps, process};
use crate::process::Pid;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use fallible::{NoMemory, to_vec};

impl Proc {
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

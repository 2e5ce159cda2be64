//! What reading from `/proc` gives, where its links lead, and what may be written to it.

use super::entries::decimal;
use super::text::Text;
use super::{Proc, Shown, process, system};
use crate::file::context::HasFiles as _;
use crate::file::tree::Node;
use crate::process::Thread;
use crate::syscall::errno::Errno;
use alloc::sync::Weak;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use fallible::{NoMemory, to_vec};
use mem::space::Space;

impl Proc {
    /// What a symbolic link leads to, by no name, for somebody who may look into the process. None when that has no node, or is remote: then
    /// opening it is a matter of the call.
    pub fn followed(&self) -> Option<Node> {
        match self {
            Self::Executable(shown) => {
                let executable = shown.process()?.files().executable.lock().clone()?;
                executable.file().place()
            }
            Self::Directory(shown) => Some(shown.process()?.files().directory()),
            Self::RootLink(_) => Some(Node::root()),
            Self::Descriptor(shown, fd) => shown.process()?.files().get(*fd).ok()?.followed(),
            _ => None,
        }
    }

    /// The target of a symbolic link.
    pub fn link(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        let of = |shown: &Shown| shown.process();
        match self {
            Self::Own => decimal(Thread::current().process.pid.raw()).map(Some),
            Self::Mounts => to_vec(b"self/mounts").map(Some),
            Self::Executable(shown) => {
                let executable =
                    of(shown).and_then(|process| process.files().executable.lock().clone());
                let path = executable.map(|executable| executable.shown_path());
                path.transpose()
            }
            Self::Directory(shown) => {
                of(shown).map_or(Ok(None), |process| process.files().directory().shown_path())
            }
            Self::RootLink(_) => to_vec(b"/").map(Some),
            Self::Descriptor(shown, fd) => {
                let file = of(shown).and_then(|process| process.files().get(*fd).ok());
                file.map(|file| file.name()).transpose()
            }
            _ => Ok(None),
        }
    }

    /// What reading it gives. ESRCH for a process that has ended, ENOENT for what is not a text.
    pub fn text(&self) -> Result<Vec<u8>, Errno> {
        let mut text = Text::new();
        match self {
            Self::Machine(index) => system::TEXTS[*index].1(&mut text),
            Self::Sys(name) if !name.is_directory() => name.write(&mut text),
            Self::About(shown, index) => {
                let process = shown.process().ok_or(Errno::ESRCH)?;
                process::TEXTS[*index].1(&process, &mut text);
            }
            Self::Info(shown, fd) => {
                let file = shown.process().ok_or(Errno::ESRCH)?.files().get(*fd)?;
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

    /// The address space whose page table it tells of page by page, if it does that: the one that the process has now, and none that it may
    /// have later. ESRCH for a process that has ended.
    pub fn page_map(&self) -> Result<Option<Weak<Space>>, Errno> {
        match self {
            Self::About(shown, index) if process::TEXTS[*index].0 == b"pagemap" => {
                let process = shown.process().ok_or(Errno::ESRCH)?;
                Ok(Some(process.space_until_end()))
            }
            _ => Ok(None),
        }
    }

    /// Writes to it what a program has written.
    pub fn write(&self, who: &Identity, bytes: &[u8]) -> Result<(), Errno> {
        match self {
            Self::About(shown, index) => {
                let process = shown.process().ok_or(Errno::ESRCH)?;
                let own = self.is_own();
                process::write(&process, process::TEXTS[*index].0, (who, own), bytes)
            }
            Self::Sys(name) => name.set(bytes),
            _ => Err(Errno::EIO),
        }
    }
}

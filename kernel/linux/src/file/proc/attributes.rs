//! The attributes of what is in `/proc`, and who may read it.

use super::super::mount::Mount;
use super::{Proc, Shown, process};
use crate::process::Thread;
use braid_files::archive::{S_IFDIR, S_IFLNK, S_IFREG};
use braid_files::credentials::Identity;
use braid_files::stat::Stat;

impl Shown {
    /// What inode numbers are made of.
    fn number(self, file: u64) -> (i32, u64) {
        (self.pid.raw(), u64::from(self.as_task) << 23 | file)
    }
}

impl Proc {
    /// Whether somebody may learn what only those may who may look into the process: of itself it learns everything.
    pub fn may_be_inspected(&self, who: &Identity) -> bool {
        // Of a process that has gone nothing is told: it does not come back as the same.
        let Some(process) = self.subject().and_then(Shown::process) else {
            return true;
        };
        self.is_own() || who.may_inspect(&process.credentials.lock())
    }

    /// Whether what it says is for those alone who may look into the process.
    pub fn is_private(&self) -> bool {
        match self {
            Self::About(_, index) => process::PRIVATE.contains(&process::TEXTS[*index].0),
            Self::Info(..) => true,
            _ => false,
        }
    }

    /// Whether it is about the process that asks.
    pub fn is_own(&self) -> bool {
        // A core that serves another torus may have no thread.
        !tori::is_on_behalf()
            && self.subject().is_some_and(|shown| {
                let own = Thread::current().process.clone();
                (shown.pid, shown.since) == (own.pid, own.since())
            })
    }

    /// Owner and group: the process's, unless others may not look into it.
    fn owner(&self) -> (u32, u32) {
        let credentials = self
            .subject()
            .and_then(Shown::process)
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
            Self::Tasks(shown) => (shown.pid.raw(), 7),
            Self::Info(shown, fd) => shown.number(1 << 22 | *fd as u64),
            Self::About(shown, index) => shown.number(16 + *index as u64),
            Self::Descriptor(shown, fd) => shown.number(64 + *fd as u64),
        };
        (pid as u64) << 24 | file
    }
}

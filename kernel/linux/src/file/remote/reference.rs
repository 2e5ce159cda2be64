//! Files that are at home on another torus.

use super::super::boot;
use super::super::facts::MAIN;
use super::super::flags::Flags;
use crate::process::Pid;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use ::torus::file::Message;
use alloc::vec::Vec;
use braid_files::archive::{NodeId, S_IFDIR};
use braid_files::remote::answer::Description;
use braid_files::remote::ask::{PROCESSES, Place, TMP, process};
use core::sync::atomic::{AtomicBool, Ordering};
use tori::rings::{self, Places};

/// A directory that is there for every torus.
const DIRECTORY: Description = Description {
    kind: S_IFDIR,
    flags: Flags::PATH.bits(),
    archive: None,
    bound: false,
};

/// A file of another torus, as this one knows it. Dropping it lets it go at its home.
pub struct Remote {
    /// Where it is.
    pub home: TorusId,
    /// What it is called there.
    pub number: u64,
    /// What never changes about it.
    pub description: Description,
    /// Whether this torus is counted for it; not yet while it comes with a process.
    holds: AtomicBool,
    /// For what is told of it, if it is a file: that it is let go, and that it goes along to another torus, as a file and as a program, or
    /// does not after all.
    places: Option<Places>,
}

/// How much that is.
const TOLD: usize = 5;

/// Tells another torus that `holder` has a file of it more or less often than before.
pub fn tell_hold(home: TorusId, file: u64, holder: TorusId, change: i32) {
    let message = Message::Hold {
        file,
        holder,
        change,
    };
    rings::send(home, message);
}

impl Remote {
    /// A file that is not counted for this torus.
    pub fn new(home: TorusId, number: u64, description: Description) -> Self {
        Self {
            home,
            number,
            description,
            holds: AtomicBool::new(false),
            places: None,
        }
    }

    /// It is counted for this torus from now on: when it is dropped, it is let go.
    pub fn settle(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    /// Where a path goes on, which its torus alone knows more of.
    pub fn place_of(home: TorusId, number: u64) -> Self {
        Self::new(home, number, DIRECTORY)
    }

    /// `/tmp`, on a torus where it is not at home.
    pub fn tmp() -> Self {
        Self::place_of(MAIN, TMP)
    }

    /// `/proc/PID` of a process that is not here; where it is, its birth torus may know no more.
    pub fn process(pid: Pid) -> Self {
        let number = process(pid.raw());
        Self::place_of(pid.birth(), number)
    }

    /// `/proc` of another torus: its processes.
    pub fn processes(home: TorusId) -> Self {
        Self::place_of(home, PROCESSES)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.description.kind == S_IFDIR
    }

    /// The node of the boot archive that it shows, or shows as it is now.
    pub fn archive(&self) -> Option<NodeId> {
        self.description.archive.map(NodeId)
    }

    /// The file of the boot archive that has the same bytes, if it is open for reading alone.
    pub fn same_as(&self) -> Option<NodeId> {
        let reads = !Flags::from_bits_retain(self.description.flags).writes();
        self.archive()
            .filter(|id| reads && !boot::is_written(*id) && !self.is_directory())
    }

    /// A path that begins there.
    pub fn place(&self, rest: Vec<u8>, links: u32, follow: bool) -> Place {
        Place {
            base: self.number,
            rest,
            links,
            follow,
        }
    }

    /// Sets places aside for what is told of it as a file. ENOMEM without memory for that.
    pub fn with_places(mut self) -> Result<Self, Errno> {
        self.places = Some(Places::reserve(TOLD)?);
        Ok(self)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if *self.holds.get_mut() {
            tell_hold(self.home, self.number, tori::here().id, -1);
        }
    }
}

//! Files that are at home on another torus.

use super::super::open::{Body, Flags, OpenFile};
use super::MAIN;
use crate::arch::cpu;
use crate::rings;
use ::torus::TorusId;
use ::torus::message::Message;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{NodeId, S_IFDIR};
use braid_files::far::answer::Description;
use braid_files::far::ask::{Place, TMP};

/// A file of another torus, as this one knows it. Dropping it lets it go at its home.
pub struct Remote {
    /// Where it is.
    pub home: TorusId,
    /// What it is called there.
    pub number: u64,
    /// What never changes about it.
    pub description: Description,
}

impl Remote {
    /// `/tmp`, on a torus where it is not at home.
    pub fn tmp() -> Self {
        Self {
            home: MAIN,
            number: TMP,
            description: Description {
                kind: S_IFDIR,
                flags: Flags::PATH.bits(),
                archive: None,
            },
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.description.kind == S_IFDIR
    }

    /// The node of the boot archive that it shows.
    pub fn archive(&self) -> Option<NodeId> {
        self.description.archive.map(NodeId)
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

    /// An open file that stands for it.
    pub fn open(self) -> Arc<OpenFile> {
        let flags = Flags::from_bits_retain(self.description.flags);
        Arc::new(OpenFile::new(Body::Far(Arc::new(self)), flags))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if self.number != TMP {
            let hold = Message::FileHold {
                file: self.number,
                holder: cpu::this().torus().id,
                change: -1,
            };
            rings::send(self.home, hold);
        }
    }
}

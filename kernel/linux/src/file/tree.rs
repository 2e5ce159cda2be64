//! The one tree that programs see: the root, with `/tmp`, `/dev` and `/proc` on it.
//!
//! A [`Node`] is a place in the tree, and [`worlds`] finds one by its path.

mod attributes;
mod worlds;

pub use worlds::World;

use self::attributes::{of_archive, of_tmp};
use super::boot::{archive, is_changed};
use super::content::Content;
use super::content::TmpNode;
use super::device::{self, Device};
use super::facts;
use super::local;
use super::mount::Mount;
use super::proc::{self, Proc};
use super::remote::reference::Remote;
use super::root::root;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{self, NodeId, ROOT};
use braid_files::error::FileError;
use braid_files::permission::{Guard, SET_GROUP, SET_USER};
use braid_files::stat::Stat;
use braid_files::tmp;
use fallible::{NoMemory, TryVec, to_vec};
use machine::cpu;
use sync::Relax;

/// A file, directory or link, wherever it lives.
#[derive(Clone)]
pub enum Node {
    /// Of the boot archive; once it has changed, this is what it was: see [`Node::now`].
    Archive(NodeId),
    /// Of `/tmp` or of what has changed of the root, or nameless.
    Tmp(Arc<TmpNode>),
    /// `/dev` itself.
    DevDirectory,
    /// A name in `/dev`.
    Device(Device),
    /// `/proc` and all below it.
    Proc(Proc),
    /// A directory of another torus; what is in it is asked for there.
    Remote(Arc<Remote>),
}

impl Node {
    /// The root directory.
    pub fn root() -> Self {
        Self::Archive(ROOT).now()
    }

    /// `/tmp`.
    pub fn tmp() -> Self {
        match local::remote_tmp() {
            None => Self::Tmp(local::tmp().root().clone()),
            Some(remote) => Self::Remote(remote.clone()),
        }
    }

    /// What the root has now for a node of the archive, where that is known: at torus 0. Others see that it has changed, and ask.
    #[must_use]
    pub fn now(self) -> Self {
        if let Self::Archive(id) = &self
            && facts::is_main()
            && let Some(node) = root().lower().and_then(|lower| lower.changed(*id))
        {
            return Self::Tmp(node);
        }
        self
    }

    /// The node to be changed: what stands for one of the archive, from now on.
    pub fn raised(self) -> Result<Self, FileError> {
        match (&self, root().lower()) {
            (Self::Archive(id), Some(lower)) if facts::is_main() => {
                Ok(Self::Tmp(lower.raise(*id)?))
            }
            _ => Ok(self),
        }
    }

    /// Whether the root has something else by now, of which this torus knows no more.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Archive(id) if !facts::is_main() && is_changed(*id))
    }

    /// Whether it is of the archive and has no name any more, which the root's home knows.
    fn is_removed(&self) -> bool {
        matches!(self, Self::Archive(id) if facts::is_main() && is_changed(*id))
    }

    /// Whether it is the root directory.
    fn is_root(&self) -> bool {
        match self {
            Self::Archive(id) => *id == ROOT,
            Self::Tmp(node) => node.archive() == Some(ROOT),
            _ => false,
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        match self {
            Self::Archive(id) => archive().node(*id).is_directory(),
            Self::Tmp(node) => node.is_directory(),
            Self::DevDirectory => true,
            Self::Device(_) => false,
            Self::Proc(node) => node.is_directory(),
            Self::Remote(remote) => remote.is_directory(),
        }
    }

    /// The file system it is on.
    pub fn mount(&self) -> Mount {
        match self {
            Self::Archive(_) => Mount::Archive,
            Self::Tmp(node) if node.device == Mount::Archive as u32 => Mount::Archive,
            Self::Tmp(_) | Self::Remote(_) => Mount::Tmp,
            Self::DevDirectory | Self::Device(_) => Mount::Dev,
            Self::Proc(_) => Mount::Proc,
        }
    }

    /// What says who may use it.
    pub fn guard(&self) -> Guard {
        match self {
            Self::Archive(id) => {
                let archive::Node { mode, uid, gid, .. } = *archive().node(*id);
                // What rights its owner has taken from it before it was removed is not known any more.
                let gone = if self.is_removed() {
                    SET_USER | SET_GROUP
                } else {
                    0
                };
                let mode = mode & !gone;
                Guard { mode, uid, gid }
            }
            Self::Tmp(node) => node.guard(),
            node => Guard::from(&node.stat()),
        }
    }

    /// Its attributes; of what is remote, those that a listing shows.
    pub fn stat(&self) -> Stat {
        match self {
            Self::Archive(id) => {
                let stat = of_archive(archive().node(*id));
                if !self.is_removed() {
                    return stat;
                }
                let mode = self.guard().mode;
                Stat {
                    mode,
                    links: 0,
                    ..stat
                }
            }
            Self::Tmp(node) => of_tmp(node),
            Self::DevDirectory => device::directory_stat(),
            Self::Device(device) => device.stat(),
            Self::Proc(node) => node.stat(),
            Self::Remote(remote) => Stat {
                device: Mount::Tmp as u32,
                inode: 1,
                mode: remote.description.kind,
                ..Stat::default()
            },
        }
    }

    /// The target of a symbolic link, as readlink shows it; None for other nodes.
    pub fn link(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        let target = match self {
            Self::Archive(id) => match &archive().node(*id) {
                node if !node.is_link() => None,
                archive::Node {
                    content: archive::Content::Bytes(target),
                    ..
                } => Some(*target),
                _ => None,
            },
            Self::Tmp(node) => match &node.content {
                tmp::Content::Link(target) => Some(target.as_slice()),
                _ => None,
            },
            Self::DevDirectory | Self::Remote(_) => None,
            Self::Device(device) => device.link(),
            Self::Proc(node) => return node.link(),
        };
        target.map(to_vec).transpose()
    }

    /// The directory that this directory is in; None once it was removed.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Archive(id) => Some(Self::Archive(archive().node(*id).parent).now()),
            Self::Tmp(_) if self.is_root() => Some(self.clone()),
            Self::Tmp(node) if Arc::ptr_eq(node, local::tmp().root()) => Some(Self::root()),
            Self::Tmp(node) => node.parent().map(Self::Tmp),
            Self::DevDirectory | Self::Device(_) => Some(Self::root()),
            Self::Remote(_) => None,
            Self::Proc(node) => Some(node.parent().map_or_else(Self::root, Self::Proc)),
        }
    }

    /// Whether its path leads through something that has changed, so that only torus 0 knows it.
    pub fn is_found_elsewhere(&self) -> bool {
        let mut at = self.clone();
        while let Self::Archive(id) = at {
            if at.is_stale() {
                return true;
            }
            if id == ROOT {
                break;
            }
            at = Self::Archive(archive().node(id).parent);
        }
        false
    }

    /// The path as `/proc` shows it: of what has no name any more the last one, with ` (deleted)` after it. None for what never had
    /// a name.
    pub fn shown_path(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        match self {
            Self::Archive(id) if self.is_removed() => {
                let node = archive().node(*id);
                let directory = Self::Archive(node.parent).now();
                deleted(directory.path()?, node.name).map(Some)
            }
            Self::Tmp(node) if node.links() == 0 => {
                let Some((directory, name)) = node.gone() else {
                    return Ok(None);
                };
                let directory =
                    directory.map_or(Ok(None), |directory| Self::Tmp(directory).path())?;
                deleted(directory, &name).map(Some)
            }
            _ => self.path(),
        }
    }

    /// The absolute path; None for what has no name any more.
    pub fn path(&self) -> Result<Option<Vec<u8>>, NoMemory> {
        if let Self::Device(device) = self {
            return device.path().map(Some);
        }
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut at = self.clone();
        while !at.is_root() {
            let Some(parent) = at.parent() else {
                return Ok(None);
            };
            let Some(name) = parent.name_of(&at)? else {
                return Ok(None);
            };
            names.try_push(name)?;
            at = parent;
            cpu::let_interrupts_in();
        }
        let mut path = Vec::new();
        while let Some(name) = names.pop() {
            path.try_push(b'/')?;
            path.try_extend_from_slice(&name)?;
            cpu::let_interrupts_in();
        }
        if path.is_empty() {
            path.try_push(b'/')?;
        }
        Ok(Some(path))
    }

    /// The name of `child`, a directory, in this directory.
    fn name_of(&self, child: &Self) -> Result<Option<Vec<u8>>, NoMemory> {
        let name = match (self, child) {
            (Self::Archive(_), Self::Archive(id)) => archive().node(*id).name,
            (Self::Tmp(parent), Self::Archive(id)) => {
                let Some(lower) = root().lower() else {
                    return Ok(None);
                };
                return found(lower.raise(*id).and_then(|raised| parent.name_of(&raised)));
            }
            (Self::Tmp(parent), Self::Tmp(node)) if parent.device == node.device => {
                return found(parent.name_of(node));
            }
            (Self::Archive(_), Self::Tmp(node)) if node.device == Mount::Archive as u32 => {
                let Some(id) = node.archive() else {
                    return Ok(None);
                };
                archive().node(id).name
            }
            (Self::Proc(_), Self::Proc(node)) => return node.name().map(Some),
            (_, Self::Tmp(_) | Self::Remote(_)) => b"tmp",
            (_, Self::DevDirectory) => b"dev",
            (_, Self::Proc(_)) => b"proc",
            _ => return Ok(None),
        };
        to_vec(name).map(Some)
    }

    /// The entry at or after `position` (0 and up, without `.` and `..`): where the listing goes on, the name, the node.
    pub fn list(&self, position: u64) -> Result<Option<(u64, Vec<u8>, Self)>, NoMemory> {
        let entry = match self {
            Self::Archive(id) => {
                let names = archive().names(*id);
                let at = usize::try_from(position).ok();
                at.and_then(|at| names.get(at)).map(|(name, child)| {
                    Ok::<_, NoMemory>((position + 1, to_vec(name)?, Self::Archive(*child).now()))
                })
            }
            Self::Tmp(node) => node
                .list(position)?
                .map(|entry| Ok((entry.next, entry.name, entry.node.into()))),
            Self::DevDirectory => device::list(position)
                .map(|(name, device)| Ok((position + 1, to_vec(name)?, Self::Device(device)))),
            Self::Device(_) | Self::Remote(_) => None,
            Self::Proc(node) => proc::list(node, position)
                .map(|(next, child)| Ok((next, child.name()?, Self::Proc(child)))),
        };
        let entry = entry.transpose()?;
        Ok(entry.map(|(next, name, node)| {
            let mounted = self.mounted(&name);
            (next, name, mounted.unwrap_or(node))
        }))
    }

    /// What is mounted on a name of this directory.
    pub fn mounted(&self, name: &[u8]) -> Option<Self> {
        if !self.is_root() {
            return None;
        }
        match name {
            b"tmp" => Some(Self::tmp()),
            b"dev" => Some(Self::DevDirectory),
            b"proc" => Some(Self::Proc(Proc::Root)),
            _ => None,
        }
    }
}

impl From<tmp::Child<Content, Relax>> for Node {
    fn from(child: tmp::Child<Content, Relax>) -> Self {
        match child {
            tmp::Child::Node(node) => Self::Tmp(node),
            tmp::Child::Archive(id) => Self::Archive(id),
        }
    }
}

/// How a name is shown that was in a directory of this path.
fn deleted(directory: Option<Vec<u8>>, name: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut path = directory.unwrap_or_default();
    if path.last() != Some(&b'/') {
        path.try_push(b'/')?;
    }
    path.try_extend_from_slice(name)?;
    path.try_extend_from_slice(b" (deleted)")?;
    Ok(path)
}

/// A name that may not be there.
fn found(name: Result<Vec<u8>, FileError>) -> Result<Option<Vec<u8>>, NoMemory> {
    match name {
        Err(FileError::NoMemory) => Err(NoMemory),
        name => Ok(name.ok()),
    }
}

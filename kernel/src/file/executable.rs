//! Programs to execute.

use super::boot;
use super::content::Content;
use super::context::Context;
use super::open::{Body, Flags, OpenFile};
use super::transfer;
use super::tree::{self, Node, World};
use crate::mem::object::{ObjectRef, PAGE};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{self, S_IFMT, S_IFREG};
use braid_files::walk::{self, Walk};

/// An executable file.
pub struct Executable {
    pub(super) path: Vec<u8>,
    pub(super) file: Arc<OpenFile>,
}

impl Executable {
    /// The absolute path it was found by, links resolved (`/proc/self/exe`).
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match &self.file.body {
            Body::Bytes(_, bytes) => bytes.len() as u64,
            Body::Tmp(node) => transfer::content(node).map_or(0, Content::len),
            _ => 0,
        }
    }

    /// What mappings of it show.
    pub fn object(&self) -> Result<ObjectRef, Errno> {
        match &self.file.body {
            Body::Bytes(node, bytes) => boot::object(node, bytes),
            Body::Tmp(node) => Ok(transfer::content(node)?.object().clone()),
            _ => Err(Errno::EACCES),
        }
    }

    /// Copies bytes from `offset` on; answers how many, fewer than asked only at the end of the file.
    pub fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        if let Body::Bytes(_, bytes) = &self.file.body {
            let rest = usize::try_from(offset)
                .ok()
                .and_then(|offset| bytes.get(offset..))
                .unwrap_or(&[]);
            let n = rest.len().min(to.len());
            to[..n].copy_from_slice(&rest[..n]);
            return Ok(n);
        }
        let Body::Tmp(node) = &self.file.body else {
            return Err(Errno::EACCES);
        };
        let content = transfer::content(node)?;
        let mut done = 0;
        while done < to.len() {
            let end = to.len().min(done + PAGE);
            let n = content.read(offset + done as u64, &mut to[done..end]);
            if n == 0 {
                break;
            }
            done += n;
        }
        Ok(done)
    }
}

impl Context {
    /// The program at a path: EACCES when it is not a regular file or not executable, and what path resolution gives.
    pub fn executable(&self, path: &[u8]) -> Result<Arc<Executable>, Errno> {
        let Walk::Target(target) = walk::resolve(&World, &self.directory(), path, true)? else {
            return Err(Errno::EACCES);
        };
        let directory = target.directory.clone();
        let name = target.name.clone();
        let mut node = target.existing()?;
        let mut path = directory.path().unwrap_or_default();
        if let Node::Proc(super::proc::Proc::Executable(pid)) = &node {
            let process = crate::process::table().get(*pid).ok_or(Errno::ENOENT)?;
            return process.executable.lock().clone().ok_or(Errno::ENOENT);
        }
        if let Node::Proc(super::proc::Proc::Descriptor(pid, fd)) = &node {
            let process = crate::process::table().get(*pid).ok_or(Errno::ENOENT)?;
            node = process.files.get(*fd)?.node().ok_or(Errno::EACCES)?;
        }
        if path != b"/" {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        let mode = node.stat().mode;
        if mode & S_IFMT != S_IFREG || mode & 0o111 == 0 {
            return Err(Errno::EACCES);
        }
        let body = match &node {
            Node::Archive(id) => match tree::archive().node(*id).content {
                archive::Content::Bytes(bytes) => Body::Bytes(node.clone(), bytes),
                archive::Content::Directory(_) => return Err(Errno::EACCES),
            },
            Node::Tmp(node) => Body::Tmp(node.clone()),
            _ => return Err(Errno::EACCES),
        };
        let file = Arc::new(OpenFile::new(body, Flags::RDONLY));
        Ok(Arc::new(Executable { path, file }))
    }
}

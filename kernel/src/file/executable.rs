//! Programs to execute.

use super::boot;
use super::content::Content;
use super::far::{self, Reply};
use super::open::{Body, Flags, OpenFile};
use super::service::bytes;
use super::syscalls::{go_on, place};
use super::transfer;
use super::tree::{self, Node, World};
use crate::mem::object::{ObjectRef, PAGE};
use crate::process::Thread;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::archive::{self, NodeId, S_IFMT, S_IFREG};
use braid_files::far::answer::Answer;
use braid_files::far::ask::{Ask, Request, Subject};
use braid_files::walk::{self, Target, Walk};

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
    pub fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, Stop> {
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
            return Err(Errno::EACCES.into());
        };
        let content = transfer::content(node)?;
        let mut done = 0;
        while done < to.len() {
            let end = to.len().min(done + PAGE);
            let n = content.read(offset + done as u64, &mut to[done..end])?;
            if n == 0 {
                break;
            }
            done += n;
        }
        Ok(done)
    }
}

impl Executable {
    /// The program at a path: EACCES when it is not a regular file or not executable, and what path resolution gives.
    pub fn find(thread: &Arc<Thread>, path: &[u8]) -> Result<Arc<Self>, Stop> {
        let directory = thread.process.files.directory();
        let mut walk = walk::resolve(&World, &directory, path, true)?;
        loop {
            let leaving = match walk {
                Walk::Target(target) => return Self::here(thread, target),
                Walk::Leaves(leaving) => leaving,
            };
            let (home, place) = place(leaving, true)?;
            let about = |request| Ask::About {
                subject: Subject::Path {
                    place: place.clone(),
                },
                request,
            };
            match far::ask(thread, home, &about(Request::Stat))? {
                Reply::Answer(Answer::Elsewhere { rest, links, .. }) => {
                    walk = go_on(rest, links, true)?;
                }
                Reply::Answer(Answer::Stat { stat }) => {
                    check(stat.mode)?;
                    let (flags, mode) = (Flags::RDONLY.bits(), 0);
                    let opened = far::ask(thread, home, &about(Request::Open { flags, mode }))?;
                    let Reply::Opened(file) = opened else {
                        return Err(Errno::EACCES.into());
                    };
                    let path = absolute(thread, path)?;
                    return Self::copied(thread, path, &file);
                }
                _ => return Err(Errno::EIO.into()),
            }
        }
    }

    /// An executable file: of another torus as a copy.
    fn copied(
        thread: &Arc<Thread>,
        path: Vec<u8>,
        file: &Arc<OpenFile>,
    ) -> Result<Arc<Self>, Stop> {
        let file = match &file.body {
            Body::Far(remote) => match remote.archive() {
                Some(id) => Arc::new(OpenFile::new(archive_body(id)?, Flags::RDONLY)),
                None => far::fetch(thread, remote)?,
            },
            _ => file.clone(),
        };
        Ok(Arc::new(Self { path, file }))
    }

    /// The program that a path led to on this torus.
    fn here(thread: &Arc<Thread>, target: Target<Node>) -> Result<Arc<Self>, Stop> {
        let directory = target.directory.clone();
        let name = target.name.clone();
        let mut node = target.existing()?;
        let mut path = directory.path().unwrap_or_default();
        if let Node::Proc(super::proc::Proc::Executable(pid)) = &node {
            let process = crate::process::table().get(*pid).ok_or(Errno::ENOENT)?;
            let executable = process.executable.lock().clone().ok_or(Errno::ENOENT)?;
            return Self::copied(thread, executable.path.clone(), &executable.file);
        }
        if let Node::Proc(super::proc::Proc::Descriptor(pid, fd)) = &node {
            let process = crate::process::table().get(*pid).ok_or(Errno::ENOENT)?;
            let file = process.files.get(*fd)?;
            if let Body::Far(remote) = &file.body {
                let number = remote.number;
                let subject = Subject::File { number };
                let request = Request::Stat;
                match far::ask(thread, remote.home, &Ask::About { subject, request })? {
                    Reply::Answer(Answer::Stat { stat }) => check(stat.mode)?,
                    _ => return Err(Errno::EIO.into()),
                }
                return Self::copied(thread, file.name(), &file);
            }
            node = file.node().ok_or(Errno::EACCES)?;
        }
        if path != b"/" {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        check(node.stat().mode)?;
        let body = match &node {
            Node::Archive(id) => archive_body(*id)?,
            Node::Tmp(node) => Body::Tmp(node.clone()),
            _ => return Err(Errno::EACCES.into()),
        };
        let file = Arc::new(OpenFile::new(body, Flags::RDONLY));
        Ok(Arc::new(Self { path, file }))
    }
}

/// Whether a file of this mode can be executed.
fn check(mode: u32) -> Result<(), Errno> {
    if mode & S_IFMT != S_IFREG || mode & 0o111 == 0 {
        return Err(Errno::EACCES);
    }
    Ok(())
}

fn archive_body(id: NodeId) -> Result<Body, Errno> {
    match tree::archive().node(id).content {
        archive::Content::Bytes(bytes) => Ok(Body::Bytes(Node::Archive(id), bytes)),
        archive::Content::Directory(_) => Err(Errno::EACCES),
    }
}

/// A path of a program on another torus from the root on.
fn absolute(thread: &Arc<Thread>, path: &[u8]) -> Result<Vec<u8>, Stop> {
    if path.starts_with(b"/") {
        return Ok(bytes(path)?);
    }
    let mut from = match thread.process.files.directory() {
        Node::Far(remote) => {
            let place = remote.place(Vec::new(), 0, true);
            let subject = Subject::Path { place };
            let request = Request::Path;
            match far::ask(thread, remote.home, &Ask::About { subject, request })? {
                Reply::Answer(Answer::Bytes { bytes }) => bytes,
                _ => return Err(Errno::ENOENT.into()),
            }
        }
        node => node.path().ok_or(Errno::ENOENT)?,
    };
    from.try_reserve(path.len() + 1)
        .map_err(|_| Errno::ENOMEM)?;
    from.push(b'/');
    from.extend_from_slice(path);
    Ok(from)
}

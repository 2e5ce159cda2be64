//! Programs to execute.

use super::boot;
use super::claims::Claim;
use super::content::Content;
use super::far::remote::Remote;
use super::far::{self, Reply};
use super::open::{Body, Flags, OpenFile};
use super::proc::Proc;
use super::service::bytes;
use super::service::opening::{self, bytes_of};
use super::syscalls::{go_on, place};
use super::transfer;
use super::tree::{Node, World};
use crate::mem::object::{ObjectRef, PAGE};
use crate::process::Thread;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::far::answer::Answer;
use braid_files::far::ask::{Ask, Place, Request, Subject, archive};
use braid_files::permission::Guard;
use braid_files::walk::{self, Leaving, Target, Walk};
use fallible::{NoMemory, TryVec, to_vec};

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

    /// The path that its file is known by now; of a file of another torus, of which this is a copy, that it was found by.
    pub fn shown_path(&self) -> Result<Vec<u8>, NoMemory> {
        match self.file.shown_path()? {
            Some(path) => Ok(path),
            None => fallible::to_vec(&self.path),
        }
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

/// A program, and what says as whom it runs.
pub struct Found {
    /// The program.
    pub executable: Arc<Executable>,
    /// Mode, owner and group of the file.
    pub guard: Guard,
}

impl Executable {
    /// The program at a path: EACCES when it is not a regular file or may not be executed, and what path resolution gives.
    pub fn find(thread: &Arc<Thread>, path: &[u8]) -> Result<Found, Stop> {
        let who = thread.process.credentials.lock().identity();
        let directory = thread.process.files.directory();
        let mut walk = walk::resolve(&World::own(who), &directory, path, true)?;
        loop {
            let leaving = match walk {
                Walk::Target(target) => return Self::here(thread, &who, target),
                Walk::Leaves(leaving) => leaving,
            };
            let (home, place) = place(leaving, true)?;
            let question = Ask::About {
                subject: Subject::Path { place },
                request: Request::Execute,
            };
            match far::ask(thread, home, &question)? {
                Reply::Answer(Answer::Elsewhere { rest, links, .. }) => {
                    walk = go_on(who, rest, links, true)?;
                }
                Reply::Opened(file) => {
                    let path = absolute(thread, path)?;
                    return Self::opened(thread, path, &file);
                }
                Reply::Answer(_) | Reply::Object(..) => return Err(Errno::EIO.into()),
            }
        }
    }

    /// An open file that may be executed: of another torus as a copy, or where it is the archive's as every torus has it.
    fn opened(thread: &Arc<Thread>, path: Vec<u8>, file: &Arc<OpenFile>) -> Result<Found, Stop> {
        let Body::Far(remote) = &file.body else {
            let guard = Guard::from(&file.stat());
            let executable = fallible::arc(Self {
                path,
                file: file.clone(),
            })?;
            return Ok(Found { executable, guard });
        };
        let number = remote.number;
        let question = Ask::About {
            subject: Subject::File { number },
            request: Request::Stat,
        };
        // Of the file that was opened, whatever its path leads to by now.
        let Reply::Answer(Answer::Stat { stat }) = far::ask(thread, remote.home, &question)? else {
            return Err(Errno::EIO.into());
        };
        let guard = Guard::from(&stat);
        let file = match remote.same_as() {
            Some(id) => {
                let claim = Claim::to_run_archive(id);
                OpenFile::open(bytes_of(id)?, Flags::RDONLY, claim)?
            }
            None => copy(thread, file, remote, guard)?,
        };
        let executable = fallible::arc(Self { path, file })?;
        Ok(Found { executable, guard })
    }

    /// The program that a path led to on this torus.
    fn here(thread: &Arc<Thread>, who: &Identity, target: Target<Node>) -> Result<Found, Stop> {
        let directory = target.directory.clone();
        let name = to_vec(&target.name)?;
        let mut node = target.existing()?;
        let mut path = directory.path()?.unwrap_or_default();
        match &node {
            Node::Proc(proc) if !proc.may_be_inspected(who) => return Err(Errno::EACCES.into()),
            Node::Proc(Proc::Executable(shown)) => {
                let process = crate::process::table()
                    .get(shown.pid)
                    .ok_or(Errno::ENOENT)?;
                let executable = process.executable.lock().clone().ok_or(Errno::ENOENT)?;
                let Some(own) = executable.file.node() else {
                    return Self::opened(thread, to_vec(&executable.path)?, &executable.file);
                };
                path = to_vec(&executable.path)?;
                return Self::of_node(thread, who, path, &own);
            }
            Node::Proc(Proc::Descriptor(shown, fd)) => {
                let process = crate::process::table()
                    .get(shown.pid)
                    .ok_or(Errno::ENOENT)?;
                let file = process.files.get(*fd)?;
                if let Body::Far(remote) = &file.body {
                    let number = remote.number;
                    let question = Ask::About {
                        subject: Subject::File { number },
                        request: Request::Execute,
                    };
                    let Reply::Opened(file) = far::ask(thread, remote.home, &question)? else {
                        return Err(Errno::EIO.into());
                    };
                    return Self::opened(thread, file.name()?, &file);
                }
                node = file.node().ok_or(Errno::EACCES)?;
            }
            _ => {}
        }
        if path != b"/" {
            path.try_push(b'/')?;
        }
        path.try_extend_from_slice(&name)?;
        Self::of_node(thread, who, path, &node)
    }

    /// A program that was found on this torus. Of one that has changed by the time it counts as run the root's home knows more.
    fn of_node(
        thread: &Arc<Thread>,
        who: &Identity,
        path: Vec<u8>,
        node: &Node,
    ) -> Result<Found, Stop> {
        let file = opening::execute(who, node)?;
        let id = match node {
            Node::Archive(id) if node.is_stale() => id,
            _ => {
                let guard = node.guard();
                let executable = fallible::arc(Self { path, file })?;
                return Ok(Found { executable, guard });
            }
        };
        let place = Place {
            base: archive(id.0),
            rest: Vec::new(),
            links: 0,
            follow: false,
        };
        let question = Ask::About {
            subject: Subject::Path { place },
            request: Request::Execute,
        };
        match far::ask(thread, far::MAIN, &question)? {
            Reply::Opened(file) => Self::opened(thread, path, &file),
            Reply::Answer(_) | Reply::Object(..) => Err(Errno::EIO.into()),
        }
    }
}

/// A copy of a program of another torus, which nobody may use otherwise than the program. The program is run there as long as here.
fn copy(
    thread: &Arc<Thread>,
    program: &Arc<OpenFile>,
    remote: &Remote,
    guard: Guard,
) -> Result<Arc<OpenFile>, Stop> {
    let file = far::fetch(thread, remote)?;
    let Body::Tmp(node) = &file.body else {
        return Err(Errno::EIO.into());
    };
    node.change(|own| (own.mode, own.uid, own.gid) = (guard.mode, guard.uid, guard.gid));
    let claim = Claim::Copy(program.clone());
    Ok(OpenFile::open(
        Body::Tmp(node.clone()),
        Flags::RDONLY,
        claim,
    )?)
}

/// A path of a program on another torus from the root on.
fn absolute(thread: &Arc<Thread>, path: &[u8]) -> Result<Vec<u8>, Stop> {
    if path.starts_with(b"/") {
        return Ok(bytes(path)?);
    }
    let mut from = match thread.process.files.directory() {
        Node::Far(remote) => path_at(thread, remote.home, remote.place(Vec::new(), 0, true))?,
        node @ Node::Archive(_) if node.is_found_elsewhere() => {
            let (home, place) = place(
                Leaving {
                    at: node,
                    rest: Vec::new(),
                    links: 0,
                },
                true,
            )?;
            path_at(thread, home, place)?
        }
        node => node.path()?.ok_or(Errno::ENOENT)?,
    };
    from.try_push(b'/')?;
    from.try_extend_from_slice(path)?;
    Ok(from)
}

/// The path of a directory of another torus.
fn path_at(thread: &Arc<Thread>, home: TorusId, place: Place) -> Result<Vec<u8>, Stop> {
    let subject = Subject::Path { place };
    let request = Request::Path;
    match far::ask(thread, home, &Ask::About { subject, request })? {
        Reply::Answer(Answer::Bytes { bytes }) => Ok(bytes),
        _ => Err(Errno::ENOENT.into()),
    }
}

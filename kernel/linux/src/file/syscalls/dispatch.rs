//! Having something done with a file, wherever it is.

use super::super::caller::Caller;
use super::super::device::Device;
use super::super::flags::Flags;
use super::super::open::OpenFile;
use super::super::own::Own;
use super::super::remote::{self, Behind, Reply, outcome};
use super::super::service::{self, Outcome, Subject};
use super::super::tree::{Node, World};
use super::AT_FDCWD;
use super::home::{number_for, place_for};
use crate::file::context::HasFiles as _;
use crate::file::facts;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::sync::Arc;
use braid_files::credentials::Identity;
use braid_files::remote::answer::{Answer, Onward};
use braid_files::remote::ask::{
    self as wire, Ask, CONSOLE, Place, Request, TERMINAL, archive, console,
};
use braid_files::stat::Stat;
use braid_files::walk::{self, Leaving, Target, Walk};
use fallible::to_vec;
use machine::cpu;
use mem::user::UserSlice;

/// A path of a call, with the directory that it begins in.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// Descriptor of a directory, or AT_FDCWD.
    pub(super) directory: i32,
    pub(super) path: &'a [u8],
    /// Whether a symbolic link in the last place is followed.
    pub(super) follow: bool,
}

impl<'a> At<'a> {
    /// A path from the working directory, its last link followed.
    pub(super) fn here(path: &'a [u8]) -> Self {
        Self {
            directory: AT_FDCWD,
            path,
            follow: true,
        }
    }

    /// A path from a directory, its last link followed.
    pub(super) fn from(directory: i32, path: &'a [u8]) -> Self {
        Self {
            directory,
            ..Self::here(path)
        }
    }

    /// The same path, with the last link itself.
    pub(super) fn itself(self) -> Self {
        Self {
            follow: false,
            ..self
        }
    }

    /// The directory from which the path is resolved.
    fn base(&self, call: &Call) -> Result<Node, Errno> {
        if self.path.first() == Some(&b'/') {
            Ok(Node::root())
        } else if self.directory == AT_FDCWD {
            Ok(call.process.files().directory())
        } else {
            call.process.files().get(self.directory)?.directory()
        }
    }
}

/// Where a path leads: to something of this torus, or into a directory of another.
pub(super) fn resolve(call: &Call, who: Identity, at: At) -> Result<Walk<Node>, Stop> {
    let tree = World::own(who);
    let found = walk::resolve(&tree, &at.base(call)?, at.path, at.follow)?;
    // The rest of the call is long enough by itself.
    cpu::let_interrupts_in();
    Ok(found)
}

/// Where a path leads after another torus has found that it leads out of what it has.
pub fn go_on(who: Identity, onward: Onward, follow: bool) -> Result<Walk<Node>, Stop> {
    let Onward { from, rest, links } = onward;
    let world = World::own(who);
    if let Some((home, number)) = from {
        let at = remote::node_at(home, number)?;
        return Ok(walk::go_on(&world, Leaving { at, rest, links }, follow)?);
    }
    // The home has searched the root, of which this torus may know no more: what is mounted on it is entered at once, or each would
    // send the other there for ever.
    let root = Node::root();
    let mounted = walk::split(&rest).and_then(|(name, tail)| Some((root.mounted(name)?, tail)));
    let (at, rest) = match mounted {
        Some((at, tail)) => (at, to_vec(tail)?),
        None => (root, rest),
    };
    Ok(walk::go_on(&world, Leaving { at, rest, links }, follow)?)
}

/// The torus where a path goes on, and what to ask there.
pub fn place(leaving: Leaving<Node>, follow: bool) -> Result<(TorusId, Place), Errno> {
    let Leaving { at, rest, links } = leaving;
    match at {
        Node::Remote(remote) => Ok((remote.home, remote.place(rest, links, follow))),
        Node::Archive(id) => {
            let place = Place {
                base: archive(id.0),
                rest,
                links,
                follow,
            };
            Ok((facts::MAIN, place))
        }
        _ => Err(Errno::EIO),
    }
}

/// Has something done with what a path leads to.
pub(super) fn about_path(call: &Call, at: At, request: Request) -> Result<Outcome, Stop> {
    let who = Own::of(call).identity_for(&request);
    let mut walk = resolve(call, who, at)?;
    let mut request = request;
    loop {
        let (home, place) = match walk {
            Walk::Leaves(leaving) => place(leaving, at.follow)?,
            Walk::Target(target) => match place_for(&target, &request, at.follow)? {
                Some(place) => (facts::MAIN, place),
                None => return about_target(call, target, request),
            },
        };
        let subject = wire::Subject::Path { place };
        let question = Ask::About { subject, request };
        let reply = remote::ask_wherever(call.thread, home, &question)?;
        request = match question {
            Ask::About { request, .. } => request,
            _ => return Err(Errno::EIO.into()),
        };
        match reply {
            Reply::Answer(Answer::Elsewhere { onward, .. }) => {
                if let Some(file) = remote::onward_file(&onward) {
                    return service::perform(&Own::of(call), Subject::File(file), &request);
                }
                walk = go_on(who, onward, at.follow)?;
            }
            Reply::Answer(Answer::Behind { home, number }) => {
                return Behind::answered(home, number)?.ask(call);
            }
            reply => return outcome(reply),
        }
    }
}

/// Has something done with what was found on this torus; a link in `/proc` may stand for a file of another.
fn about_target(call: &Call, target: Target<Node>, request: Request) -> Result<Outcome, Stop> {
    let who = Own::of(call).identity();
    if let Some(behind) = Behind::link(&target, &request, &who) {
        return behind.ask(call);
    }
    if let Some(number) = opens_terminal(&target, &request).filter(|_| !facts::is_main()) {
        return about_number(call, facts::MAIN, number, request);
    }
    service::perform(&Own::of(call), Subject::Target(target), &request)
}

/// Has something done with an open file.
pub(super) fn about_file(
    call: &Call,
    file: Arc<OpenFile>,
    request: Request,
) -> Result<Outcome, Stop> {
    if let Some(remote) = file.remote() {
        return about_number(call, remote.home, remote.number, request);
    }
    if let Some(number) = number_for(&file, &request) {
        return about_number(call, facts::MAIN, number, request);
    }
    service::perform(&Own::of(call), Subject::File(file), &request)
}

/// Has something done with a file of another torus.
fn about_number(
    call: &Call,
    home: TorusId,
    number: u64,
    request: Request,
) -> Result<Outcome, Stop> {
    let subject = wire::Subject::File { number };
    let question = Ask::About { subject, request };
    outcome(remote::ask(call.thread, home, &question)?)
}

/// Opens descriptor `fd` of the console at its home.
pub fn open_console(call: &Call, fd: usize) -> Result<Arc<OpenFile>, Stop> {
    let request = Request::Open { flags: 0, mode: 0 };
    about_number(call, facts::MAIN, console(fd), request)?.opened()
}

/// The number that the home of the console has for what a request opens, if that is a terminal.
fn opens_terminal(target: &Target<Node>, request: &Request) -> Option<u64> {
    let number = match target.node {
        Some(Node::Device(Device::Tty)) => TERMINAL,
        Some(Node::Device(Device::Console)) => CONSOLE,
        _ => return None,
    };
    match request {
        Request::Open { flags, .. } => {
            (!Flags::from_bits_retain(*flags).contains(Flags::PATH)).then_some(number)
        }
        _ => None,
    }
}

impl Outcome {
    /// The number that the call returns.
    pub(super) fn number(self) -> SysResult {
        match self {
            Self::Done(number) => Ok(number),
            _ => Err(Errno::EIO.into()),
        }
    }

    /// Attributes.
    pub(super) fn stat(self) -> Result<Stat, Stop> {
        match self {
            Self::Stat(stat) => Ok(stat),
            _ => Err(Errno::EIO.into()),
        }
    }

    /// An open file.
    pub(super) fn opened(self) -> Result<Arc<OpenFile>, Stop> {
        match self {
            Self::Opened(file) => Ok(file),
            _ => Err(Errno::EIO.into()),
        }
    }

    /// Writes the bytes to the program, at most `len` of them; answers how many.
    pub(super) fn write_to(self, address: usize, len: usize) -> SysResult {
        let Self::Bytes(bytes) = self else {
            return Err(Errno::EIO.into());
        };
        let n = bytes.len().min(len);
        UserSlice::new(address, n)?.write(&bytes[..n])?;
        Ok(n)
    }
}

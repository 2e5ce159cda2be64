//! Names of what a process has of yet another torus, as links in `/proc/PID` show them: that torus is asked, by the one that wants to know.

use super::super::facts::MAIN;
use super::super::open::OpenFile;
use super::super::proc::Proc;
use super::super::service::Outcome;
use super::super::tree::Node;
use super::asking::ask;
use super::exports;
use super::question::Reply;
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use braid_files::credentials::Identity;
use braid_files::remote::answer::Answer;
use braid_files::remote::ask::{Ask, Request, Subject as About, archive};
use braid_files::walk::Target;

/// What is behind a link.
#[derive(Clone, Copy)]
pub struct Behind {
    /// Its home.
    home: TorusId,
    /// What it is called there.
    number: u64,
}

impl Behind {
    /// What is behind the link that a path has led to, if its name is asked for and another torus knows that.
    pub fn link(target: &Target<Node>, request: &Request, who: &Identity) -> Option<Self> {
        let Some(Node::Proc(proc)) = &target.node else {
            return None;
        };
        if !matches!(request, Request::ReadLink) {
            return None;
        }
        // Asked afterwards: the process may have executed a set-id program meanwhile.
        Self::of(proc).filter(|_| proc.may_be_inspected(who))
    }

    fn of(proc: &Proc) -> Option<Self> {
        match proc {
            Proc::Descriptor(shown, fd) => {
                let file = shown.process()?.files().get(*fd).ok()?;
                Self::file(&file)
            }
            Proc::Executable(shown) => {
                let executable = shown.process()?.files().executable.lock().clone()?;
                Self::file(executable.file())
            }
            Proc::Directory(shown) => Self::node(&shown.process()?.files().directory()),
            _ => None,
        }
    }

    fn file(file: &OpenFile) -> Option<Self> {
        match file.remote() {
            Some(remote) => Some(Self {
                home: remote.home,
                number: remote.number,
            }),
            None => Self::node(&file.node()?),
        }
    }

    fn node(node: &Node) -> Option<Self> {
        let (home, number) = match node {
            Node::Remote(remote) => (remote.home, remote.number),
            Node::Archive(id) if node.is_found_elsewhere() => (MAIN, archive(id.0)),
            _ => return None,
        };
        Some(Self { home, number })
    }

    /// The answer that says so to another torus.
    pub const fn answer(self) -> Answer {
        Answer::Behind {
            home: self.home.index() as u32,
            number: self.number,
        }
    }

    /// What another torus has answered.
    pub fn answered(home: u32, number: u64) -> Result<Self, Errno> {
        let home = TorusId::new(home as usize).ok_or(Errno::EIO)?;
        Ok(Self { home, number })
    }

    /// Asks it for the name, or looks where it is here.
    pub fn ask(self, call: &Call) -> Result<Outcome, Stop> {
        let Self { home, number } = self;
        if home == tori::here().id {
            return Ok(Outcome::Bytes(exports::file(number)?.name()?));
        }
        let (subject, request) = (About::File { number }, Request::Name);
        outcome(ask(call.thread, home, &Ask::About { subject, request })?)
    }
}

/// What came of a request at its home.
pub fn outcome(reply: Reply) -> Result<Outcome, Stop> {
    Ok(match reply {
        Reply::Opened(file) => Outcome::Opened(file),
        Reply::Answer(Answer::Done { value }) => Outcome::Done(value as usize),
        Reply::Answer(Answer::Stat { stat }) => Outcome::Stat(stat),
        Reply::Answer(Answer::Bytes { bytes }) => Outcome::Bytes(bytes),
        Reply::Answer(_) | Reply::Object(..) => return Err(Errno::EIO.into()),
    })
}

//! Links in `/proc/PID` that lead to what the process has of yet another torus: that torus is asked, by the one that wants to know.

use super::super::caller::Caller;
use super::super::open::{Body, Flags};
use super::super::proc::Proc;
use super::super::service::{self, Outcome, Subject};
use super::super::tree::Node;
use super::asking::ask;
use super::question::Reply;
use super::{MAIN, exports};
use crate::arch::cpu;
use crate::process::table;
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::far::answer::Answer;
use braid_files::far::ask::{Ask, Place, Request, Subject as About, archive};
use braid_files::walk::{Ending, Target};

/// What is behind a link.
#[derive(Clone, Copy)]
pub struct Behind {
    /// Its home.
    pub home: TorusId,
    /// What it is called there.
    pub number: u64,
    /// Whether it is a working directory, and not an open file.
    pub directory: bool,
}

impl Behind {
    /// What is behind the link that a path has led to, if what is asked of it is for its home.
    pub fn link(target: &Target<Node>, request: &Request, who: &Identity) -> Option<Self> {
        let Some(Node::Proc(proc)) = &target.node else {
            return None;
        };
        let wanted = match request {
            Request::ReadLink => true,
            Request::Open { flags, .. } => {
                let opens = !Flags::from_bits_retain(*flags).contains(Flags::PATH);
                opens && matches!(proc, Proc::Descriptor(..))
            }
            _ => false,
        };
        if !wanted || !proc.may_be_inspected(who) {
            return None;
        }
        match proc {
            Proc::Descriptor(shown, fd) => {
                let file = table().get(shown.pid)?.files.get(*fd).ok()?;
                let Body::Far(remote) = &file.body else {
                    return None;
                };
                Some(Self {
                    home: remote.home,
                    number: remote.number,
                    directory: false,
                })
            }
            Proc::Directory(shown) => {
                let (home, number) = match table().get(shown.pid)?.files.directory() {
                    Node::Far(remote) => (remote.home, remote.number),
                    node @ Node::Archive(id) if node.is_found_elsewhere() => (MAIN, archive(id.0)),
                    _ => return None,
                };
                Some(Self {
                    home,
                    number,
                    directory: true,
                })
            }
            _ => None,
        }
    }

    /// The answer that says so to another torus.
    pub const fn answer(self) -> Answer {
        Answer::Behind {
            home: self.home.index() as u32,
            number: self.number,
            directory: self.directory,
        }
    }

    /// What another torus has answered.
    pub fn answered(home: u32, number: u64, directory: bool) -> Result<Self, Errno> {
        let home = TorusId::new(home as usize).ok_or(Errno::EIO)?;
        Ok(Self {
            home,
            number,
            directory,
        })
    }

    /// Asks it, or looks where it is here.
    pub fn ask(self, call: &Call, request: Request) -> Result<Outcome, Stop> {
        let Self { home, number, .. } = self;
        let request = match request {
            Request::ReadLink if self.directory => Request::Path,
            Request::ReadLink => Request::Name,
            request => request,
        };
        if home == cpu::this().torus().id {
            let subject = if self.directory {
                Subject::Target(Target::nameless(exports::node(number)?, Ending::Nothing))
            } else {
                Subject::File(exports::file(number)?)
            };
            return service::perform(&Caller::of(call), subject, &request);
        }
        let subject = if self.directory {
            let place = Place {
                base: number,
                rest: Vec::new(),
                links: 0,
                follow: true,
            };
            About::Path { place }
        } else {
            About::File { number }
        };
        let question = Ask::About { subject, request };
        outcome(ask(call.thread, home, &question)?)
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

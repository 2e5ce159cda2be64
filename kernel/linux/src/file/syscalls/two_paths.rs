//! Calls with two paths, which may lead to different tori.

use super::super::remote::{self, Reply};
use super::super::tree::Node;
use super::dispatch::{go_on, place};
use super::home::place_of;
use crate::file::facts;
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use braid_files::remote::answer::{Answer, Onward};
use braid_files::remote::ask::{Ask, Place, Request, Subject};
use braid_files::walk::{Target, Walk};

/// What became of two paths.
pub(super) enum Pair {
    /// Both lead to something of this torus.
    Here(Target<Node>, Target<Node>),
    /// Both lead to one other torus, which has done what was asked.
    Done(usize),
    /// They lead to different tori, where there is something of these names or not.
    Apart { from: bool, to: bool },
}

/// A path, as far as it has been followed.
struct Side {
    at: Reached,
    /// Whether its last link is followed.
    follow: bool,
}

enum Reached {
    Here(Target<Node>),
    There(TorusId, Place),
}

impl Side {
    fn new((walk, follow): (Walk<Node>, bool)) -> Result<Self, Stop> {
        let at = match walk {
            Walk::Target(target) => match place_of(&target, follow)? {
                Some(place) if !facts::is_main() => Reached::There(facts::MAIN, place),
                _ => Reached::Here(target),
            },
            Walk::Leaves(leaving) => {
                let (home, place) = place(leaving, follow)?;
                Reached::There(home, place)
            }
        };
        Ok(Self { at, follow })
    }

    /// The path leads on from somewhere else.
    fn go_on(&mut self, call: &Call, onward: Onward) -> Result<(), Stop> {
        let who = call.process.credentials.lock().identity();
        let walk = go_on(who, onward, self.follow)?;
        *self = Self::new((walk, self.follow))?;
        Ok(())
    }

    /// Whether there is something of this name; None when the path led on instead.
    fn look(&mut self, call: &Call) -> Result<Option<bool>, Stop> {
        let (home, place) = match &self.at {
            Reached::Here(target) => return Ok(Some(target.node.is_some())),
            Reached::There(home, place) => (*home, place.try_clone()?),
        };
        let question = Ask::About {
            subject: Subject::Path { place },
            request: Request::Look,
        };
        match remote::ask(call.thread, home, &question)? {
            Reply::Answer(Answer::Done { value }) => Ok(Some(value != 0)),
            Reply::Answer(Answer::Elsewhere { onward, .. }) => {
                self.go_on(call, onward)?;
                Ok(None)
            }
            _ => Err(Errno::EIO.into()),
        }
    }
}

/// Brings two paths (with whether their last links are followed) to their ends, and asks the torus that has both.
pub(super) fn pair(
    call: &Call,
    from: (Walk<Node>, bool),
    to: (Walk<Node>, bool),
    question: impl Fn(Place, Place) -> Ask,
) -> Result<Pair, Stop> {
    let (mut from, mut to) = (Side::new(from)?, Side::new(to)?);
    loop {
        let (home, question) = match (&from.at, &to.at) {
            (Reached::Here(from), Reached::Here(to)) => {
                return Ok(Pair::Here(from.try_clone()?, to.try_clone()?));
            }
            (Reached::There(home, from), Reached::There(other, to)) if home == other => {
                (*home, question(from.try_clone()?, to.try_clone()?))
            }
            _ => match (from.look(call)?, to.look(call)?) {
                (Some(from), Some(to)) => return Ok(Pair::Apart { from, to }),
                _ => continue,
            },
        };
        match remote::ask(call.thread, home, &question)? {
            Reply::Answer(Answer::Done { value }) => return Ok(Pair::Done(value as usize)),
            Reply::Answer(Answer::Elsewhere { second, onward }) => {
                let side = if second { &mut to } else { &mut from };
                side.go_on(call, onward)?;
            }
            _ => return Err(Errno::EIO.into()),
        }
    }
}

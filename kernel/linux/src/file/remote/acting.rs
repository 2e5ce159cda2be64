//! What a request of another torus has the home do.

use super::super::caller::Caller;
use super::super::facts::MAIN;
use super::super::io::Transfer;
use super::super::open::OpenFile;
use super::super::service::{self, Outcome, Subject, bytes, entries, poll};
use super::super::transfer;
use super::super::tree::{Node, World};
use super::behind::Behind;
use super::exports;
use super::serving::Serving;
use crate::syscall::call::{InFlight, Stop};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Identity;
use braid_files::remote::answer::{Answer, Onward};
use braid_files::remote::ask::{Ask, Place, Request, Subject as About, archive};
use braid_files::walk::{self, Leaving, Target, Walk};
use fallible::{TryVec, with_capacity};
use ipc::parcel::{PAYLOAD, PAYLOAD_MAX};
use sync::Waiter;
use tori::pieces;

/// Does what is asked.
pub(super) fn act(serving: &Arc<Serving>, in_flight: &mut InFlight) -> Result<Answer, Stop> {
    match &serving.ask {
        Ask::About { subject, request } => about(serving, subject, request, in_flight),
        Ask::Rename { from, to, keep } => {
            let who = &serving.who.identity;
            with_both(who, from, to, |from, to| {
                entries::rename(who, from, to, *keep)
            })
        }
        Ask::Link { from, to } => {
            let who = &serving.who.identity;
            with_both(who, from, to, |from, to| entries::link(who, from, to))
        }
        Ask::Poll { files, wait } => {
            let events = poll(serving, files, *wait)?;
            if *wait && events.iter().all(|&events| events == 0) {
                return Err(Stop::Block);
            }
            Ok(Answer::Ready { events })
        }
    }
}

fn about(
    serving: &Arc<Serving>,
    subject: &About,
    request: &Request,
    in_flight: &mut InFlight,
) -> Result<Answer, Stop> {
    let subject = match subject {
        About::File { number } => Subject::File(exports::file(*number)?),
        About::Path { place } => match exports::placeless(place.base) {
            Some(file) if place.rest.is_empty() => Subject::File(file),
            _ => match target(&serving.who.identity, place)? {
                Found::Here(target) => Subject::Target(target),
                Found::Elsewhere(onward) => {
                    let second = false;
                    return Ok(Answer::Elsewhere { second, onward });
                }
            },
        },
    };
    if let Subject::Target(target) = &subject
        && let Some(behind) = Behind::link(target, request, &serving.who.identity)
    {
        return Ok(behind.answer());
    }
    let caller: &dyn Caller = serving;
    // Before a file is made: a request that runs again would find it.
    let place = match request {
        Request::Open { .. } | Request::Enter => Some(exports::Place::new(serving.from)?),
        _ => None,
    };
    let outcome = match (&subject, request) {
        (Subject::File(file), Request::List { len, position }) => {
            if let Some(position) = position {
                *file.offset.lock() = *position;
            }
            let put = |done, entry: &[u8]| {
                serving.parcel.write(PAYLOAD + done, entry);
                Ok(())
            };
            Outcome::Done(service::place::list(file, payload(*len), put)?)
        }
        (Subject::File(file), Request::Read { len, position }) => {
            let len = payload(*len);
            let io = &mut Transfer::lent(&serving.parcel, len, len, in_flight).at(*position);
            Outcome::Done(transfer::read(caller, file, io)?)
        }
        (
            Subject::File(file),
            Request::Write {
                len,
                total,
                position,
            },
        ) => {
            let total = usize::try_from(*total).unwrap_or(usize::MAX);
            let io =
                &mut Transfer::lent(&serving.parcel, payload(*len), total, in_flight).at(*position);
            Outcome::Done(transfer::write(caller, file, io)?)
        }
        (Subject::File(file), Request::Map) => return map(file, serving.from),
        _ => service::perform(caller, subject, request)?,
    };
    Ok(match outcome {
        Outcome::Done(value) => Answer::Done {
            value: value as u64,
        },
        Outcome::Stat(stat) => Answer::Stat { stat },
        Outcome::Bytes(bytes) => Answer::Bytes { bytes },
        Outcome::Opened(file) => {
            let place = place.map_or_else(|| exports::Place::new(serving.from), Ok)?;
            exports::opened(file, place)
        }
    })
}

/// Lends what a mapping of a file shows. ENODEV when it is none that can be mapped.
fn map(file: &OpenFile, to: TorusId) -> Result<Answer, Stop> {
    let content = file.content().ok_or(Errno::ENODEV)?;
    if file.flags().writes() {
        content.writable_object();
    }
    let (number, sealed) = content.lend(to)?;
    Ok(Answer::Object { number, sealed })
}

/// Bytes of payload that a request means.
fn payload(len: u32) -> usize {
    (len as usize).min(PAYLOAD_MAX)
}

/// Where a path leads: to something here, or to somewhere else.
enum Found {
    Here(Target<Node>),
    Elsewhere(Onward),
}

fn target(who: &Identity, place: &Place) -> Result<Found, Errno> {
    let from = Leaving {
        at: exports::node(place.base)?,
        rest: bytes(&place.rest)?,
        links: place.links,
    };
    match walk::go_on(&World::home(*who), from, place.follow)? {
        Walk::Target(target) => Ok(Found::Here(target)),
        Walk::Leaves(leaving) => Ok(Found::Elsewhere(onward(leaving)?)),
    }
}

/// How the asker goes on with a path that leads out of what is here: from the file of another torus, or by the path from the root.
fn onward(leaving: Leaving<Node>) -> Result<Onward, Errno> {
    let Leaving { at, rest, links } = leaving;
    let from = match &at {
        Node::Remote(remote) => Some((remote.home.index() as u32, remote.number)),
        Node::Archive(id) => Some((MAIN.index() as u32, archive(id.0))),
        _ => None,
    };
    let rest = match from {
        Some(_) => rest,
        None => {
            let mut path = at.path()?.ok_or(Errno::ENOENT)?;
            if !rest.is_empty() {
                path.try_push(b'/')?;
            }
            path.try_extend_from_slice(&rest)?;
            path
        }
    };
    Ok(Onward { from, rest, links })
}

/// Does something with what two paths lead to.
fn with_both(
    who: &Identity,
    from: &Place,
    to: &Place,
    action: impl FnOnce(Target<Node>, Target<Node>) -> Result<usize, Errno>,
) -> Result<Answer, Stop> {
    let (from, to) = match (target(who, from)?, target(who, to)?) {
        (Found::Here(from), Found::Here(to)) => (from, to),
        (Found::Elsewhere(onward), _) => {
            let second = false;
            return Ok(Answer::Elsewhere { second, onward });
        }
        (_, Found::Elsewhere(onward)) => {
            let second = true;
            return Ok(Answer::Elsewhere { second, onward });
        }
    };
    let value = action(from, to)? as u64;
    Ok(Answer::Done { value })
}

/// The events of files; has the request woken when they change.
pub(super) fn poll(
    serving: &Arc<Serving>,
    files: &[(u64, u16)],
    enrol: bool,
) -> Result<Vec<u16>, Errno> {
    let waiter: Option<Arc<dyn Waiter>> = if enrol { Some(serving.clone()) } else { None };
    let mut events = with_capacity(files.len())?;
    for &(number, wanted) in files {
        pieces::step();
        events.try_push(match exports::file(number) {
            Ok(file) => file.events(wanted, waiter.as_ref()) & (wanted | poll::ALWAYS),
            Err(_) => poll::NVAL,
        })?;
    }
    Ok(events)
}

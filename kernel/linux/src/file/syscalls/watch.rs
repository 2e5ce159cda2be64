//! Waiting until one of several files is ready, wherever they are.

use super::super::caller::Caller;
use super::super::open::OpenFile;
use super::super::own::Own;
use super::super::remote::{self, asking, journal};
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::chunks::Chunks;
use braid_files::remote::ask::Ask;
use fallible::TryVec;
use sync::Waiter;
use tori::pieces;

/// A file that is watched.
pub(super) struct Watched {
    file: Option<Arc<OpenFile>>,
    /// Events that count.
    wanted: u16,
    /// Those of them that were found.
    pub(super) found: u16,
    /// Its descriptor.
    pub(super) fd: i32,
}

impl Watched {
    /// Watches a file for these events.
    pub(super) fn new(fd: i32, file: Arc<OpenFile>, wanted: u16) -> Self {
        Self {
            file: Some(file),
            wanted,
            found: 0,
            fd,
        }
    }

    /// What is no file, and has found this already.
    pub(super) fn none(fd: i32, found: u16) -> Self {
        Self {
            file: None,
            wanted: 0,
            found,
            fd,
        }
    }

    /// The torus and number of a remote file.
    fn remote(&self) -> Option<(TorusId, u64)> {
        let remote = self.file.as_ref()?.remote()?;
        Some((remote.home, remote.number))
    }
}

/// Fills in what is found of each file; waits until something is, unless the call's time is over.
pub(super) fn watch(call: &Call, watched: &mut Chunks<Watched>) -> Result<(), Stop> {
    let over = call.inflight.is_over();
    let mut found = look(watched, None);
    if found == 0 && !over {
        // Enrolled first and looked at again after: a change in between is not missed.
        found = look(watched, Some(&Own::of(call).waiter()));
    }
    let homes = remote_homes(watched)?;
    if !homes.is_empty() {
        found += look_remote(call, watched, &homes, over || found != 0)?;
    }
    if over || found != 0 {
        Ok(())
    } else {
        Err(Stop::Block)
    }
}

/// Fills in what is found of the files of this torus; answers how many files have found something.
fn look(watched: &mut Chunks<Watched>, waiter: Option<&Arc<dyn Waiter>>) -> usize {
    let mut count = 0;
    for entry in watched.iter_mut() {
        pieces::step();
        if let Some(file) = &entry.file {
            entry.found = file.events(entry.wanted, waiter) & entry.wanted;
        }
        count += usize::from(entry.found != 0);
    }
    count
}

/// The tori that have some of the files, each once.
fn remote_homes(watched: &Chunks<Watched>) -> Result<Vec<TorusId>, Errno> {
    let mut homes = Vec::new();
    for entry in watched.iter() {
        pieces::step();
        let Some((home, _)) = entry.remote() else {
            continue;
        };
        if !homes.contains(&home) {
            homes.try_push(home)?;
        }
    }
    Ok(homes)
}

/// Asks each home of remote files about those that it has, and answers how many have found something. Blocks until all homes have
/// answered: at once with `hurry`, or as soon as something is found anywhere.
fn look_remote(
    call: &Call,
    watched: &mut Chunks<Watched>,
    homes: &[TorusId],
    hurry: bool,
) -> Result<usize, Stop> {
    if !remote::has_asked(call.thread) {
        let wait = !hurry;
        for &home in homes {
            let mut files = Vec::new();
            for entry in watched.iter() {
                pieces::step();
                if let Some((_, number)) = entry.remote().filter(|(at, _)| *at == home) {
                    files.try_push((number, entry.wanted))?;
                }
            }
            let answer = files.len() * size_of::<u16>() + 16;
            let question = Ask::Poll { files, wait };
            asking::post(call.thread, home, &question, answer, 0, |_| Ok(()))
                .inspect_err(|_| remote::forget(call.thread))?;
        }
        return Err(Stop::Block);
    }
    let Some(replies) = journal::replies(call.thread, hurry)? else {
        return Err(Stop::Block);
    };
    let mut found = 0;
    for (home, events) in homes.iter().zip(replies) {
        let own = watched
            .iter_mut()
            .filter(|entry| entry.remote().is_some_and(|(at, _)| at == *home));
        for (entry, events) in own.zip(events) {
            pieces::step();
            entry.found = events & entry.wanted;
            found += usize::from(entry.found != 0);
        }
    }
    if hurry || found != 0 {
        return Ok(found);
    }
    // The events that the homes found are gone: they are asked again, from the start.
    remote::forget(call.thread);
    look_remote(call, watched, homes, hurry)
}

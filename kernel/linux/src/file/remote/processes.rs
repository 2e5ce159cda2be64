//! Processes of other tori in `/proc`: their texts are made where they are, their names are listed torus by torus.

use super::super::open::OpenFile;
use super::super::service::place;
use super::asking::ask;
use super::bytes::list_from;
use super::question::Reply;
use super::reference::Remote;
use crate::process::Current;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use ::torus::TorusId;
use braid_files::remote::ask::{Ask, Subject, process_of};
use mem::user::UserSlice;

/// In a position in `/proc`, the bits above say which torus's turn it is: 0 the reader's own, else one more than its number.
const TURN: u32 = 40;

/// As [`ask`]; a process is looked for on every torus, as it may have moved. ENOENT when it is on none.
pub fn ask_wherever(thread: &Current, home: TorusId, question: &Ask) -> Result<Reply, Stop> {
    let of_process = match question {
        Ask::About {
            subject: Subject::Path { place },
            ..
        } => process_of(place.base).is_some(),
        _ => false,
    };
    if !of_process {
        return ask(thread, home, question);
    }
    let own = tori::here().id;
    let others = tori::all().map(|torus| torus.id).filter(|id| *id != home);
    let first = (home.index() < tori::count()).then_some(home);
    for home in first.into_iter().chain(others).filter(|id| *id != own) {
        match ask(thread, home, question) {
            Err(Stop::Errno(Errno::ESRCH)) => {}
            answer => return answer,
        }
    }
    Err(Errno::ENOENT.into())
}

/// getdents64(2) of `/proc`: what is here, then the processes of one torus after the other.
pub fn list_processes(call: &mut Call, file: &OpenFile, out: UserSlice) -> SysResult {
    let start = *file.offset.lock();
    if start >> TURN == 0 {
        let n = place::list(file, out.len(), |done, entry| {
            Ok(out.skip(done).write(entry)?)
        })?;
        if n > 0 {
            return Ok(n);
        }
    }
    let own = tori::here().id;
    let turns = tori::all()
        .enumerate()
        .map(|(index, torus)| (index as u64 + 1, torus.id));
    for (turn, home) in turns.filter(|(_, id)| *id != own) {
        let at = match turn.cmp(&(start >> TURN)) {
            core::cmp::Ordering::Less => continue,
            core::cmp::Ordering::Equal => start & ((1 << TURN) - 1),
            // Behind `.` and `..`.
            core::cmp::Ordering::Greater => 2,
        };
        let (done, next) = list_from(call, &Remote::processes(home), out, Some(at))?;
        if done > 0 {
            *file.offset.lock() = turn << TURN | next;
            return Ok(done);
        }
    }
    Ok(0)
}

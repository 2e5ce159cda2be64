//! How many processes there may be: of a user (RLIMIT_NPROC), and on a torus.
//!
//! However many a user may have, a torus makes no more than have little of its memory together, so that there is some left for what
//! they do, and for those who were there before.

use super::charge::{self, Charge, Kind};
use super::{Pid, Process, table};

/// So many processes that have ended and are not waited for stand for one that lives.
const ENDED: u64 = 16;

/// Counts a process as its user's, or not any more.
pub fn set_counted(process: &Process, lives: bool) {
    let user = process.credentials.lock().user.real;
    let counted = lives.then(|| enter(user));
    drop(core::mem::replace(&mut *process.counted.lock(), counted));
}

/// Counts a process of a user on this torus.
pub fn enter(user: u32) -> Charge {
    Charge::new(Kind::Process, user, 1)
}

/// Whether this torus has room for one more process of `parent`, which is counted already. The first process gets a quarter more: it
/// collects those whose parents have ended, and goes on where all others have made as many as they can.
pub fn fits(parent: Pid) -> bool {
    let most = Kind::Process.most(tori::here().usable());
    let room = if parent == Pid::INIT {
        most + most / 4
    } else {
        most
    };
    let living = charge::used(Kind::Process);
    let ended = (table().population() as u64 + 1).saturating_sub(living);
    living + ended / ENDED <= room
}

/// Whether this torus takes in one more process of another: as many of them as it may have of its own.
pub fn takes_in() -> bool {
    charge::used(Kind::Process) < 2 * most_in(tori::here().usable())
}

/// The most processes that can live on all tori (`/proc/sys/kernel/threads-max`).
pub fn most() -> u64 {
    charge::of_machine(Kind::Process).1
}

/// The most processes that so many frames have room for.
pub const fn most_in(frames: u64) -> u64 {
    Kind::Process.most(frames)
}

/// How many processes a user has on all tori.
pub fn count(user: u32) -> u64 {
    charge::of_user(Kind::Process, user)
}

//! System calls: a number becomes a function by [`table`], its answer goes to rax, and a call that waits runs again.

pub mod braid;
pub mod call;
pub mod errno;
pub mod futex;
pub mod in_flight;
pub mod interrupted;
pub mod linux_calls;
pub mod quick;
mod reboot;
pub mod stop;
pub mod table;
pub mod unknown;

use self::call::{Call, InFlight, Stop, Wait};
use self::errno::Errno;
use crate::memory::room;
use crate::moving::depart::HasMoving as _;
use crate::process::Current;
use crate::process::deferred::Deferred;
use crate::signal::deliver;
use braid_threads::interruption::Interruption;
use mem::reclaim::Room;

/// The call that a trap brought: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9.
pub fn enter(thread: &Current) {
    // A wake-up meant for an earlier call says nothing to this one.
    thread.forget_wake();
    run(thread, InFlight::new(), false);
}

/// The call of a thread that was woken, from its start.
pub fn run_again(thread: &Current) {
    if let Some(inflight) = thread.own().in_flight.replace(None) {
        crate::file::remote::rewind(thread);
        run(thread, inflight, true);
    }
}

fn run(thread: &Current, mut inflight: InFlight, waited: bool) {
    let short = &tori::own().short_of_memory;
    short.set(false);
    let r = thread.regs();
    let (number, args) = (r.code, [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9]);
    let mut call = Call {
        process: &thread.process,
        thread,
        args,
        inflight: &mut inflight,
    };
    let entry = table::entry(number);
    let result = match entry {
        Some(entry) => (entry.handler)(&mut call),
        None => unknown::answer(&call, number),
    };
    let value = match result {
        Ok(value) => value as u64,
        Err(Stop::Errno(Errno::ENOMEM)) if short.get() && may_come(thread) => {
            return wait(thread, inflight, Wait::Memory);
        }
        Err(Stop::Short) if short.get() && may_come(thread) => {
            return wait(thread, inflight, Wait::Memory);
        }
        Err(Stop::Short) => inflight.done as u64,
        Err(Stop::Errno(errno)) => errno.as_return(),
        Err(stop) => {
            let rule = entry.map_or(Interruption::Never, |entry| entry.interruption(&call));
            return stopped(thread, inflight, stop, rule);
        }
    };
    thread.set_result(value);
    if waited || thread.own().unsettled.get() {
        over(thread);
    }
}

/// A call is over that has waited, or has begun what is to be settled now.
#[cold]
fn over(thread: &Current) {
    thread.own().unsettled.set(false);
    room::satisfied(thread);
    thread.cancel_deadline();
    crate::file::remote::forget(thread);
    deliver::restore_mask(thread);
    let leaves = thread.process.moving().lock().to.is_some();
    if leaves
        || thread.signals.is_due()
        || thread.own().deferred.with(|deferred| !deferred.is_empty())
    {
        thread.note_attention();
    }
}

/// Whether the memory that a call has not got may come; the caller is enrolled then, or runs again at once.
fn may_come(thread: &Current) -> bool {
    match room::make(thread) {
        Room::None => false,
        Room::Wait => true,
        Room::Made => {
            thread.wake();
            true
        }
    }
}

/// A run of the call has ended without a value: the call is kept for its next run.
fn stopped(thread: &Current, mut inflight: InFlight, stop: Stop, rule: Interruption) {
    let kind = match stop {
        Stop::Memory => {
            thread.own().deferred.with(Deferred::forget);
            return wait(thread, inflight, Wait::Memory);
        }
        Stop::Answer => Wait::Answer,
        Stop::Block | Stop::Again | Stop::Short | Stop::Errno(_) => Wait::Call(rule),
    };
    inflight.runs = inflight.runs.saturating_add(1);
    let deadline = inflight.deadline;
    wait(thread, inflight, kind);
    if let Some(at) = deadline {
        thread.set_deadline(at);
    }
    if stop == Stop::Again {
        machine::cpu::request_resched();
        thread.wake();
    }
}

fn wait(thread: &Current, inflight: InFlight, wait: Wait) {
    if wait == Wait::Memory {
        // As if this run had not been.
        thread.own().deferred.with(Deferred::forget);
    }
    thread
        .own()
        .in_flight
        .set(Some(InFlight { wait, ..inflight }));
}

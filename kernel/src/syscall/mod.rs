//! System calls: a number becomes a function by [`table`], its answer goes to rax, and a call that waits runs again.

pub mod braid;
pub mod call;
pub mod errno;
pub mod futex;
pub mod interrupted;
pub mod names;
pub mod quick;
mod reboot;
pub mod table;
pub mod unknown;

use self::call::{Call, InFlight, Stop};
use self::errno::Errno;
use crate::mem::reclaim::{self, Room};
use crate::process::{RunState, Thread};
use crate::sched::timer::Due;
use crate::sched::{time::Nanos, wake};
use crate::signal::deliver;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;

/// The call that a trap brought: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9.
pub fn enter(thread: &Arc<Thread>) {
    // A wake-up meant for an earlier call says nothing to this one.
    thread.set_state(RunState::Running);
    run(thread, InFlight::default());
}

/// The call of a thread that was woken, from its start.
pub fn run_again(thread: &Arc<Thread>) {
    if let Some(inflight) = thread.in_flight.replace(None) {
        crate::file::far::rewind(thread);
        run(thread, inflight);
    }
}

fn run(thread: &Arc<Thread>, mut inflight: InFlight) {
    let short = &crate::arch::cpu::this().sched.short_of_memory;
    short.set(false);
    let (number, args) = thread
        .regs
        .with(|r| (r.code, [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9]));
    let waited = inflight.runs > 0 || inflight.for_memory;
    let mut call = Call {
        process: &thread.process,
        thread,
        args,
        inflight: &mut inflight,
    };
    let result = match table::handler(number) {
        Some(handler) => handler(&mut call),
        None => unknown::answer(&call, number),
    };
    let value = match result {
        Ok(value) => value as u64,
        Err(Stop::Errno(Errno::ENOMEM)) if short.get() && may_come(thread) => {
            return wait_for_memory(thread, inflight);
        }
        Err(Stop::Errno(errno)) => errno.as_return(),
        Err(Stop::Block) => return block(thread, inflight),
        Err(Stop::Again) => {
            block(thread, inflight);
            crate::sched::yield_now();
            return thread.wake();
        }
        Err(Stop::Memory) => return wait_for_memory(thread, inflight),
    };
    thread.regs.with(|regs| regs.rax = value);
    if waited {
        reclaim::satisfied(thread);
        interrupted::cancel_timer(thread);
        crate::file::far::forget(thread);
        deliver::restore_mask(thread);
        let leaves = thread.process.moving.lock().to.is_some();
        if leaves || thread.signals.is_due() || thread.later.with(|later| !later.is_empty()) {
            thread.attention.store(true, Ordering::Release);
        }
    }
}

/// Whether the memory that a call has not got may come; the caller is enrolled then, or runs again at once.
fn may_come(thread: &Arc<Thread>) -> bool {
    match reclaim::make_room(thread) {
        Room::None => false,
        Room::Wait => true,
        Room::Made => {
            thread.wake();
            true
        }
    }
}

/// The call is kept as it was before this run.
fn wait_for_memory(thread: &Arc<Thread>, mut inflight: InFlight) {
    inflight.for_memory = true;
    thread.in_flight.set(Some(inflight));
}

/// The call waits: it is kept for its next run, and its deadline set.
fn block(thread: &Arc<Thread>, mut inflight: InFlight) {
    inflight.runs = inflight.runs.saturating_add(1);
    inflight.for_memory = false;
    let deadline = inflight.deadline;
    thread.in_flight.set(Some(inflight));
    if let Some(at) = deadline {
        set_deadline(thread, at);
    }
}

fn set_deadline(thread: &Arc<Thread>, at: Nanos) {
    let here = crate::arch::cpu::this().core_in_torus;
    if let Some((core, old)) = thread.timer.get() {
        if old == at && crate::arch::time::now() < at {
            return;
        }
        wake::cancel_timer(&Due::Wake(thread.clone()), core);
    }
    if wake::set_timer(Due::Wake(thread.clone()), at) {
        thread.timer.set(Some((here, at)));
    } else {
        // Without memory for a timer the call runs again at once: it polls.
        thread.timer.set(None);
        thread.wake();
    }
}

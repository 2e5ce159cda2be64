//! What threads do besides running: what the scheduler needs of processes, signals, calls, memory and migration.

use crate::memory::deferred;
use crate::moving::depart;
use crate::process::thread::{Own, Task};
use crate::process::{Current, Thread, balance, closing};
use crate::signal::timers;
use crate::{console, signal, syscall};
use alloc::sync::Arc;
use braid_time::Nanos;
use machine::{cpu, paging};
use mem::reclaim;
use sched::Used;
use sched::{Next, Owner};
use travel::{lease, migrated};

sched::threads_are!(Task);

impl Owner for Task {
    type Own = Own;

    #[inline]
    fn next(thread: &Current) -> Next {
        if thread.own().has_call() {
            Next::Call
        } else if thread.process.is_stopped() {
            Next::Nothing
        } else {
            Next::Program
        }
    }

    fn attend(thread: &Current) -> bool {
        signal::deliver::attend(thread);
        cpu::let_interrupts_in();
        let settled = thread.is_dead() || thread.own().has_call() || deferred::write_all(thread);
        settled && (thread.is_dead() || depart::attend(thread))
    }

    fn run_call(thread: &Current) {
        if !thread.process.is_stopped() {
            syscall::run_again(thread);
        }
    }

    fn change_space(from: Option<&Current>, to: Option<&Current>) {
        let new = to.and_then(|thread| thread.own().space());
        match &new {
            Some(space) => space.enter(),
            None => paging::activate_kernel(),
        }
        let Some(from) = from else { return };
        from.own().space.with(|old| match (old, &new) {
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => {}
            (Some(old), _) => old.leave(),
            (None, _) => {}
        });
    }

    fn charge(thread: &Thread, used: Used) {
        thread.process.times.add(used);
        timers::check(&thread.process);
    }

    fn left(thread: &Thread) -> u64 {
        thread.process.timers.left(&thread.process.times)
    }

    fn alarm(thread: &Arc<Thread>, at: Nanos) {
        signal::alarm::fired(thread, at);
    }

    #[inline]
    fn take_in() -> bool {
        console::take_in()
    }

    fn keep_up() {
        travel::checked::keep_up();
        reclaim::keep_up();
        lease::holder::sweep();
    }

    fn idle() {
        closing::finish();
    }

    fn idle_work() -> bool {
        migrated::drain()
    }

    fn tick() {
        balance::tick();
    }
}

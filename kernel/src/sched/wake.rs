//! Waking: where a thread goes that may run again, and what the timer does.

use super::core::Core;
use super::owner::Owner;
use super::switch::SLICE;
use super::thread::Thread;
use super::time::Nanos;
use super::timer::{Due, Timer};
use alloc::sync::Arc;
use machine::ipi::{self, Ipi};
use machine::{cpu, time};
use tori::Torus;

/// Timers that are served in one interrupt: each takes some 1,500 instructions.
const AT_ONCE: usize = 8;

/// Queues a thread that has just become ready: on the core that has it loaded, else on the core that ran it last when that
/// idles, else on any idle core, else where it ran last.
pub(super) fn enqueue<O: Owner>(thread: Arc<Thread<O>>) {
    let here = cpu::this();
    let torus = tori::here();
    let target = choose(torus, &thread);
    let core = torus.core(target);
    if target != thread.last_core() {
        // The time that the thread has used of another core says nothing here.
        thread.set_virtual_time(0);
    }
    super::shared(core).push(thread);
    let idle = &super::of(torus).idle;
    if idle.contains(target) && idle.remove(target) && target != here.core_in_torus {
        ipi::send(core.index, Ipi::Reschedule);
    }
}

fn choose<O>(torus: &'static Torus, thread: &Thread<O>) -> usize {
    if let Some(core) = thread.loaded_on() {
        return core;
    }
    let last = thread.last_core();
    let idle = &super::of(torus).idle;
    if idle.contains(last) {
        last
    } else {
        idle.any().unwrap_or(last)
    }
}

/// This core has more to run than it can: a core that idles is told, and steals. (A thread that was loaded here when it woke
/// could be queued nowhere else; now that it is not loaded any more, it can run elsewhere.)
pub(super) fn offer_work<O>(core: &Core<O>) {
    if core.queue.lock().is_empty() {
        return;
    }
    let torus = tori::here();
    let idle = &super::of(torus).idle;
    if let Some(other) = idle.any()
        && idle.remove(other)
    {
        ipi::send(torus.core(other).index, Ipi::Reschedule);
    }
}

/// The cores of the torus that idle look again for what there is to do.
pub fn wake_idle() {
    let torus = tori::here();
    let idle = &super::of(torus).idle;
    for number in (0..torus.cores()).filter(|&number| idle.contains(number)) {
        ipi::send(torus.core(number).index, Ipi::Reschedule);
    }
}

/// The core's timer fired: wake those whose time has come, end the slice of the current thread.
pub fn tick<O: Owner>() {
    O::tick();
    machine::tell_stray_interrupts();
    let core = super::this::<O>();
    core.armed.set(None);
    let now = time::now();
    // Those that are due beyond this many have the timer fire again at once.
    for _ in 0..AT_ONCE {
        let Some(timer) = core.timers.lock().expired(now) else {
            break;
        };
        match timer.due {
            Due::Wake(waiter) => waiter.wake(),
            Due::Alarm(thread) => O::alarm(&thread, timer.at),
        }
    }
    if now >= core.slice_end.get() {
        if let Some(thread) = core.current.get() {
            super::switch::charge(core, thread);
        }
        cpu::request_resched();
        // Not at once again: a long operation that lets interrupts in would get no further.
        core.slice_end.set(now + SLICE);
    }
    machine::console::screen::refresh();
    machine::console::pump(false);
    super::switch::arm(core);
}

/// Sets a timer on this core; false when there is no memory for it.
pub fn set_timer<O: Owner>(due: Due<O>, at: Nanos) -> bool {
    let core = super::this();
    let added = core.timers.lock().add(Timer { at, due }).is_ok();
    super::switch::arm(core);
    added
}

/// Removes a timer from the core (index within the torus) it was set on.
pub fn cancel_timer<O: Owner>(due: &Due<O>, core: usize) {
    let core = super::shared(tori::here().core(core));
    core.timers.lock().remove(due);
}

impl<O: Owner> Thread<O> {
    /// Has the thread, which is on this core, woken at a point in time, if it still waits then, and not when it was to be before. Without
    /// memory for that it is woken at once, and lets others run in between.
    pub fn set_deadline(self: &Arc<Self>, at: Nanos) {
        if let Some((core, old)) = self.deadline.get() {
            if old == at && time::now() < at {
                return;
            }
            cancel_timer::<O>(&Due::Wake(self.clone()), core);
        }
        if set_timer::<O>(Due::Wake(self.clone()), at) {
            let here = cpu::this().core_in_torus;
            self.deadline.set(Some((here, at)));
        } else {
            self.deadline.set(None);
            self.wake();
            cpu::request_resched();
        }
    }

    /// The thread, which is on this core or at rest, waits no longer: nothing wakes it for that any more.
    pub fn cancel_deadline(self: &Arc<Self>) {
        if let Some((core, _)) = self.deadline.replace(None) {
            cancel_timer::<O>(&Due::Wake(self.clone()), core);
        }
    }
}

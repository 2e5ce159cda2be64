//! Waking: where a thread goes that may run again, and what the timer does.

use super::switch::SLICE;
use super::time::Nanos;
use super::timer::{Due, Timer};
use crate::process::OfTorus as _;
use crate::process::{RunState, Thread};
use ::core::sync::atomic::Ordering;
use alloc::sync::Arc;
use machine::ipi::{self, Ipi};
use machine::{cpu, time};
use tori::Torus;

/// Timers that are served in one interrupt: each takes some 1,500 instructions.
const AT_ONCE: usize = 8;

/// Queues a thread that has just become ready: on the core that has it loaded, else on the core that ran it last when that
/// idles, else on any idle core, else where it ran last.
pub fn enqueue(thread: Arc<Thread>) {
    let here = cpu::this();
    let torus = tori::here();
    let target = choose(torus, &thread);
    let core = torus.core(target);
    if target != thread.last_core() {
        // The time that the thread has used of another core says nothing here.
        thread.virtual_time.store(0, Ordering::Relaxed);
    }
    super::shared(core).push(thread);
    if torus.share().sched.idle.contains(target)
        && torus.share().sched.idle.remove(target)
        && target != here.core_in_torus
    {
        ipi::send(core.index, Ipi::Reschedule);
    }
}

fn choose(torus: &'static Torus, thread: &Arc<Thread>) -> usize {
    if let Some(core) = thread.loaded_on() {
        return core;
    }
    let last = thread.last_core();
    let idle = &torus.share().sched.idle;
    if idle.contains(last) {
        last
    } else {
        idle.any().unwrap_or(last)
    }
}

/// This core has more to run than it can: a core that idles is told, and steals. (A thread that was loaded here when it woke
/// could be queued nowhere else; now that it is not loaded any more, it can run elsewhere.)
pub(super) fn offer_work(core: &super::Core) {
    if core.queue.lock().is_empty() {
        return;
    }
    let torus = tori::here();
    let idle = &torus.share().sched.idle;
    if let Some(other) = idle.any()
        && idle.remove(other)
    {
        ipi::send(torus.core(other).index, Ipi::Reschedule);
    }
}

/// The cores of the torus that idle look again for what there is to do.
pub fn wake_idle() {
    let torus = tori::here();
    let idle = &torus.share().sched.idle;
    for number in (0..torus.cores()).filter(|&number| idle.contains(number)) {
        ipi::send(torus.core(number).index, Ipi::Reschedule);
    }
}

/// Has a thread that runs on another core trap into the kernel, so that it sees what was left for it.
pub fn interrupt_if_running(thread: &Arc<Thread>) {
    let here = cpu::this();
    if !matches!(thread.state(), RunState::Running | RunState::Woken) {
        return;
    }
    match thread.loaded_on() {
        Some(core) if core != here.core_in_torus => {
            ipi::send(tori::here().core(core).index, Ipi::Reschedule);
        }
        _ => {}
    }
}

/// The core's timer fired: wake those whose time has come, end the slice of the current thread.
pub fn tick() {
    crate::process::balance::tick();
    machine::tell_stray_interrupts();
    let core = super::this();
    core.armed.set(None);
    let now = time::now();
    // Those that are due beyond this many have the timer fire again at once.
    for _ in 0..AT_ONCE {
        let Some(timer) = core.timers.lock().expired(now) else {
            break;
        };
        match timer.due {
            Due::Wake(waiter) => waiter.wake(),
            Due::Alarm(thread) => crate::signal::alarm::fired(&thread, timer.at),
        }
    }
    if now >= core.slice_end.get() {
        if super::has_current() {
            super::charge();
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
pub fn set_timer(due: Due, at: Nanos) -> bool {
    let core = super::this();
    let added = core.timers.lock().add(Timer { at, due }).is_ok();
    super::switch::arm(core);
    added
}

/// Removes a timer from the core (index within the torus) it was set on.
pub fn cancel_timer(due: &Due, core: usize) {
    let core = super::shared(tori::here().core(core));
    core.timers.lock().remove(due);
}

//! The timer's interrupt.

use crate::core::this;
use crate::deadline::arm;
use crate::owner::Owner;
use crate::timer::Due;
use crate::turn::{self, SLICE};
use machine::{cpu, time};

/// Timers that are served in one interrupt: each takes some 1,500 instructions.
const AT_ONCE: usize = 8;

/// The core's timer fired: wake those whose time has come, end the slice of the current thread.
pub fn tick<O: Owner>() {
    O::tick();
    machine::tell_stray_interrupts();
    let core = this::<O>();
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
            turn::charge(core, thread);
        }
        cpu::request_resched();
        // Not at once again: a long operation that lets interrupts in would get no further.
        core.slice_end.set(now + SLICE);
    }
    machine::console::screen::refresh();
    machine::console::pump(false);
    arm(core);
}

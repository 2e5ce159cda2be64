//! When a core's timer is to fire: timers of threads, the end of a slice, what the console and the rings want.

use crate::core::{Core, shared, this};
use crate::own::Current;
use crate::owner::Owner;
use crate::timer::Due;
use braid_threads::timers::Timer;
use braid_time::Nanos;
use machine::console::screen;
use machine::{cpu, time};

/// Sets the core's one-shot timer to the earliest of its timers and, while a thread runs, the end of its slice, or when the
/// screen should be drawn.
pub(crate) fn arm<O: Owner>(core: &Core<O>) {
    let mut at = core.timers.lock().next();
    if core.current.get().is_some() {
        let end = core.slice_end.get();
        at = Some(at.map_or(end, |at| at.min(end)));
    } else {
        let drawing = screen::deadline().into_iter();
        let soon = drawing.chain(machine::console::deadline());
        let soon = soon.chain(tori::rings::deadline()).min();
        at = soon.map_or(at, |soon| Some(at.map_or(soon, |at| at.min(soon))));
    }
    let Some(at) = at else { return };
    // An earlier alarm does no harm: `tick` finds nothing due and arms again.
    if core.armed.get().is_none_or(|armed| at < armed) {
        core.armed.set(Some(at));
        time::arm(Some(at));
    }
}

/// Sets a timer on this core; false when there is no memory for it.
pub fn set_timer<O: Owner>(due: Due<O>, at: Nanos) -> bool {
    let core = this();
    let added = core.timers.lock().add(Timer { at, due }).is_ok();
    arm(core);
    added
}

/// Removes a timer from the core (index within the torus) it was set on.
pub fn cancel_timer<O: Owner>(due: &Due<O>, core: usize) {
    let core = shared(tori::here().core(core));
    core.timers.lock().remove(due);
}

impl<O: Owner> Current<O> {
    /// Has the thread woken at a point in time, if it still waits then, and not when it was to be before. Without
    /// memory for that it is woken at once, and lets others run in between.
    pub fn set_deadline(&self, at: Nanos) {
        if let Some((core, old)) = self.cells().deadline.get() {
            if old == at && time::now() < at {
                return;
            }
            cancel_timer::<O>(&Due::Wake((**self).clone()), core);
        }
        if set_timer::<O>(Due::Wake((**self).clone()), at) {
            let here = cpu::this().core_in_torus;
            self.cells().deadline.set(Some((here, at)));
        } else {
            self.cells().deadline.set(None);
            self.wake();
            cpu::request_resched();
        }
    }

    /// The thread waits no longer: nothing wakes it for that any more.
    pub fn cancel_deadline(&self) {
        if let Some((core, _)) = self.cells().deadline.replace(None) {
            cancel_timer::<O>(&Due::Wake((**self).clone()), core);
        }
    }
}

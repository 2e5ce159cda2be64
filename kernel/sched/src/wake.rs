//! Waking: where a thread goes that may run again.

use crate::core::{Core, shared};
use crate::owner::Owner;
use crate::thread::Thread;
use crate::torus::of;
use alloc::sync::Arc;
use braid_threads::state::RunState;
use machine::cpu;
use machine::ipi::{self, Ipi};
use sync::Waiter;

impl<O: Owner> Waiter for Thread<O> {
    fn wake(self: Arc<Self>) {
        Self::wake(&self);
    }

    fn is_gone(&self) -> bool {
        self.is_dead()
    }
}

impl<O: Owner> Thread<O> {
    /// Makes a blocked thread ready and queues it. A current thread remembers the wake-up, so that its next wait ends at once.
    pub fn wake(self: &Arc<Self>) {
        if self.state.wake() {
            enqueue(self.clone());
        }
    }

    /// Asks that the thread's core handle what is pending for the thread, whether the thread waits, is queued, or runs on any core of the
    /// torus.
    pub fn call_attention(self: &Arc<Self>) {
        self.note_attention();
        self.wake();
        self.interrupt_if_running();
    }

    /// Interrupts the core on which the thread runs, if that is another one than the caller's: on the way back to the program that core
    /// handles what is pending.
    fn interrupt_if_running(&self) {
        let here = cpu::this();
        if !matches!(self.state(), RunState::Running | RunState::Woken) {
            return;
        }
        match self.loaded_on() {
            Some(core) if core != here.core_in_torus => {
                ipi::send(tori::here().core(core).index, Ipi::Reschedule);
            }
            _ => {}
        }
    }
}

/// Queues a thread that has just become ready.
fn enqueue<O: Owner>(thread: Arc<Thread<O>>) {
    let here = cpu::this();
    let torus = tori::here();
    let idle = &of(torus).idle;
    let target = idle.place(thread.loaded_on(), thread.last_core());
    let core = torus.core(target);
    if target != thread.last_core() {
        // The time that the thread has used of another core says nothing here.
        thread.set_virtual_time(0);
    }
    shared(core).push(thread);
    if idle.remove(target) && target != here.core_in_torus {
        ipi::send(core.index, Ipi::Reschedule);
    }
}

/// This core has more to run than it can: a core that idles is told, and steals. (A thread that was loaded here when it woke
/// could be queued nowhere else; now that it is not loaded any more, it can run elsewhere.)
pub(crate) fn offer_work<O: Owner>(core: &Core<O>) {
    if core.queue.lock().is_empty() {
        return;
    }
    let torus = tori::here();
    if let Some(other) = of(torus).idle.take_any() {
        ipi::send(torus.core(other).index, Ipi::Reschedule);
    }
}

/// The cores of the torus that idle look again for what there is to do.
pub fn wake_idle() {
    let torus = tori::here();
    let idle = &of(torus).idle;
    for number in (0..torus.cores()).filter(|&number| idle.contains(number)) {
        ipi::send(torus.core(number).index, Ipi::Reschedule);
    }
}

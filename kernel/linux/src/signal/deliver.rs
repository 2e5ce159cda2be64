//! Delivery: what becomes of a thread's signals before it returns to its program.

use super::{alarm, frame, send};
use crate::file::remote::{self, Interruption};
use crate::moving::depart;
use crate::process::{Current, end};
use crate::syscall::call::InFlight;
use crate::syscall::interrupted;
use braid_signals::action::{Action, ActionFlags, Effect};
use braid_signals::{SigInfo, Signal};
use braid_threads::interruption::Settled;
use machine::cpu;

/// Looks at a thread's signals: ends or stops its process, or makes its next instruction a handler's.
/// Called on the thread's core, before it goes on.
pub fn attend(thread: &Current) {
    let process = &thread.process;
    let mut looked = false;
    while !thread.is_dead() && !process.is_stopped() {
        let deliverable = deliverable(thread);
        let pending = thread.signals.pending() & deliverable;
        if pending == 0 {
            break;
        }
        if pending & Signal::KILL.bit() == 0 {
            if !looked && may_look(thread) {
                looked = true;
                crate::syscall::run_again(thread);
                continue;
            }
            if must_wait(thread) {
                break;
            }
        }
        let Some(info) = thread.signals.take(deliverable) else {
            break;
        };
        alarm::taken(thread, info.signal);
        act(thread, info);
        cpu::let_interrupts_in();
    }
}

/// The signals that may be taken now.
fn deliverable(thread: &Current) -> u64 {
    let call = thread.own().in_flight.get();
    let holds = call.is_some_and(|call| call.interruption().holds_signals());
    if holds || depart::holds_signals(thread) {
        Signal::KILL.bit()
    } else {
        !thread.signals.mask()
    }
}

/// Whether the thread's call runs once more before a signal interrupts it: what it waits for may have come, and then it ends as if the
/// signal had come after it. What it has asked other tori is settled by them.
fn may_look(thread: &Current) -> bool {
    thread.own().has_call() && !remote::has_asked(thread)
}

/// Whether signals have to wait for what the thread's call has asked another torus.
fn must_wait(thread: &Current) -> bool {
    match remote::interruption(thread) {
        Interruption::Now => false,
        Interruption::WhenAnswered => true,
        Interruption::AfterRun => {
            thread.note_attention();
            true
        }
    }
}

fn act(thread: &Current, info: SigInfo) {
    let action = thread.process.actions.lock().get(info.signal);
    match action.effect(info.signal) {
        Effect::Nothing => {}
        Effect::Stop => {
            interrupt_call(thread, |call| {
                call.interruption().ends_at_stop().then_some(Settled::Fails)
            });
            send::stop(&thread.process, info.signal);
        }
        Effect::End => end::by_signal(thread, info.signal),
        Effect::Handler => {
            interrupt_call(thread, |call| {
                let restart = action.flags.contains(ActionFlags::RESTART);
                call.interruption().by_handler(call.done, restart)
            });
            enter_handler(thread, info, action);
        }
    }
}

/// A signal is about to act: the call that waits is over, or is set up to be made again, as `settled` says; `None` leaves it as it is.
fn interrupt_call(thread: &Current, settled: impl FnOnce(&InFlight) -> Option<Settled>) {
    let Some(call) = thread.own().in_flight.get() else {
        return;
    };
    let Some(settled) = settled(&call) else {
        return;
    };
    thread.own().in_flight.set(None);
    thread.cancel_deadline();
    let woken = crate::syscall::futex::interrupt(thread, &call);
    let settled = if woken { Settled::Moved(0) } else { settled };
    remote::forget(thread);
    thread.change_regs(|regs| interrupted::settle(regs, &call, settled));
}

fn enter_handler(thread: &Current, info: SigInfo, action: Action) {
    let mask = thread.signals.mask();
    let saved = thread.own().saved_mask.replace(None).unwrap_or(mask);
    if frame::push(thread, &info, &action, saved).is_err() {
        log::warn!(
            "{}: no room for the frame of signal {}",
            thread.process.label(),
            info.signal.number()
        );
        end::by_signal(thread, Signal::SEGV);
        return;
    }
    thread
        .signals
        .set_mask(action.mask_within(info.signal, mask));
    if let Some(action) = action.once_entered() {
        let mut actions = thread.process.actions.lock();
        actions.set(info.signal, action);
    }
}

/// The mask that a call set for its duration gives way to the one before it, unless a handler's frame has it.
pub fn restore_mask(thread: &Current) {
    if let Some(mask) = thread.own().saved_mask.take() {
        thread.signals.set_mask(mask);
        if thread.signals.is_due() {
            thread.note_attention();
        }
    }
}

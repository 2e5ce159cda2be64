//! Switching: which thread a core goes on with.

use super::core::Core;
use super::time::Nanos;
use crate::console;
use crate::process::{RunState, Thread};
use ::core::sync::atomic::Ordering;
use alloc::sync::Arc;
use braid_threads::fair::virtual_time;
use braid_threads::policy::Policy;
use machine::console::screen;
use machine::regs::UserRegs;
use machine::segment::Segments;
use machine::{cpu, fpu, paging, time};

/// How long a thread runs before the next one's turn.
pub const SLICE: Nanos = Nanos::from_millis(10);

/// Rounds in which a core looks for who is to go on, before it lets interrupts in between them.
const ALONE: u32 = 1;

/// Times that a core looks for messages before its program goes on: what comes of them may be a message to its own torus.
const HOPS: u32 = 2;
/// How long a program runs at the least while messages wait that its core has not come to, as they are many, or about what is looked at
/// again and again until it is there.
const BREATH: Nanos = Nanos::from_millis(1);

/// The registers of the thread that this core goes on with: the current one when it may, else the next of the queue, else
/// one stolen from another core of the torus, else whoever ends the idling.
///
/// # Safety
/// The core is on its way out of a trap: nothing that worked on the current thread is on its stack any more.
#[inline]
pub unsafe fn next_thread() -> *mut UserRegs {
    let core = super::this();
    match core.current.get() {
        Some(thread) if goes_on(thread) && !tori::rings::calls() => {
            core.account.leave();
            thread.regs.as_ptr()
        }
        // SAFETY: K20, by the caller's promise, and the reference above is not used any more.
        _ => unsafe { look_around(core) },
    }
}

/// Whether nothing stands between a thread and its program, as after most traps.
#[inline]
fn goes_on(thread: &Thread) -> bool {
    !thread.attention.load(Ordering::Relaxed)
        && thread.state() == RunState::Running
        && !has_call(thread)
        && !thread.process.is_stopped()
        && !cpu::is_resched_requested()
}

/// As [`next_thread`], when there is something to do.
///
/// # Safety
/// As for [`next_thread`].
#[inline(never)]
unsafe fn look_around(core: &'static Core) -> *mut UserRegs {
    let (mut served, mut rounds) = (0u32, 0u32);
    let mut begun = Nanos::ZERO;
    loop {
        // Those who end, stop or wait again do not get as far as their program.
        if rounds >= ALONE {
            cpu::let_interrupts_in();
        }
        rounds = rounds.saturating_add(1);
        console::take_in();
        if let Some(thread) = core.current.get() {
            if may_go_on(core, thread) {
                // It may be for this thread.
                if console::has_input() {
                    continue;
                }
                // Last, as its call may have woken what waits here for another torus. It may concern this thread, too.
                if tori::rings::is_rung() {
                    if served == 0 {
                        begun = time::now();
                    }
                    if served < HOPS {
                        served += 1;
                        tori::rings::serve();
                        continue;
                    }
                    breathe(core, begun);
                }
                core.account.leave();
                return thread.regs.as_ptr();
            }
            // SAFETY: K20, by the caller's promise; `thread` is not used any more.
            unsafe { retire(core) };
        }
        let (thread, turn) = super::idle::next(core);
        // SAFETY: K20, there is no current thread.
        unsafe { start(core, thread, turn) };
        served = 0;
    }
}

/// Settles what stands between a thread and its program. False: it waits, has ended, or lets others run.
#[inline]
fn may_go_on(core: &Core, thread: &Arc<Thread>) -> bool {
    loop {
        if thread.attention.load(Ordering::Relaxed)
            && thread.attention.swap(false, Ordering::AcqRel)
            && !thread.is_dead()
        {
            if !attend(thread) {
                return false;
            }
            if !has_call(thread) {
                continue;
            }
        }
        if thread.is_dead() {
            return false;
        }
        if tori::rings::is_choked() {
            return stand_back(core, thread);
        }
        if !has_call(thread) && !thread.process.is_stopped() {
            return !cpu::is_resched_requested() || keeps_turn(core, thread);
        }
        if !resume(core, thread) {
            return false;
        }
    }
}

/// Does what asks for the thread's attention. False: it waits, or has left.
#[cold]
fn attend(thread: &Arc<Thread>) -> bool {
    cpu::let_interrupts_in();
    crate::signal::deliver::attend(thread);
    cpu::let_interrupts_in();
    let settled = thread.is_dead() || has_call(thread) || crate::mem::later::settle(thread);
    settled && (thread.is_dead() || crate::migrate::depart::attend(thread))
}

/// More waits for other tori than may: no program of this one goes on before there is room. False, as it does not.
#[cold]
fn stand_back(core: &Core, thread: &Arc<Thread>) -> bool {
    let waits = has_call(thread) && thread.change(RunState::Running, RunState::Blocked);
    if !waits {
        charge(core, thread);
        thread.set_state(RunState::Ready);
        core.push(thread.clone());
    }
    false
}

/// Runs the call of a thread that was woken again, unless the thread is stopped. False: it waits, or lets others run first.
#[inline(never)]
fn resume(core: &Core, thread: &Arc<Thread>) -> bool {
    if thread.change(RunState::Running, RunState::Blocked) {
        return false;
    }
    // However often it is woken at once.
    cpu::let_interrupts_in();
    if cpu::is_resched_requested() {
        // It has been woken, or its call is long: the others first.
        charge(core, thread);
        thread.set_state(RunState::Ready);
        core.push(thread.clone());
        return false;
    }
    thread.set_state(RunState::Running);
    if !thread.process.is_stopped() {
        crate::syscall::run_again(thread);
    }
    true
}

/// Whether nobody else is to run when the core has been asked to look.
#[cold]
fn keeps_turn(core: &Core, thread: &Arc<Thread>) -> bool {
    cpu::take_resched();
    crate::mem::reclaim::keep_up();
    crate::migrate::lease::holder::sweep();
    charge(core, thread);
    if core.waiting() > 0 {
        thread.set_state(RunState::Ready);
        core.push(thread.clone());
        return false;
    }
    begin_slice(core, slice_end(thread));
    true
}

/// Counts what a current thread has used of its core since that was counted last.
pub(super) fn charge(core: &Core, thread: &Arc<Thread>) {
    let used = core.account.settle();
    let policy = Policy::from_word(thread.policy.load(Ordering::Relaxed));
    let nice = policy.share(thread.nice.load(Ordering::Relaxed));
    core.account
        .use_turn(thread, virtual_time(used.total(), nice));
    core.busy.add(used.total());
    thread.process.times.add(used);
    crate::process::timers::check(&thread.process);
}

/// When the slice of a thread ends that begins now.
fn slice_end(thread: &Thread) -> Nanos {
    let left = thread.process.timers.left(&thread.process.times);
    time::now() + Nanos::new(left).min(SLICE)
}

/// The current thread may run until then before its core looks around.
fn begin_slice(core: &Core, end: Nanos) {
    core.slice_end.set(end);
    arm(core);
}

/// The program goes on although messages wait, for as long as the core has delivered some since `begun`.
#[cold]
fn breathe(core: &Core, begun: Nanos) {
    let now = time::now();
    let end = now + BREATH.max(now - begun);
    begin_slice(core, core.slice_end.get().min(end));
}

/// Whether a call of the thread's has to run again.
fn has_call(thread: &Thread) -> bool {
    thread.in_flight.with(|call| call.is_some())
}

/// The current thread is no longer current; its state stays loaded.
///
/// # Safety
/// As for [`Current::replace`](super::core::Current::replace).
#[inline(never)]
unsafe fn retire(core: &Core) {
    // SAFETY: K20, by the caller's promise.
    if let Some(thread) = unsafe { core.current.replace(None) } {
        charge(core, &thread);
    }
}

/// Makes `thread` current, which has used so much virtual time.
///
/// # Safety
/// As for [`Current::replace`](super::core::Current::replace).
#[inline(never)]
unsafe fn start(core: &'static Core, thread: Arc<Thread>, turn: u64) {
    thread.set_state(if has_call(&thread) {
        RunState::Woken
    } else {
        RunState::Running
    });
    core.account.begin(turn);
    load(core, &thread);
    tori::counters::own().switches.add(1);
    cpu::take_resched();
    let end = slice_end(&thread);
    // SAFETY: K20, by the caller's promise.
    unsafe { core.current.replace(Some(thread)) };
    begin_slice(core, end);
    super::wake::offer_work(core);
}

/// Puts a thread's FPU state, segments and address space into the registers.
fn load(core: &'static Core, thread: &Arc<Thread>) {
    let old = core.loaded.take();
    if old.as_ref().is_some_and(|old| Arc::ptr_eq(old, thread)) {
        return core.loaded.set(old);
    }
    core.loaded.set(Some(thread.clone()));
    if let Some(old) = &old {
        save(old);
    }
    thread.fpu.with(|state| fpu::restore(state));
    thread.segments.get().load();
    match thread.space.with(|space| space.clone()) {
        Some(space) => space.enter(),
        None => paging::activate_kernel(),
    }
    thread.set_loaded_on(Some(cpu::this().core_in_torus));
    if let Some(old) = old {
        release(&old, thread);
    }
}

/// Saves what a thread has in registers.
fn save(old: &Thread) {
    old.fpu.with(fpu::save);
    old.segments.set(Segments::save());
}

/// The old thread's address space is left, and any core may run it.
fn release(old: &Thread, new: &Thread) {
    let kept = new.space.with(|space| space.clone());
    old.space.with(|space| match (space, kept) {
        (Some(old), Some(new)) if Arc::ptr_eq(old, &new) => {}
        (Some(old), _) => old.leave(),
        (None, _) => {}
    });
    old.set_loaded_on(None);
}

/// Takes a current thread's state out of the core's registers, and leaves its address space for the kernel's.
pub fn unload(thread: &Arc<Thread>) {
    charge(super::this(), thread);
    save(thread);
    leave_dead(thread);
}

/// The current thread has ended: forgets what is loaded of it, and leaves its address space for the kernel's.
pub fn leave_dead(thread: &Arc<Thread>) {
    paging::activate_kernel();
    thread.space.with(|space| {
        if let Some(space) = space {
            space.leave();
        }
    });
    thread.set_loaded_on(None);
    super::this().loaded.set(None);
}

/// Sets the core's one-shot timer to the earliest of its timers and, while a thread runs, the end of its slice, or when the
/// screen should be drawn.
pub(super) fn arm(core: &Core) {
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

//! Switching: which thread a core goes on with.

use crate::core::{Core, this};
use crate::idle;
use crate::own::{Current, Frozen};
use crate::owner::{Next, Owner};
use crate::thread::Thread;
use crate::turn::{begin_slice, charge, slice_end};
use crate::wake::offer_work;
use alloc::sync::Arc;
use braid_threads::state::RunState;
use braid_time::Nanos;
use machine::regs::UserRegs;
use machine::segment::Segments;
use machine::{cpu, fpu, time};

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
pub unsafe fn next_thread<O: Owner>() -> *mut UserRegs {
    let core = this::<O>();
    match core.current.get() {
        Some(thread) if goes_on(thread) && !tori::rings::calls() => {
            core.account.leave();
            thread.cells().regs.as_ptr()
        }
        // SAFETY: K20, by the caller's promise, and the reference above is not used any more.
        _ => unsafe { look_around(core) },
    }
}

/// Whether nothing stands between a thread and its program, as after most traps.
#[inline]
fn goes_on<O: Owner>(thread: &Current<O>) -> bool {
    !thread.is_called()
        && thread.state() == RunState::Running
        && O::next(thread) == Next::Program
        && !cpu::is_resched_requested()
}

/// As [`next_thread`], when there is something to do.
///
/// # Safety
/// As for [`next_thread`].
#[inline(never)]
unsafe fn look_around<O: Owner>(core: &'static Core<O>) -> *mut UserRegs {
    let (mut served, mut rounds) = (0u32, 0u32);
    let mut begun = Nanos::ZERO;
    loop {
        // Those who end, stop or wait again do not get as far as their program.
        if rounds >= ALONE {
            cpu::let_interrupts_in();
        }
        rounds = rounds.saturating_add(1);
        O::take_in();
        if let Some(thread) = core.current.get() {
            if may_go_on(core, thread) {
                // It may be for this thread.
                if O::take_in() {
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
                return thread.cells().regs.as_ptr();
            }
            // SAFETY: K20, by the caller's promise; `thread` is not used any more.
            unsafe { retire(core) };
        }
        let (thread, turn) = idle::next(core);
        // SAFETY: K20, there is no current thread.
        unsafe { start(core, thread, turn) };
        served = 0;
    }
}

/// Settles what stands between a thread and its program. False: it waits, has ended, or lets others run.
#[inline]
fn may_go_on<O: Owner>(core: &Core<O>, thread: &Current<O>) -> bool {
    loop {
        if thread.is_called() && thread.take_attention() && !thread.is_dead() {
            cpu::let_interrupts_in();
            if !O::attend(thread) {
                return false;
            }
            if O::next(thread) != Next::Call {
                continue;
            }
        }
        if thread.is_dead() {
            return false;
        }
        if tori::rings::is_choked() {
            return stand_back(core, thread);
        }
        if O::next(thread) == Next::Program {
            return !cpu::is_resched_requested() || keeps_turn(core, thread);
        }
        if !resume(core, thread) {
            return false;
        }
    }
}

/// More waits for other tori than may: no program of this one goes on before there is room. False, as it does not.
#[cold]
fn stand_back<O: Owner>(core: &Core<O>, thread: &Current<O>) -> bool {
    if O::next(thread) != Next::Call || !thread.state.begin_wait() {
        let_others_run(core, thread);
    }
    false
}

/// Runs the call of a thread that was woken again, unless the thread is stopped. False: it waits, or lets others run first.
#[inline(never)]
fn resume<O: Owner>(core: &Core<O>, thread: &Current<O>) -> bool {
    if thread.state.begin_wait() {
        return false;
    }
    // However often it is woken at once.
    cpu::let_interrupts_in();
    if cpu::is_resched_requested() {
        // It has been woken, or its call is long: the others first.
        let_others_run(core, thread);
        return false;
    }
    thread.state.set(RunState::Running);
    O::run_call(thread);
    true
}

/// Queues the current thread, so that it goes on when it is its turn again.
fn let_others_run<O: Owner>(core: &Core<O>, thread: &Current<O>) {
    charge(core, thread);
    thread.state.set(RunState::Ready);
    core.push(Arc::clone(thread));
}

/// Whether nobody else is to run when the core has been asked to look.
#[cold]
fn keeps_turn<O: Owner>(core: &Core<O>, thread: &Current<O>) -> bool {
    cpu::take_resched();
    O::keep_up();
    charge(core, thread);
    if core.waiting() > 0 {
        thread.state.set(RunState::Ready);
        core.push(Arc::clone(thread));
        return false;
    }
    begin_slice(core, slice_end(thread));
    true
}

/// The program goes on although messages wait, for as long as the core has delivered some since `begun`.
#[cold]
fn breathe<O: Owner>(core: &Core<O>, begun: Nanos) {
    let now = time::now();
    let end = now + BREATH.max(now - begun);
    begin_slice(core, core.slice_end.get().min(end));
}

/// The current thread is no longer current; its state stays loaded.
///
/// # Safety
/// As for [`Slot::replace`](crate::core::Slot::replace).
#[inline(never)]
unsafe fn retire<O: Owner>(core: &Core<O>) {
    // SAFETY: K20, by the caller's promise.
    if let Some(thread) = unsafe { core.current.replace(None) } {
        charge(core, &thread);
    }
}

/// Makes `thread` current, which has used so much virtual time.
///
/// # Safety
/// As for [`Slot::replace`](crate::core::Slot::replace); the thread was taken out of a queue from which this core may run it.
#[inline(never)]
unsafe fn start<O: Owner>(core: &'static Core<O>, thread: Arc<Thread<O>>, turn: u64) {
    // SAFETY: K20, it is loaded here or nowhere, by the caller's promise.
    let mine = unsafe { Current::of(&thread) };
    mine.state.set(if O::next(mine) == Next::Call {
        RunState::Woken
    } else {
        RunState::Running
    });
    core.account.begin(turn);
    load(core, mine);
    tori::counters::own().switches.add(1);
    cpu::take_resched();
    let end = slice_end(mine);
    // SAFETY: K20, by the caller's promise.
    unsafe { core.current.replace(Some(thread)) };
    begin_slice(core, end);
    offer_work(core);
}

/// Puts a thread's FPU state, segments and address space into the registers.
fn load<O: Owner>(core: &'static Core<O>, thread: &Current<O>) {
    let old = core.loaded.take();
    if old.as_ref().is_some_and(|old| Arc::ptr_eq(old, thread)) {
        return core.loaded.set(old);
    }
    core.loaded.set(Some(Arc::clone(thread)));
    // SAFETY: K20, it is loaded on this core.
    let old = old.as_ref().map(|old| unsafe { Current::of(old) });
    if let Some(old) = old {
        save(old);
    }
    thread.fpu().with(|state| fpu::restore(state));
    thread.segments().get().load();
    O::change_space(old, Some(thread));
    thread.set_loaded_on(Some(cpu::this().core_in_torus));
    if let Some(old) = old {
        old.set_loaded_on(None);
    }
}

/// Saves what a thread has in registers.
fn save<O: Owner>(old: &Current<O>) {
    old.fpu().with(fpu::save);
    old.segments().set(Segments::save());
}

impl<O: Owner> Thread<O> {
    /// The current thread ends: forgets what is loaded of it, and leaves its address space for the kernel's.
    pub fn leave_current() {
        if let Some(thread) = this::<O>().loaded.take() {
            // SAFETY: K20, it was loaded on this core.
            O::change_space(Some(unsafe { Current::of(&thread) }), None);
            thread.set_loaded_on(None);
        }
    }
}

impl<O: Owner> Current<O> {
    /// Takes the thread's state out of the core's registers, leaves its address space for the kernel's, and has nothing wake it any more. The
    /// core touches it only through what is answered, before it goes on with another thread.
    pub fn freeze(&self) -> Frozen<O> {
        charge(this(), self);
        save(self);
        Thread::<O>::leave_current();
        let frozen = Frozen::of(self);
        self.cancel_deadline();
        frozen
    }
}

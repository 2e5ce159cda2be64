//! Threads: registers and a state.
//!
//! A thread at rest is only data: registers, FPU state, and what its interrupted call needs to run again. It has no
//! kernel stack, so it can be put to rest, moved or ended wherever it is.

use super::{Pid, Process};
use crate::mem::later::Later;
use crate::mem::space::Space;
use crate::mem::stuck::Stuck;
use crate::sched::queue::Link;
use crate::sched::time::Nanos;
use crate::signal::SignalState;
use crate::syscall::call::InFlight;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};
use machine::fpu::FpuState;
use machine::regs::UserRegs;
use machine::segment::Segments;
use sync::OwnCell;
use sync::Waiter;

/// Where a thread stands with the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RunState {
    /// Current on a core.
    Running = 0,
    /// Current on a core, and woken since it began to wait: its call runs again at once.
    Woken = 1,
    /// Waiting to be woken.
    Blocked = 2,
    /// In a run queue.
    Ready = 3,
    /// Ended.
    Dead = 4,
    /// Offered to another torus: nothing wakes it.
    Frozen = 5,
}

/// An exception as a signal frame tells it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fault {
    /// Vector.
    pub vector: u64,
    /// Error code.
    pub code: u64,
    /// Fault address (CR2).
    pub address: u64,
}

/// One flow of control of a process.
pub struct Thread {
    /// Its process.
    pub process: Arc<Process>,
    /// Its number: the process's, for the first thread.
    pub tid: Pid,

    state: AtomicU8,
    /// 1 + index within the torus of the core that has its FPU state and address space loaded; 0: none.
    loaded_on: AtomicU32,
    /// Index within the torus of the core that ran it last.
    last_core: AtomicU32,
    /// Something has to be looked at before it returns to the program: a signal, a stop, its end.
    pub attention: AtomicBool,
    /// Its place in a run queue.
    pub link: Link,
    /// Its nice value (setpriority(2)).
    pub nice: AtomicI32,
    /// Its scheduling policy, as a word of [`braid_threads::policy::Policy`].
    pub policy: AtomicU32,
    /// The virtual time that it has used on the core that ran it last.
    pub virtual_time: AtomicU64,
    /// Of a parent that vfork holds back: the word that its child wanted cleared when it let go of the parent's memory; 0: none.
    pub word_to_clear: AtomicU64,
    /// Pending signals, mask, alternative stack.
    pub signals: SignalState,

    // Touched only by the core the thread is on.
    /// Registers of the program.
    pub regs: OwnCell<UserRegs>,
    /// FPU state, while not loaded.
    pub fpu: OwnCell<FpuState>,
    /// Its address space; none once it has ended.
    pub space: OwnCell<Option<Arc<Space>>>,
    /// Access faults of its that repeat.
    pub stuck: OwnCell<Stuck>,
    /// The exception it caused last, for signal frames.
    pub fault: OwnCell<Fault>,
    /// Segment bases and selectors, while not loaded.
    pub segments: OwnCell<Segments>,
    /// The call that has to run again, when there is one; its number is in the registers' `code`.
    pub in_flight: OwnCell<Option<InFlight>>,
    /// Its call has begun what has to be settled when the call is over, also if it never waits: questions to other tori, a mask
    /// for its duration.
    pub unsettled: OwnCell<bool>,
    /// What its call has asked other tori about files.
    pub far: OwnCell<crate::file::far::Journal>,
    /// Core (index within the torus) and time of the timer that ends the call's wait.
    pub timer: OwnCell<Option<(usize, Nanos)>>,
    /// What it waits for, or the kernel has yet to write, before its program goes on.
    pub later: OwnCell<Later>,
    /// Frames that were looked at in vain for memory for it.
    pub vain: OwnCell<u32>,
    /// Address to clear and wake when the thread ends (set_tid_address(2)).
    pub clear_child_tid: OwnCell<u64>,
}

impl Waiter for Thread {
    fn wake(self: Arc<Self>) {
        Self::wake(&self);
    }

    fn is_gone(&self) -> bool {
        self.is_dead()
    }
}

impl Thread {
    /// A thread that begins with these registers; it waits to be woken for the first time.
    pub fn new(process: Arc<Process>, regs: UserRegs, fpu: FpuState) -> Self {
        Self {
            tid: process.pid,
            process,
            state: AtomicU8::new(RunState::Blocked as u8),
            loaded_on: AtomicU32::new(0),
            last_core: AtomicU32::new(0),
            attention: AtomicBool::new(false),
            link: Link::new(),
            nice: AtomicI32::new(0),
            policy: AtomicU32::new(0),
            virtual_time: AtomicU64::new(0),
            word_to_clear: AtomicU64::new(0),
            signals: SignalState::new(),
            regs: OwnCell::new(regs),
            fpu: OwnCell::new(fpu),
            space: OwnCell::new(None),
            stuck: OwnCell::new(Stuck::default()),
            fault: OwnCell::new(Fault::default()),
            segments: OwnCell::new(Segments::default()),
            in_flight: OwnCell::new(None),
            unsettled: OwnCell::new(false),
            far: OwnCell::new(crate::file::far::Journal::new()),
            timer: OwnCell::new(None),
            later: OwnCell::new(Later::new()),
            vain: OwnCell::new(0),
            clear_child_tid: OwnCell::new(0),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> RunState {
        match self.state.load(Ordering::Acquire) {
            0 => RunState::Running,
            1 => RunState::Woken,
            2 => RunState::Blocked,
            3 => RunState::Ready,
            5 => RunState::Frozen,
            _ => RunState::Dead,
        }
    }

    /// Moves on from `from` to `to`; false when it stood elsewhere.
    pub fn change(&self, from: RunState, to: RunState) -> bool {
        self.state
            .compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Sets the state, by whoever owns the thread.
    pub fn set_state(&self, state: RunState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// Whether it has ended.
    pub fn is_dead(&self) -> bool {
        self.state() == RunState::Dead
    }

    /// Makes it run (again), or remember that it has to.
    pub fn wake(self: &Arc<Self>) {
        loop {
            match self.state() {
                RunState::Blocked if self.change(RunState::Blocked, RunState::Ready) => {
                    return crate::sched::enqueue(self.clone());
                }
                RunState::Running if self.change(RunState::Running, RunState::Woken) => return,
                RunState::Blocked | RunState::Running => {}
                RunState::Woken | RunState::Ready | RunState::Dead | RunState::Frozen => return,
            }
        }
    }

    /// Gives it another address space, or none; answers the old one.
    pub fn change_space(&self, space: Option<Arc<Space>>) -> Option<Arc<Space>> {
        *self.process.memory.lock() = space.as_ref().map_or_else(Weak::new, Arc::downgrade);
        self.space.replace(space)
    }

    /// Has it look at its signals before it goes on, wherever it is.
    pub fn call_attention(self: &Arc<Self>) {
        self.attention.store(true, Ordering::Release);
        self.wake();
        crate::sched::interrupt_if_running(self);
    }

    /// The core (index within the torus) that has its state loaded.
    pub fn loaded_on(&self) -> Option<usize> {
        (self.loaded_on.load(Ordering::Acquire) as usize).checked_sub(1)
    }

    /// Notes that `core` has loaded its state, or (`None`) that it is all in memory again.
    pub fn set_loaded_on(&self, core: Option<usize>) {
        if let Some(core) = core {
            self.last_core.store(core as u32, Ordering::Relaxed);
        }
        self.loaded_on
            .store(core.map_or(0, |core| core as u32 + 1), Ordering::Release);
    }

    /// Says where it should run first.
    pub fn set_last_core(&self, core: usize) {
        self.last_core.store(core as u32, Ordering::Relaxed);
    }

    /// The core that ran it last.
    pub fn last_core(&self) -> usize {
        self.last_core.load(Ordering::Relaxed) as usize
    }
}

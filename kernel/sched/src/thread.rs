//! Threads: registers and a state.
//!
//! A thread at rest is only data: registers, FPU state, and what its interrupted call needs to run again. It has no
//! kernel stack, so it can be put to rest, moved or ended wherever it is.

use crate::own::Own;
use crate::owner::Owner;
use braid_threads::fair;
use braid_threads::policy::Policy;
use braid_threads::state::{RunState, State};
use core::cell::Cell;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use machine::fpu::FpuState;
use machine::regs::UserRegs;
use machine::segment::Segments;
use sync::{Local, Lock, OwnCell};

/// One flow of control. What it is to its owner is reached through it as through a pointer.
pub struct Thread<O: Owner> {
    /// The core that changes the state to `Ready` puts the thread into a run queue. A thread in any other state is in no run queue.
    pub(crate) state: State,
    /// 1 + index within the torus of the core that has its FPU state and address space loaded; 0: none. That core alone runs it.
    loaded_on: AtomicU32,
    /// Index within the torus of the core that ran it last.
    last_core: AtomicU32,
    /// Something has to be looked at before it returns to the program: a signal, a stop, its end.
    attention: AtomicBool,
    /// Its place in a run queue, under that queue's lock.
    link: Link<O>,
    /// Its nice value (setpriority(2)).
    nice: AtomicI32,
    /// Its scheduling policy, as a word of [`Policy`].
    policy: AtomicU32,
    /// The virtual time that it has used on the core that ran it last.
    virtual_time: AtomicU64,

    /// What the core alone touches that the thread is on, and before it is woken for the first time whoever makes it.
    pub(crate) own: Local<Own<O>>,

    owner: O,
}

/// A thread's place in a run queue; guarded by that queue's lock.
struct Link<O: Owner>(Lock<fair::Link<Thread<O>>>);

impl<O: Owner> fair::Node for Thread<O> {
    #[inline]
    fn with_link<R>(&self, f: impl FnOnce(&mut fair::Link<Self>) -> R) -> R {
        f(&mut self.link.0.lock())
    }
}

impl<O: Owner> Deref for Thread<O> {
    type Target = O;

    #[inline]
    fn deref(&self) -> &O {
        &self.owner
    }
}

impl<O: Owner> Thread<O> {
    /// A thread that begins with these registers; it waits to be woken for the first time.
    pub fn new(owner: O, regs: UserRegs, fpu: FpuState) -> Self {
        Self {
            state: State::new(),
            loaded_on: AtomicU32::new(0),
            last_core: AtomicU32::new(0),
            attention: AtomicBool::new(false),
            link: Link(Lock::new(fair::Link::new())),
            nice: AtomicI32::new(0),
            policy: AtomicU32::new(0),
            virtual_time: AtomicU64::new(0),
            own: Local::new(Own {
                regs: Cell::new(regs),
                fpu: OwnCell::new(fpu),
                segments: Cell::new(Segments::default()),
                deadline: Cell::new(None),
                owner: O::Own::default(),
            }),
            owner,
        }
    }

    /// Gives a thread segment bases and selectors that nobody knows yet.
    pub fn set_segments(&mut self, segments: Segments) {
        self.own.get_mut().segments.set(segments);
    }

    /// What its owner keeps of a thread that nobody knows yet.
    pub const fn own_mut(&mut self) -> &mut O::Own {
        &mut self.own.get_mut().owner
    }

    /// Its nice value (setpriority(2)).
    pub fn nice(&self) -> i32 {
        self.nice.load(Ordering::Relaxed)
    }

    /// Gives it a nice value, from its next turn on.
    pub fn set_nice(&self, nice: i32) {
        self.nice.store(nice, Ordering::Relaxed);
    }

    /// Its scheduling policy.
    pub fn policy(&self) -> Policy {
        Policy::from_word(self.policy.load(Ordering::Relaxed))
    }

    /// Gives it a policy, from its next turn on.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.store(policy.word(), Ordering::Relaxed);
    }

    /// The virtual time that it has used on the core that ran it last.
    pub(crate) fn virtual_time(&self) -> u64 {
        self.virtual_time.load(Ordering::Relaxed)
    }

    /// It has used so much virtual time.
    pub(crate) fn set_virtual_time(&self, time: u64) {
        self.virtual_time.store(time, Ordering::Relaxed);
    }

    /// Where it stands.
    #[inline]
    pub fn state(&self) -> RunState {
        self.state.get()
    }

    /// Whether it has ended.
    pub fn is_dead(&self) -> bool {
        self.state() == RunState::Dead
    }

    /// Asks that the thread's core handle what is pending for the thread (signals, writes, a move) before it returns to the program. The
    /// thread is current on the calling core, or the caller wakes the thread afterwards.
    pub fn note_attention(&self) {
        self.attention.store(true, Ordering::Release);
    }

    /// Whether something is pending for the thread, to be handled before its program goes on.
    #[inline]
    pub(crate) fn is_called(&self) -> bool {
        self.attention.load(Ordering::Relaxed)
    }

    /// As [`Thread::is_called`]; the caller handles it now.
    pub(crate) fn take_attention(&self) -> bool {
        self.attention.swap(false, Ordering::AcqRel)
    }

    /// The core (index within the torus) that has its state loaded.
    pub(crate) fn loaded_on(&self) -> Option<usize> {
        (self.loaded_on.load(Ordering::Acquire) as usize).checked_sub(1)
    }

    /// Notes that `core` has loaded its state, or (`None`) that it is all in memory again.
    pub(crate) fn set_loaded_on(&self, core: Option<usize>) {
        if let Some(core) = core {
            self.last_core.store(core as u32, Ordering::Relaxed);
        }
        self.loaded_on
            .store(core.map_or(0, |core| core as u32 + 1), Ordering::Release);
    }

    /// Says where it should run first.
    pub(crate) fn set_last_core(&self, core: usize) {
        self.last_core.store(core as u32, Ordering::Relaxed);
    }

    /// The core (index within the torus) that ran it last.
    pub fn last_core(&self) -> usize {
        self.last_core.load(Ordering::Relaxed) as usize
    }
}

//! What one core alone touches of a thread, and who gets to it.

use crate::owner::Owner;
use crate::thread::Thread;
use alloc::sync::Arc;
use braid_threads::state::RunState;
use braid_time::Nanos;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::Deref;
use fallible::NoMemory;
use machine::fpu::FpuState;
use machine::regs::UserRegs;
use machine::segment::Segments;
use sync::OwnCell;

/// What one core alone touches of a thread.
pub(crate) struct Own<O: Owner> {
    /// Registers of the program.
    pub(crate) regs: Cell<UserRegs>,
    /// FPU state, while not loaded.
    pub(crate) fpu: OwnCell<FpuState>,
    /// Segment bases and selectors, while not loaded.
    pub(crate) segments: Cell<Segments>,
    /// Core (index within the torus) and time of the timer that ends its wait.
    pub(crate) deadline: Cell<Option<(usize, Nanos)>>,
    /// Its owner's.
    pub(crate) owner: O::Own,
}

/// A thread on the core that it is on: the current one, the one that is loaded, or one that nobody else knows. It cannot leave that core.
#[repr(transparent)]
pub struct Current<O: Owner>(Arc<Thread<O>>, PhantomData<*const ()>);

impl<O: Owner> Deref for Current<O> {
    type Target = Arc<Thread<O>>;

    #[inline]
    fn deref(&self) -> &Arc<Thread<O>> {
        &self.0
    }
}

impl<O: Owner> Current<O> {
    /// A thread that is on the core that executes this.
    ///
    /// # Safety
    /// It is, as long as the reference is used: no other core touches what is the thread's own.
    #[inline]
    pub(crate) const unsafe fn of(thread: &Arc<Thread<O>>) -> &Self {
        // SAFETY: K20, of the same layout; the rest is the caller's promise.
        unsafe { &*core::ptr::from_ref(thread).cast() }
    }

    #[inline]
    pub(crate) fn cells(&self) -> &Own<O> {
        // SAFETY: K20, by the promise of who made this.
        unsafe { self.0.own.get() }
    }

    /// What its owner keeps.
    #[inline]
    pub fn own(&self) -> &O::Own {
        &self.cells().owner
    }

    /// Registers of the program.
    #[inline]
    pub fn regs(&self) -> UserRegs {
        self.cells().regs.get()
    }

    /// Has the program go on with these registers.
    pub fn set_regs(&self, regs: UserRegs) {
        self.cells().regs.set(regs);
    }

    /// Changes registers of the program.
    pub fn change_regs<R>(&self, change: impl FnOnce(&mut UserRegs) -> R) -> R {
        let mut regs = self.regs();
        let result = change(&mut regs);
        self.set_regs(regs);
        result
    }

    /// What the program finds in rax: the result of its call.
    #[inline]
    pub fn set_result(&self, result: u64) {
        let regs = self.cells().regs.as_ptr();
        // SAFETY: K20, the cell is this core's, and no reference into a cell exists.
        unsafe { (*regs).rax = result };
    }

    /// FPU state, while not loaded.
    pub fn fpu(&self) -> &OwnCell<FpuState> {
        &self.cells().fpu
    }

    /// Segment bases and selectors, while not loaded.
    pub fn segments(&self) -> &Cell<Segments> {
        &self.cells().segments
    }

    /// It waits from now on; false when it was woken since it last began to look for what it waits for, and goes on.
    pub fn waits(&self) -> bool {
        let waits = self.state.begin_wait();
        if !waits {
            self.state.set(RunState::Running);
        }
        waits
    }

    /// It begins something new: that it was woken says nothing to that.
    #[inline]
    pub fn forget_wake(&self) {
        self.state.set(RunState::Running);
    }

    /// It has ended.
    pub fn end(&self) {
        self.state.set(RunState::Dead);
    }
}

/// A thread that is on no core, and that nothing wakes: whoever has this touches it, and nobody else (K33).
pub struct Frozen<O: Owner>(Arc<Thread<O>>);

impl<O: Owner> Deref for Frozen<O> {
    type Target = Arc<Thread<O>>;

    fn deref(&self) -> &Arc<Thread<O>> {
        &self.0
    }
}

impl<O: Owner> Frozen<O> {
    /// A thread that nobody knows yet, so that who gets to know it cannot wake it before all is in place.
    ///
    /// # Errors
    /// There is no memory.
    pub fn new(thread: Thread<O>) -> Result<Self, NoMemory> {
        thread.state.set(RunState::Frozen);
        Ok(Self(fallible::arc(thread)?))
    }

    /// The current thread, which has been unloaded.
    pub(crate) fn of(thread: &Current<O>) -> Self {
        thread.state.set(RunState::Frozen);
        Self(thread.0.clone())
    }

    /// What is the thread's own.
    pub fn touch(&mut self) -> &Current<O> {
        // SAFETY: K33, it is on no core, and there is one of these alone.
        unsafe { Current::of(&self.0) }
    }

    /// Wakes it; it looks at what is left for it first.
    pub fn thaw(self) {
        self.note_attention();
        if self.state.thaw() {
            self.0.wake();
        }
    }

    /// It has ended.
    pub fn end(self) {
        self.state.set(RunState::Dead);
    }
}

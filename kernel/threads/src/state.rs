//! Where a thread stands with the scheduler, and who moves it on.
//!
//! *Flow.* A thread waits by looking at what it waits for, and then [beginning to wait](State::begin_wait). Whoever changes that thing wakes the
//! thread after it. A wake-up that comes in between is remembered by the state, so that none is lost; and of several one alone
//! queues the thread.

#[cfg(not(loom))]
use core::sync::atomic::{AtomicU8, Ordering};
#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};

/// Where a thread stands.
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

/// The state of a thread, which all who know the thread share.
#[derive(Debug)]
pub struct State(AtomicU8);

impl State {
    /// Of a thread that waits to be woken for the first time.
    pub fn new() -> Self {
        Self(AtomicU8::new(RunState::Blocked as u8))
    }

    /// Where it stands.
    #[inline]
    pub fn get(&self) -> RunState {
        match self.0.load(Ordering::Acquire) {
            0 => RunState::Running,
            1 => RunState::Woken,
            2 => RunState::Blocked,
            3 => RunState::Ready,
            5 => RunState::Frozen,
            _ => RunState::Dead,
        }
    }

    /// Moves on from `from` to `to`; false when it stood elsewhere.
    fn change(&self, from: RunState, to: RunState) -> bool {
        self.0
            .compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Sets it, for the core that the thread is current on, or for whom else the thread belongs to alone.
    #[inline]
    pub fn set(&self, state: RunState) {
        self.0.store(state as u8, Ordering::Release);
    }

    /// Wakes the thread. True when it is `Ready` now: the caller, and nobody else, queues it.
    pub fn wake(&self) -> bool {
        loop {
            match self.get() {
                RunState::Blocked if self.change(RunState::Blocked, RunState::Ready) => {
                    return true;
                }
                RunState::Running if self.change(RunState::Running, RunState::Woken) => {
                    return false;
                }
                RunState::Blocked | RunState::Running => {}
                RunState::Woken | RunState::Ready | RunState::Dead | RunState::Frozen => {
                    return false;
                }
            }
        }
    }

    /// A current thread waits from now on; false when it was woken since it last began to look for what it waits for.
    pub fn begin_wait(&self) -> bool {
        self.change(RunState::Running, RunState::Blocked)
    }

    /// A frozen thread waits to be woken; false when it is not frozen.
    pub fn thaw(&self) -> bool {
        self.change(RunState::Frozen, RunState::Blocked)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_before_the_wait_is_remembered() {
        let state = State::new();
        state.set(RunState::Running);
        assert!(!state.wake());
        assert!(!state.begin_wait());
        assert_eq!(state.get(), RunState::Woken);
        state.set(RunState::Running);
        assert!(state.begin_wait());
        assert!(state.wake());
        assert!(!state.wake());
    }

    #[test]
    fn nothing_wakes_who_has_ended_or_is_frozen() {
        let state = State::new();
        for still in [RunState::Dead, RunState::Frozen] {
            state.set(still);
            assert!(!state.wake());
            assert_eq!(state.get(), still);
        }
        assert!(state.thaw() && !state.thaw());
        assert!(state.wake());
    }
}

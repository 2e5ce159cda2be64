//! Scheduling policies (sched(7)): which there are, and how calls name them.
//!
//! Threads share cores by their nice values ([`crate::fair`]). A batch thread does so as any other, an idle one as the nicest. Nobody is given
//! a real-time policy.

use crate::fair::NICE;

/// Set beside a policy: children have it no more, and begin at nice 0 where their parent is below (SCHED_RESET_ON_FORK).
const RESET_ON_FORK: u32 = 0x4000_0000;
const NORMAL: u32 = 0;
const FIFO: u32 = 1;
const ROUND_ROBIN: u32 = 2;
const BATCH: u32 = 3;
const IDLE: u32 = 5;
const DEADLINE: u32 = 6;
/// Priorities of real-time policies.
const REAL_TIME: core::ops::RangeInclusive<i32> = 1..=99;

/// The policy of a thread, as sched_getscheduler(2) tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy(u32);

/// Why a policy is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is none of this name, or none with this priority.
    #[error("no such policy")]
    Unknown,
    /// It is a real-time policy.
    #[error("a real-time policy")]
    RealTime,
}

impl Policy {
    /// What sched_setscheduler(2) names with a priority.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn of(word: u32, priority: i32) -> Result<Self, PolicyError> {
        match word & !RESET_ON_FORK {
            NORMAL | BATCH | IDLE if priority == 0 => Ok(Self(word)),
            FIFO | ROUND_ROBIN if REAL_TIME.contains(&priority) => Err(PolicyError::RealTime),
            _ => Err(PolicyError::Unknown),
        }
    }

    /// As calls tell it.
    pub const fn word(self) -> u32 {
        self.0
    }

    /// Of the word that [`Self::word`] gave.
    pub const fn from_word(word: u32) -> Self {
        Self(word)
    }

    /// The nice value by which a thread of this policy gets its share.
    pub const fn share(self, nice: i32) -> i32 {
        if self.is_idle() { *NICE.end() } else { nice }
    }

    /// The policy and nice value that a thread's child begins with.
    pub const fn inherited(self, nice: i32) -> (Self, i32) {
        if self.0 & RESET_ON_FORK == 0 {
            return (self, nice);
        }
        (
            Self(self.0 & !RESET_ON_FORK),
            if nice < 0 { 0 } else { nice },
        )
    }

    /// Whether who is without privilege, and may choose nice values from `least` on, may go from this policy of a thread to another.
    pub fn may_become(self, other: Self, nice: i32, least: i32) -> bool {
        let rises = self.is_idle() && !other.is_idle() && nice < least;
        let forgets = self.0 & RESET_ON_FORK != 0 && other.0 & RESET_ON_FORK == 0;
        !rises && !forgets
    }

    const fn is_idle(self) -> bool {
        self.0 & !RESET_ON_FORK == IDLE
    }
}

/// The priorities of a policy (sched_get_priority_min(2) and its kin); `None`: there is no such policy.
pub const fn priorities(policy: i32) -> Option<(i32, i32)> {
    match policy.cast_unsigned() {
        FIFO | ROUND_ROBIN => Some((*REAL_TIME.start(), *REAL_TIME.end())),
        NORMAL | BATCH | IDLE | DEADLINE => Some((0, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_priorities_belong_together() {
        for word in [NORMAL, BATCH, IDLE] {
            assert_eq!(Policy::of(word, 0).map(Policy::word), Ok(word));
            assert_eq!(Policy::of(word, 1), Err(PolicyError::Unknown));
            let kept = word | RESET_ON_FORK;
            assert_eq!(Policy::of(kept, 0).map(Policy::word), Ok(kept));
        }
        for word in [FIFO, ROUND_ROBIN] {
            assert_eq!(Policy::of(word, 99), Err(PolicyError::RealTime));
            assert_eq!(Policy::of(word, 0), Err(PolicyError::Unknown));
            assert_eq!(Policy::of(word, 100), Err(PolicyError::Unknown));
        }
        assert_eq!(Policy::of(4, 0), Err(PolicyError::Unknown));
        assert_eq!(Policy::of(DEADLINE, 0), Err(PolicyError::Unknown));
    }

    #[test]
    fn idle_threads_share_as_the_nicest_and_do_not_rise_by_themselves() {
        let [normal, idle] = [NORMAL, IDLE].map(Policy);
        assert_eq!((idle.share(-5), normal.share(-5)), (19, -5));
        assert!(!idle.may_become(normal, 0, 20) && idle.may_become(normal, 0, 0));
        assert!(normal.may_become(idle, 0, 20) && idle.may_become(idle, 0, 20));
    }

    #[test]
    fn children_begin_anew_where_that_was_asked_for() {
        let batch = Policy(BATCH | RESET_ON_FORK);
        assert_eq!(batch.inherited(-3), (Policy(BATCH), 0));
        assert_eq!(batch.inherited(3), (Policy(BATCH), 3));
        assert_eq!(Policy(BATCH).inherited(-3), (Policy(BATCH), -3));
        assert!(!batch.may_become(Policy(BATCH), 0, 20));
    }
}

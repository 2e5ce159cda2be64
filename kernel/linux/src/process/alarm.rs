//! The interval timer of a process, as it keeps it.

use super::thread::Thread;
use alloc::sync::Arc;
use braid_time::Nanos;
use sched::Due;

/// A process's interval timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarm {
    /// When it fires next, and the core (index within the torus) whose timer that is; none while the process leaves.
    pub next: Option<(Nanos, Option<usize>)>,
    /// Time between later firings; zero: only once.
    pub interval: Nanos,
    /// It has fired then, and runs again when the program takes the signal.
    pub fired: Option<Nanos>,
}

/// An alarm as the image of its process says it: when it fires (0: not), how often after that (0: not), and when
/// it has fired without its signal having been taken (0: not).
pub type Words = [u64; 3];

/// What is left until a timer fires, and its interval.
pub type Left = (Nanos, Nanos);

impl Alarm {
    /// Takes the timer off its core; when it was to fire stays known.
    pub fn stop(&mut self, thread: &Arc<Thread>) {
        if let Some((_, core)) = &mut self.next
            && let Some(core) = core.take()
        {
            sched::cancel_timer(&Due::Alarm(thread.clone()), core);
        }
    }

    /// What is left until it fires, and its interval.
    pub fn remaining(&self, now: Nanos) -> Left {
        // A timer that is set never reads as 0.
        let left = self
            .next
            .map_or(Nanos::ZERO, |(at, _)| (at - now).max(Nanos::from_micros(1)));
        (left, self.interval)
    }

    /// As an image says it.
    pub fn words(&self) -> Words {
        let next = self.next.map(|(at, _)| at);
        [next, Some(self.interval), self.fired].map(|time| time.map_or(0, Nanos::get))
    }
}

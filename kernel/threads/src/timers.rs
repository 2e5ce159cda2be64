//! Timers of a core: who is woken when.

use alloc::collections::BTreeMap;
use braid_time::Nanos;
use fallible::TryMap;

/// What happens when a timer fires.
pub trait Due: Clone {
    /// What tells timers apart: whose they are, and what for.
    type Key: Copy + Ord;

    /// That of this one.
    fn key(&self) -> Self::Key;
}

/// One timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer<D> {
    /// When it fires.
    pub at: Nanos,
    /// What then.
    pub due: D,
}

/// Timers, one for each key.
#[derive(Debug)]
pub struct Timers<D: Due> {
    by_time: BTreeMap<(Nanos, D::Key), D>,
    /// When each fires.
    times: BTreeMap<D::Key, Nanos>,
}

impl<D: Due> Timers<D> {
    /// None.
    pub const fn new() -> Self {
        Self {
            by_time: BTreeMap::new(),
            times: BTreeMap::new(),
        }
    }

    /// When the next one fires.
    pub fn next(&self) -> Option<Nanos> {
        self.by_time.first_key_value().map(|((at, _), _)| *at)
    }

    /// Adds a timer, in place of the one for the same.
    ///
    /// # Errors
    /// There is no memory for it: here it is again, and no timer for the same any more.
    pub fn add(&mut self, timer: Timer<D>) -> Result<(), Timer<D>> {
        let Timer { at, due } = timer;
        self.remove(&due);
        let key = due.key();
        if self.times.put(key, at).is_err() {
            return Err(Timer { at, due });
        }
        if self.by_time.put((at, key), due.clone()).is_err() {
            self.times.remove(&key);
            return Err(Timer { at, due });
        }
        Ok(())
    }

    /// Removes a timer, if it has not fired.
    pub fn remove(&mut self, due: &D) {
        let key = due.key();
        if let Some(at) = self.times.remove(&key) {
            self.by_time.remove(&(at, key));
            self.tidy();
        }
    }

    /// Takes the next timer that is due at `now`.
    pub fn expired(&mut self, now: Nanos) -> Option<Timer<D>> {
        if self.next()? > now {
            return None;
        }
        let ((at, key), due) = self.by_time.pop_first()?;
        self.times.remove(&key);
        self.tidy();
        Some(Timer { at, due })
    }

    /// The last one's memory goes back.
    fn tidy(&mut self) {
        if self.by_time.is_empty() {
            *self = Self::new();
        }
    }
}

impl<D: Due> Default for Timers<D> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap as Model;
    use std::vec::Vec;

    impl Due for u8 {
        type Key = Self;

        fn key(&self) -> Self {
            *self
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Add(u8, u64),
        Remove(u8),
        Expire(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6u8, 0..50u64).prop_map(|(due, at)| Step::Add(due, at)),
            (0..6u8).prop_map(Step::Remove),
            (0..50u64).prop_map(Step::Expire),
        ]
    }

    proptest! {
        #[test]
        fn each_fires_once_and_in_order(steps in prop::collection::vec(step(), 0..60)) {
            let (mut timers, mut model) = (Timers::new(), Model::new());
            for step in steps {
                match step {
                    Step::Add(due, at) => {
                        prop_assert_eq!(timers.add(Timer { at: Nanos::new(at), due }), Ok(()));
                        model.insert(due, at);
                    }
                    Step::Remove(due) => {
                        timers.remove(&due);
                        model.remove(&due);
                    }
                    Step::Expire(now) => {
                        let fired = core::iter::from_fn(|| timers.expired(Nanos::new(now)));
                        let fired: Vec<_> = fired.map(|timer| (timer.at.get(), timer.due)).collect();
                        let mut due: Vec<_> = model.iter().map(|(due, at)| (*at, *due)).collect();
                        due.retain(|(at, _)| *at <= now);
                        due.sort_unstable();
                        model.retain(|_, at| *at > now);
                        prop_assert_eq!(fired, due);
                    }
                }
                let next = model.values().min().copied();
                prop_assert_eq!(timers.next().map(Nanos::get), next);
            }
        }
    }
}

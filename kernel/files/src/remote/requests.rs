//! Requests of other tori that wait: found by the number that they have here, and by whose call they are.

use alloc::collections::BTreeMap;
use fallible::{NoMemory, TryMap};

use super::slots::Slots;

/// Whose call it is, and the caller's name for it.
pub type Call = (u64, u64);

/// Requests that wait.
#[derive(Debug)]
pub struct Requests<T> {
    slots: Slots<(Call, T)>,
    by_call: BTreeMap<Call, u64>,
}

impl<T> Default for Requests<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Requests<T> {
    /// None.
    pub const fn new() -> Self {
        Self {
            slots: Slots::new(),
            by_call: BTreeMap::new(),
        }
    }

    /// Gives a request a number, which no other will have.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn insert(&mut self, call: Call, request: T) -> Result<u64, NoMemory> {
        let number = self.slots.insert((call, request)).map_err(|_| NoMemory)?;
        if let Err(error) = self.by_call.put(call, number) {
            self.slots.remove(number);
            return Err(error);
        }
        Ok(number)
    }

    /// The request of a number.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.slots.get(number).map(|(_, request)| request)
    }

    /// The request of a call.
    pub fn of(&self, call: Call) -> Option<&T> {
        self.get(*self.by_call.get(&call)?)
    }

    /// Takes the request of a number out.
    pub fn remove(&mut self, number: u64) -> Option<T> {
        let (call, request) = self.slots.remove(number)?;
        self.by_call.remove(&call);
        if self.by_call.is_empty() {
            // The last one's memory goes back.
            self.by_call = BTreeMap::new();
        }
        Some(request)
    }

    /// Gives the table's memory back, if there is nothing in it.
    pub fn shrink(&mut self) {
        self.slots.shrink();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_call_finds_what_a_search_finds(operations in prop::collection::vec((0u64..4, 0u64..30, any::<bool>()), 1..200)) {
            let (mut requests, mut model) = (Requests::new(), Vec::<(u64, Call)>::new());
            for (whose, name, comes) in operations {
                let call = (whose, name);
                let at = model.iter().position(|(_, known)| *known == call);
                prop_assert_eq!(requests.of(call), at.map(|at| &model[at].1));
                match at {
                    None if comes => model.push((requests.insert(call, call).unwrap(), call)),
                    Some(at) if !comes => {
                        let (number, _) = model.swap_remove(at);
                        prop_assert_eq!(requests.get(number), Some(&call));
                        prop_assert_eq!(requests.remove(number), Some(call));
                        prop_assert_eq!(requests.get(number), None);
                    }
                    _ => {}
                }
                requests.shrink();
            }
        }
    }
}

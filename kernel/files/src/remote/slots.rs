//! A table that gives numbers to values. A number is never used again, so that a late one is recognised.

use alloc::vec::Vec;
use fallible::TryVec;

/// Bits of a number that tell the slot; the others tell its generation.
const SLOT_BITS: u32 = 24;

/// Values by number.
#[derive(Debug)]
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    len: usize,
    /// Where new slots' generations begin.
    first: u64,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slots<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            len: 0,
            first: 0,
        }
    }

    /// Gives the table's memory back, if there is nothing in it.
    pub fn shrink(&mut self) {
        if self.len == 0 {
            let last = self.slots.iter().map(|slot| slot.generation).max();
            self.first = last.unwrap_or(self.first);
            self.slots = Vec::new();
            self.free = Vec::new();
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Gives a value a number, which is never below 2^24; without memory for it gives the value back.
    ///
    /// # Errors
    /// The value.
    pub fn insert(&mut self, value: T) -> Result<u64, T> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let fits = self.slots.len() < 1 << SLOT_BITS;
                // Room to free every slot is kept from the start.
                let wanted = self.slots.len() + 1 - self.free.len();
                let slot = Slot {
                    generation: self.first,
                    value: None,
                };
                if !fits
                    || self.free.try_reserve(wanted).is_err()
                    || self.slots.try_push(slot).is_err()
                {
                    return Err(value);
                }
                self.slots.len() as u32 - 1
            }
        };
        let place = &mut self.slots[slot as usize];
        place.generation += 1;
        place.value = Some(value);
        self.len += 1;
        Ok(place.generation << SLOT_BITS | u64::from(slot))
    }

    /// The values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }

    /// The value of a number.
    pub fn get(&self, number: u64) -> Option<&T> {
        let (slot, generation) = split(number);
        let place = self.slots.get(slot)?;
        place
            .value
            .as_ref()
            .filter(|_| place.generation == generation)
    }

    /// The value of a number, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let (slot, generation) = split(number);
        let place = self.slots.get_mut(slot)?;
        place
            .value
            .as_mut()
            .filter(|_| place.generation == generation)
    }

    /// Takes a value out.
    pub fn remove(&mut self, number: u64) -> Option<T> {
        let (slot, generation) = split(number);
        let place = self.slots.get_mut(slot)?;
        if place.generation != generation {
            return None;
        }
        let value = place.value.take()?;
        #[expect(clippy::disallowed_methods, reason = "room is kept from the start")]
        self.free.push(slot as u32);
        self.len -= 1;
        Some(value)
    }
}

fn split(number: u64) -> (usize, u64) {
    (
        (number & ((1 << SLOT_BITS) - 1)) as usize,
        number >> SLOT_BITS,
    )
}

//! Lines that wait for room in the rings of a torus, in memory that was set aside before: nothing is allocated to send.
//!
//! *Roles.* A [`Pool`] has the places of a torus, each [`Queue`] those that wait for one ring, in order.
//!
//! *Why there is room.* What may be under way is bounded by what causes it. Some places are there from the start; who brings
//! a cause into being, a process say, [reserves](Pool::reserve) places for the messages about it, and is refused without memory. So
//! whoever sends finds a place, and need not wait.

use crate::ring::Line;
use alloc::boxed::Box;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, boxed};

/// Places of a block: few enough for a block to be made on a kernel's stack.
const BLOCK: usize = 8;
/// Blocks that go back at once.
const AT_ONCE: usize = 32;
/// The end of a list.
const NONE: u32 = u32::MAX;

/// Places that lie together.
#[derive(Debug)]
pub struct Block {
    lines: [Line; BLOCK],
    /// The place after each in its list.
    next: [u32; BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self {
            lines: [Line::default(); BLOCK],
            next: [NONE; BLOCK],
        }
    }
}

/// The places of a torus.
#[derive(Debug)]
pub struct Pool {
    /// What was there from the start.
    base: &'static mut [Block],
    #[expect(clippy::vec_box, reason = "blocks stay where they are when more come")]
    more: Vec<Box<Block>>,
    /// The first free place of those that were used.
    free: u32,
    /// From here on no place was used since all were free.
    fresh: usize,
    /// Places that were reserved beyond the first.
    reserved: usize,
    used: usize,
}

impl Pool {
    /// With these places.
    pub fn new(base: &'static mut [Block]) -> Self {
        Self {
            base,
            more: Vec::new(),
            free: NONE,
            fresh: 0,
            reserved: 0,
            used: 0,
        }
    }

    /// Sets places aside for so many lines more.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn reserve(&mut self, lines: usize) -> Result<(), NoMemory> {
        while self.more.len() * BLOCK < self.reserved + lines {
            self.grow()?;
        }
        self.reserved += lines;
        Ok(())
    }

    /// Gives up what was reserved; the memory goes back when no line waits.
    pub fn release(&mut self, lines: usize) {
        self.reserved = self.reserved.saturating_sub(lines);
        if self.reserved == 0 || self.more.len() > 2 * self.reserved.div_ceil(BLOCK) {
            self.shrink();
        }
    }

    /// Gives back the memory of what is not reserved, unless lines wait.
    pub fn shrink(&mut self) {
        let kept = self.reserved.div_ceil(BLOCK);
        if self.used == 0 && self.more.len() > kept {
            if kept == 0 {
                self.more = Vec::new();
            }
            // The rest goes with later ones.
            let most = self.more.len().saturating_sub(AT_ONCE);
            self.more.truncate(kept.max(most));
            (self.free, self.fresh) = (NONE, 0);
        }
    }

    /// Lines that wait.
    pub const fn used(&self) -> usize {
        self.used
    }

    /// Takes a free place. Beyond what was reserved memory is asked for.
    fn take(&mut self) -> Result<u32, NoMemory> {
        let number = self.free;
        if let Some((_, link)) = self.place(number) {
            self.free = core::mem::replace(link, NONE);
            return Ok(number);
        }
        if self.fresh == (self.base.len() + self.more.len()) * BLOCK {
            self.grow()?;
        }
        let number = self.fresh as u32;
        let (_, link) = self.place(number).ok_or(NoMemory)?;
        *link = NONE;
        self.fresh += 1;
        Ok(number)
    }

    fn grow(&mut self) -> Result<(), NoMemory> {
        self.more.try_push(boxed(Block::default())?)?;
        Ok(())
    }

    fn block(&mut self, number: usize) -> Option<&mut Block> {
        match number.checked_sub(self.base.len()) {
            None => self.base.get_mut(number),
            Some(number) => self.more.get_mut(number).map(|block| &mut **block),
        }
    }

    /// The line and the link of a place.
    fn place(&mut self, number: u32) -> Option<(&mut Line, &mut u32)> {
        let (block, at) = (number as usize / BLOCK, number as usize % BLOCK);
        let block = self.block(block)?;
        Some((&mut block.lines[at], &mut block.next[at]))
    }

    /// Appends a line. Beyond what was reserved memory is asked for.
    ///
    /// # Errors
    /// More waits than was reserved, and there is no memory.
    pub fn push(&mut self, queue: &mut Queue, line: Line) -> Result<(), NoMemory> {
        let number = self.take()?;
        let (place, _) = self.place(number).ok_or(NoMemory)?;
        *place = line;
        match self.place(queue.last) {
            Some((_, link)) => *link = number,
            None => queue.first = number,
        }
        queue.last = number;
        queue.len += 1;
        self.used += 1;
        Ok(())
    }

    /// Copies the first lines; answers how many.
    pub fn front(&mut self, queue: &Queue, lines: &mut [Line]) -> usize {
        let (mut number, mut count) = (queue.first, 0);
        for line in lines {
            let Some((place, link)) = self.place(number) else {
                break;
            };
            *line = *place;
            number = *link;
            count += 1;
        }
        count
    }

    /// Takes the first `count` lines out.
    pub fn pop(&mut self, queue: &mut Queue, count: usize) {
        for _ in 0..count {
            let (number, free) = (queue.first, self.free);
            let Some((_, link)) = self.place(number) else {
                return;
            };
            queue.first = core::mem::replace(link, free);
            if queue.first == NONE {
                queue.last = NONE;
            }
            self.free = number;
            queue.len -= 1;
            self.used -= 1;
        }
    }
}

/// Lines that wait for one ring.
#[derive(Debug)]
pub struct Queue {
    first: u32,
    last: u32,
    len: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

impl Queue {
    /// None.
    pub const fn new() -> Self {
        Self {
            first: NONE,
            last: NONE,
            len: 0,
        }
    }

    /// Whether no line waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    fn line(number: u64) -> Line {
        Line([number; 8])
    }

    fn base(blocks: usize) -> &'static mut [Block] {
        let blocks: Vec<Block> = (0..blocks).map(|_| Block::default()).collect();
        Box::leak(blocks.into_boxed_slice())
    }

    proptest! {
        #[test]
        fn queues_share_places_and_keep_their_order(
            steps in prop::collection::vec((0u8..5, 0usize..3, 0usize..80), 1..300),
        ) {
            let mut pool = Pool::new(base(2));
            let mut queues = [Queue::new(), Queue::new(), Queue::new()];
            let mut models: [VecDeque<u64>; 3] = Default::default();
            let (mut number, mut reserved) = (0, 0);
            for (kind, which, count) in steps {
                let (queue, model) = (&mut queues[which], &mut models[which]);
                match kind {
                    0 | 1 => {
                        for _ in 0..count {
                            pool.push(queue, line(number)).unwrap();
                            model.push_back(number);
                            number += 1;
                        }
                    }
                    2 => {
                        let mut lines = [Line::default(); 32];
                        let found = pool.front(queue, &mut lines);
                        prop_assert_eq!(found, model.len().min(32));
                        prop_assert!(lines[..found].iter().zip(&*model).all(|(seen, number)| *seen == line(*number)));
                        pool.pop(queue, found);
                        model.drain(..found);
                    }
                    3 => {
                        pool.reserve(count).unwrap();
                        reserved += count;
                    }
                    _ => {
                        pool.release(count);
                        reserved = reserved.saturating_sub(count);
                    }
                }
                prop_assert_eq!(queues[which].is_empty(), models[which].is_empty());
                prop_assert_eq!(pool.used(), models.iter().map(VecDeque::len).sum::<usize>());
                prop_assert!((pool.base.len() + pool.more.len()) * BLOCK >= pool.used());
                prop_assert!(pool.more.len() * BLOCK >= reserved);
            }
        }
    }

    #[test]
    fn what_was_reserved_is_sent_without_memory() {
        let mut pool = Pool::new(base(1));
        let mut queue = Queue::new();
        pool.reserve(100).unwrap();
        let blocks = pool.more.len();
        for number in 0..(BLOCK + 100) as u64 {
            pool.push(&mut queue, line(number)).unwrap();
        }
        assert_eq!(pool.more.len(), blocks);
        pool.pop(&mut queue, BLOCK + 100);
        pool.release(100);
        assert_eq!((pool.more.capacity(), pool.used()), (0, 0));
    }
}

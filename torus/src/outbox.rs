//! Lines that wait for room in the rings of a torus, in memory that was set aside before: nothing is allocated to send.
//!
//! *Roles.* A [`Pool`] has the places of a torus, each [`Queue`] those that wait for one ring, in order.
//!
//! *Why there is always a place.* Lines are posted by **work**, what programs and timers have the torus's cores do, and by
//! **deliveries** of lines that have come. Either is done in *operations*, and an operation begins only while few lines wait that its
//! kind has posted ([`Pool::admits`]). Until it looks again, a core posts at most [`Bounds::operation`] lines, and one more for each place
//! that a thing has [reserved](Pool::reserve) whose change is told. So the places are
//!
//! ```text
//! work       Bounds::work       + cores * Bounds::operation   posted since the last core was admitted
//! deliveries Bounds::deliveries +         Bounds::operation   one core delivers at a time
//! things     what is reserved: what each is told of in one operation
//! ```
//!
//! and whoever posts finds one, whatever the other tori do. What is given up while more wait than may when an operation begins counts
//! until that is over ([`Pool::release`]), as the lines about it may be among those that wait.
//!
//! *Why no two tori wait for each other.* Work is held back long before deliveries are, and lines are taken out of the rings without
//! it. Deliveries are held back only while more lines wait that deliveries have posted than processes can have caused
//! ([`Bounds::deliveries`]): what a torus answers or passes on is one line for each process that waits for an answer, or whose news are
//! under way. Beyond that, memory is asked for, and without it the lines stay in their rings until there is room.

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

/// What has a line posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What programs and timers have a core do.
    Work,
    /// A line that has come.
    Delivery,
}

/// How many lines may wait, and how many an operation may post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Lines of work that may wait when more work begins.
    pub work: usize,
    /// Lines of deliveries that may wait when another line is delivered.
    pub deliveries: usize,
    /// Lines that one operation posts at the most, besides those that have places of their own.
    pub operation: usize,
    /// Cores that work at once.
    pub cores: usize,
}

impl Bounds {
    /// Blocks of places that are needed from the start.
    pub const fn blocks(&self) -> usize {
        let work = self.work + self.cores * self.operation;
        (work + self.deliveries + self.operation).div_ceil(BLOCK)
    }
}

/// Places that lie together.
#[derive(Debug)]
pub struct Block {
    lines: [Line; BLOCK],
    /// The place after each in its list.
    next: [u32; BLOCK],
    /// What has posted each line.
    cause: [Cause; BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self {
            lines: [Line::default(); BLOCK],
            next: [NONE; BLOCK],
            cause: [Cause::Work; BLOCK],
        }
    }
}

/// The places of a torus.
#[derive(Debug)]
pub struct Pool {
    bounds: Bounds,
    /// What was there from the start.
    base: &'static mut [Block],
    #[expect(clippy::vec_box, reason = "blocks stay where they are when more come")]
    more: Vec<Box<Block>>,
    /// The first free place of those that were used.
    free: u32,
    /// From here on no place was used since all were free.
    fresh: usize,
    /// Places that things have reserved.
    reserved: usize,
    /// Those of them that were given up while too many lines waited.
    given_up: usize,
    /// Places for deliveries beyond their bound, made while there was memory.
    extra: usize,
    /// Lines that wait, by cause.
    waiting: [usize; 2],
}

impl Pool {
    /// With these places: [`Bounds::blocks`] of them.
    pub fn new(base: &'static mut [Block], bounds: Bounds) -> Self {
        debug_assert!(base.len() >= bounds.blocks());
        Self {
            bounds,
            base,
            more: Vec::new(),
            free: NONE,
            fresh: 0,
            reserved: 0,
            given_up: 0,
            extra: 0,
            waiting: [0; 2],
        }
    }

    /// Whether an operation may begin.
    pub const fn admits(&self, cause: Cause) -> bool {
        match cause {
            Cause::Work => self.waiting[0] <= self.bounds.work,
            Cause::Delivery => self.waiting[1] <= self.bounds.deliveries + self.extra,
        }
    }

    /// Makes more places for what deliveries post.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn widen(&mut self) -> Result<(), NoMemory> {
        self.grow_to(self.reserved + self.extra + BLOCK)?;
        self.extra += BLOCK;
        Ok(())
    }

    /// Sets places aside for a thing of which so many lines may be posted in one operation.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn reserve(&mut self, lines: usize) -> Result<(), NoMemory> {
        self.grow_to(self.reserved + self.extra + lines)?;
        self.reserved += lines;
        Ok(())
    }

    /// Gives up what was reserved; the memory goes back when no line waits.
    pub fn release(&mut self, lines: usize) {
        self.given_up += lines;
        self.settle();
        let kept = self.kept();
        if kept == 0 || self.more.len() > 2 * kept {
            self.shrink();
        }
    }

    /// Places that were given up count no more, unless lines about them may be among too many that wait.
    fn settle(&mut self) {
        if self.admits(Cause::Work) && self.admits(Cause::Delivery) {
            self.reserved -= core::mem::take(&mut self.given_up).min(self.reserved);
        }
    }

    /// Blocks that are needed beyond the first.
    const fn kept(&self) -> usize {
        (self.reserved + self.extra).div_ceil(BLOCK)
    }

    /// Gives back the memory of what is not reserved, unless lines wait.
    pub fn shrink(&mut self) {
        if self.used() > 0 {
            return;
        }
        self.extra = 0;
        self.settle();
        let kept = self.kept();
        if self.more.len() > kept {
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
        self.waiting[0] + self.waiting[1]
    }

    /// Takes a free place.
    fn take(&mut self) -> Result<u32, NoMemory> {
        let number = self.free;
        if let Some((_, link, _)) = self.place(number) {
            self.free = core::mem::replace(link, NONE);
            return Ok(number);
        }
        let number = self.fresh as u32;
        let (_, link, _) = self.place(number).ok_or(NoMemory)?;
        *link = NONE;
        self.fresh += 1;
        Ok(number)
    }

    /// Has so many places beyond the first.
    fn grow_to(&mut self, places: usize) -> Result<(), NoMemory> {
        while self.more.len() * BLOCK < places {
            self.more.try_push(boxed(Block::default())?)?;
        }
        Ok(())
    }

    fn block(&mut self, number: usize) -> Option<&mut Block> {
        match number.checked_sub(self.base.len()) {
            None => self.base.get_mut(number),
            Some(number) => self.more.get_mut(number).map(|block| &mut **block),
        }
    }

    /// The line of a place, its link, and what has posted it.
    fn place(&mut self, number: u32) -> Option<(&mut Line, &mut u32, &mut Cause)> {
        let (block, at) = (number as usize / BLOCK, number as usize % BLOCK);
        let block = self.block(block)?;
        Some((
            &mut block.lines[at],
            &mut block.next[at],
            &mut block.cause[at],
        ))
    }

    /// Appends a line.
    ///
    /// # Errors
    /// An operation has posted more than the [`Bounds`] say: there is no place.
    pub fn push(&mut self, queue: &mut Queue, line: Line, cause: Cause) -> Result<(), NoMemory> {
        let number = self.take()?;
        let (place, _, by) = self.place(number).ok_or(NoMemory)?;
        (*place, *by) = (line, cause);
        match self.place(queue.last) {
            Some((_, link, _)) => *link = number,
            None => queue.first = number,
        }
        queue.last = number;
        queue.len += 1;
        self.waiting[cause as usize] += 1;
        Ok(())
    }

    /// Copies the first lines; answers how many.
    pub fn front(&mut self, queue: &Queue, lines: &mut [Line]) -> usize {
        let (mut number, mut count) = (queue.first, 0);
        for line in lines {
            let Some((place, link, _)) = self.place(number) else {
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
            let Some((_, link, cause)) = self.place(number) else {
                return;
            };
            let cause = *cause;
            queue.first = core::mem::replace(link, free);
            if queue.first == NONE {
                queue.last = NONE;
            }
            self.free = number;
            queue.len -= 1;
            self.waiting[cause as usize] -= 1;
        }
        if self.given_up > 0 {
            self.settle();
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

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no line waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests;

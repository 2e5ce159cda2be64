//! Where the parts of a program lie that choose no place themselves: stack, mappings, heap, and executables of no fixed address.
//!
//! With address space layout randomization each is moved by as many random bits as on x86-64 Linux (`mmap_rnd_bits` 28,
//! `STACK_RND_MASK` 22, `arch_randomize_brk` 13): what a program learns of one run does not hold for the next.

use crate::addr::{PAGE_SIZE, USER_END, VirtAddr};

const PAGE: u64 = PAGE_SIZE as u64;
/// Bits of randomness, in pages: of mappings and of executables, of the stack, of the heap.
const MAPPING_BITS: u32 = 28;
const STACK_BITS: u32 = 22;
const HEAP_BITS: u32 = 13;
/// Room for the stack above all mappings, at the least and at the most.
const LEAST_ROOM: u64 = 256 << 20;
const MOST_ROOM: u64 = USER_END.0 / 6 * 5;
/// What stays free below the stack's limit.
const GUARD: u64 = 1 << 20;
/// Where executables of no fixed address go: two thirds of the program's addresses.
const EXECUTABLE: u64 = 0x5555_5555_4000;

/// A layout: all of it whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The end of the stack.
    pub stack_top: VirtAddr,
    /// Mappings are placed below.
    pub ceiling: VirtAddr,
    /// Where an executable of no fixed address begins.
    pub executable: VirtAddr,
    /// Bytes between the executable and the heap.
    pub heap_gap: u64,
}

impl Layout {
    /// The layout that is always the same, for a stack of at most `stack_limit` bytes.
    pub fn fixed(stack_limit: u64) -> Self {
        Self::moved(stack_limit, 0, [0; 4])
    }

    /// A layout of its own for these random numbers.
    pub fn random(stack_limit: u64, random: [u64; 4]) -> Self {
        let farthest = PAGE << STACK_BITS;
        let bits = [STACK_BITS, MAPPING_BITS, MAPPING_BITS, HEAP_BITS];
        let mut moves = [0; 4];
        for ((to, from), bits) in moves.iter_mut().zip(random).zip(bits) {
            *to = (from & ((1 << bits) - 1)) * PAGE;
        }
        Self::moved(stack_limit, farthest, moves)
    }

    /// `farthest` is how far the stack may be moved.
    fn moved(
        stack_limit: u64,
        farthest: u64,
        [stack, ceiling, executable, heap]: [u64; 4],
    ) -> Self {
        let room = stack_limit
            .saturating_add(GUARD)
            .clamp(LEAST_ROOM, MOST_ROOM);
        let room = (room + farthest).next_multiple_of(PAGE);
        Self {
            stack_top: VirtAddr(USER_END.0 - stack),
            ceiling: VirtAddr(USER_END.0 - room - ceiling),
            executable: VirtAddr(EXECUTABLE + executable),
            heap_gap: heap,
        }
    }
}

#[cfg(test)]
mod tests;

//! What an argument of a call is, and values of each kind: mostly what makes sense, sometimes what does not.

use crate::random::Random;
use crate::world::World;

/// What a call takes an argument for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A descriptor.
    Fd,
    /// A path.
    Path,
    /// An address of memory to read or write.
    Pointer,
    /// Bytes of such memory.
    Length,
    /// Flags, counts, enumerations.
    Small,
    /// The address of a mapping, mostly of its first page.
    Address,
    /// Bytes of mappings.
    Extent,
    /// A torus.
    Torus,
    /// The address of a span of time.
    Span,
    /// The address of an interval timer's value.
    Interval,
    /// The address of ranges of memory.
    IoVec,
    /// The address of descriptors to poll.
    PollFds,
    /// The address of addresses of strings.
    Strings,
    /// The address of a signal's action.
    Action,
    /// The address of a set of signals without SIGALRM, which keeps victims going.
    Mask,
    /// The address of words of all kinds.
    Words,
    /// A process: the victim itself, or none.
    Pid,
    /// Any number.
    Edge,
    /// 0.
    Zero,
}

use Kind::{
    Action, Address, Edge, Extent, Fd, Interval, IoVec, Length, Mask, Path, Pid, Pointer, PollFds,
    Small, Span, Strings, Torus, Words, Zero,
};

/// Kinds for arguments of calls that the table does not know, and in the place of the right ones.
pub(crate) const ANY: [Kind; 10] = [
    Fd, Path, Pointer, Length, Small, Address, Extent, Torus, Span, Edge,
];

/// SA_RESTORER, without which Linux runs no handler on x86-64.
const SA_RESTORER: u64 = 0x0400_0000;

/// A value of a kind.
pub(crate) fn value(kind: Kind, world: &mut World) -> u64 {
    let random = &mut world.random;
    match kind {
        Fd => descriptor(world),
        Path => world.path(),
        Pointer => world.pointer(),
        Length => match random.below(4) {
            0 => random.below(64),
            1 => random.below(8192),
            2 => 4096 * random.below(4),
            _ => random.edge(),
        },
        Small => small(random),
        Address => world.address(),
        Extent => extent(random),
        Torus if random.one_in(8) => random.edge(),
        Torus => random.below(3),
        Pid => match random.below(6) {
            0 => 0x7fff_fff0,
            1 => 0x7fff_fff0_u64.wrapping_neg(),
            _ => u64::from(std::process::id()),
        },
        Edge => random.edge(),
        Zero => 0,
        Span | Interval | IoVec | PollFds | Strings | Action | Mask | Words => {
            let words = structure(kind, world);
            let at = world.place(&words);
            if world.random.one_in(10) {
                world.pointer()
            } else {
                at
            }
        }
    }
}

fn descriptor(world: &mut World) -> u64 {
    match world.random.below(12) {
        0 => world.random.edge(),
        1 => world.random.below(64),
        2 => libc::AT_FDCWD as u64,
        _ => world.descriptor(),
    }
}

fn small(random: &mut Random) -> u64 {
    match random.below(6) {
        0..4 => random.below(16),
        4 => 1 << random.below(32),
        _ => random.edge(),
    }
}

fn extent(random: &mut Random) -> u64 {
    let most = if random.one_in(3) { 2048 } else { 16 };
    match random.below(4) {
        0 => random.edge(),
        _ => 4096 * (1 + random.below(most)),
    }
}

/// The words of a structure; what each of them is, the kind says.
fn structure(kind: Kind, world: &mut World) -> Vec<u64> {
    let mostly = |random: &mut Random, plain: u64| {
        if random.one_in(3) {
            random.edge()
        } else {
            plain
        }
    };
    match kind {
        Span => {
            let nanoseconds = world.random.below(30_000_000);
            vec![
                mostly(&mut world.random, 0),
                mostly(&mut world.random, nanoseconds),
            ]
        }
        Interval => {
            let first = 5000 + world.random.below(50_000);
            let every = mostly(&mut world.random, 20_000);
            vec![0, every, mostly(&mut world.random, 0), first]
        }
        IoVec => {
            let mut range = || {
                let length = world.random.edge() % 6000;
                [world.pointer(), length]
            };
            (0..4).flat_map(|_| range()).collect()
        }
        PollFds => {
            let mut poll = || descriptor(world) & 0xffff_ffff | world.random.below(1 << 16) << 32;
            (0..16).map(|_| poll()).collect()
        }
        Strings => {
            let count = world.random.below(5);
            let mut strings: Vec<u64> = (0..count).map(|_| world.path()).collect();
            strings.push(0);
            strings
        }
        Action => {
            let handler = if world.random.one_in(3) {
                world.pointer()
            } else {
                world.random.below(2)
            };
            let flags = SA_RESTORER | world.random.below(1 << 32);
            let mask = mostly(&mut world.random, 0);
            vec![handler, flags, world.pointer(), mask]
        }
        Mask => vec![world.random.any() & !(1 << (libc::SIGALRM - 1))],
        _ => {
            let mut word = || match world.random.below(3) {
                0 => world.random.edge(),
                1 => world.pointer(),
                _ => world.random.below(100),
            };
            (0..24).map(|_| word()).collect()
        }
    }
}

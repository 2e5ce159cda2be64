//! The operations, and where they happen.

use proptest::prelude::*;
use vm::addr::{PAGE_SIZE, Page, VirtAddr};

pub(crate) const CEILING: VirtAddr = VirtAddr(0x7fff_0000_0000);
/// Windows that straddle the ends of tables of each level.
pub(crate) const BASES: [u64; 3] = [600 * 512 - 12, 3 * 512 * 512 - 12, 2 * 512 * 512 * 512 - 12];
pub(crate) const WINDOW: u64 = 24;
pub(crate) const OBJECTS: u32 = 3;

pub(crate) fn address(n: u64) -> VirtAddr {
    let n = n % (WINDOW * BASES.len() as u64);
    Page(BASES[(n / WINDOW) as usize] + n % WINDOW).start()
}

pub(crate) fn bytes(pages: u64) -> u64 {
    pages * PAGE_SIZE as u64
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Map {
        kind: u8,
        n: u64,
        pages: u64,
        rights: u8,
        backing: u8,
        offset: u64,
    },
    Unmap {
        n: u64,
        pages: u64,
    },
    Protect {
        n: u64,
        pages: u64,
        rights: u8,
    },
    Forget {
        n: u64,
        pages: u64,
    },
    Remap {
        n: u64,
        old: u64,
        new: u64,
        may_move: bool,
        fixed: Option<u64>,
    },
    Touch {
        n: u64,
        access: u8,
        core: usize,
        value: u64,
    },
    Fork,
    Exit(usize),
    Switch(usize),
    Evict(usize),
    /// A swapped page comes back to those spaces whose bit is set.
    BringBack {
        n: u64,
        found: u8,
    },
    Clear,
    /// A mapping of whole 2 MiB blocks around the window, and the wish for large pages.
    Huge,
}

/// Sequences on few pages, where operations meet, and on many.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let pages = prop_oneof![Just(6), Just(24), Just(WINDOW * BASES.len() as u64)];
    let sizes = (pages, prop_oneof![Just(3), Just(14u64)]);
    sizes.prop_flat_map(|(pages, longest)| prop::collection::vec(op(pages, longest), 1..120))
}

fn op(pages: u64, longest: u64) -> impl Strategy<Value = Op> {
    let n = 0..pages;
    let len = 1..longest;
    prop_oneof![
        6 => (0..4u8, n.clone(), len.clone(), 0..8u8, 0..3u8, 0..6u64).prop_map(
            |(kind, n, pages, rights, backing, offset)| Op::Map { kind, n, pages, rights, backing, offset }),
        3 => (n.clone(), len.clone()).prop_map(|(n, pages)| Op::Unmap { n, pages }),
        4 => (n.clone(), len.clone(), 0..8u8).prop_map(|(n, pages, rights)| Op::Protect { n, pages, rights }),
        1 => (n.clone(), len.clone()).prop_map(|(n, pages)| Op::Forget { n, pages }),
        3 => (n.clone(), len.clone(), len, any::<bool>(), prop::option::of(n.clone())).prop_map(
            |(n, old, new, may_move, fixed)| Op::Remap { n, old, new, may_move, fixed }),
        2 => (n.clone(), any::<u8>()).prop_map(|(n, found)| Op::BringBack { n, found }),
        24 => (n, prop::sample::select(&[0u8, 1, 1, 2]), 0..3usize, 1..u64::MAX / 2).prop_map(
            |(n, access, core, value)| Op::Touch { n, access, core, value }),
        2 => Just(Op::Fork),
        1 => (0..4usize).prop_map(Op::Exit),
        2 => (0..4usize).prop_map(Op::Switch),
        3 => (1..6usize).prop_map(Op::Evict),
        1 => Just(Op::Clear),
        1 => Just(Op::Huge),
    ]
}

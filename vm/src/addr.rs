//! Addresses and the units of memory: *frame* is physical, *page* is virtual. Numbers of different
//! kinds are different types, so that they cannot be mixed up.

use core::fmt;
use core::ops::{Add, Sub};

/// Binary logarithm of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;
/// Bytes of a page and of a frame.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;
/// 4 KiB frames of one 2 MiB page.
pub const PAGES_PER_2M: u64 = 512;
/// End of the addresses that a program may map (Linux: `TASK_SIZE`, Documentation/arch/x86/x86_64/mm.rst).
pub const USER_END: VirtAddr = VirtAddr(0x7fff_ffff_f000);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }

        impl Add<u64> for $name {
            type Output = Self;
            #[inline]
            fn add(self, n: u64) -> Self {
                Self(self.0 + n)
            }
        }

        impl Sub<u64> for $name {
            type Output = Self;
            #[inline]
            fn sub(self, n: u64) -> Self {
                Self(self.0 - n)
            }
        }

        impl Sub for $name {
            type Output = u64;
            #[inline]
            fn sub(self, other: Self) -> u64 {
                self.0 - other.0
            }
        }
    };
}

number! {
    /// A physical address, in bytes.
    PhysAddr
}
number! {
    /// A virtual address, in bytes.
    VirtAddr
}
number! {
    /// The number of a 4 KiB frame: physical address / 4096.
    Frame
}
number! {
    /// The number of a 4 KiB page: virtual address / 4096.
    Page
}

impl Frame {
    /// The frame's first byte.
    #[inline]
    pub const fn start(self) -> PhysAddr {
        PhysAddr(self.0 << PAGE_SHIFT)
    }

    /// The frame that holds `address`.
    #[inline]
    pub const fn containing(address: PhysAddr) -> Self {
        Self(address.0 >> PAGE_SHIFT)
    }
}

impl Page {
    /// The page's first byte.
    #[inline]
    pub const fn start(self) -> VirtAddr {
        VirtAddr(self.0 << PAGE_SHIFT)
    }

    /// The page that holds `address`.
    #[inline]
    pub const fn containing(address: VirtAddr) -> Self {
        Self(address.0 >> PAGE_SHIFT)
    }

    /// The first page from this one on whose number is a multiple of `size`, a power of two.
    #[inline]
    pub(crate) const fn next_multiple(self, size: u64) -> Self {
        Self((self.0 + size - 1) & !(size - 1))
    }
}

impl VirtAddr {
    /// Whether the address is the first byte of a page.
    #[inline]
    pub const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(PAGE_SIZE as u64)
    }
}

macro_rules! range {
    ($(#[$doc:meta])* $name:ident of $item:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name {
            /// First.
            pub start: $item,
            /// One after the last.
            pub end: $item,
        }

        impl $name {
            /// The range `start..end`; empty when `end` is not above `start`.
            #[inline]
            pub const fn new(start: $item, end: $item) -> Self {
                Self { start, end }
            }

            /// The range of `count` from `start`.
            #[inline]
            pub const fn at(start: $item, count: u64) -> Self {
                Self { start, end: $item(start.0 + count) }
            }

            /// How many there are.
            #[inline]
            pub const fn len(self) -> u64 {
                self.end.0.saturating_sub(self.start.0)
            }

            /// Whether there are none.
            #[inline]
            pub const fn is_empty(self) -> bool {
                self.end.0 <= self.start.0
            }

            /// Whether `item` lies in the range.
            #[inline]
            pub const fn contains(self, item: $item) -> bool {
                self.start.0 <= item.0 && item.0 < self.end.0
            }

            /// Whether all of `other` lies in the range.
            #[inline]
            pub const fn covers(self, other: Self) -> bool {
                self.start.0 <= other.start.0 && other.end.0 <= self.end.0
            }

            /// What the two have in common; empty when nothing.
            #[inline]
            pub fn intersect(self, other: Self) -> Self {
                Self { start: self.start.max(other.start), end: self.end.min(other.end) }
            }

            /// Each in turn, ascending.
            pub fn iter(self) -> impl DoubleEndedIterator<Item = $item> + Clone {
                (self.start.0..self.end.0).map($item)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}..{:#x}", self.start.0, self.end.0)
            }
        }
    };
}

range! {
    /// Consecutive frames.
    FrameRange of Frame
}
range! {
    /// Consecutive pages.
    PageRange of Page
}

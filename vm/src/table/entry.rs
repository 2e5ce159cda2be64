//! Page-table entries: the processor's layout where present (Intel SDM vol. 3, 4.5.4, tables 4-15 to
//! 4-20), our own where not.
//!
//! | bits | present (bit 0 = 1) | not present (bit 0 = 0) |
//! | --- | --- | --- |
//! | 1..4 | write, user, .. | kind: 0 empty, 1 parked, 2 swap, 3 remote |
//! | 5, 6 | accessed, dirty | accessed, dirty (parked) |
//! | 7 | 2 MiB leaf (level 2) | - |
//! | 8 | global | - |
//! | 9 | borrowed: the entry holds no reference to its frame | borrowed (parked) |
//! | 10 | the frame is an object's page | the same (parked) |
//! | 11 | pinned: another torus may be reading the frame | the same (parked) |
//! | 12..52 | frame | frame or slot |
//! | 52 | came unasked, and was not used when last looked at | the same (parked) |
//! | 52..63 | - | source (remote) |
//! | 63 | no execute | - |
//!
//! A remote entry of a higher level is *folded*: all below it is as in the table of that source.

use bitflags::bitflags;

use crate::addr::Frame;

bitflags! {
    /// What a program may do; the bits of Linux's `PROT_*` (mmap(2)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Rights: u8 {
        /// Read.
        const READ = 1;
        /// Write, and on this processor read too.
        const WRITE = 2;
        /// Execute, and on this processor read too.
        const EXECUTE = 4;
    }
}

impl Rights {
    /// The same without writing. Whatever else was allowed, reading is: the processor knows no other way.
    #[inline]
    #[must_use]
    pub fn without_write(self) -> Self {
        if self.is_empty() {
            self
        } else {
            (self | Self::READ) - Self::WRITE
        }
    }
}

/// A slot of the swap device, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u64);

/// The frozen table of another torus that says what a remote entry stands for: its number within the space, below
/// [`Source::COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(pub u16);

impl Source {
    /// How many an entry can tell apart.
    pub const COUNT: u16 = 2048;
}

/// A page-table entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry(pub u64);

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: the page was never touched, or was dropped.
    Empty,
    /// The processor translates it.
    Present(Frame),
    /// The page keeps its frame, but nothing may be done with it (`PROT_NONE`).
    Parked(Frame),
    /// The content is on the swap device.
    Swap(Slot),
    /// The content is still at a torus that the process was on: where, its table there says.
    Remote(Source),
}

const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const BORROWED: u64 = 1 << 9;
const OF_OBJECT: u64 = 1 << 10;
const PINNED: u64 = 1 << 11;
const UNASKED: u64 = 1 << 52;
const NO_EXECUTE: u64 = 1 << 63;
const FRAME: u64 = 0x000f_ffff_ffff_f000;
const KIND: u64 = 0b1110;
const PARKED: u64 = 1 << 1;
const SWAP: u64 = 2 << 1;
const REMOTE: u64 = 3 << 1;
const SOURCE_SHIFT: u32 = 52;

impl Entry {
    /// Nothing.
    pub const EMPTY: Self = Self(0);

    /// A leaf for a program. Without any right the frame is parked.
    #[inline]
    pub const fn leaf(frame: Frame, rights: Rights) -> Self {
        let frame = frame.0 << 12;
        if rights.is_empty() {
            return Self(frame | PARKED);
        }
        let write = if rights.contains(Rights::WRITE) {
            WRITE
        } else {
            0
        };
        let execute = if rights.contains(Rights::EXECUTE) {
            0
        } else {
            NO_EXECUTE
        };
        Self(frame | PRESENT | USER | write | execute)
    }

    /// An entry of a higher level that points to a table; what may be done is up to the leaves.
    #[inline]
    pub const fn table(frame: Frame) -> Self {
        Self(frame.0 << 12 | PRESENT | WRITE | USER)
    }

    /// The content lies in a swap slot.
    pub const fn swap(slot: Slot) -> Self {
        Self(slot.0 << 12 | SWAP)
    }

    /// An entry for a page or table that is as in the table of this source.
    pub const fn remote(source: Source) -> Self {
        Self((source.0 as u64) << SOURCE_SHIFT | REMOTE)
    }

    /// The same leaf for 2 MiB.
    #[inline]
    pub const fn large(self) -> Self {
        Self(self.0 | if self.is_present() { LARGE } else { 0 })
    }

    /// The same leaf for 4 KiB.
    pub const fn small(self) -> Self {
        Self(self.0 & !LARGE)
    }

    /// The same leaf, kept across a change of the address space: for kernel memory only.
    pub const fn global(self) -> Self {
        Self(self.0 & !USER | GLOBAL)
    }

    /// The same leaf without a reference to its frame: the shared zero frame, leased and device memory.
    #[inline]
    pub const fn borrowed(self) -> Self {
        Self(self.0 | BORROWED)
    }

    /// The same leaf, of an object's page: who takes the space over finds the page by its mapping.
    #[inline]
    pub const fn of_object(self) -> Self {
        Self(self.0 | OF_OBJECT)
    }

    /// The same leaf, whose frame has to stay where it is.
    pub const fn pinned(self) -> Self {
        Self(self.0 | PINNED)
    }

    /// The same leaf, whose frame may go.
    pub const fn unpinned(self) -> Self {
        Self(self.0 & !PINNED)
    }

    /// The same leaf, marked as the access that caused it would mark it.
    #[inline]
    pub const fn touched(self, write: bool) -> Self {
        Self(self.0 | ACCESSED | if write { DIRTY } else { 0 })
    }

    /// The same leaf, which was accessed, and is not from now on.
    pub const fn aged(self) -> Self {
        Self(self.0 & !(ACCESSED | UNASKED))
    }

    /// The same leaf, whose page has come from another torus before anybody asked for it.
    pub const fn unasked(self) -> Self {
        Self(self.0 | UNASKED)
    }

    /// The same leaf, whoever asked for its page.
    #[inline]
    pub const fn asked(self) -> Self {
        Self(self.0 & !UNASKED)
    }

    /// Whether its page has come unasked, and was not used.
    #[inline]
    pub const fn is_wasted(self) -> bool {
        self.0 & (UNASKED | ACCESSED) == UNASKED
    }

    /// The same leaf, read-only.
    #[inline]
    pub const fn read_only(self) -> Self {
        Self(self.0 & !WRITE)
    }

    /// The same frame and marks with other rights.
    #[inline]
    pub const fn with_rights(self, rights: Rights) -> Self {
        self.with_rights_of(Self::leaf(Frame(0), rights))
    }

    /// The same frame and marks with the rights of a leaf of frame 0, which many entries can share.
    #[inline]
    pub const fn with_rights_of(self, leaf: Self) -> Self {
        let kept = FRAME | ACCESSED | DIRTY | LARGE | BORROWED | OF_OBJECT | PINNED | UNASKED;
        Self(self.0 & kept | leaf.0)
    }

    /// Whether it allows something less than `old`: what a processor remembers of `old` would be too much.
    #[inline]
    pub const fn allows_less_than(self, old: Self) -> bool {
        let lost = old.0 & !self.0 & (PRESENT | WRITE) | self.0 & !old.0 & NO_EXECUTE;
        old.is_present() && lost != 0
    }

    /// Whether it is what most entries of programs are: present, of 4 KiB, with a reference to its frame, which was asked for.
    #[inline]
    pub const fn is_plain(self) -> bool {
        self.0 & (PRESENT | LARGE | BORROWED | UNASKED) == PRESENT
    }

    /// Whether there is nothing.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the processor translates it.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// Whether it is a 2 MiB leaf (an entry of level 2).
    #[inline]
    pub const fn is_large(self) -> bool {
        self.0 & (PRESENT | LARGE) == PRESENT | LARGE
    }

    /// Whether an entry of a higher level points to a table.
    #[inline]
    pub const fn is_table(self) -> bool {
        self.0 & (PRESENT | LARGE) == PRESENT
    }

    /// Whether it is present and may be written.
    #[inline]
    pub const fn is_writable(self) -> bool {
        self.0 & (PRESENT | WRITE) == PRESENT | WRITE
    }

    /// Whether it has been used since the mark was cleared.
    #[inline]
    pub const fn is_accessed(self) -> bool {
        self.0 & ACCESSED != 0
    }

    /// Whether it has been written through.
    #[inline]
    pub const fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }

    /// Whether it holds a frame, present or parked.
    #[inline]
    pub const fn holds_frame(self) -> bool {
        self.is_present() || self.0 & KIND == PARKED
    }

    /// Whether it holds a reference to its frame.
    #[inline]
    pub const fn is_counted(self) -> bool {
        self.holds_frame() && self.0 & BORROWED == 0
    }

    /// Whether its frame is an object's page.
    #[inline]
    pub const fn is_of_object(self) -> bool {
        self.holds_frame() && self.0 & OF_OBJECT != 0
    }

    /// Whether its frame has to stay where it is.
    #[inline]
    pub const fn is_pinned(self) -> bool {
        self.holds_frame() && self.0 & PINNED != 0
    }

    /// The frame of a present or parked entry.
    #[inline]
    pub const fn frame(self) -> Frame {
        Frame((self.0 & FRAME) >> 12)
    }

    /// What a present leaf allows.
    pub const fn rights(self) -> Rights {
        if !self.is_present() {
            return Rights::empty();
        }
        let write = if self.0 & WRITE != 0 {
            Rights::WRITE
        } else {
            Rights::empty()
        };
        let execute = if self.0 & NO_EXECUTE == 0 {
            Rights::EXECUTE
        } else {
            Rights::empty()
        };
        Rights::READ.union(write).union(execute)
    }

    /// What it says.
    #[inline]
    pub const fn state(self) -> State {
        if self.is_present() {
            return State::Present(self.frame());
        }
        let number = (self.0 & FRAME) >> 12;
        match self.0 & KIND {
            PARKED => State::Parked(Frame(number)),
            SWAP => State::Swap(Slot(number)),
            REMOTE => State::Remote(Source(((self.0 >> SOURCE_SHIFT) & 0x7ff) as u16)),
            _ => State::Empty,
        }
    }
}

//! Faults in two steps: `resolve` reads and answers with a recipe, the kernel executes it and calls
//! `install`. Both run under the space's lock; whoever lets go of it in between resolves afresh.

mod install;

use crate::addr::{Frame, PAGES_PER_2M, Page, PageRange, USER_END, VirtAddr};
use crate::space::{AddressSpace, Backing, Flags, GrowError, Mapping, Object};
use crate::table::{Entry, Place, Rights, Slot, Source, State, TableMemory};

/// What the program did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It read.
    Read,
    /// It wrote.
    Write,
    /// It fetched an instruction.
    Execute,
}

/// Where the page that a recipe makes goes, and how it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    place: Place,
    /// What the mapping allows.
    rights: Rights,
    access: Access,
    /// Whether writes stay in the space.
    private: bool,
    /// Whether a run of 512 frames may be installed.
    run: bool,
    index: u64,
}

impl Target {
    /// The rights of an entry for a frame that others have too.
    #[inline]
    fn shared_rights(&self) -> Rights {
        if self.private {
            self.rights.without_write()
        } else {
            self.rights
        }
    }
}

impl Target {
    /// Whether 2 MiB are wanted around the page: [`Fill::PrivateRun`] with an aligned run of zeros.
    /// One frame will do where there is no run.
    pub const fn wants_run(&self) -> bool {
        self.run
    }

    /// The page.
    pub const fn page(&self) -> Page {
        self.place.page
    }

    /// What the reverse map calls the page's private copy, beside the space's lineage.
    pub const fn index(&self) -> u64 {
        self.index
    }
}

/// What to do about a fault.
#[derive(Clone, Debug)]
pub enum Recipe<O> {
    /// The entry allows the access already (another core was faster, or this one had not forgotten
    /// the old entry): forget the page on this core, and let the program try again.
    Present,
    /// A read of untouched anonymous memory: install [`Fill::Zero`].
    ZeroRead(Target),
    /// A write to it: take a frame of zeros, install [`Fill::Private`].
    Zero(Target),
    /// Get the frame of a page of an object, install [`Fill::Cached`], or [`Fill::Zero`] for a page of zeros.
    Cached {
        /// The object.
        object: O,
        /// Its page.
        index: u64,
        /// Where to.
        target: Target,
    },
    /// Copy `source` to a new frame, install [`Fill::Private`]. `source` stays as it is until then.
    CopyOnWrite {
        /// The frame to copy.
        source: Frame,
        /// Where to.
        target: Target,
    },
    /// A write to an untouched private page of an object: copy the object's page to a new frame,
    /// install [`Fill::Private`].
    CopyObject {
        /// The object.
        object: O,
        /// Its page.
        index: u64,
        /// Where to.
        target: Target,
    },
    /// The last sharer writes, or rights have grown: install [`Fill::Kept`]. Takes no memory.
    Keep(Target),
    /// Read the slot into a new frame, and either install [`Fill::Private`], with which the slot's reference goes, or
    /// [`AddressSpace::restore`] all entries of the slot.
    SwapIn {
        /// The slot.
        slot: Slot,
        /// Where to.
        target: Target,
    },
    /// Pull the page from the torus of this source, and enter it as having arrived.
    Pull {
        /// Whose table says where it is.
        source: Source,
        /// The page.
        page: Page,
    },
    /// The page's entry is in the table of a source: call `unfold` with the page and resolve again.
    Unfold(Page),
    /// The stack grows: call `grow` with the page and resolve again.
    Grow(Page),
    /// The program may not do that: SIGSEGV.
    Refuse(Refusal),
}

/// Why an access is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is mapped there (`SEGV_MAPERR`).
    NotMapped,
    /// The mapping does not allow it (`SEGV_ACCERR`).
    Forbidden(Rights),
    /// The stack would grow over its limit (`SEGV_MAPERR`).
    StackLimit,
    /// The stack would come too near to the mapping below (`SEGV_MAPERR`).
    StackGuard,
}

/// What goes into a page's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The shared zero frame, read-only.
    Zero,
    /// A frame with one reference, which the entry takes over. It becomes the lineage's.
    Private(Frame),
    /// The first of 512 aligned frames, for the 2 MiB around the page; otherwise as before.
    PrivateRun(Frame),
    /// A frame of an object with a reference, which the entry takes over.
    Cached(Frame),
    /// A frame of an object of another torus, which keeps it for this space; the entry counts for nothing.
    Lent(Frame),
    /// The frame that is there, with all the rights that it may have.
    Kept,
}

impl<O: Object> AddressSpace<O> {
    /// Says what to do about an access that the processor refused. Changes nothing.
    #[inline]
    pub fn resolve<M: TableMemory>(
        &self,
        memory: &M,
        address: VirtAddr,
        access: Access,
    ) -> Recipe<O> {
        let page = Page::containing(address);
        let Some(mapping) = self.find(address) else {
            return self.missing(address);
        };
        let needed = match access {
            // On this processor whatever is allowed implies reading.
            Access::Read => Rights::all(),
            Access::Write => Rights::WRITE,
            Access::Execute => Rights::EXECUTE,
        };
        if !mapping.rights.intersects(needed) {
            return Recipe::Refuse(Refusal::Forbidden(mapping.rights));
        }
        let (entry, place) = self.table().find(memory, page);
        let target = Target {
            place,
            rights: mapping.rights,
            access,
            private: mapping.is_private(),
            run: false,
            index: mapping.index(page),
        };
        match entry.state() {
            State::Empty => untouched(mapping, target),
            State::Present(_) if allows(entry, access) => Recipe::Present,
            State::Present(frame) | State::Parked(frame) => {
                let keeps = !target.private
                    || access != Access::Write
                    || (entry.is_counted() && memory.frames().is_exclusive(frame));
                if keeps {
                    Recipe::Keep(target)
                } else if !entry.is_counted() && frame == memory.zero_frame() {
                    Recipe::Zero(target)
                } else {
                    Recipe::CopyOnWrite {
                        source: frame,
                        target,
                    }
                }
            }
            State::Swap(slot) => Recipe::SwapIn { slot, target },
            State::Remote(_) if place.is_bare() => Recipe::Unfold(page),
            State::Remote(source) => Recipe::Pull { source, page },
        }
    }

    /// An access where nothing is mapped.
    #[cold]
    fn missing(&self, address: VirtAddr) -> Recipe<O> {
        let page = Page::containing(address);
        if address >= USER_END {
            return Recipe::Refuse(Refusal::NotMapped);
        }
        match self.growable(page) {
            Ok(()) => Recipe::Grow(page),
            Err(GrowError::NotMapped) => Recipe::Refuse(Refusal::NotMapped),
            Err(GrowError::Limit) => Recipe::Refuse(Refusal::StackLimit),
            Err(GrowError::Guard) => Recipe::Refuse(Refusal::StackGuard),
        }
    }
}

/// Whether a present entry allows an access.
fn allows(entry: Entry, access: Access) -> bool {
    match access {
        Access::Read => true,
        Access::Write => entry.is_writable(),
        Access::Execute => entry.rights().contains(Rights::EXECUTE),
    }
}

/// The 2 MiB around a page.
const fn block(page: Page) -> PageRange {
    PageRange::at(Page(page.0 & !(PAGES_PER_2M - 1)), PAGES_PER_2M)
}

/// The recipe for a page that was never touched.
#[inline]
fn untouched<O: Object>(mapping: &Mapping<O>, target: Target) -> Recipe<O> {
    let write = target.access == Access::Write;
    match &mapping.backing {
        Backing::Zero if write => {
            let run = mapping.flags.contains(Flags::HUGE)
                && target.place.is_bare()
                && mapping.range.covers(block(target.page()));
            Recipe::Zero(Target { run, ..target })
        }
        Backing::Zero => Recipe::ZeroRead(target),
        Backing::Object {
            object,
            offset,
            shared,
        } => {
            let object = object.clone();
            let index = offset + (target.page() - mapping.range.start);
            if write && !shared {
                Recipe::CopyObject {
                    object,
                    index,
                    target,
                }
            } else {
                Recipe::Cached {
                    object,
                    index,
                    target,
                }
            }
        }
    }
}

//! Slabs: small objects in single pages.
//!
//! A slab is a page that is divided into objects of one size class, with a header of its own at its start. Free objects
//! are linked through themselves, so that slabs need no memory but their pages, and an object leads to its slab by its
//! address. A page goes back to whoever gave it as soon as nothing in it is in use, but for one spare page for each class.

#![expect(
    unsafe_code,
    reason = "free objects are linked through themselves; see invariant V30"
)]

use core::alloc::Layout;
use core::ptr::{NonNull, null_mut};

use crate::addr::PAGE_SIZE;

/// Sizes of objects: each divides what the header leaves of a page well, and is a multiple of [`STEP`].
const SIZES: [u16; CLASSES] = [
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 672, 800, 960,
    1008, 1344, 2032,
];
/// How many size classes there are.
pub const CLASSES: usize = 23;
/// The largest object of a slab, in bytes.
pub const LARGEST: usize = SIZES[CLASSES - 1] as usize;
/// Sizes are multiples of it, and every object is aligned to it.
const STEP: usize = 16;
/// Tells a slab from another page, where one is expected.
const MAGIC: u16 = 0x51ab;

/// The smallest class for each size, in steps.
const BY_SIZE: [u8; LARGEST / STEP + 1] = {
    let mut table = [0; LARGEST / STEP + 1];
    let (mut steps, mut class) = (0, 0);
    while steps < table.len() {
        if steps * STEP > SIZES[class] as usize {
            class += 1;
        }
        table[steps] = class as u8;
        steps += 1;
    }
    table
};

/// A size class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(u8);

impl Class {
    /// The class of objects with this layout; none when no slab has such.
    #[inline]
    pub fn of(layout: Layout) -> Option<Self> {
        let mut class = usize::from(*BY_SIZE.get(layout.size().div_ceil(STEP))?);
        if layout.align() > STEP {
            // Objects lie at the end of their page: the size of a class is what aligns them.
            let fits = |size: &u16| usize::from(*size).is_multiple_of(layout.align());
            class += SIZES[class..].iter().position(fits)?;
        }
        Some(Self(class as u8))
    }

    /// Bytes of its objects.
    #[inline]
    pub const fn size(self) -> usize {
        SIZES[self.0 as usize] as usize
    }

    /// Objects in a page.
    const fn per_page(self) -> usize {
        (PAGE_SIZE - size_of::<Header>()) / self.size()
    }
}

/// The start of a slab.
#[repr(C)]
struct Header {
    /// Neighbours in the list of slabs that have both free objects and used ones.
    next: *mut Header,
    previous: *mut Header,
    /// The first free object that was in use before.
    free: *mut Free,
    /// Objects in use.
    used: u16,
    /// Objects that were never in use are the last ones of the page.
    fresh: u16,
    magic: u16,
    class: Class,
    /// What the giver of the page marked it with.
    tag: u8,
}

/// A free object.
struct Free {
    next: *mut Free,
}

impl Header {
    const fn is_full(&self) -> bool {
        self.free.is_null() && self.fresh == 0
    }

    /// Takes a free object of this slab.
    ///
    /// # Safety
    /// V30: it lies at its page, and is not full.
    #[inline]
    unsafe fn take(slab: *mut Self) -> *mut u8 {
        // SAFETY: V30, by the caller's promise.
        unsafe {
            (*slab).used += 1;
            let object = (*slab).free;
            if !object.is_null() {
                (*slab).free = (*object).next;
                return object.cast();
            }
            (*slab).fresh -= 1;
            let from_end = usize::from((*slab).fresh) + 1;
            slab.cast::<u8>()
                .add(PAGE_SIZE - from_end * (*slab).class.size())
        }
    }
}

/// The slab of an object.
#[inline]
fn slab_of(object: NonNull<u8>) -> *mut Header {
    object
        .as_ptr()
        .map_addr(|address| address & !(PAGE_SIZE - 1))
        .cast()
}

/// The mark that was given with the page that an object lies in; none when it is no object of a slab.
///
/// # Safety
/// The object lies in a page that can be read.
#[inline]
pub unsafe fn tag_of(object: NonNull<u8>) -> Option<u8> {
    let slab = slab_of(object);
    // SAFETY: V30, magic and tag of a slab never change, and the page can be read by the caller's promise.
    unsafe { ((*slab).magic == MAGIC).then(|| (*slab).tag) }
}

/// All slabs of a heap.
#[derive(Debug)]
pub struct Slabs {
    /// Slabs with free objects and used ones, by class.
    partial: [*mut Header; CLASSES],
    /// A slab without used objects, by class.
    spare: [*mut Header; CLASSES],
    /// Objects in use, by class.
    used: [u64; CLASSES],
}

// SAFETY: V30, what the pointers lead to belongs to these slabs alone.
unsafe impl Send for Slabs {}

impl Slabs {
    /// No slabs.
    pub const fn new() -> Self {
        Self {
            partial: [null_mut(); CLASSES],
            spare: [null_mut(); CLASSES],
            used: [0; CLASSES],
        }
    }

    /// Takes an object; none when there is no slab with a free one: then [`Slabs::add`].
    #[inline]
    pub fn allocate(&mut self, class: Class) -> Option<NonNull<u8>> {
        let index = usize::from(class.0);
        let mut slab = self.partial[index];
        if slab.is_null() {
            slab = core::mem::replace(&mut self.spare[index], null_mut());
            if slab.is_null() {
                return None;
            }
            // SAFETY: V30, a spare slab is ours and in no list.
            unsafe { self.link(slab) };
        }
        // SAFETY: V30, a slab in the list is ours, and not full.
        let object = unsafe {
            let object = Header::take(slab);
            if (*slab).is_full() {
                self.unlink(slab);
            }
            object
        };
        self.used[index] += 1;
        NonNull::new(object)
    }

    /// Adds a page to be divided into objects of a class.
    ///
    /// # Safety
    /// The page is aligned, writable and nobody else's until [`Slabs::free`] or [`Slabs::trim`] answers with it.
    pub unsafe fn add(&mut self, class: Class, page: NonNull<u8>, tag: u8) {
        let slab = page.as_ptr().cast::<Header>();
        // SAFETY: V30, by the caller's promise.
        unsafe {
            slab.write(Header {
                next: null_mut(),
                previous: null_mut(),
                free: null_mut(),
                used: 0,
                fresh: class.per_page() as u16,
                magic: MAGIC,
                class,
                tag,
            });
            self.link(slab);
        }
    }

    /// Frees an object; answers with its page if that goes back to who gave it.
    ///
    /// # Safety
    /// The object was allocated here, and nobody uses it any more.
    ///
    /// # Panics
    /// When it lies in no slab: the caller's accounts are wrong.
    #[inline]
    pub unsafe fn free(&mut self, object: NonNull<u8>) -> Option<NonNull<u8>> {
        let slab = slab_of(object);
        // SAFETY: V30, by the caller's promise the object is one of a slab of ours, and its bytes are free.
        unsafe {
            assert!(
                (*slab).magic == MAGIC && (*slab).used > 0,
                "{object:?} is freed to a slab that has not given it out"
            );
            let index = usize::from((*slab).class.0);
            self.used[index] -= 1;
            if (*slab).is_full() {
                self.link(slab);
            }
            let free = object.as_ptr().cast::<Free>();
            free.write(Free { next: (*slab).free });
            (*slab).free = free;
            (*slab).used -= 1;
            if (*slab).used > 0 {
                return None;
            }
            self.unlink(slab);
            if self.spare[index].is_null() {
                self.spare[index] = slab;
                return None;
            }
            Some(Self::leave(slab))
        }
    }

    /// Gives up a page that is kept for later, if there is any.
    pub fn trim(&mut self) -> Option<NonNull<u8>> {
        let spare = self.spare.iter_mut().find(|spare| !spare.is_null())?;
        let slab = core::mem::replace(spare, null_mut());
        // SAFETY: V30, a spare slab is ours, in no list, and nothing of it is in use.
        Some(unsafe { Self::leave(slab) })
    }

    /// Objects in use, with the bytes of each, by class.
    pub fn used(&self) -> [(usize, u64); CLASSES] {
        core::array::from_fn(|class| (usize::from(SIZES[class]), self.used[class]))
    }

    /// A page is a slab no more.
    ///
    /// # Safety
    /// V30: the slab is ours, in no list, and nothing of it is in use.
    unsafe fn leave(slab: *mut Header) -> NonNull<u8> {
        // SAFETY: V30, by the caller's promise; a slab is never at null.
        unsafe {
            (*slab).magic = 0;
            NonNull::new_unchecked(slab.cast())
        }
    }

    /// Puts a slab first in the list of its class.
    ///
    /// # Safety
    /// V30: the slab is ours and in no list.
    unsafe fn link(&mut self, slab: *mut Header) {
        // SAFETY: V30, by the caller's promise; what is in a list is ours too.
        unsafe {
            let first = &mut self.partial[usize::from((*slab).class.0)];
            (*slab).next = *first;
            (*slab).previous = null_mut();
            if !first.is_null() {
                (**first).previous = slab;
            }
            *first = slab;
        }
    }

    /// Takes a slab out of the list of its class.
    ///
    /// # Safety
    /// V30: the slab is ours and in that list.
    unsafe fn unlink(&mut self, slab: *mut Header) {
        // SAFETY: V30, by the caller's promise; what is in a list is ours too.
        unsafe {
            let (previous, next) = ((*slab).previous, (*slab).next);
            if previous.is_null() {
                self.partial[usize::from((*slab).class.0)] = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
    }
}

impl Default for Slabs {
    fn default() -> Self {
        Self::new()
    }
}

const _: () = assert!(size_of::<Header>() == 32);

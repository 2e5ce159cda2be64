//! The one door to user memory.
//!
//! A user pointer is an allegation: a range is checked against the user half once, and every byte moves through
//! [`UserSlice::read`] or [`UserSlice::write`], which resolve faults on the way. Where a page has to be waited for, what a program
//! gives is read again when the call runs again ([`UserError::Wait`]), and so are the buffers of transfers, which
//! go on where they were; what else it gets is written later ([`UserSlice::write`]).

mod buffers;

pub use buffers::UserBuffers;

use super::above;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use fallible::{NoMemory, TryVec};
use machine::cpu;
use machine::usercopy::{self, FaultAt};

/// The end of user addresses (exclusive): one page below the non-canonical hole, as on Linux.
pub const USER_END: usize = vm::addr::USER_END.0 as usize;

const PAGE: usize = vm::addr::PAGE_SIZE;

/// The most bytes that one read or write moves (`MAX_RW_COUNT` of Linux).
pub const RW_MAX: usize = 0x7fff_f000;

/// A range that is not all in the user half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress;

/// Why bytes did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserError {
    /// There is nothing at the address, or not for this access.
    BadAddress,
    /// No memory for the page, or for the kernel's copy.
    NoMemory,
    /// The page is on its way: the current thread is enrolled, and tries again when it is woken.
    Wait,
    /// More parts or bytes than there may be.
    TooMany,
    /// A string without an end.
    TooLong,
}

impl From<BadAddress> for UserError {
    fn from(BadAddress: BadAddress) -> Self {
        Self::BadAddress
    }
}

impl From<NoMemory> for UserError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

/// Types that are nothing but their bytes: any bytes make a value, and there is no padding.
///
/// # Safety
/// No padding, no invalid bit patterns, no pointers or references.
pub unsafe trait Pod: Copy {}

macro_rules! pod {
    ($($t:ty),*) => {$(
        // SAFETY: K1, integers have neither padding nor invalid values.
        unsafe impl Pod for $t {}
        // SAFETY: K1, arrays add no padding.
        unsafe impl<const N: usize> Pod for [$t; N] {}
        // SAFETY: K1, as above.
        unsafe impl<const N: usize, const M: usize> Pod for [[$t; N]; M] {}
    )*};
}
pod!(u8, u16, u32, u64, i8, i16, i32, i64, usize, isize);

/// A range of user addresses, known to lie in the user half; nothing else is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSlice {
    address: usize,
    len: usize,
}

#[expect(
    clippy::len_without_is_empty,
    reason = "a length in bytes, which may be 0 like any other"
)]
impl UserSlice {
    /// Checks a range.
    ///
    /// # Errors
    /// [`BadAddress`] when it leaves the user half.
    pub fn new(address: usize, len: usize) -> Result<Self, BadAddress> {
        match address.checked_add(len) {
            Some(end) if end <= USER_END => Ok(Self { address, len }),
            _ => Err(BadAddress),
        }
    }

    /// Its first address.
    pub fn address(&self) -> usize {
        self.address
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The part from `offset`; empty when beyond the end.
    pub fn skip(&self, offset: usize) -> Self {
        let offset = offset.min(self.len);
        Self {
            address: self.address + offset,
            len: self.len - offset,
        }
    }

    /// Its bytes up to the end of its first page.
    fn to_page_end(self) -> usize {
        self.len.min(PAGE - self.address % PAGE)
    }

    /// Reads the first `to.len()` bytes.
    ///
    /// # Errors
    /// [`UserError`] when they are not all there.
    pub fn read(&self, to: &mut [u8]) -> Result<(), UserError> {
        if to.len() > self.len {
            return Err(UserError::BadAddress);
        }
        copy_in(to.as_mut_ptr(), self.address, to.len())
    }

    /// Writes `from` to its first bytes. A page that is on its way is written when it has come, before the program goes on: so a call
    /// that has done something may tell of it afterwards.
    ///
    /// # Errors
    /// [`UserError`] when they are not all there.
    pub fn write(&self, from: &[u8]) -> Result<(), UserError> {
        above::mem_write(&self.first(from.len())?, from)
    }

    /// Whether it has bytes in common with `other`.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.address < other.address + other.len && other.address < self.address + self.len
    }

    /// Its first `len` bytes.
    fn first(&self, len: usize) -> Result<Self, BadAddress> {
        if len > self.len {
            return Err(BadAddress);
        }
        Ok(Self { len, ..*self })
    }

    /// Fills its first `len` bytes with zero.
    pub fn zero(&self, len: usize) -> Result<(), UserError> {
        const ZEROS: [u8; 512] = [0; 512];
        let mut done = 0;
        while done < len {
            let n = (len - done).min(ZEROS.len());
            self.skip(done).write(&ZEROS[..n])?;
            done += n;
        }
        Ok(())
    }
}

/// Reads a value at any alignment.
pub fn read_value<T: Pod>(address: usize) -> Result<T, UserError> {
    UserSlice::new(address, size_of::<T>())?;
    let mut value = MaybeUninit::<T>::uninit();
    copy_in(value.as_mut_ptr().cast(), address, size_of::<T>())?;
    // SAFETY: K1, every byte was written by the copy and any bytes are a T.
    Ok(unsafe { value.assume_init() })
}

/// The word at an address of the user half, if its page is present. Takes no lock and waits for nothing.
pub fn read_present(address: usize) -> Option<u32> {
    UserSlice::new(address, size_of::<u32>()).ok()?;
    let mut word = 0u32;
    // SAFETY: K6, the word is valid for its four bytes, `address` lies in the user half.
    let copied = unsafe { usercopy::copy_in((&raw mut word).cast(), address, size_of::<u32>()) };
    copied.ok().map(|()| word)
}

/// Writes a value at any alignment.
pub fn write_value<T: Pod>(address: usize, value: T) -> Result<(), UserError> {
    let place = UserSlice::new(address, size_of::<T>())?;
    // SAFETY: K1, the bytes of a Pod value.
    place.write(unsafe { core::slice::from_raw_parts((&raw const value).cast(), size_of::<T>()) })
}

/// Writes all bytes of a range, none of them later: [`UserError::Wait`] when a page is on its way.
pub fn write_now(place: &UserSlice, from: &[u8]) -> Result<(), UserError> {
    let len = place.len.min(from.len());
    copy_out(place.address, from.as_ptr(), len)
}

/// Reads a string up to its NUL, which is not part of the result. [`UserError::TooLong`] without a NUL in `max` bytes.
pub fn read_c_string(address: usize, max: usize) -> Result<Vec<u8>, UserError> {
    let mut string = Vec::new();
    while string.len() < max {
        let at = address.checked_add(string.len()).ok_or(BadAddress)?;
        // To the end of a 256-byte block, so that no page beyond the string's is touched.
        let n = (256 - at % 256).min(max - string.len());
        let mut block = [0; 256];
        UserSlice::new(at, n)?.read(&mut block[..n])?;
        let end = block[..n].iter().position(|&b| b == 0);
        let part = &block[..end.unwrap_or(n)];
        string.try_extend_from_slice(part)?;
        if end.is_some() {
            return Ok(string);
        }
        cpu::let_interrupts_in();
    }
    Err(UserError::TooLong)
}

/// Copies to the kernel, resolving faults on the way, and lets interrupts in after every page. The user range has been checked.
fn copy_in(to: *mut u8, from: usize, len: usize) -> Result<(), UserError> {
    in_pieces(from, len, |done, len| {
        // SAFETY: K6, `to` is valid for `len` bytes (a reference or a value of the callers'), `from` lies in the user half.
        unsafe { usercopy::copy_in(to.add(done), from + done, len) }
    })
}

/// Copies to the program, as [`copy_in`] does.
fn copy_out(to: usize, from: *const u8, len: usize) -> Result<(), UserError> {
    in_pieces(to, len, |done, len| {
        // SAFETY: K6, as in `copy_in`.
        unsafe { usercopy::copy_out(to + done, from.add(done), len) }
    })
}

/// Has `copy` move bytes from or to `user`, given where it is and how many.
#[inline]
fn in_pieces(
    user: usize,
    len: usize,
    mut copy: impl FnMut(usize, usize) -> Result<(), FaultAt>,
) -> Result<(), UserError> {
    let (mut done, mut again) = (0, 0);
    loop {
        let piece = (len - done).min(PAGE);
        match copy(done, piece) {
            Ok(()) if done + piece == len => return Ok(()),
            Ok(()) => {
                done += piece;
                cpu::let_interrupts_in();
            }
            Err(fault) => {
                above::mem_touch(fault.address, fault.write, &mut again)?;
                done = done.max(copied(user, fault.address));
            }
        }
    }
}

/// How much of a copy was done for sure when it stopped at `stopped`: copies ascend, at most 64 bytes at a time.
fn copied(start: usize, stopped: usize) -> usize {
    stopped.saturating_sub(start).saturating_sub(64)
}

//! The one door to user memory.
//!
//! A user pointer is an allegation: a range is checked against the user half once, and every byte moves through
//! [`UserSlice::read`] or [`UserSlice::write`], which resolve faults on the way. Where a page has to be waited for, what a program
//! gives is read again when the call runs again ([`UserError::Wait`]), and so are the buffers of transfers, which
//! go on where they were; what else it gets is written later ([`UserSlice::write`]).

use super::above;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use fallible::{NoMemory, TryVec, with_capacity};
use machine::cpu;
use machine::usercopy::{self, FaultAt};
use tori::pieces;

/// The end of user addresses (exclusive): one page below the non-canonical hole, as on Linux.
pub const USER_END: usize = 0x7fff_ffff_f000;

const PAGE: usize = 4096;

/// The most parts an iovec array may have (`UIO_MAXIOV`).
const IOV_MAX: usize = 1024;

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

/// A sequence of user ranges with a cursor: what read, write, readv and writev move bytes through.
pub struct UserBuffers {
    parts: Parts,
    next: usize,
    current: UserSlice,
    remaining: usize,
}

enum Parts {
    One,
    Many(Vec<UserSlice>),
}

impl UserBuffers {
    /// One range; longer ones than [`RW_MAX`] are cut.
    pub fn one(address: usize, len: usize) -> Result<Self, BadAddress> {
        // All of it has to be the program's, though no more is moved.
        let whole = UserSlice::new(address, len)?;
        let len = len.min(RW_MAX);
        let current = UserSlice { len, ..whole };
        Ok(Self {
            parts: Parts::One,
            next: 0,
            current,
            remaining: len,
        })
    }

    /// The ranges of an iovec array (readv(2)): [`UserError::TooMany`] for too many or too long ones.
    pub fn vector(address: usize, count: usize) -> Result<Self, UserError> {
        if count > IOV_MAX {
            return Err(UserError::TooMany);
        }
        let mut parts = with_capacity(count)?;
        let mut remaining = 0;
        for i in 0..count {
            pieces::step();
            let [base, len]: [usize; 2] = read_value(address.wrapping_add(i * 16))?;
            if len > isize::MAX as usize {
                return Err(UserError::TooMany);
            }
            let whole = UserSlice::new(base, len)?;
            let len = len.min(RW_MAX - remaining);
            parts.try_push(UserSlice { len, ..whole })?;
            remaining += len;
        }
        let current = UserSlice { address: 0, len: 0 };
        Ok(Self {
            parts: Parts::Many(parts),
            next: 0,
            current,
            remaining,
        })
    }

    /// Bytes between the cursor and the end.
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// Moves the cursor on without copying (for a call that runs again after partial progress).
    pub fn skip(&mut self, mut len: usize) {
        while len > 0 {
            pieces::step();
            let Some(part) = self.part() else { return };
            let n = part.len.min(len);
            self.advance(n);
            len -= n;
        }
    }

    /// How many of the next `len` bytes are the program's, by a look at each page. [`UserError::BadAddress`] when not even the first is.
    pub fn probe(&self, len: usize) -> Result<usize, UserError> {
        let wanted = len.min(self.remaining);
        let parts: &[UserSlice] = match &self.parts {
            Parts::One => &[],
            Parts::Many(parts) => parts.get(self.next..).unwrap_or(&[]),
        };
        let mut done = 0;
        for part in core::iter::once(&self.current).chain(parts) {
            let end = part.len.min(wanted - done);
            let mut at = 0;
            while at < end {
                pieces::step();
                match read_value::<u8>(part.address + at) {
                    Ok(_) => {}
                    Err(error) if error != UserError::Wait && done + at > 0 => return Ok(done + at),
                    Err(error) => return Err(error),
                }
                at = end.min((part.address + at) / PAGE * PAGE + PAGE - part.address);
            }
            done += end;
        }
        Ok(done)
    }

    /// Copies from `from` to the program; answers how many bytes, fewer than `from` at the end of the buffers or
    /// at a bad address. An error only when nothing was moved.
    pub fn put(&mut self, from: &[u8]) -> Result<usize, UserError> {
        let mut done = 0;
        while done < from.len() {
            pieces::step();
            let Some(part) = self.part() else { break };
            let n = part.to_page_end().min(from.len() - done);
            match write_now(&part, &from[done..done + n]) {
                Ok(()) => self.advance(n),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += n;
        }
        Ok(done)
    }

    /// Copies from the program to `to`; otherwise like [`Self::put`].
    pub fn take(&mut self, to: &mut [u8]) -> Result<usize, UserError> {
        let mut done = 0;
        while done < to.len() {
            pieces::step();
            let Some(part) = self.part() else { break };
            let n = part.to_page_end().min(to.len() - done);
            match part.read(&mut to[done..done + n]) {
                Ok(()) => self.advance(n),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += n;
        }
        Ok(done)
    }

    fn part(&mut self) -> Option<UserSlice> {
        while self.current.len == 0 {
            let Parts::Many(parts) = &self.parts else {
                return None;
            };
            self.current = *parts.get(self.next)?;
            self.next += 1;
        }
        Some(self.current)
    }

    fn advance(&mut self, n: usize) {
        self.current = self.current.skip(n);
        self.remaining -= n;
    }
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

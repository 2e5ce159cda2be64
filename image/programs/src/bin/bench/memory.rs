//! Mappings.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;
/// Bytes of a large page.
const LARGE: usize = 2 << 20;

/// A mapping, until dropped.
#[derive(Debug)]
pub(crate) struct Region {
    begin: *mut u8,
    bytes: usize,
    /// What is mapped: `begin` may have been moved up to a boundary inside.
    whole: (*mut u8, usize),
}

impl Region {
    /// Private anonymous memory.
    pub(crate) fn new(bytes: usize) -> io::Result<Region> {
        Region::map(bytes, libc::PROT_READ | libc::PROT_WRITE, None)
    }

    /// Private anonymous memory that begins at a multiple of 2 MiB.
    pub(crate) fn aligned(bytes: usize) -> io::Result<Region> {
        let mut region = Region::new(bytes + LARGE)?;
        let distance = region.begin.addr().next_multiple_of(LARGE) - region.begin.addr();
        region.begin = region.begin.wrapping_add(distance);
        region.bytes = bytes;
        Ok(region)
    }

    /// Private anonymous memory with a page on either side that may not be touched, so that it is a mapping of its own.
    pub(crate) fn fenced(bytes: usize) -> io::Result<Region> {
        let mut region = Region::map(bytes + 2 * PAGE, libc::PROT_NONE, None)?;
        region.begin = region.begin.wrapping_add(PAGE);
        region.bytes = bytes;
        region.protect(libc::PROT_READ | libc::PROT_WRITE)?;
        Ok(region)
    }

    /// A file's content, to be read.
    pub(crate) fn file(file: &File, bytes: usize) -> io::Result<Region> {
        Region::map(bytes, libc::PROT_READ, Some(file))
    }

    fn map(bytes: usize, rights: libc::c_int, file: Option<&File>) -> io::Result<Region> {
        let (flags, descriptor) = match file {
            None => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1),
            Some(file) => (libc::MAP_PRIVATE, file.as_raw_fd()),
        };
        // SAFETY: G3, the kernel chooses an address where nothing is mapped.
        let begin = unsafe { libc::mmap(ptr::null_mut(), bytes, rights, flags, descriptor, 0) };
        if begin == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let begin = begin.cast();
        Ok(Region {
            begin,
            bytes,
            whole: (begin, bytes),
        })
    }

    /// How many pages it has.
    pub(crate) fn pages(&self) -> usize {
        self.bytes / PAGE
    }

    /// Writes to a page.
    pub(crate) fn write(&mut self, page: usize) {
        debug_assert!(page < self.pages());
        // SAFETY: G3, the page lies in the mapping.
        unsafe { self.begin.add(page * PAGE).write_volatile(1) };
    }

    /// Reads a page.
    pub(crate) fn read(&self, page: usize) {
        debug_assert!(page < self.pages());
        // SAFETY: G3, as above.
        unsafe { self.begin.add(page * PAGE).read_volatile() };
    }

    /// Writes to every page.
    pub(crate) fn fill(&mut self) {
        (0..self.pages()).for_each(|page| self.write(page));
    }

    /// Changes what may be done with it. It has to be readable and writable again before it is touched.
    pub(crate) fn protect(&mut self, rights: libc::c_int) -> io::Result<()> {
        // SAFETY: G3.
        let answer = unsafe { libc::mprotect(self.begin.cast(), self.bytes, rights) };
        check(answer)
    }

    /// madvise(2), with advice that keeps the content.
    pub(crate) fn advise(&mut self, advice: libc::c_int) -> io::Result<()> {
        // SAFETY: G3.
        check(unsafe { libc::madvise(self.begin.cast(), self.bytes, advice) })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let (begin, bytes) = self.whole;
        // SAFETY: G3. It cannot fail for a whole mapping.
        unsafe { libc::munmap(begin.cast(), bytes) };
    }
}

/// A page of zeros that forked processes share, until dropped.
#[derive(Debug)]
pub(crate) struct Shared(NonNull<u8>);

impl Shared {
    /// A new one.
    pub(crate) fn new() -> io::Result<Shared> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: G3, the kernel chooses an address where nothing is mapped.
        let begin = unsafe { libc::mmap(ptr::null_mut(), PAGE, rights, flags, -1, 0) };
        if begin == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(begin.cast())
            .map(Shared)
            .ok_or_else(io::Error::last_os_error)
    }

    /// Its first byte.
    pub(crate) fn begin(&self) -> NonNull<u8> {
        self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: G3. It cannot fail for a whole mapping.
        unsafe { libc::munmap(self.0.as_ptr().cast(), PAGE) };
    }
}

/// Sets the end of the heap, by the call itself; the end that the kernel then has.
pub(crate) fn brk(end: usize) -> usize {
    // SAFETY: G2, callers move the end up from where it is, and back to there.
    let answer = unsafe { libc::syscall(libc::SYS_brk, end) };
    answer as usize
}

fn check(answer: libc::c_int) -> io::Result<()> {
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Page numbers in random order: the same order every time.
pub(crate) fn shuffled(pages: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pages).collect();
    let mut random = Random(1);
    for last in (1..pages).rev() {
        order.swap(last, random.below(last + 1));
    }
    order
}

/// Marsaglia's xorshift64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

//! What swap needs of a disk.

use vm::addr::Frame;
use vm::transfer::{Direction, Ticket};

/// A disk of pages.
pub trait SwapDevice: Send {
    /// Requests that can be under way at once.
    fn requests(&self) -> usize;

    /// Starts to read or write page `page` of the disk. None: it has as many requests as it can, or refuses.
    ///
    /// # Safety
    /// Until the request has finished the frame is the caller's: nobody writes to it, and nobody reads what is being read.
    unsafe fn start(&mut self, direction: Direction, page: u64, frame: Frame) -> Option<Ticket>;

    /// A request that has finished since, and whether it did what it should.
    fn finished(&mut self) -> Option<(Ticket, bool)>;
}

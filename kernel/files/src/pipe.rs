//! The buffer of a pipe (pipe(7)).
//!
//! As on Linux it is a queue of slots of at most a page each, and its capacity is counted in slots: a small write goes into the last
//! slot when all of it fits, else into a slot of its own. So writes of up to [`ATOMIC`] bytes are never split, and a pipe may be full
//! with fewer bytes than its size.

use crate::error::FileError;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes of a slot.
pub const SLOT: usize = 4096;
/// Writes up to this many bytes are not split (`PIPE_BUF`).
pub const ATOMIC: usize = SLOT;
/// Slots of a new pipe.
pub const SLOTS: usize = 16;
/// Slots of a new pipe of a user who has [`USER_SOFT`] already.
pub const FEW_SLOTS: usize = 2;
/// Slots that the pipes of a user may have before new ones get few (`/proc/sys/fs/pipe-user-pages-soft`).
pub const USER_SOFT: u64 = 16384;
/// The largest size that F_SETPIPE_SZ gives, in bytes (`/proc/sys/fs/pipe-max-size`).
pub const SIZE_MAX: usize = 1 << 20;

/// Bytes of one or more writes.
#[derive(Debug)]
struct Slot {
    /// What was written, in memory for [`SLOT`] bytes.
    bytes: Vec<u8>,
    /// How much of it was read.
    read: usize,
    /// A write in packet mode (O_DIRECT): it is read alone, and what a read leaves of it is lost.
    packet: bool,
}

/// Bytes on their way, and how many ends are open.
#[derive(Debug)]
pub struct Pipe {
    slots: VecDeque<Slot>,
    /// Memory of a slot that was read, for the next one.
    spare: Option<Vec<u8>>,
    /// Slots that it may have.
    capacity: usize,
    /// There is no memory for more than one slot now, whatever it may have.
    lean: bool,
    /// Bytes that can be read.
    len: usize,
    /// Open reading ends.
    pub readers: usize,
    /// Open writing ends.
    pub writers: usize,
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}

impl Pipe {
    /// An empty pipe with one open end of each kind.
    pub const fn new() -> Self {
        Self {
            slots: VecDeque::new(),
            spare: None,
            capacity: SLOTS,
            lean: false,
            len: 0,
            readers: 1,
            writers: 1,
        }
    }

    /// Bytes that can be read.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether a slot is free: a write of [`ATOMIC`] bytes would not wait.
    pub fn is_writable(&self) -> bool {
        self.slots.len() < if self.lean { 1 } else { self.capacity }
    }

    /// Pages of memory that it has.
    pub fn pages(&self) -> usize {
        self.slots.len() + usize::from(self.spare.is_some())
    }

    /// Says whether it has to do with one slot: until that is otherwise, it is full when there is something in it.
    pub const fn set_lean(&mut self, lean: bool) {
        self.lean = lean;
    }

    /// Its size in bytes.
    pub const fn size(&self) -> usize {
        self.capacity * SLOT
    }

    /// Sets its size, rounded up to a power of two of pages; answers the new one.
    ///
    /// # Errors
    /// [`FileError::Invalid`] for more than 2 GiB, [`FileError::NotPermitted`] for more than [`SIZE_MAX`] and than it has, and
    /// [`FileError::Busy`] when more slots are in use.
    pub fn resize(&mut self, bytes: u64) -> Result<usize, FileError> {
        if bytes > 1 << 31 {
            return Err(FileError::Invalid);
        }
        let size = (bytes as usize).max(SLOT).next_power_of_two();
        let slots = size / SLOT;
        if slots > self.capacity && size > SIZE_MAX {
            return Err(FileError::NotPermitted);
        }
        if slots < self.slots.len() {
            return Err(FileError::Busy);
        }
        self.capacity = slots;
        Ok(self.size())
    }

    /// How many bytes go next of a write that has `left` to do: 0 means: wait. A write that has `begun` fills no slot up that is there.
    pub fn admits(&self, left: usize, begun: bool, packet: bool) -> usize {
        if !begun && !packet && self.joins(left % SLOT) {
            left % SLOT
        } else if self.is_writable() {
            left.min(SLOT)
        } else {
            0
        }
    }

    /// Whether so many bytes fit into the last slot.
    fn joins(&self, bytes: usize) -> bool {
        let fits = |slot: &Slot| !slot.packet && slot.bytes.len() + bytes <= SLOT;
        bytes > 0 && self.slots.back().is_some_and(fits)
    }

    /// Appends the `n` bytes that [`Self::admits`] allowed, which `fill` adds to what it is given: all of them, or none after an
    /// error. With `packet` they are a packet.
    ///
    /// # Errors
    /// [`FileError::NoMemory`], and those of `fill`.
    pub fn push<E: From<FileError>>(
        &mut self,
        n: usize,
        begun: bool,
        packet: bool,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !begun
            && !packet
            && self.joins(n)
            && let Some(last) = self.slots.back_mut()
        {
            let before = last.bytes.len();
            fill(&mut last.bytes).inspect_err(|_| last.bytes.truncate(before))?;
        } else {
            self.slots.try_reserve(1).map_err(|_| FileError::NoMemory)?;
            let mut bytes = self.spare.take().unwrap_or_default();
            bytes
                .try_reserve_exact(SLOT)
                .map_err(|_| FileError::NoMemory)?;
            if let Err(error) = fill(&mut bytes) {
                self.keep(bytes);
                return Err(error);
            }
            #[expect(clippy::disallowed_methods, reason = "there is room")]
            self.slots.push_back(Slot {
                bytes,
                read: 0,
                packet,
            });
        }
        self.len += n;
        Ok(())
    }

    /// The first bytes, in one piece: not necessarily all.
    pub fn front(&self) -> &[u8] {
        self.slots
            .front()
            .map_or(&[], |slot| &slot.bytes[slot.read..])
    }

    /// Takes away the first `n` bytes of [`Self::front`].
    pub fn consume(&mut self, n: usize) {
        let Some(slot) = self.slots.front_mut() else {
            return;
        };
        let n = n.min(slot.bytes.len() - slot.read);
        slot.read += n;
        self.len -= n;
        if slot.read == slot.bytes.len() {
            self.drop_front();
        }
    }

    /// Whether what is read next is a packet.
    pub fn is_packet(&self) -> bool {
        self.slots.front().is_some_and(|slot| slot.packet)
    }

    /// Takes away what is left of the first slot.
    pub fn drop_front(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.len -= slot.bytes.len() - slot.read;
            self.keep(slot.bytes);
        }
    }

    fn keep(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.spare = Some(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Writes without waiting; answers how many bytes went.
    fn write(pipe: &mut Pipe, bytes: &[u8], packet: bool) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let n = pipe.admits(bytes.len() - done, done > 0, packet);
            if n == 0 {
                break;
            }
            let fill = |to: &mut Vec<u8>| {
                to.extend_from_slice(&bytes[done..done + n]);
                Ok::<(), FileError>(())
            };
            pipe.push(n, done > 0, packet, fill).unwrap();
            done += n;
        }
        done
    }

    /// Reads up to `max` bytes.
    fn read(pipe: &mut Pipe, max: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !pipe.is_empty() && bytes.len() < max {
            let packet = pipe.is_packet();
            let n = pipe.front().len().min(max - bytes.len());
            bytes.extend_from_slice(&pipe.front()[..n]);
            let rest = pipe.front().len() - n;
            pipe.consume(n);
            if packet {
                if rest > 0 {
                    pipe.drop_front();
                }
                break;
            }
        }
        bytes
    }

    #[test]
    fn keeps_order() {
        let mut pipe = Pipe::new();
        let (mut expected, mut next) = (0u8, 0u8);
        for round in 1..200usize {
            let bytes: Vec<u8> = (0..round)
                .map(|step| next.wrapping_add(step as u8))
                .collect();
            next = next.wrapping_add(write(&mut pipe, &bytes, false) as u8);
            for byte in read(&mut pipe, round / 2) {
                assert_eq!(byte, expected);
                expected = expected.wrapping_add(1);
            }
        }
    }

    #[test]
    fn small_writes_are_whole() {
        let mut pipe = Pipe::new();
        let count = (0..200)
            .take_while(|_| write(&mut pipe, &[7; 511], false) == 511)
            .count();
        assert_eq!((count, pipe.len()), (128, 65408));
        assert!(!pipe.is_writable());
        // The first 4096 bytes end in the second slot: one is free then.
        assert_eq!(read(&mut pipe, 4096).len(), 4096);
        assert_eq!(write(&mut pipe, &[7; 8192], false), 4096);
        assert_eq!(read(&mut pipe, 1 << 20).len(), 65408);
        assert_eq!((pipe.len(), pipe.is_empty()), (0, true));
    }

    #[test]
    fn what_cannot_be_filled_is_not_there() {
        let mut pipe = Pipe::new();
        write(&mut pipe, b"ab", false);
        let fails = |to: &mut Vec<u8>| {
            to.extend_from_slice(b"lost");
            Err(FileError::Invalid)
        };
        assert!(pipe.push(4, false, false, fails).is_err());
        assert!(pipe.push(4, true, false, fails).is_err());
        assert_eq!(read(&mut pipe, 10), b"ab");
    }

    #[test]
    fn packets_are_read_alone() {
        let mut pipe = Pipe::new();
        write(&mut pipe, b"ab", true);
        write(&mut pipe, &vec![1; 5000], true);
        write(&mut pipe, b"cd", false);
        assert_eq!(read(&mut pipe, 10), b"ab");
        assert_eq!(read(&mut pipe, 10), [1; 10]);
        assert_eq!(read(&mut pipe, 5000).len(), 904);
        assert_eq!(read(&mut pipe, 10), b"cd");
        assert_eq!(pipe.len(), 0);
    }

    #[test]
    fn a_lean_pipe_takes_one_slot() {
        let mut pipe = Pipe::new();
        assert_eq!(write(&mut pipe, &[1; 8192], false), 8192);
        pipe.set_lean(true);
        assert_eq!(write(&mut pipe, &[2; 10], false), 0, "there are two");
        assert_eq!(read(&mut pipe, 8192).len(), 8192);
        assert_eq!(write(&mut pipe, &[3; 8192], false), 4096);
        assert_eq!((pipe.is_writable(), pipe.pages()), (false, 1));
        pipe.set_lean(false);
        assert!(pipe.is_writable());
    }

    #[test]
    fn sizes() {
        let mut pipe = Pipe::new();
        assert_eq!(pipe.resize(0), Ok(4096));
        assert_eq!(pipe.resize(5000), Ok(8192));
        assert_eq!(write(&mut pipe, &[0; 100_000], false), 8192);
        assert_eq!(pipe.resize(4096), Err(FileError::Busy));
        assert_eq!(
            pipe.resize(SIZE_MAX as u64 + 1),
            Err(FileError::NotPermitted)
        );
        assert_eq!(pipe.resize((1 << 31) + 1), Err(FileError::Invalid));
        assert_eq!(pipe.resize(SIZE_MAX as u64), Ok(SIZE_MAX));
    }
}

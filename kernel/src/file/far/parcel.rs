//! Parcels: the frames in which a request travels, and its answer comes back.
//!
//! The first frame begins with the numbers of the others. The bytes behind these numbers and those of the other frames are one
//! sequence: at its start lies the *letter* (its length, then an encoded request or answer), at [`PAYLOAD`], where the second frame
//! begins, the bytes of a read or write.

use crate::sched::pieces;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::far::wire::{Reader, Wire, WireError, Writer};
use fallible::{TryVec, collect, with_capacity};
use machine::{cpu, paging};
use vm::addr::{Frame, PAGE_SIZE};

/// Frames that a parcel may have besides the first.
const FRAMES: usize = 64;
/// Bytes of the list at the start of the first frame.
const LIST: usize = FRAMES * size_of::<u64>();
/// Bytes of a letter's length.
const LENGTH: usize = size_of::<u32>();

/// Letters that are read without memory: all that say that the asker holds something now.
pub const SHORT: usize = 64;

/// Where the payload lies in the sequence of bytes.
pub const PAYLOAD: usize = PAGE_SIZE - LIST;
/// Bytes of payload at the most.
pub const PAYLOAD_MAX: usize = FRAMES * PAGE_SIZE;

/// Frames that can be written and read as one sequence of bytes.
pub struct Frames {
    first: Frame,
    others: Vec<Frame>,
}

impl Frames {
    /// The frame at a position, the offset in it, and the bytes from there to its end.
    fn place(&self, at: usize) -> Option<(Frame, usize, usize)> {
        if at < PAYLOAD {
            return Some((self.first, LIST + at, PAYLOAD - at));
        }
        let at = at - PAYLOAD;
        let within = at % PAGE_SIZE;
        let frame = self.others.get(at / PAGE_SIZE)?;
        Some((*frame, within, PAGE_SIZE - within))
    }

    /// Bytes that the sequence has.
    fn len(&self) -> usize {
        PAYLOAD + self.others.len() * PAGE_SIZE
    }

    /// Writes `from` at a position; answers how many bytes found room.
    pub fn write(&self, mut at: usize, mut from: &[u8]) -> usize {
        let start = at;
        while !from.is_empty()
            && let Some((frame, within, room)) = self.place(at)
        {
            let (now, later) = from.split_at(room.min(from.len()));
            // SAFETY: K36, the frames are this torus's to write now, and the bytes lie within one of them.
            unsafe {
                paging::phys_to_virt(frame.start())
                    .add(within)
                    .copy_from_nonoverlapping(now.as_ptr(), now.len());
            }
            at += now.len();
            from = later;
            pieces::step();
        }
        at - start
    }

    /// Reads from a position on; answers how many bytes there were.
    pub fn read(&self, mut at: usize, to: &mut [u8]) -> usize {
        let mut done = 0;
        while done < to.len()
            && let Some((frame, within, room)) = self.place(at)
        {
            let n = room.min(to.len() - done);
            // SAFETY: K36, the frames are this torus's to read now, and the bytes lie within one of them.
            unsafe {
                paging::phys_to_virt(frame.start())
                    .add(within)
                    .copy_to_nonoverlapping(to[done..].as_mut_ptr(), n);
            }
            at += n;
            done += n;
            pieces::step();
        }
        done
    }

    /// Writes a letter, encoded in `memory` as far as that is enough. A letter that does not fit, or for which there is no memory,
    /// is empty ([`Frames::has_letter`]).
    pub fn put_letter(&self, letter: &impl Wire, memory: Vec<u8>) {
        let mut to = Writer::pausing(cpu::let_interrupts_in).in_memory(memory);
        letter.put(&mut to);
        let bytes = to.finish().unwrap_or_default();
        let fits = LENGTH + bytes.len() <= self.len();
        self.seal(if fits { &bytes } else { &[] });
    }

    /// Whether there is a letter: whoever wrote it had memory for it.
    pub fn has_letter(&self) -> bool {
        let mut len = [0; LENGTH];
        self.read(0, &mut len);
        len != [0; LENGTH]
    }

    /// Writes the bytes of a letter, which fit.
    fn seal(&self, letter: &[u8]) {
        self.write(0, &(letter.len() as u32).to_le_bytes());
        let mut at = LENGTH;
        for piece in letter.chunks(PAGE_SIZE) {
            self.write(at, piece);
            at += piece.len();
            cpu::let_interrupts_in();
        }
    }

    /// The letter that was written.
    pub fn letter<T: Wire>(&self) -> Result<T, WireError> {
        let mut len = [0; LENGTH];
        self.read(0, &mut len);
        let len = (u32::from_le_bytes(len) as usize).min(self.len());
        // Without memory: what such a letter gives to the asker would be lost with it.
        let mut short = [0; SHORT];
        if let Some(bytes) = short.get_mut(..len) {
            self.read(LENGTH, bytes);
            return T::from_bytes(bytes);
        }
        let mut bytes = with_capacity(len)?;
        while bytes.len() < len {
            let at = bytes.len();
            bytes.try_resize(len.min(at + PAGE_SIZE), 0)?;
            self.read(LENGTH + at, &mut bytes[at..]);
            cpu::let_interrupts_in();
        }
        let mut from = Reader::pausing(&bytes, cpu::let_interrupts_in);
        let value = T::get(&mut from)?;
        from.end()?;
        Ok(value)
    }
}

/// A parcel of this torus, whose frames go back with it.
pub struct Parcel(Frames);

impl Parcel {
    /// A parcel with a letter, and room for an answer of `answer` bytes and for a payload. EINVAL for more than a parcel has.
    pub fn new(letter: &[u8], answer: usize, payload: usize) -> Result<Self, Errno> {
        let behind = (LENGTH + letter.len().max(answer)).saturating_sub(PAYLOAD);
        let count = behind.max(payload).div_ceil(PAGE_SIZE);
        if count > FRAMES {
            return Err(Errno::EINVAL);
        }
        let others = with_capacity(count)?;
        let torus = tori::here();
        let first = torus.alloc_buffer().ok_or(Errno::ENOMEM)?;
        let mut parcel = Self(Frames { first, others });
        for index in 0..count {
            let frame = torus.alloc_buffer().ok_or(Errno::ENOMEM)?;
            parcel.0.others.try_push(frame)?;
            parcel.enter(index, frame);
        }
        parcel.0.seal(letter);
        Ok(parcel)
    }

    /// Enters a frame in the list of the first.
    fn enter(&self, index: usize, frame: Frame) {
        let list = paging::phys_to_virt(self.0.first.start()).cast::<u64>();
        // SAFETY: K36, the frame is this torus's, and the list begins it.
        unsafe { list.add(index).write(frame.0) }
    }

    /// What a message says of it: the first frame, and the number of others.
    pub fn name(&self) -> (Frame, u32) {
        (self.0.first, self.0.others.len() as u32)
    }

    /// Its bytes.
    pub fn frames(&self) -> &Frames {
        &self.0
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let torus = tori::here();
        torus.free_frame(self.0.first);
        for frame in &self.0.others {
            torus.free_frame(*frame);
            pieces::step();
        }
    }
}

/// Opens a parcel of another torus.
pub fn lent(first: Frame, count: u32) -> Result<Frames, Errno> {
    let count = (count as usize).min(FRAMES);
    let list = paging::phys_to_virt(first.start()).cast::<u64>();
    // SAFETY: K36, the asker has lent the frame, and the list begins it.
    let others = collect((0..count).map(|index| Frame(unsafe { list.add(index).read() })))?;
    Ok(Frames { first, others })
}

//! Parcels: the frames in which a request travels, and its answer comes back.
//!
//! The first frame begins with the numbers of the others. The bytes behind these numbers and those of the other frames are one
//! sequence: at its start lies the *letter* (its length, then a request or an answer), at [`PAYLOAD`], where the second frame
//! begins, the bytes of a read or write.

use crate::LentError;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, with_capacity};
use machine::{cpu, paging};
use tori::RemoteFrame;
use torus::TorusId;
use vm::addr::{Frame, PAGE_SIZE};

/// Frames that a parcel may have besides the first.
const FRAMES: usize = 64;
/// Bytes of the list at the start of the first frame.
const LIST: usize = FRAMES * size_of::<u64>();
/// Bytes of a letter's length.
const LENGTH: usize = size_of::<u32>();

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
            cpu::step();
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
            cpu::step();
        }
        done
    }

    /// Writes the bytes of a letter. One that does not fit is empty ([`Frames::letter_len`]).
    pub fn seal(&self, letter: &[u8]) {
        let fits = LENGTH + letter.len() <= self.len();
        let letter = if fits { letter } else { &[] };
        self.write(0, &(letter.len() as u32).to_le_bytes());
        let mut at = LENGTH;
        for piece in letter.chunks(PAGE_SIZE) {
            self.write(at, piece);
            at += piece.len();
            cpu::let_interrupts_in();
        }
    }

    /// Bytes of the letter; 0: who was to write one had no memory for it.
    pub fn letter_len(&self) -> usize {
        let mut len = [0; LENGTH];
        self.read(0, &mut len);
        (u32::from_le_bytes(len) as usize).min(self.len())
    }

    /// Reads from a position of the letter on.
    pub fn read_letter(&self, at: usize, to: &mut [u8]) {
        self.read(LENGTH + at, to);
    }
}

/// A parcel of this torus, whose frames go back with it.
pub struct Parcel(Frames);

impl Parcel {
    /// A parcel with a letter, and room for an answer of `answer` bytes and for a payload.
    ///
    /// # Errors
    /// [`LentError::TooLong`] for more than a parcel has, [`LentError::NoMemory`].
    pub fn new(letter: &[u8], answer: usize, payload: usize) -> Result<Self, LentError> {
        let behind = (LENGTH + letter.len().max(answer)).saturating_sub(PAYLOAD);
        let count = behind.max(payload).div_ceil(PAGE_SIZE);
        if count > FRAMES {
            return Err(LentError::TooLong);
        }
        let others = with_capacity(count)?;
        let torus = tori::here();
        let first = torus.alloc_buffer().ok_or(NoMemory)?;
        let mut parcel = Self(Frames { first, others });
        for index in 0..count {
            let frame = torus.alloc_buffer().ok_or(NoMemory)?;
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
            cpu::step();
        }
    }
}

/// Opens a parcel of another torus.
///
/// # Errors
/// [`LentError::NoMemory`], [`LentError::Malformed`] when the frames are not that torus's.
pub fn lent(from: TorusId, first: Frame, count: u32) -> Result<Frames, LentError> {
    let remote = |frame| RemoteFrame::of(from, frame).ok_or(LentError::Malformed);
    let list = remote(first)?.start().cast::<u64>();
    let count = (count as usize).min(FRAMES);
    let mut others = with_capacity(count)?;
    for index in 0..count {
        // SAFETY: K36, the asker has lent the frame, and the list begins it.
        let other = Frame(unsafe { list.add(index).read() });
        remote(other)?;
        others.try_push(other)?;
    }
    Ok(Frames { first, others })
}

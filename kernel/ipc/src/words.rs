//! Words in frames: a record that one torus writes and another reads, as the image of a process that moves.
//!
//! The first word of a frame names the next one (0: none), the second counts the words behind it.

use crate::LentError;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, with_capacity};
use machine::{cpu, paging};
use tori::RemoteFrame;
use torus::TorusId;
use vm::addr::{Frame, PAGE_SIZE};
use vm::frames::Use;

/// Words of a frame that are content.
const ROOM: usize = PAGE_SIZE / 8 - 2;
/// Words that are written or read between two looks for interrupts.
const PIECE: usize = 64;
/// Frames of the longest record: mappings and descriptors by the hundred thousand.
const MOST: usize = 4096;

/// A record that is being written, or is kept until it has been read.
pub struct Writer {
    frames: Vec<Frame>,
    /// Words in the last frame.
    used: usize,
}

impl Writer {
    /// An empty record.
    ///
    /// # Errors
    /// [`LentError::NoMemory`].
    pub fn new() -> Result<Self, LentError> {
        let mut writer = Self {
            frames: Vec::new(),
            used: 0,
        };
        writer.grow()?;
        Ok(writer)
    }

    /// Its first frame.
    pub fn first(&self) -> Frame {
        self.frames.first().copied().unwrap_or_default()
    }

    fn grow(&mut self) -> Result<(), LentError> {
        if self.frames.len() == MOST {
            return Err(LentError::NoMemory);
        }
        let room = self.frames.try_reserve(1);
        room.map_err(NoMemory::from)?;
        let torus = tori::here();
        let new = torus.alloc_zeroed_frame(Use::Kernel).ok_or(NoMemory)?;
        if let Some(last) = self.frames.last() {
            // SAFETY: K31, the record's frame, which nobody reads yet.
            unsafe { word(*last, 0).write(new.0) };
        }
        #[expect(clippy::disallowed_methods, reason = "there is room")]
        self.frames.push(new);
        self.used = 0;
        Ok(())
    }

    /// Adds a word.
    ///
    /// # Errors
    /// [`LentError::NoMemory`] without a frame for it, and for a record that is too long.
    pub fn put(&mut self, value: u64) -> Result<(), LentError> {
        if self.used == ROOM {
            self.grow()?;
        }
        let last = self.frames.last().copied().unwrap_or_default();
        // SAFETY: K31, as above.
        unsafe {
            word(last, 2 + self.used).write(value);
            word(last, 1).write(self.used as u64 + 1);
        }
        self.used += 1;
        if self.used.is_multiple_of(PIECE) {
            cpu::let_interrupts_in();
        }
        Ok(())
    }

    /// Adds words.
    ///
    /// # Errors
    /// As for [`Writer::put`].
    pub fn put_all(&mut self, values: impl IntoIterator<Item = u64>) -> Result<(), LentError> {
        values.into_iter().try_for_each(|value| self.put(value))
    }

    /// Adds bytes, with their number.
    ///
    /// # Errors
    /// As for [`Writer::put`].
    pub fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), LentError> {
        self.put(bytes.len() as u64)?;
        bytes.chunks(8).try_for_each(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.put(u64::from_le_bytes(word))
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let torus = tori::here();
        for frame in self.frames.drain(..) {
            torus.free_frame(frame);
            cpu::step();
        }
    }
}

/// The address of word `index` of a frame.
fn word(frame: Frame, index: usize) -> *mut u64 {
    paging::phys_to_virt(frame.start())
        .cast::<u64>()
        .wrapping_add(index)
}

/// A record that is being read.
pub struct Reader {
    words: alloc::vec::IntoIter<u64>,
}

impl Reader {
    /// The record that begins in a frame of the torus `from`, which keeps it until it is answered.
    ///
    /// # Errors
    /// [`LentError::NoMemory`] without memory for a copy, [`LentError::Malformed`].
    pub fn new(from: TorusId, first: Frame) -> Result<Self, LentError> {
        let mut words = Vec::new();
        let mut next = first;
        for _ in 0..MOST {
            let frame = RemoteFrame::of(from, next).ok_or(LentError::Malformed)?;
            let start = frame.start().cast::<u64>();
            // SAFETY: K31, the other torus has written its frame before it told of it, and does not change it.
            let (link, count) = unsafe { (start.read(), start.add(1).read()) };
            let count = (count as usize).min(ROOM);
            // SAFETY: K31, as above; they lie within the frame.
            words.try_extend((2..2 + count).map(|index| unsafe { start.add(index).read() }))?;
            cpu::let_interrupts_in();
            if link == 0 {
                break;
            }
            next = Frame(link);
        }
        Ok(Self {
            words: words.into_iter(),
        })
    }

    /// The next word.
    ///
    /// # Errors
    /// [`LentError::Malformed`] at the end.
    pub fn get(&mut self) -> Result<u64, LentError> {
        let word = self.words.next().ok_or(LentError::Malformed)?;
        if self.words.len().is_multiple_of(PIECE) {
            cpu::let_interrupts_in();
        }
        Ok(word)
    }

    /// The next word as a number of a narrower type.
    ///
    /// # Errors
    /// [`LentError::Malformed`] when it is none.
    pub fn number<T: TryFrom<u64>>(&mut self) -> Result<T, LentError> {
        T::try_from(self.get()?).map_err(|_| LentError::Malformed)
    }

    /// The next `N` words.
    ///
    /// # Errors
    /// As for [`Reader::get`].
    pub fn array<const N: usize>(&mut self) -> Result<[u64; N], LentError> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.get()?;
        }
        Ok(words)
    }

    /// As many words as the next one says.
    ///
    /// # Errors
    /// As for [`Reader::get`], and [`LentError::NoMemory`].
    pub fn list(&mut self) -> Result<Vec<u64>, LentError> {
        let count = self.number::<usize>()?;
        if count > self.words.len() {
            return Err(LentError::Malformed);
        }
        let mut words = with_capacity(count)?;
        for _ in 0..count {
            words.try_push(self.get()?)?;
        }
        Ok(words)
    }

    /// Bytes.
    ///
    /// # Errors
    /// As for [`Reader::list`].
    pub fn bytes(&mut self) -> Result<Vec<u8>, LentError> {
        let count = self.number::<usize>()?;
        if count.div_ceil(8) > self.words.len() {
            return Err(LentError::Malformed);
        }
        let mut bytes = with_capacity(count + 8)?;
        while bytes.len() < count {
            let word = self.get()?;
            bytes.try_extend_from_slice(&word.to_le_bytes())?;
        }
        bytes.truncate(count);
        Ok(bytes)
    }
}

//! Words in frames: how an image is written by the torus that a process leaves, and read by the one that it goes to.
//!
//! The first word of a frame names the next one (0: none), the second counts the words behind it.

use crate::sched::pieces;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, with_capacity};
use machine::{cpu, paging};
use vm::addr::{Frame, PAGE_SIZE};
use vm::frames::Use;

/// Words of a frame that are content.
const ROOM: usize = PAGE_SIZE / 8 - 2;
/// Words that are written or read between two looks for interrupts.
const PIECE: usize = 64;
/// Frames of the largest image: mappings and descriptors by the hundred thousand.
const MOST: usize = 4096;

/// An image that is being written, or is kept until it has been read.
pub struct Writer {
    frames: Vec<Frame>,
    /// Words in the last frame.
    used: usize,
}

impl Writer {
    /// An empty image. ENOMEM without a frame.
    pub fn new() -> Result<Self, Errno> {
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

    fn grow(&mut self) -> Result<(), Errno> {
        if self.frames.len() == MOST {
            return Err(Errno::ENOMEM);
        }
        let room = self.frames.try_reserve(1);
        room.map_err(NoMemory::from)?;
        let torus = tori::here();
        let new = torus.alloc_zeroed_frame(Use::Kernel).ok_or(Errno::ENOMEM)?;
        if let Some(last) = self.frames.last() {
            // SAFETY: K31, the image's frame, which nobody reads yet.
            unsafe { word(*last, 0).write(new.0) };
        }
        #[expect(clippy::disallowed_methods, reason = "there is room")]
        self.frames.push(new);
        self.used = 0;
        Ok(())
    }

    /// Adds a word. ENOMEM without a frame for it.
    pub fn put(&mut self, value: u64) -> Result<(), Errno> {
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
    pub fn put_all(&mut self, values: impl IntoIterator<Item = u64>) -> Result<(), Errno> {
        values.into_iter().try_for_each(|value| self.put(value))
    }

    /// Adds bytes, with their number.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), Errno> {
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
            pieces::step();
        }
    }
}

/// The address of word `index` of a frame.
fn word(frame: Frame, index: usize) -> *mut u64 {
    paging::phys_to_virt(frame.start())
        .cast::<u64>()
        .wrapping_add(index)
}

/// An image that is being read.
pub struct Reader {
    words: alloc::vec::IntoIter<u64>,
}

impl Reader {
    /// The image that begins in a frame of another torus, which keeps it until it is answered. ENOMEM without memory for a copy.
    pub fn new(first: Frame) -> Result<Self, Errno> {
        let mut words = Vec::new();
        let mut frame = first;
        for _ in 0..MOST {
            // SAFETY: K31, the other torus has written the frame before it told of it, and does not change it.
            let (next, count) = unsafe { (word(frame, 0).read(), word(frame, 1).read()) };
            let count = (count as usize).min(ROOM);
            // SAFETY: K31.
            words.try_extend((0..count).map(|index| unsafe { word(frame, 2 + index).read() }))?;
            cpu::let_interrupts_in();
            if next == 0 {
                break;
            }
            frame = Frame(next);
        }
        Ok(Self {
            words: words.into_iter(),
        })
    }

    /// The next word. EINVAL at the end.
    pub fn get(&mut self) -> Result<u64, Errno> {
        let word = self.words.next().ok_or(Errno::EINVAL)?;
        if self.words.len().is_multiple_of(PIECE) {
            cpu::let_interrupts_in();
        }
        Ok(word)
    }

    /// The next word as a number of a narrower type. EINVAL when it is none.
    pub fn number<T: TryFrom<u64>>(&mut self) -> Result<T, Errno> {
        T::try_from(self.get()?).map_err(|_| Errno::EINVAL)
    }

    /// The next `N` words.
    pub fn array<const N: usize>(&mut self) -> Result<[u64; N], Errno> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.get()?;
        }
        Ok(words)
    }

    /// As many words as the next one says.
    pub fn list(&mut self) -> Result<Vec<u64>, Errno> {
        let count = self.number::<usize>()?;
        if count > self.words.len() {
            return Err(Errno::EINVAL);
        }
        let mut words = with_capacity(count)?;
        for _ in 0..count {
            words.try_push(self.get()?)?;
        }
        Ok(words)
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Errno> {
        let count = self.number::<usize>()?;
        if count.div_ceil(8) > self.words.len() {
            return Err(Errno::EINVAL);
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

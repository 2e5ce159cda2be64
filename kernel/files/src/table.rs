//! A process's descriptor table.
//!
//! Slots lie in chunks of 64, and two bits for each chunk tell whether it is full and whether it is empty: no operation on one
//! descriptor takes longer because there are many, whatever numbers a program chooses.

use crate::error::FileError;
use alloc::boxed::Box;
use alloc::vec::Vec;
use fallible::{TryVec, boxed, with_capacity};

/// Slots of a chunk, and chunks that a word of bits tells of.
const CHUNK: usize = u64::BITS as usize;
/// Slots that a chunk begins with.
const FEW: usize = 8;

/// Descriptors of one process: small numbers, each naming an open file `T`.
#[derive(Debug)]
pub struct Table<T> {
    chunks: Vec<Option<Box<Chunk<T>>>>,
    /// By chunk: all its slots are taken.
    full: Vec<u64>,
    /// By chunk: some of its slots are taken.
    used: Vec<u64>,
    /// Called between the pieces of what is long.
    pause: fn(),
}

#[derive(Debug)]
struct Chunk<T> {
    used: u64,
    /// As many as have been needed: most processes have a few descriptors.
    slots: Vec<Option<Slot<T>>>,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    file: T,
    close_on_exec: bool,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new(|| ())
    }
}

impl<T> Table<T> {
    /// An empty table; `pause` is called between the pieces of what is long.
    pub const fn new(pause: fn()) -> Self {
        Self {
            chunks: Vec::new(),
            full: Vec::new(),
            used: Vec::new(),
            pause,
        }
    }

    fn slot(&self, fd: i32) -> Option<&Slot<T>> {
        let fd = usize::try_from(fd).ok()?;
        let chunk = self.chunks.get(fd / CHUNK)?.as_ref()?;
        chunk.slots.get(fd % CHUNK)?.as_ref()
    }

    /// The open file of a descriptor.
    pub fn get(&self, fd: i32) -> Result<&T, FileError> {
        Ok(&self.slot(fd).ok_or(FileError::BadDescriptor)?.file)
    }

    /// Whether a descriptor is closed by execve.
    pub fn close_on_exec(&self, fd: i32) -> Result<bool, FileError> {
        Ok(self.slot(fd).ok_or(FileError::BadDescriptor)?.close_on_exec)
    }

    /// Sets whether a descriptor is closed by execve.
    pub fn set_close_on_exec(&mut self, fd: i32, on: bool) -> Result<(), FileError> {
        let slot = usize::try_from(fd).ok().and_then(|fd| {
            let chunk = self.chunks.get_mut(fd / CHUNK)?.as_mut()?;
            chunk.slots.get_mut(fd % CHUNK)?.as_mut()
        });
        slot.ok_or(FileError::BadDescriptor)?.close_on_exec = on;
        Ok(())
    }

    /// The lowest free number from `from` on.
    fn lowest_free(&self, from: usize) -> usize {
        let first = from / CHUNK;
        let free_in = |chunk: usize, from: u32| {
            let used = self.chunks.get(chunk)?.as_ref()?.used;
            let free = !used & u64::MAX.checked_shl(from).unwrap_or(0);
            (free != 0).then(|| chunk * CHUNK + free.trailing_zeros() as usize)
        };
        if self.chunks.get(first).is_none_or(Option::is_none) {
            return from;
        }
        free_in(first, (from % CHUNK) as u32).unwrap_or_else(|| {
            let chunk = next_bit(self.full.iter().map(|word| !word), first + 1);
            // Chunks beyond the words are not full.
            let chunk = chunk.unwrap_or((self.full.len() * CHUNK).max(first + 1));
            free_in(chunk, 0).unwrap_or(chunk * CHUNK)
        })
    }

    /// Sees to it that the next [`Table::insert`] with the same arguments has a number and memory for it: what cannot be undone
    /// is done after that.
    ///
    /// # Errors
    /// [`FileError::TooManyOpen`], [`FileError::NoMemory`].
    pub fn make_room(&mut self, from: usize, limit: usize) -> Result<(), FileError> {
        let fd = self.lowest_free(from);
        if fd >= limit {
            return Err(FileError::TooManyOpen);
        }
        self.chunk(fd / CHUNK)?.slot(fd % CHUNK).map(|_| ())
    }

    /// Gives `file` the lowest free number from `from` on, below `limit` (RLIMIT_NOFILE).
    pub fn insert(
        &mut self,
        file: T,
        close_on_exec: bool,
        from: usize,
        limit: usize,
    ) -> Result<i32, FileError> {
        let fd = self.lowest_free(from);
        if fd >= limit {
            return Err(FileError::TooManyOpen);
        }
        self.replace(fd as i32, file, close_on_exec, limit)?;
        Ok(fd as i32)
    }

    /// Gives `file` the number `fd`; answers the file that had it.
    pub fn replace(
        &mut self,
        fd: i32,
        file: T,
        close_on_exec: bool,
        limit: usize,
    ) -> Result<Option<T>, FileError> {
        let fd = usize::try_from(fd)
            .ok()
            .filter(|&fd| fd < limit)
            .ok_or(FileError::BadDescriptor)?;
        let number = fd / CHUNK;
        let chunk = self.chunk(number)?;
        let old = chunk.slot(fd % CHUNK)?.replace(Slot {
            file,
            close_on_exec,
        });
        chunk.used |= 1 << (fd % CHUNK);
        self.note(number);
        Ok(old.map(|slot| slot.file))
    }

    /// The chunk of this number, made when it is missing.
    fn chunk(&mut self, number: usize) -> Result<&mut Chunk<T>, FileError> {
        self.grow(number)?;
        match &mut self.chunks[number] {
            Some(chunk) => Ok(chunk),
            missing => Ok(missing.insert(boxed(Chunk::new())?)),
        }
    }

    /// Makes a place for the chunk of this number.
    fn grow(&mut self, number: usize) -> Result<(), FileError> {
        if number >= self.chunks.len() {
            let more = number + 1 - self.chunks.len();
            self.chunks
                .try_reserve(more)
                .map_err(|_| FileError::NoMemory)?;
            let words = (number + 1).div_ceil(CHUNK);
            self.full.try_resize(words, 0)?;
            self.used.try_resize(words, 0)?;
            while self.chunks.len() <= number {
                let len = (number + 1).min(self.chunks.len() + GROWN);
                #[expect(clippy::disallowed_methods, reason = "reserved above")]
                self.chunks.resize_with(len, || None);
                (self.pause)();
            }
        }
        Ok(())
    }

    /// Notes whether a chunk is full or empty.
    fn note(&mut self, number: usize) {
        let used = self.chunks[number].as_ref().map_or(0, |chunk| chunk.used);
        let bit = 1 << (number % CHUNK);
        for (words, is) in [
            (&mut self.full, used == u64::MAX),
            (&mut self.used, used != 0),
        ] {
            let word = &mut words[number / CHUNK];
            *word = if is { *word | bit } else { *word & !bit };
        }
    }

    /// Frees a number; answers the file that had it.
    pub fn remove(&mut self, fd: i32) -> Result<T, FileError> {
        let slot = usize::try_from(fd).ok().and_then(|fd| self.take(fd));
        Ok(slot.ok_or(FileError::BadDescriptor)?.file)
    }

    fn take(&mut self, fd: usize) -> Option<Slot<T>> {
        let chunk = self.chunks.get_mut(fd / CHUNK)?.as_mut()?;
        let slot = chunk.slots.get_mut(fd % CHUNK)?.take()?;
        chunk.used &= !(1 << (fd % CHUNK));
        if chunk.used == 0 && fd >= CHUNK {
            // The first chunk, which most processes need no more than, stays.
            self.chunks[fd / CHUNK] = None;
        }
        self.note(fd / CHUNK);
        Some(slot)
    }

    /// Takes out the first file from `from` on that execve closes, with its number.
    pub fn take_close_on_exec(&mut self, from: i32) -> Option<(i32, T)> {
        let mut numbers = self.numbers_from(from);
        let fd = numbers.find(|&fd| self.slot(fd).is_some_and(|slot| slot.close_on_exec))?;
        drop(numbers);
        self.take(fd as usize).map(|slot| (fd, slot.file))
    }

    /// Takes the table apart: each file goes to `close`.
    pub fn dissolve(mut self, mut close: impl FnMut(T)) {
        while let Some(chunk) = self.chunks.pop() {
            for slot in chunk.into_iter().flat_map(|chunk| chunk.slots).flatten() {
                close(slot.file);
                (self.pause)();
            }
            (self.pause)();
        }
    }

    /// The first open descriptor from `from` on.
    pub fn next(&self, from: i32) -> Option<i32> {
        let from = usize::try_from(from).unwrap_or(0);
        let within = |chunk: usize, from: usize| {
            let used = self.chunks.get(chunk)?.as_ref()?.used >> from << from;
            (used != 0).then(|| (chunk * CHUNK) as i32 + used.trailing_zeros() as i32)
        };
        within(from / CHUNK, from % CHUNK).or_else(|| {
            let chunk = next_bit(self.used.iter().copied(), from / CHUNK + 1)?;
            within(chunk, 0)
        })
    }

    /// The open descriptors, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        self.numbers_from(0)
    }

    fn numbers_from(&self, from: i32) -> impl Iterator<Item = i32> + '_ {
        let next = |from: i32| self.next(from);
        core::iter::successors(next(from), move |fd| next(fd.checked_add(1)?))
    }
}

impl<T: Clone> Table<T> {
    /// A copy of those files that `keep` names, under the same numbers.
    pub fn duplicate(&self, keep: impl Fn(&T) -> bool) -> Result<Self, FileError> {
        let (mut copy, mut from) = (Self::new(self.pause), 0);
        while let Some(number) = next_bit(self.used.iter().copied(), from) {
            from = number + 1;
            let Some(chunk) = &self.chunks[number] else {
                continue;
            };
            let twin = chunk.duplicate(&keep, self.pause)?;
            if twin.used != 0 {
                copy.grow(number)?;
                copy.chunks[number] = Some(boxed(twin)?);
                copy.note(number);
            }
        }
        Ok(copy)
    }
}

/// Places for chunks that are made between two pauses.
const GROWN: usize = 1024;

impl<T> Chunk<T> {
    const fn new() -> Self {
        Self {
            used: 0,
            slots: Vec::new(),
        }
    }

    /// A slot of this number, made when it is missing.
    fn slot(&mut self, number: usize) -> Result<&mut Option<Slot<T>>, FileError> {
        if number >= self.slots.len() {
            let len = (number + 1).next_power_of_two().max(FEW);
            let more = len - self.slots.len();
            let room = self.slots.try_reserve_exact(more);
            room.map_err(|_| FileError::NoMemory)?;
            #[expect(clippy::disallowed_methods, reason = "reserved above")]
            self.slots.resize_with(len, || None);
        }
        Ok(&mut self.slots[number])
    }
}

impl<T: Clone> Chunk<T> {
    fn duplicate(&self, keep: impl Fn(&T) -> bool, pause: fn()) -> Result<Self, FileError> {
        let mut twin = Self {
            used: 0,
            slots: with_capacity(self.slots.len())?,
        };
        for (number, slot) in self.slots.iter().enumerate() {
            let kept = slot.as_ref().filter(|slot| keep(&slot.file));
            if kept.is_some() {
                twin.used |= 1 << number;
                pause();
            }
            twin.slots.try_push(kept.cloned())?;
        }
        Ok(twin)
    }
}

/// The first bit from `from` on that is set.
fn next_bit(mut words: impl Iterator<Item = u64>, from: usize) -> Option<usize> {
    let first = from / CHUNK;
    let start = words.nth(first)? >> (from % CHUNK) << (from % CHUNK);
    core::iter::once(start)
        .chain(words)
        .zip(first..)
        .find(|(word, _)| *word != 0)
        .map(|(word, number)| number * CHUNK + word.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests;

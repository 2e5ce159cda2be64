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
    /// Those of them that execve closes.
    closed_on_exec: u64,
    /// As many as have been needed: most processes have a few descriptors.
    slots: Vec<Option<T>>,
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

    /// The chunk of an open descriptor, and its bit there.
    fn place(&self, fd: i32) -> Result<(&Chunk<T>, usize), FileError> {
        let fd = usize::try_from(fd).map_err(|_| FileError::BadDescriptor)?;
        let chunk = self.chunks.get(fd / CHUNK).and_then(Option::as_deref);
        let chunk = chunk.filter(|chunk| chunk.used & 1 << (fd % CHUNK) != 0);
        Ok((chunk.ok_or(FileError::BadDescriptor)?, fd % CHUNK))
    }

    /// The open file of a descriptor.
    pub fn get(&self, fd: i32) -> Result<&T, FileError> {
        let (chunk, at) = self.place(fd)?;
        let file = chunk.slots.get(at).and_then(Option::as_ref);
        file.ok_or(FileError::BadDescriptor)
    }

    /// Whether a descriptor is closed by execve.
    pub fn close_on_exec(&self, fd: i32) -> Result<bool, FileError> {
        let (chunk, at) = self.place(fd)?;
        Ok(chunk.closed_on_exec & 1 << at != 0)
    }

    /// Sets whether a descriptor is closed by execve.
    pub fn set_close_on_exec(&mut self, fd: i32, on: bool) -> Result<(), FileError> {
        let (_, at) = self.place(fd)?;
        if let Some(Some(chunk)) = self.chunks.get_mut(fd as usize / CHUNK) {
            chunk.close_on_exec(at, on);
        }
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
        let old = chunk.slot(fd % CHUNK)?.replace(file);
        chunk.used |= 1 << (fd % CHUNK);
        chunk.close_on_exec(fd % CHUNK, close_on_exec);
        self.note(number);
        Ok(old)
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
        let file = usize::try_from(fd).ok().and_then(|fd| self.take(fd));
        file.ok_or(FileError::BadDescriptor)
    }

    fn take(&mut self, fd: usize) -> Option<T> {
        let chunk = self.chunks.get_mut(fd / CHUNK)?.as_mut()?;
        let file = chunk.slots.get_mut(fd % CHUNK)?.take()?;
        chunk.used &= !(1 << (fd % CHUNK));
        chunk.close_on_exec(fd % CHUNK, false);
        if chunk.used == 0 && fd >= CHUNK {
            // The first chunk, which most processes need no more than, stays.
            self.chunks[fd / CHUNK] = None;
        }
        self.note(fd / CHUNK);
        Some(file)
    }

    /// Takes out the first file from `from` on that execve closes, with its number.
    pub fn take_close_on_exec(&mut self, from: i32) -> Option<(i32, T)> {
        let from = usize::try_from(from).unwrap_or(0);
        let (mut number, mut beyond) = (from / CHUNK, from % CHUNK);
        let at = loop {
            let chunk = self.chunks.get(number)?.as_ref();
            let closed = chunk.map_or(0, |chunk| chunk.closed_on_exec) >> beyond << beyond;
            if closed != 0 {
                break closed.trailing_zeros() as usize;
            }
            (self.pause)();
            (number, beyond) = (next_bit(self.used.iter().copied(), number + 1)?, 0);
        };
        let fd = number * CHUNK + at;
        self.take(fd).map(|file| (fd as i32, file))
    }

    /// The largest open descriptor.
    pub fn last(&self) -> Option<i32> {
        let word = self.used.iter().rposition(|word| *word != 0)?;
        let number = (word + 1) * CHUNK - 1 - self.used[word].leading_zeros() as usize;
        let used = self.chunks.get(number)?.as_ref()?.used;
        Some(((number + 1) * CHUNK - 1) as i32 - used.leading_zeros() as i32)
    }

    /// Takes the table apart: each file goes to `close`.
    pub fn dissolve(mut self, mut close: impl FnMut(T)) {
        while let Some(chunk) = self.chunks.pop() {
            for file in chunk.into_iter().flat_map(|chunk| chunk.slots).flatten() {
                close(file);
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
        let next = |from: i32| self.next(from);
        core::iter::successors(next(0), move |fd| next(fd.checked_add(1)?))
    }
}

impl<T: Clone> Table<T> {
    /// A copy of those files that `keep` names, under the same numbers.
    pub fn duplicate(&self, keep: impl Fn(&T) -> bool) -> Result<Self, FileError> {
        let mut copy = Self::new(self.pause);
        match copy.take_copies(self, keep) {
            Ok(()) => Ok(copy),
            Err(error) => {
                copy.dissolve(drop);
                Err(error)
            }
        }
    }

    fn take_copies(&mut self, table: &Self, keep: impl Fn(&T) -> bool) -> Result<(), FileError> {
        let mut from = 0;
        while let Some(number) = next_bit(table.used.iter().copied(), from) {
            from = number + 1;
            let Some(chunk) = &table.chunks[number] else {
                continue;
            };
            let twin = chunk.duplicate(&keep, self.pause)?;
            if twin.used != 0 {
                self.grow(number)?;
                self.chunks[number] = Some(boxed(twin)?);
                self.note(number);
            }
        }
        Ok(())
    }
}

/// Places for chunks that are made between two pauses.
const GROWN: usize = 1024;

impl<T> Chunk<T> {
    const fn new() -> Self {
        Self {
            used: 0,
            closed_on_exec: 0,
            slots: Vec::new(),
        }
    }

    /// Notes whether execve closes a slot.
    const fn close_on_exec(&mut self, at: usize, on: bool) {
        self.closed_on_exec = self.closed_on_exec & !(1 << at) | (on as u64) << at;
    }

    /// A slot of this number, made when it is missing.
    fn slot(&mut self, number: usize) -> Result<&mut Option<T>, FileError> {
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
            closed_on_exec: 0,
            slots: with_capacity(self.slots.len())?,
        };
        pause();
        for (number, file) in self.slots.iter().enumerate() {
            let kept = file.as_ref().filter(|file| keep(file));
            if kept.is_some() {
                twin.used |= 1 << number;
                pause();
            }
            twin.slots.try_push(kept.cloned())?;
        }
        twin.closed_on_exec = self.closed_on_exec & twin.used;
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

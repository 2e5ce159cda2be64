//! A process's descriptor table.

use crate::error::FileError;
use alloc::vec::Vec;

/// Descriptors of one process: small numbers, each naming an open file `T`.
#[derive(Clone, Debug)]
pub struct Table<T> {
    slots: Vec<Option<Slot<T>>>,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    file: T,
    close_on_exec: bool,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Table<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    fn slot(&self, fd: i32) -> Option<&Slot<T>> {
        self.slots.get(usize::try_from(fd).ok()?)?.as_ref()
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
        let slot = usize::try_from(fd)
            .ok()
            .and_then(|fd| self.slots.get_mut(fd)?.as_mut());
        slot.ok_or(FileError::BadDescriptor)?.close_on_exec = on;
        Ok(())
    }

    /// Gives `file` the lowest free number from `from` on, below `limit` (RLIMIT_NOFILE).
    pub fn insert(
        &mut self,
        file: T,
        close_on_exec: bool,
        from: usize,
        limit: usize,
    ) -> Result<i32, FileError> {
        let free = (from..self.slots.len()).find(|&fd| self.slots[fd].is_none());
        let fd = free.unwrap_or(self.slots.len().max(from));
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
        if fd >= self.slots.len() {
            self.slots
                .try_reserve(fd + 1 - self.slots.len())
                .map_err(|_| FileError::NoMemory)?;
            self.slots.resize_with(fd + 1, || None);
        }
        let old = self.slots[fd].replace(Slot {
            file,
            close_on_exec,
        });
        Ok(old.map(|slot| slot.file))
    }

    /// Frees a number; answers the file that had it.
    pub fn remove(&mut self, fd: i32) -> Result<T, FileError> {
        let slot = usize::try_from(fd)
            .ok()
            .and_then(|fd| self.slots.get_mut(fd)?.take());
        Ok(slot.ok_or(FileError::BadDescriptor)?.file)
    }

    /// Takes out one file that execve closes; call until None.
    pub fn take_close_on_exec(&mut self) -> Option<T> {
        let slot = self
            .slots
            .iter_mut()
            .find(|slot| slot.as_ref().is_some_and(|s| s.close_on_exec))?;
        slot.take().map(|slot| slot.file)
    }

    /// The open descriptors, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        let open = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_some());
        open.map(|(fd, _)| fd as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_number_first() {
        let mut table = Table::new();
        for expected in 0..3 {
            assert_eq!(table.insert("x", false, 0, 4), Ok(expected));
        }
        assert_eq!(table.remove(1), Ok("x"));
        assert_eq!(table.insert("y", true, 0, 4), Ok(1));
        assert_eq!(table.insert("z", false, 0, 4), Ok(3));
        assert_eq!(table.insert("w", false, 0, 4), Err(FileError::TooManyOpen));
        assert_eq!(table.take_close_on_exec(), Some("y"));
        assert_eq!(table.take_close_on_exec(), None);
        assert_eq!(table.get(1), Err(FileError::BadDescriptor));
        assert_eq!(table.get(-1), Err(FileError::BadDescriptor));
        assert_eq!(
            table.replace(9, "v", false, 9),
            Err(FileError::BadDescriptor)
        );
        assert_eq!(table.insert("u", false, 7, 9), Ok(7));
        assert_eq!(table.numbers().collect::<Vec<_>>(), [0, 2, 3, 7]);
    }
}

//! Lines that wait to be sent, in a ring of bytes of a fixed size: what the log is kept in.

use core::fmt::{self, Write};

/// A ring of bytes that holds whole lines.
#[derive(Debug)]
pub struct Lines<'a> {
    bytes: &'a mut [u8],
    /// Where the oldest byte is.
    start: usize,
    len: usize,
}

/// There is no room for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<'a> Lines<'a> {
    /// Nothing, with this room.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        Self {
            bytes,
            start: 0,
            len: 0,
        }
    }

    /// Adds what `format` writes, all of it or nothing.
    pub fn add(&mut self, format: impl FnOnce(&mut dyn Write) -> fmt::Result) -> Result<(), Full> {
        let before = self.len;
        format(self).map_err(|_| {
            self.len = before;
            Full
        })
    }

    /// Takes bytes out, to the end of a line at the most; answers how many.
    pub fn take(&mut self, to: &mut [u8]) -> usize {
        let (before, after) = self.bytes.split_at(self.start);
        let first = &after[..after.len().min(self.len)];
        let mut count = 0;
        for part in [first, &before[..self.len - first.len()]] {
            let part = &part[..part.len().min(to.len() - count)];
            let end = part.iter().position(|byte| *byte == b'\n');
            let part = &part[..end.map_or(part.len(), |at| at + 1)];
            to[count..count + part.len()].copy_from_slice(part);
            count += part.len();
            if end.is_some() {
                break;
            }
        }
        self.len -= count;
        self.start = (self.start + count) % self.bytes.len().max(1);
        count
    }

    /// Whether nothing waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether more than half of the room is free.
    pub const fn is_roomy(&self) -> bool {
        self.len < self.bytes.len() / 2
    }
}

impl Write for Lines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let size = self.bytes.len();
        if size - self.len < text.len() {
            return Err(fmt::Error);
        }
        let end = (self.start + self.len) % size.max(1);
        let (first, rest) = text.as_bytes().split_at(text.len().min(size - end));
        self.bytes[end..end + first.len()].copy_from_slice(first);
        self.bytes[..rest.len()].copy_from_slice(rest);
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use alloc::string::String;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_a_queue_of_whole_lines(steps in prop::collection::vec((any::<bool>(), "[a-z]{0,9}", 1usize..8), 1..200)) {
            let mut room = [0; 32];
            let mut lines = Lines::new(&mut room);
            let mut model: VecDeque<u8> = VecDeque::new();
            for (adds, text, count) in steps {
                if adds {
                    let added = lines.add(|out| writeln!(out, "<{text}>")).is_ok();
                    prop_assert_eq!(added, model.len() + text.len() + 3 <= 32);
                    if added {
                        let mut line = String::new();
                        let _ = writeln!(line, "<{text}>");
                        model.extend(line.bytes());
                    }
                } else {
                    let mut bytes = [0; 8];
                    let taken = lines.take(&mut bytes[..count]);
                    let expected = model.iter().take(count).position(|byte| *byte == b'\n');
                    let expected = expected.map_or(count.min(model.len()), |at| at + 1);
                    prop_assert_eq!(taken, expected);
                    prop_assert!(model.drain(..taken).eq(bytes[..taken].iter().copied()));
                }
                prop_assert_eq!(lines.is_empty(), model.is_empty());
            }
        }
    }

    #[test]
    fn without_room_nothing_is_added() {
        let mut lines = Lines::new(&mut []);
        assert_eq!(lines.add(|out| out.write_str("x")), Err(Full));
        assert_eq!((lines.take(&mut [0; 4]), lines.is_empty()), (0, true));
    }
}

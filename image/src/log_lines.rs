//! The kernel's log: cut into lines, panics symbolized, the last lines kept.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::symbolize::Symbols;

const KEPT: usize = 200;
/// A line longer than this is cut, so that a machine gone wild cannot fill the host's memory.
const LONGEST: usize = 4096;

/// The log as it arrives.
#[derive(Debug)]
pub struct LogLines {
    partial: Vec<u8>,
    last: VecDeque<String>,
    kernel: PathBuf,
    symbols: Option<Symbols>,
}

impl LogLines {
    /// A log of the kernel in this ELF.
    #[must_use]
    pub fn new(kernel: PathBuf) -> LogLines {
        LogLines {
            partial: Vec::new(),
            last: VecDeque::new(),
            kernel,
            symbols: None,
        }
    }

    /// Takes the next bytes, and answers with the lines that they complete, without line ends.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' => lines.push(self.complete()),
                b'\r' => {}
                _ if self.partial.len() >= LONGEST => {}
                _ => self.partial.push(byte),
            }
        }
        lines
    }

    /// What is left at the end of the stream.
    pub fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.complete())
    }

    /// The last lines, oldest first, at most `count`.
    pub fn tail(&self, count: usize) -> impl Iterator<Item = &str> {
        self.last
            .iter()
            .skip(self.last.len().saturating_sub(count))
            .map(String::as_str)
    }

    /// Whether one of the last lines has this text.
    #[must_use]
    pub fn said(&self, text: &str) -> bool {
        self.last.iter().any(|line| line.contains(text))
    }

    /// Whether a line is a place of a backtrace.
    #[must_use]
    pub fn is_place(line: &str) -> bool {
        line.starts_with("  at 0x")
    }

    fn complete(&mut self) -> String {
        let raw = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).into_owned();
        let line = if LogLines::is_place(&raw) {
            let kernel = &self.kernel;
            self.symbols
                .get_or_insert_with(|| Symbols::of(kernel))
                .annotate(&raw)
        } else {
            raw
        };
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_kept() {
        let mut log = LogLines::new(PathBuf::from("/no/kernel"));
        assert_eq!(log.push(b"one\r\ntw"), ["one"]);
        assert_eq!(log.push(b"o\nthree"), ["two"]);
        assert_eq!(log.finish().as_deref(), Some("three"));
        assert_eq!(log.finish(), None);
        assert_eq!(log.tail(2).collect::<Vec<_>>(), ["two", "three"]);
    }
}

//! The line discipline of a terminal (termios(3)): from keys to lines, signals and echo; from output to what a terminal shows.
//!
//! One queue holds everything typed. Its first `committed` entries can be read; in canonical mode those behind them are the line
//! that is still being edited.

mod edit;
mod termios;

pub use termios::{TERMIOS_SIZE, Termios};

use heapless::Deque;

/// Bytes that can be typed ahead.
const QUEUE: usize = 4096;
/// Marks an entry that ends a line.
const END: u16 = 0x100;
/// Marks an end-of-file key: it ends a line, and is not part of it.
const EOF: u16 = 0x200;

/// A signal that a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTSTP.
    Suspend,
}

/// What a read finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Front {
    /// Bytes copied out.
    pub bytes: usize,
    /// Whether an end-of-file key follows them and belongs to this read.
    pub eof: bool,
}

/// The state of a line discipline. It allocates nothing.
pub struct Line {
    termios: Termios,
    queue: Deque<u16, QUEUE>,
    committed: usize,
    literal: bool,
    stopped: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Line {
    /// With the settings of a new terminal.
    pub const fn new() -> Self {
        Self {
            termios: Termios::new(),
            queue: Deque::new(),
            committed: 0,
            literal: false,
            stopped: false,
        }
    }

    /// The settings.
    pub fn termios(&self) -> &Termios {
        &self.termios
    }

    /// Changes the settings. What was typed stays; without canonical mode all of it can be read.
    pub fn set_termios(&mut self, termios: Termios) {
        let canonical = self.canonical();
        self.termios = termios;
        if canonical != self.canonical() {
            self.committed = self.queue.len();
        }
        if !self.termios.input(Termios::IXON) {
            self.stopped = false;
        }
    }

    /// Whether output is held back (the stop key was pressed).
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Forgets everything typed (TCIFLUSH).
    pub fn flush(&mut self) {
        self.queue.clear();
        self.committed = 0;
    }

    /// Takes one typed byte. `show` gets the echo.
    pub fn input(&mut self, byte: u8, show: &mut impl FnMut(&[u8])) -> Option<Key> {
        let mut byte = if self.termios.input(Termios::ISTRIP) {
            byte & 0x7f
        } else {
            byte
        };
        if self.literal {
            self.literal = false;
            self.insert(u16::from(byte), show);
            return None;
        }
        if self.flow(byte) {
            return None;
        }
        match byte {
            b'\r' if self.termios.input(Termios::IGNCR) => return None,
            b'\r' if self.termios.input(Termios::ICRNL) => byte = b'\n',
            b'\n' if self.termios.input(Termios::INLCR) => byte = b'\r',
            _ => {}
        }
        if let Some(key) = self.signal(byte) {
            self.echo(byte, show);
            if !self.termios.local(Termios::NOFLSH) {
                self.flush();
            }
            return Some(key);
        }
        if !self.canonical() {
            self.insert(u16::from(byte), show);
            self.committed = self.queue.len();
        } else if !self.edit(byte, show) {
            self.insert(u16::from(byte), show);
        }
        None
    }

    /// Whether the byte was a flow-control key.
    fn flow(&mut self, byte: u8) -> bool {
        if !self.termios.input(Termios::IXON) {
            return false;
        }
        if self.termios.is(byte, Termios::VSTART) {
            self.stopped = false;
            return true;
        }
        if self.termios.is(byte, Termios::VSTOP) {
            self.stopped = true;
            return true;
        }
        if self.termios.input(Termios::IXANY) {
            self.stopped = false;
        }
        false
    }

    fn signal(&self, byte: u8) -> Option<Key> {
        if !self.termios.local(Termios::ISIG) {
            return None;
        }
        let keys = [
            (Termios::VINTR, Key::Interrupt),
            (Termios::VQUIT, Key::Quit),
            (Termios::VSUSP, Key::Suspend),
        ];
        keys.iter()
            .find(|(control, _)| self.termios.is(byte, *control))
            .map(|(_, key)| *key)
    }

    /// Whether a read need not wait: there is a line, or with canonical mode off VMIN bytes. With VMIN 0 it waits only for VTIME.
    pub fn is_readable(&self) -> bool {
        let (least, time) = self.wanted();
        self.has(if least == 0 && time > 0 { 1 } else { least })
    }

    /// Whether there is something, as poll(2) tells it: what a read waits for, or a byte where it does not wait for all.
    pub fn has_input(&self) -> bool {
        let (least, time) = self.wanted();
        self.has(if time > 0 { 1 } else { least.max(1) })
    }

    /// VMIN and VTIME.
    fn wanted(&self) -> (usize, u8) {
        let cc = &self.termios.cc;
        (usize::from(cc[Termios::VMIN]), cc[Termios::VTIME])
    }

    /// Whether there is a line, or with canonical mode off at least so many bytes.
    fn has(&self, bytes: usize) -> bool {
        if self.canonical() {
            self.committed > 0
        } else {
            self.queue.len() >= bytes
        }
    }

    /// Bytes that can be read at once (FIONREAD).
    pub fn available(&self) -> usize {
        self.queue
            .iter()
            .take(self.committed)
            .filter(|&&entry| entry & EOF == 0)
            .count()
    }

    /// Copies out what a read of `to.len()` bytes gets: up to the end of the first line, or all there is.
    pub fn front(&self, to: &mut [u8]) -> Front {
        let mut front = Front {
            bytes: 0,
            eof: false,
        };
        for &entry in self.queue.iter().take(self.committed) {
            if entry & EOF != 0 {
                front.eof = true;
                break;
            }
            let Some(slot) = to.get_mut(front.bytes) else {
                break;
            };
            *slot = entry as u8;
            front.bytes += 1;
            if entry & END != 0 && self.canonical() {
                break;
            }
        }
        front
    }

    /// Takes away what [`Self::front`] found, of which `front.bytes` may have been lowered.
    pub fn consume(&mut self, front: Front) {
        let entries = (front.bytes + usize::from(front.eof)).min(self.committed);
        for _ in 0..entries {
            self.queue.pop_front();
        }
        self.committed -= entries;
    }

    /// Shows what a program writes, by the output modes.
    pub fn output(&self, bytes: &[u8], show: &mut impl FnMut(&[u8])) {
        let modes = self.termios.oflag;
        if modes & Termios::OPOST == 0 {
            return show(bytes);
        }
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let replacement: &[u8] = match byte {
                b'\n' if modes & Termios::ONLCR != 0 => b"\r\n",
                b'\r' if modes & Termios::OCRNL != 0 => b"\n",
                _ => continue,
            };
            if start < at {
                show(&bytes[start..at]);
            }
            show(replacement);
            start = at + 1;
        }
        if start < bytes.len() {
            show(&bytes[start..]);
        }
    }

    fn canonical(&self) -> bool {
        self.termios.local(Termios::ICANON)
    }
}

fn control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

#[cfg(test)]
mod tests;

//! Editing of the line that is being typed, and its echo.

use super::{END, EOF, Line, QUEUE, Termios, control};

impl Line {
    /// Handles the editing keys and line ends of canonical mode; false for ordinary bytes.
    pub(super) fn edit(&mut self, byte: u8, show: &mut impl FnMut(&[u8])) -> bool {
        let termios = self.termios;
        let extended = termios.local(Termios::IEXTEN);
        if termios.is(byte, Termios::VERASE) {
            self.erase(show);
        } else if extended && termios.is(byte, Termios::VWERASE) {
            self.erase_while(|byte| byte == b' ' || byte == b'\t', show);
            self.erase_while(|byte| byte != b' ' && byte != b'\t', show);
        } else if termios.is(byte, Termios::VKILL) {
            self.kill(show);
        } else if extended && termios.is(byte, Termios::VLNEXT) {
            self.literal = true;
            if termios.local(Termios::ECHO | Termios::ECHOCTL) {
                show(b"^\x08");
            }
        } else if extended && termios.local(Termios::ECHO) && termios.is(byte, Termios::VREPRINT) {
            self.reprint(show);
        } else if termios.is(byte, Termios::VEOF) {
            self.finish(EOF);
        } else if byte == b'\n' {
            if termios.local(Termios::ECHO) || termios.local(Termios::ECHONL) {
                self.output(b"\n", show);
            }
            self.finish(u16::from(byte) | END);
        } else if termios.is(byte, Termios::VEOL) || extended && termios.is(byte, Termios::VEOL2) {
            self.echo(byte, show);
            self.finish(u16::from(byte) | END);
        } else {
            return false;
        }
        true
    }

    /// Ends the line. One place is always kept free for this.
    pub(super) fn finish(&mut self, entry: u16) {
        if self.queue.push_back(entry).is_ok() {
            self.committed = self.queue.len();
        }
    }

    pub(super) fn insert(&mut self, entry: u16, show: &mut impl FnMut(&[u8])) {
        let room = if self.canonical() { QUEUE - 1 } else { QUEUE };
        if self.queue.len() >= room {
            if self.termios.input(Termios::IMAXBEL) {
                show(b"\x07");
            }
        } else if self.queue.push_back(entry).is_ok() {
            self.echo(entry as u8, show);
        }
    }

    /// Erases the last character of the line (in UTF-8 with its continuation bytes).
    fn erase(&mut self, show: &mut impl FnMut(&[u8])) -> bool {
        while self.queue.len() > self.committed {
            let width = self.last_width();
            let Some(entry) = self.queue.pop_back() else {
                break;
            };
            let byte = entry as u8;
            if self.termios.input(Termios::IUTF8) && byte & 0xc0 == 0x80 {
                continue;
            }
            if self.termios.local(Termios::ECHO | Termios::ECHOE) {
                for _ in 0..width {
                    show(b"\x08 \x08");
                }
            } else if self.termios.local(Termios::ECHO) {
                let key = self.termios.cc[Termios::VERASE];
                self.echo(key, show);
            }
            return true;
        }
        false
    }

    fn erase_while(&mut self, which: impl Fn(u8) -> bool, show: &mut impl FnMut(&[u8])) {
        while self.queue.len() > self.committed
            && self.queue.back().is_some_and(|&entry| which(entry as u8))
        {
            self.erase(show);
        }
    }

    fn kill(&mut self, show: &mut impl FnMut(&[u8])) {
        if self
            .termios
            .local(Termios::ECHO | Termios::ECHOK | Termios::ECHOKE | Termios::ECHOE)
        {
            while self.erase(show) {}
            return;
        }
        self.queue.truncate(self.committed);
        let key = self.termios.cc[Termios::VKILL];
        self.echo(key, show);
        if self.termios.local(Termios::ECHO | Termios::ECHOK) {
            self.output(b"\n", show);
        }
    }

    fn reprint(&mut self, show: &mut impl FnMut(&[u8])) {
        self.echo(self.termios.cc[Termios::VREPRINT], show);
        self.output(b"\n", show);
        for &entry in self.queue.iter().skip(self.committed) {
            self.echo(entry as u8, show);
        }
    }

    /// Columns that the last character of the line takes on the screen.
    fn last_width(&self) -> usize {
        let mut column = 0;
        let mut width = 0;
        for &entry in self.queue.iter().skip(self.committed) {
            width = match entry as u8 {
                b'\t' => 8 - column % 8,
                byte if control(byte) => 2 * usize::from(self.termios.local(Termios::ECHOCTL)),
                byte if byte & 0xc0 == 0x80 && self.termios.input(Termios::IUTF8) => 0,
                _ => 1,
            };
            column += width;
        }
        width
    }

    pub(super) fn echo(&self, byte: u8, show: &mut impl FnMut(&[u8])) {
        if !self.termios.local(Termios::ECHO) {
            return;
        }
        if control(byte) && byte != b'\t' && byte != b'\n' && self.termios.local(Termios::ECHOCTL) {
            show(&[b'^', byte ^ 0x40]);
        } else {
            self.output(&[byte], show);
        }
    }
}

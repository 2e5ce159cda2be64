use super::*;
use alloc::string::String;
use alloc::vec::Vec;

struct Typist {
    line: Line,
    screen: Vec<u8>,
    keys: Vec<Key>,
}

impl Typist {
    fn new() -> Self {
        Self {
            line: Line::new(),
            screen: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn type_bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let key = self
                .line
                .input(byte, &mut |shown| self.screen.extend_from_slice(shown));
            self.keys.extend(key);
        }
    }

    /// A read of up to `len` bytes, None when it would wait.
    fn read(&mut self, len: usize) -> Option<String> {
        if !self.line.is_readable() {
            return None;
        }
        let mut buffer = [0; 100];
        let front = self.line.front(&mut buffer[..len]);
        self.line.consume(front);
        Some(String::from_utf8_lossy(&buffer[..front.bytes]).into_owned())
    }

    fn local(&mut self, on: u32, off: u32) {
        let mut termios = *self.line.termios();
        termios.lflag = termios.lflag & !off | on;
        self.line.set_termios(termios);
    }
}

#[test]
fn lines_are_read_one_at_a_time() {
    let mut typist = Typist::new();
    typist.type_bytes(b"one\rtw");
    assert_eq!(typist.read(2).as_deref(), Some("on"));
    assert_eq!(typist.read(100).as_deref(), Some("e\n"));
    assert_eq!(typist.read(100), None);
    typist.type_bytes(b"o\nthree\n");
    assert_eq!(typist.line.available(), 10);
    assert_eq!(typist.read(100).as_deref(), Some("two\n"));
    assert_eq!(typist.read(100).as_deref(), Some("three\n"));
    assert_eq!(typist.screen, b"one\r\ntwo\r\nthree\r\n");
}

#[test]
fn editing_keys() {
    let mut typist = Typist::new();
    typist.type_bytes(b"\x7fab\x7f\x7f\x7fxyz\x15one two  \x17TWO\x16\x03\r");
    assert_eq!(typist.read(100).as_deref(), Some("one TWO\x03\n"));
    let mut typist = Typist::new();
    typist.type_bytes(b"a\x01\x7f\x7f");
    assert_eq!(typist.screen, b"a^A\x08 \x08\x08 \x08\x08 \x08");
}

#[test]
fn end_of_file() {
    let mut typist = Typist::new();
    typist.type_bytes(b"ab\x04");
    assert_eq!(typist.read(2).as_deref(), Some("ab"));
    assert_eq!(typist.read(100), None);
    typist.type_bytes(b"\x04");
    assert_eq!(typist.read(100).as_deref(), Some(""));
    assert_eq!(typist.read(100), None);
}

#[test]
fn keys_send_signals_and_drop_the_line() {
    let mut typist = Typist::new();
    typist.type_bytes(b"abc\x03\x1c\x1a");
    assert_eq!(typist.keys, [Key::Interrupt, Key::Quit, Key::Suspend]);
    assert_eq!(typist.screen, b"abc^C^\\^Z");
    typist.local(0, Termios::ISIG);
    typist.type_bytes(b"\x03\r");
    assert_eq!(typist.read(100).as_deref(), Some("\x03\n"));
}

#[test]
fn raw_mode() {
    let mut typist = Typist::new();
    typist.type_bytes(b"half");
    typist.local(0, Termios::ICANON | Termios::ECHO);
    assert_eq!(typist.read(100).as_deref(), Some("half"));
    typist.type_bytes(b"\x7f\x04");
    assert_eq!(typist.read(1).as_deref(), Some("\x7f"));
    assert_eq!(typist.read(1).as_deref(), Some("\x04"));
    assert_eq!(typist.read(1), None);
}

#[test]
fn reads_wait_by_vmin_and_vtime() {
    // VMIN, VTIME, bytes that are there; whether a read need not wait, and whether poll tells of them: as on Linux.
    let rows = [
        (0, 0, 0, true, false),
        (0, 1, 0, false, false),
        (0, 1, 1, true, true),
        (1, 0, 0, false, false),
        (3, 0, 2, false, false),
        (3, 0, 3, true, true),
        (3, 1, 1, false, true),
    ];
    for (least, time, bytes, readable, told) in rows {
        let mut typist = Typist::new();
        typist.local(0, Termios::ICANON | Termios::ECHO);
        let mut termios = *typist.line.termios();
        (termios.cc[Termios::VMIN], termios.cc[Termios::VTIME]) = (least, time);
        typist.line.set_termios(termios);
        typist.type_bytes(&b"xxx"[..bytes]);
        let seen = (typist.line.is_readable(), typist.line.has_input());
        assert_eq!(seen, (readable, told), "{least} {time} {bytes}");
    }
}

#[test]
fn a_full_queue_still_takes_the_line_end() {
    let mut typist = Typist::new();
    typist.type_bytes(&[b'x'; 2 * QUEUE]);
    assert!(!typist.line.is_readable());
    typist.type_bytes(b"\n");
    assert_eq!(typist.line.available(), QUEUE);
}

#[test]
fn stop_and_start() {
    let mut typist = Typist::new();
    typist.type_bytes(b"\x13");
    assert!(typist.line.is_stopped());
    typist.type_bytes(b"\x11");
    assert!(!typist.line.is_stopped());
}

#[test]
fn termios_round_trip() {
    let termios = Termios::new();
    let bytes = termios.to_bytes();
    assert_eq!(bytes[17..20], [3, 28, 127]);
    assert_eq!(Termios::from_bytes(&bytes), termios);
}

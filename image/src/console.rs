//! Frames of the program console (COM2), both ways; `docs/console.md` describes them.

use thiserror::Error;

const HEADER: usize = 3;
/// The frame of kind "takes input".
const READY: [u8; HEADER] = [4, 0, 0];
/// Most payload bytes of one frame that the tool sends.
pub const MOST_INPUT: usize = 1024;

/// A frame from the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromGuest {
    /// Bytes for standard output.
    Stdout(Vec<u8>),
    /// Bytes for standard error.
    Stderr(Vec<u8>),
    /// The machine takes input from now on.
    Ready,
    /// The first program has ended, with this wait status as of Linux' `wait4`.
    Exit(u32),
}

/// Bytes that are no frame.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the machine sent a console frame of kind {kind} and length {length}, which does not exist"
)]
pub struct BadFrame {
    /// Kind byte.
    pub kind: u8,
    /// Length of its payload in bytes.
    pub length: u16,
}

/// Puts frames together from the bytes as they arrive.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    begun: bool,
}

impl Decoder {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete frame, if there is one.
    ///
    /// # Errors
    /// The stream is not made of frames; it cannot be read further.
    pub fn next_frame(&mut self) -> Result<Option<FromGuest>, BadFrame> {
        self.skip_firmware();
        let [kind, low, high, ..] = self.bytes[..] else {
            return Ok(None);
        };
        let length = u16::from_le_bytes([low, high]);
        if !matches!((kind, length), (1 | 2, _) | (3, 4) | (4, 0)) {
            return Err(BadFrame { kind, length });
        }
        let end = HEADER + usize::from(length);
        if self.bytes.len() < end {
            return Ok(None);
        }
        let payload: Vec<u8> = self.bytes.drain(..end).skip(HEADER).collect();
        Ok(Some(match (kind, &payload[..]) {
            (3, &[a, b, c, d]) => FromGuest::Exit(u32::from_le_bytes([a, b, c, d])),
            (2, _) => FromGuest::Stderr(payload),
            (4, _) => FromGuest::Ready,
            _ => FromGuest::Stdout(payload),
        }))
    }

    /// Drops what comes before the first frame, which is always [`FromGuest::Ready`]: UEFI takes every serial port for a
    /// terminal of its own.
    fn skip_firmware(&mut self) {
        while !self.begun && self.bytes.len() >= READY.len() {
            self.begun = self.bytes.starts_with(&READY);
            if !self.begun {
                self.bytes.remove(0);
            }
        }
    }
}

/// A frame of bytes for standard input; `bytes` are at most [`MOST_INPUT`].
#[must_use]
pub fn input(bytes: &[u8]) -> Vec<u8> {
    frame(1, bytes)
}

/// The frame that ends standard input.
#[must_use]
pub fn end_of_input() -> Vec<u8> {
    frame(2, &[])
}

/// The frame that tells the terminal's new size, in characters.
#[must_use]
pub fn window_size(rows: u16, columns: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (rows.to_le_bytes(), columns.to_le_bytes());
    frame(3, &[a, b, c, d])
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let [low, high] = length.to_le_bytes();
    let mut frame = vec![kind, low, high];
    frame.extend_from_slice(&payload[..usize::from(length)]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_however_they_are_cut() {
        let stream = [
            frame(4, b""),
            frame(1, b"out"),
            frame(2, b""),
            frame(3, &[0, 3, 0, 0]),
        ]
        .concat();
        for cut in 1..stream.len() {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for part in stream.chunks(cut) {
                decoder.push(part);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frames.push(frame);
                }
            }
            let expected = [
                FromGuest::Ready,
                FromGuest::Stdout(b"out".to_vec()),
                FromGuest::Stderr(Vec::new()),
                FromGuest::Exit(0x300),
            ];
            assert_eq!(frames, expected);
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(&[4, 0, 0, 9, 0, 0]);
        assert_eq!(decoder.next_frame(), Ok(Some(FromGuest::Ready)));
        assert_eq!(decoder.next_frame(), Err(BadFrame { kind: 9, length: 0 }));
    }

    #[test]
    fn what_firmware_says_before_is_skipped() {
        let mut decoder = Decoder::default();
        decoder.push(b"\x1b[2J\x04\0");
        assert_eq!(decoder.next_frame(), Ok(None));
        decoder.push(b"\0\x02");
        assert_eq!(decoder.next_frame(), Ok(Some(FromGuest::Ready)));
        decoder.push(b"\0\0");
        assert_eq!(
            decoder.next_frame(),
            Ok(Some(FromGuest::Stderr(Vec::new())))
        );
    }

    #[test]
    fn frames_to_the_guest() {
        assert_eq!(input(b"ab"), [1, 2, 0, b'a', b'b']);
        assert_eq!(end_of_input(), [2, 0, 0]);
        assert_eq!(window_size(24, 0x150), [3, 4, 0, 24, 0, 0x50, 1]);
    }
}

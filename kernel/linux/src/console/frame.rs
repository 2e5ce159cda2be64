//! Frames of the console port: kind, length (16 bits, little endian), payload. See `docs/console.md`.

/// The longest payload of a frame to the host.
pub(super) const MAX_OUT: usize = 4096;
/// The longest payload of a frame from the host; longer ones are cut.
const MAX_IN: usize = 4096;

/// Frames to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Out {
    /// What programs wrote to their standard output.
    Stdout = 1,
    /// What programs wrote to their standard error.
    Stderr = 2,
    /// The first program's wait status; the last frame.
    Exit = 3,
    /// Input can be taken from now on; the first frame.
    Ready = 4,
}

/// The head of a frame with a payload of `len` bytes, at most [`MAX_OUT`].
pub(super) fn head(kind: Out, len: usize) -> [u8; 3] {
    let [low, high] = (len as u16).to_le_bytes();
    [kind as u8, low, high]
}

/// A whole frame from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum In<'a> {
    /// Bytes for the programs' standard input.
    Bytes(&'a [u8]),
    /// No more will come.
    End,
    /// The terminal has this size now.
    Window {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
}

/// Puts frames together from the bytes that arrive.
pub(super) struct Assembler {
    head: [u8; 3],
    head_len: usize,
    payload: [u8; MAX_IN],
    payload_len: usize,
}

impl Assembler {
    pub(super) const fn new() -> Self {
        Self {
            head: [0; 3],
            head_len: 0,
            payload: [0; MAX_IN],
            payload_len: 0,
        }
    }

    /// Whether no frame has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.head_len == 0
    }

    /// Takes one byte; `deliver` gets the frame that it completes. Frames of unknown kind are dropped.
    pub(super) fn push(&mut self, byte: u8, deliver: impl FnOnce(In<'_>)) {
        if self.head_len < self.head.len() {
            self.head[self.head_len] = byte;
            self.head_len += 1;
        } else {
            if let Some(place) = self.payload.get_mut(self.payload_len) {
                *place = byte;
            }
            self.payload_len += 1;
        }
        let len = usize::from(u16::from_le_bytes([self.head[1], self.head[2]]));
        if self.head_len < self.head.len() || self.payload_len < len {
            return;
        }
        self.head_len = 0;
        self.payload_len = 0;
        let payload = &self.payload[..len.min(MAX_IN)];
        match (self.head[0], payload) {
            (1, bytes) => deliver(In::Bytes(bytes)),
            (2, _) => deliver(In::End),
            (3, &[a, b, c, d]) => deliver(In::Window {
                rows: u16::from_le_bytes([a, b]),
                columns: u16::from_le_bytes([c, d]),
            }),
            _ => {}
        }
    }
}

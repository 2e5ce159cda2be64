//! What tori say to each other: typed messages, each in one cache line.
//!
//! Word 0 of a line names the protocol and the kind of the message, the words behind it are its fields in order; unused words are
//! zero. A protocol is one table of messages, which lies with what they are about: [`crate::migrate::Message`] and
//! its like. A line that is not a message is a typed error, never a panic.

#[macro_use]
pub(crate) mod field;

use crate::ring::Line;

/// The messages of one protocol.
pub trait Protocol: Sized {
    /// Its number, which no other protocol has.
    const PROTOCOL: u8;

    /// The line that carries the message.
    fn encode(self) -> Line;

    /// The message that a line of the protocol carries.
    ///
    /// # Errors
    /// [`MessageError`] if it carries none.
    fn decode(line: &Line) -> Result<Self, MessageError>;
}

/// Word 0 of a line.
pub(crate) const fn head(protocol: u8, kind: u8) -> u64 {
    (protocol as u64) << 8 | kind as u64
}

/// The number of the protocol of which a line says that it belongs to it.
#[must_use]
pub const fn protocol_of(line: &Line) -> u8 {
    (line.0[0] >> 8) as u8
}

/// Why a line is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No message has this word 0.
    #[error("unknown kind of message {0:#x}")]
    Kind(u64),
    /// A field has a value that its type does not have.
    #[error("message {head:#x}: the value {value:#x} is none of its field")]
    Field {
        /// Word 0 of the line.
        head: u64,
        /// The word that was found.
        value: u64,
    },
}

#[cfg(test)]
mod tests;

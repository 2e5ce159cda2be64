//! What tori say to each other: typed messages, each in one cache line.
//!
//! Word 0 of a line is the kind, the words behind it are the fields in order; unused words are zero. The
//! [table](table) is the whole format. A line that is not a message is a typed error, never a panic.
//!
//! The *host* of a process is the torus where it lives; a *home* of it is a torus that holds a deposit for it:
//! pages that stayed behind there. [`crate::migrate`] shows the messages in their flow.

#[macro_use]
mod field;
mod order;
mod table;

pub use table::Message;

use crate::pid::Pid;

/// Why a torus does not take a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It has not the memory.
    Memory,
    /// It is being drained.
    Draining,
}

impl Refusal {
    fn to_word(self) -> u64 {
        match self {
            Self::Memory => 1,
            Self::Draining => 2,
        }
    }

    fn from_word(word: u64) -> Option<Self> {
        [Self::Memory, Self::Draining]
            .into_iter()
            .find(|refusal| refusal.to_word() == word)
    }
}

/// Why a line is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No message has this kind.
    #[error("unknown kind of message {0}")]
    Kind(u64),
    /// A field has a value that its type does not have.
    #[error("message of kind {kind}: the value {value:#x} is none of its field")]
    Field {
        /// The kind of the message.
        kind: u64,
        /// The word that was found.
        value: u64,
    },
}

impl Message {
    /// The process that a message goes to by way of its birth torus.
    pub const fn addressee(&self) -> Option<Pid> {
        match *self {
            Self::Signal { to, .. }
            | Self::Order { to, .. }
            | Self::Answer { to, .. }
            | Self::Exited { to, .. }
            | Self::Reap { to }
            | Self::Changed { to, .. }
            | Self::Orphaned { to, .. }
            | Self::Adopt { to, .. }
            | Self::Regroup { to, .. }
            | Self::Grouped { to, .. }
            | Self::Push { to, .. }
            | Self::Ask { to, .. } => Some(to),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

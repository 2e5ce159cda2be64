//! What a home answers.

use super::wire::{wire_enum, wire_struct};
use crate::stat::Stat;
use alloc::vec::Vec;
use fallible::{NoMemory, to_vec};

wire_struct! {
    /// What never changes about an open file.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Description {
        /// Type bits of its mode.
        pub kind: u32,
        /// Access mode and other flags of open(2) that fcntl does not change.
        pub flags: u32,
        /// The node of the boot archive that it shows.
        pub archive: Option<u32>,
        /// It may not be given to another process, wherever its own goes.
        pub bound: bool,
    }
}

wire_struct! {
    /// Where a path goes on that leads out of what its home has.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Onward {
        /// The torus, and the number of the file there, from which it goes on; None: the root.
        pub from: Option<(u32, u64)>,
        /// What is left of it.
        pub rest: Vec<u8>,
        /// Symbolic links followed so far.
        pub links: u32,
    }
}

wire_enum! {
    /// The answer to an [`Ask`](super::ask::Ask).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Answer {
        /// It is done; the number that the call returns.
        1 Done {
            /// The number.
            value: u64,
        },
        /// Attributes.
        2 Stat {
            /// The attributes.
            stat: Stat,
        },
        /// Bytes for the program.
        3 Bytes {
            /// The bytes.
            bytes: Vec<u8>,
        },
        /// A file was opened.
        4 Opened {
            /// Its number, which the asker has to let go some time.
            number: u64,
            /// What it is.
            description: Description,
        },
        /// Events of each file asked for.
        5 Ready {
            /// In the order of the question.
            events: Vec<u16>,
        },
        /// What a mapping shows.
        6 Object {
            /// The object's number, which the asker has been given once and has to let go some time.
            number: u64,
            /// Whether the file is sealed against writing.
            sealed: bool,
        },
        /// A link in `/proc` leads to something whose name another home knows: ask there.
        7 Behind {
            /// The torus.
            home: u32,
            /// The number of the file there.
            number: u64,
        },
        /// It failed.
        10 Failed {
            /// The error number.
            errno: i32,
        },
        /// A path leads out of what is at home here.
        11 Elsewhere {
            /// Whether it is the second path of the request.
            second: bool,
            /// Where it goes on.
            onward: Onward,
        },
        /// The wait was cancelled, and nothing was done.
        12 Cancelled,
        /// The terminal is not the asker's group's to use now: it gets this signal.
        13 Background {
            /// The number of the signal.
            signal: i32,
        },
    }
}

impl Answer {
    /// A copy.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn try_clone(&self) -> Result<Self, NoMemory> {
        Ok(match self {
            Self::Bytes { bytes } => Self::Bytes {
                bytes: to_vec(bytes)?,
            },
            Self::Ready { events } => Self::Ready {
                events: to_vec(events)?,
            },
            Self::Elsewhere { second, onward } => Self::Elsewhere {
                second: *second,
                onward: Onward {
                    rest: to_vec(&onward.rest)?,
                    ..*onward
                },
            },
            // The others have no memory of their own.
            other => other.clone(),
        })
    }
}

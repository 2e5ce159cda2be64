//! What tori say to each other: typed messages, each in one cache line.
//!
//! Word 0 of a line is the kind, the words behind it are the fields in order; unused words are zero. The
//! table in this file is the whole format. A line that is not a message is a typed error, never a panic.
//!
//! The *host* of a process is the torus where it lives; a *home* of it is a torus that holds a deposit for it:
//! pages that stayed behind there. [`crate::migrate`] shows the messages in their flow.

use vm::addr::{Frame, Page};

use crate::{DepositId, TorusId, pid::Pid, ring::Line, span::Span};

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

/// A value that travels in words of a line.
trait Field: Sized {
    /// How many words it takes.
    const WORDS: usize;
    fn put(self, words: &mut [u64]);
    /// The value, or the word that is wrong.
    fn get(words: &[u64]) -> Result<Self, u64>;
}

/// A type that travels in one word: the word of a value, and the value of a word if it is one.
macro_rules! field {
    ($type:ty, $value:ident => $put:expr, $word:ident => $get:expr) => {
        impl Field for $type {
            const WORDS: usize = 1;

            fn put(self, words: &mut [u64]) {
                let $value = self;
                words[0] = $put;
            }

            fn get(words: &[u64]) -> Result<Self, u64> {
                let $word = words[0];
                let value: Option<Self> = $get;
                value.ok_or($word)
            }
        }
    };
}

field!(u64, value => value, word => Some(word));
field!(u32, value => value.into(), word => word.try_into().ok());
field!(i32, value => value as u64, word => (word as i64).try_into().ok());
field!(Frame, frame => frame.0, word => Some(Self(word)));
field!(Page, page => page.0, word => Some(Self(word)));
field!(TorusId, id => id.index() as u64, word => usize::try_from(word).ok().and_then(Self::new));
field!(Pid, pid => pid.raw() as u64, word => i32::try_from(word).ok().and_then(Self::from_raw));
field!(DepositId, id => id.to_word(), word => Self::from_word(word));
field!(Refusal, refusal => refusal.to_word(), word => Self::from_word(word));

impl Field for Span {
    const WORDS: usize = 2;

    fn put(self, words: &mut [u64]) {
        words[..2].copy_from_slice(&[self.first.0, self.mask]);
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok(Self {
            first: Page(words[0]),
            mask: words[1],
        })
    }
}

/// Makes the type, its encoding and its decoding from one table of kinds and fields.
macro_rules! messages {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        /// One message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Message {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type),+ },)+
        }

        impl Message {
            /// Its kind, by which the receiving kernel knows whom it concerns.
            pub const fn kind(&self) -> u64 {
                match self {
                    $(Self::$name { .. } => $kind,)+
                }
            }

            /// The line that carries the message.
            pub fn encode(self) -> Line {
                let mut words = [0; 8];
                match self {
                    $(Self::$name { $($field),+ } => {
                        const { assert!(0 $(+ <$type as Field>::WORDS)+ < 8, "a message is one line") };
                        words[0] = self.kind();
                        let rest = &mut words[1..];
                        $(
                            let (own, rest) = rest.split_at_mut(<$type as Field>::WORDS);
                            $field.put(own);
                        )+
                        let _ = rest;
                    })+
                }
                Line(words)
            }

            /// The message that `line` carries.
            ///
            /// # Errors
            /// [`MessageError`] if it carries none.
            pub fn decode(line: &Line) -> Result<Self, MessageError> {
                let kind = line.0[0];
                let rest = &line.0[1..];
                match kind {
                    $($kind => {
                        $(
                            let (own, rest) = rest.split_at(<$type as Field>::WORDS);
                            let $field = <$type as Field>::get(own)
                                .map_err(|value| MessageError::Field { kind, value })?;
                        )+
                        let _ = rest;
                        Ok(Self::$name { $($field),+ })
                    })+
                    _ => Err(MessageError::Kind(kind)),
                }
            }
        }
    };
}

messages! {
    /// Source to target: take this process.
    1 Offer {
        /// The process.
        pid: Pid,
        /// The frame of the source where its image begins, which the source keeps until it is answered.
        image: Frame,
    }
    /// Target to source: the process runs here.
    2 Adopted {
        /// The process.
        pid: Pid,
    }
    /// Target to source: the process stays with you.
    3 Refused {
        /// The process.
        pid: Pid,
        /// Why.
        reason: Refusal,
    }
    /// Source to target: all that was held for the process has been sent on; it may move again.
    4 Departed {
        /// The process.
        pid: Pid,
    }
    /// Host to home: let me copy these pages.
    5 Pull {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Home to host: these pages are in the frames that your entries name, and stay there until you free them.
    6 Grant {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Home to host: this page is in another frame than your entry names, and stays there until you free it.
    7 GrantAt {
        /// Whose page.
        deposit: DepositId,
        /// Which page.
        page: Page,
        /// The frame of the home torus where it is now.
        frame: Frame,
    }
    /// Home to host: the page could not be read back.
    8 Lost {
        /// Whose page.
        deposit: DepositId,
        /// Which page.
        page: Page,
    }
    /// Host to home: I need these pages no longer.
    9 Free {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Host to home: make a deposit for a child, with all that is in its parent's now.
    10 Fork {
        /// The deposit of the parent.
        parent: DepositId,
        /// The name of the new one.
        child: DepositId,
    }
    /// Home to host: it is made.
    11 Forked {
        /// The deposit of the parent.
        parent: DepositId,
        /// The new one.
        child: DepositId,
    }
    /// Home to host: there is no memory to make it.
    12 ForkFailed {
        /// The deposit of the parent.
        parent: DepositId,
        /// The name that is void.
        child: DepositId,
    }
    /// Host to home: I need nothing of this any longer.
    13 Release {
        /// The deposit to close.
        deposit: DepositId,
    }
    /// Home to host: nothing of this is left here.
    14 Released {
        /// The deposit that was closed.
        deposit: DepositId,
    }
    /// To the birth torus: the process is here now.
    15 Moved {
        /// The process.
        pid: Pid,
        /// How often it has moved.
        moves: u32,
        /// Where it is.
        at: TorusId,
    }
    /// To a process, by way of its birth torus: a signal.
    16 Signal {
        /// The process that is meant.
        to: Pid,
        /// The process that sends it.
        from: Pid,
        /// The number of the signal; 0 asks only whether the process exists.
        signal: u32,
        /// What the answer is to carry.
        token: u64,
    }
    /// To a process, by way of its birth torus: what became of its request.
    17 Answer {
        /// The process that asked.
        to: Pid,
        /// What the request carried.
        token: u64,
        /// 0 or a negative error number.
        result: i32,
    }
    /// To a parent, by way of its birth torus: its child has ended.
    18 Exited {
        /// The parent.
        to: Pid,
        /// The child.
        child: Pid,
        /// Its Linux wait status.
        status: u32,
        /// Its time in user mode, in nanoseconds.
        user_time: u64,
        /// Its time in the kernel, in nanoseconds.
        system_time: u64,
    }
    /// To the birth torus: the status of the process was collected.
    19 Reaped {
        /// The process that is no more.
        pid: Pid,
        /// How often it had moved: so much news the birth torus has heard or will.
        moves: u32,
    }
    /// To every torus: how busy the sender is.
    20 Load {
        /// Processes that run or could run.
        runnable: u32,
        /// Cores.
        cores: u32,
        /// Frames free.
        frames: u64,
    }
    /// To a busy torus: give me a process, I have idle cores.
    21 Want {
        /// Processes of the sender that run or could run.
        runnable: u32,
        /// Its cores.
        cores: u32,
        /// Its free frames.
        frames: u64,
    }
    /// A line to measure and check the rings with.
    22 Probe {
        /// Counts up.
        number: u64,
        /// What the receiver is to find.
        check: u64,
    }
}

#[cfg(test)]
mod tests;

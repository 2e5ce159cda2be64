//! How values travel in words of a line, and the macro that makes the messages of their table.

use vm::addr::{Frame, Page};

use super::Refusal;
use crate::lease::Why;
use crate::{
    DepositId, TorusId,
    balance::Load,
    family::{Carried, Ended, Sent},
    pid::Pid,
    span::Span,
};

/// A value that travels in words of a line.
pub(super) trait Field: Sized {
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
field!(bool, value => value.into(), word => [false, true].into_iter().find(|value| u64::from(*value) == word));
field!(Option<Pid>, pid => pid.map_or(0, |pid| pid.raw() as u64), word => match word {
    0 => Some(None),
    word => i32::try_from(word).ok().and_then(Pid::from_raw).map(Some),
});
field!(Frame, frame => frame.0, word => Some(Self(word)));
field!(Page, page => page.0, word => Some(Self(word)));
field!(TorusId, id => id.index() as u64, word => usize::try_from(word).ok().and_then(Self::new));
field!(Pid, pid => pid.raw() as u64, word => i32::try_from(word).ok().and_then(Self::from_raw));
field!(DepositId, id => id.to_word(), word => Self::from_word(word));
field!(Why, why => why.to_word(), word => Self::from_word(word));
field!(Refusal, refusal => refusal.to_word(), word => Self::from_word(word));

/// A type that travels as its fields do, one after the other.
macro_rules! fields {
    ($type:ident { $($field:ident: $of:ty),+ $(,)? }) => {
        impl Field for $type {
            const WORDS: usize = 0 $(+ <$of as Field>::WORDS)+;

            fn put(self, words: &mut [u64]) {
                $(
                    let (own, words) = words.split_at_mut(<$of as Field>::WORDS);
                    self.$field.put(own);
                )+
                let _ = words;
            }

            fn get(words: &[u64]) -> Result<Self, u64> {
                $(
                    let (own, words) = words.split_at(<$of as Field>::WORDS);
                    let $field = <$of as Field>::get(own)?;
                )+
                let _ = words;
                Ok(Self { $($field),+ })
            }
        }
    };
}

fields!(Ended {
    status: u32,
    user_time: u64,
    system_time: u64,
    uid: u32
});
fields!(Load {
    runnable: u32,
    cores: u32,
    frames: u64
});

impl Field for Sent {
    const WORDS: usize = 3;

    fn put(self, words: &mut [u64]) {
        let code = u64::from(self.code.cast_unsigned());
        words[0] = u64::from(self.signal) | code << 32;
        words[1] = half(self.from) | half(self.session) << 32;
        words[2] = u64::from(self.uid) | u64::from(self.euid) << 32;
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok(Self {
            signal: words[0] as u32,
            code: ((words[0] >> 32) as u32).cast_signed(),
            from: <Option<Pid>>::get(&[words[1] & u64::from(u32::MAX)])?,
            uid: words[2] as u32,
            euid: (words[2] >> 32) as u32,
            session: <Option<Pid>>::get(&[words[1] >> 32])?,
        })
    }
}

impl Field for Carried {
    const WORDS: usize = 2;

    fn put(self, words: &mut [u64]) {
        (words[0], words[1]) = (self.sender, self.value);
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok(Self {
            sender: words[0],
            value: words[1],
        })
    }
}

/// A process or none in half a word.
fn half(pid: Option<Pid>) -> u64 {
    pid.map_or(0, |pid| pid.raw() as u64)
}

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

/// An end, if there was one: the status has a bit more for it.
impl Field for Option<Ended> {
    const WORDS: usize = 4;

    fn put(self, words: &mut [u64]) {
        let there = u64::from(self.is_some()) << 32;
        self.unwrap_or_default().put(words);
        words[0] |= there;
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        let status = words[0] & u64::from(u32::MAX);
        let there = bool::get(&[words[0] >> 32])?;
        let ended = Ended::get(&[status, words[1], words[2], words[3]])?;
        Ok(there.then_some(ended))
    }
}

/// Makes the type, its encoding and its decoding from one table of kinds and fields.
macro_rules! messages {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })+) => {
        /// One message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Message {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type),* },)+
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
                    $(Self::$name { $($field),* } => {
                        const { assert!(0 $(+ <$type as Field>::WORDS)* < 8, "a message is one line") };
                        words[0] = self.kind();
                        let rest = &mut words[1..];
                        $(
                            let (own, rest) = rest.split_at_mut(<$type as Field>::WORDS);
                            $field.put(own);
                        )*
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
                        )*
                        let _ = rest;
                        Ok(Self::$name { $($field),* })
                    })+
                    _ => Err(MessageError::Kind(kind)),
                }
            }
        }
    };
}

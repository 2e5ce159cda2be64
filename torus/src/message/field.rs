//! How values travel in words of a line, and the macro that makes the messages of their table.

use vm::addr::{Frame, Page};

use crate::{DepositId, TorusId, pid::Pid, span::Span};

/// A value that travels in words of a line.
pub(crate) trait Field: Sized {
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

impl Field for [u64; 2] {
    const WORDS: usize = 2;

    fn put(self, words: &mut [u64]) {
        words[..2].copy_from_slice(&self);
    }

    fn get(words: &[u64]) -> Result<Self, u64> {
        Ok([words[0], words[1]])
    }
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

/// Makes the messages of a protocol, their encoding and their decoding from one table of kinds and fields.
macro_rules! messages {
    (
        $(#[$about:meta])*
        protocol $protocol:literal;
        $($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })+
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Message {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type),* },)+
        }

        impl $crate::message::Protocol for Message {
            const PROTOCOL: u8 = $protocol;

            #[inline]
            fn encode(self) -> $crate::ring::Line {
                let mut words = [0; 8];
                match self {
                    $(Self::$name { $($field),* } => {
                        const { assert!(0 $(+ <$type as Field>::WORDS)* < 8, "a message is one line") };
                        words[0] = $crate::message::head(Self::PROTOCOL, $kind);
                        let rest = &mut words[1..];
                        $(
                            let (own, rest) = rest.split_at_mut(<$type as Field>::WORDS);
                            $field.put(own);
                        )*
                        let _ = rest;
                    })+
                }
                $crate::ring::Line(words)
            }

            fn decode(line: &$crate::ring::Line) -> Result<Self, $crate::message::MessageError> {
                let head = line.0[0];
                let rest = &line.0[1..];
                $(if head == $crate::message::head(Self::PROTOCOL, $kind) {
                    $(
                        let (own, rest) = rest.split_at(<$type as Field>::WORDS);
                        let $field = <$type as Field>::get(own)
                            .map_err(|value| $crate::message::MessageError::Field { head, value })?;
                    )*
                    let _ = rest;
                    return Ok(Self::$name { $($field),* });
                })+
                Err($crate::message::MessageError::Kind(head))
            }
        }
    };
}

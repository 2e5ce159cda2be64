//! Values as bytes: little-endian numbers, lengths before sequences, a tag before the fields of a variant.

use crate::stat::{Stat, Time};
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec, to_vec};
use thiserror::Error;

/// Why bytes are not a value, or a value did not become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes end within the value.
    #[error("the bytes end at {0}, within a value")]
    Short(usize),
    /// A tag or flag that the type does not have.
    #[error("{found} is none of the values that can stand at {at}")]
    Value {
        /// Offset of the byte.
        at: usize,
        /// The byte.
        found: u8,
    },
    /// Bytes follow the value.
    #[error("{0} bytes too many")]
    Rest(usize),
    /// No memory for the value or its bytes.
    #[error("out of memory")]
    NoMemory,
}

impl From<NoMemory> for WireError {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

/// Values of a list between two pauses.
const PIECE: usize = 64;

/// What is done between the pieces of a long list.
type Pause = fn();

/// Bytes to be sent.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    failed: bool,
    pause: Pause,
}

impl Default for Writer {
    fn default() -> Self {
        Self::pausing(|| {})
    }
}

impl Writer {
    /// None yet; `pause` is called between the pieces of what is long.
    pub const fn pausing(pause: Pause) -> Self {
        Self {
            bytes: Vec::new(),
            failed: false,
            pause,
        }
    }

    /// Writes into this memory, and asks for more only when that is not enough.
    #[must_use]
    pub fn in_memory(self, mut memory: Vec<u8>) -> Self {
        memory.clear();
        Self {
            bytes: memory,
            ..self
        }
    }

    /// Appends bytes; without memory for them [`Writer::finish`] fails.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.failed |= self.bytes.try_extend_from_slice(bytes).is_err();
    }

    /// What was written.
    ///
    /// # Errors
    /// [`WireError::NoMemory`].
    pub fn finish(self) -> Result<Vec<u8>, WireError> {
        if self.failed {
            Err(WireError::NoMemory)
        } else {
            Ok(self.bytes)
        }
    }
}

/// Bytes that were received.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    pause: Pause,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::pausing(bytes, || {})
    }

    /// The same; `pause` is called between the pieces of what is long.
    pub fn pausing(bytes: &'a [u8], pause: Pause) -> Self {
        let at = 0;
        Self { bytes, at, pause }
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(len);
        let part = end.and_then(|end| self.bytes.get(self.at..end));
        let part = part.ok_or(WireError::Short(self.bytes.len()))?;
        self.at += len;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let part = self.take(N)?;
        part.try_into()
            .map_err(|_| WireError::Short(self.bytes.len()))
    }

    /// A byte, and the error for the case that it has no meaning.
    pub(super) fn tag(&mut self) -> Result<(u8, WireError), WireError> {
        let at = self.at;
        let [found] = self.array()?;
        Ok((found, WireError::Value { at, found }))
    }

    /// Says that nothing may follow.
    ///
    /// # Errors
    /// [`WireError::Rest`].
    pub fn end(&self) -> Result<(), WireError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            rest => Err(WireError::Rest(rest)),
        }
    }
}

/// A value that travels as bytes.
pub trait Wire: Sized {
    /// Appends the value.
    fn put(&self, to: &mut Writer);

    /// Reads a value.
    ///
    /// # Errors
    /// [`WireError`].
    fn get(from: &mut Reader<'_>) -> Result<Self, WireError>;

    /// The bytes of the value.
    ///
    /// # Errors
    /// [`WireError::NoMemory`].
    fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let mut to = Writer::default();
        self.put(&mut to);
        to.finish()
    }

    /// Appends the values of a list.
    fn put_all(list: &[Self], to: &mut Writer) {
        for piece in list.chunks(PIECE) {
            piece.iter().for_each(|value| value.put(to));
            (to.pause)();
        }
    }

    /// Reads a list of so many values.
    ///
    /// # Errors
    /// [`WireError`].
    fn get_all(count: usize, from: &mut Reader<'_>) -> Result<Vec<Self>, WireError> {
        let mut values = Vec::new();
        for index in 1..=count {
            values.try_push(Self::get(from)?)?;
            if index % PIECE == 0 {
                (from.pause)();
            }
        }
        Ok(values)
    }

    /// The value whose bytes these are.
    ///
    /// # Errors
    /// [`WireError`].
    fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut from = Reader::new(bytes);
        let value = Self::get(&mut from)?;
        from.end()?;
        Ok(value)
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn put(&self, to: &mut Writer) {
                to.bytes(&self.to_le_bytes());
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self::from_le_bytes(from.array()?))
            }
        }
    )*};
}
numbers!(u16, u32, u64, i32, i64);

impl Wire for u8 {
    fn put(&self, to: &mut Writer) {
        to.bytes(&[*self]);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let [byte] = from.array()?;
        Ok(byte)
    }
    fn put_all(list: &[Self], to: &mut Writer) {
        to.bytes(list);
    }
    fn get_all(count: usize, from: &mut Reader<'_>) -> Result<Vec<Self>, WireError> {
        Ok(to_vec(from.take(count)?)?)
    }
}

impl Wire for bool {
    fn put(&self, to: &mut Writer) {
        u8::from(*self).put(to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match from.tag()? {
            (0, _) => Ok(false),
            (1, _) => Ok(true),
            (_, error) => Err(error),
        }
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, to: &mut Writer) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(if bool::get(from)? {
            Some(T::get(from)?)
        } else {
            None
        })
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, to: &mut Writer) {
        (self.len() as u32).put(to);
        T::put_all(self, to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = u32::get(from)?;
        T::get_all(count as usize, from)
    }
}

impl<T: Wire, U: Wire> Wire for (T, U) {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok((T::get(from)?, U::get(from)?))
    }
}

/// Makes a struct and its bytes: the fields in order.
macro_rules! wire_struct {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }
        $crate::remote::wire::wire_fields!($name { $($field),+ });
    };
}

/// The bytes of a struct: these fields in order.
macro_rules! wire_fields {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::remote::wire::Wire for $name {
            fn put(&self, to: &mut $crate::remote::wire::Writer) {
                $($crate::remote::wire::Wire::put(&self.$field, to);)+
            }
            fn get(
                from: &mut $crate::remote::wire::Reader<'_>,
            ) -> Result<Self, $crate::remote::wire::WireError> {
                Ok(Self { $($field: $crate::remote::wire::Wire::get(from)?),+ })
            }
        }
    };
}

/// Makes an enum and its bytes: the tag, then the fields in order.
macro_rules! wire_enum {
    ($(#[$doc:meta])* pub enum $name:ident {
        $($(#[$variant_doc:meta])* $tag:literal $variant:ident
            $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })?,)+
    }) => {
        $(#[$doc])*
        pub enum $name {
            $($(#[$variant_doc])* $variant $({ $($(#[$field_doc])* $field: $type),+ })?,)+
        }
        impl $crate::remote::wire::Wire for $name {
            fn put(&self, to: &mut $crate::remote::wire::Writer) {
                match self {
                    $(Self::$variant { $($($field),+)? } => {
                        to.bytes(&[$tag]);
                        $($($crate::remote::wire::Wire::put($field, to);)+)?
                    })+
                }
            }
            fn get(
                from: &mut $crate::remote::wire::Reader<'_>,
            ) -> Result<Self, $crate::remote::wire::WireError> {
                match from.tag()? {
                    $(($tag, _) => Ok(Self::$variant {
                        $($($field: $crate::remote::wire::Wire::get(from)?),+)?
                    }),)+
                    (_, error) => Err(error),
                }
            }
        }
    };
}
pub(crate) use {wire_enum, wire_fields, wire_struct};

wire_fields!(Time { seconds, nanos });
wire_fields!(Stat {
    device,
    inode,
    mode,
    links,
    uid,
    gid,
    special,
    size,
    stored,
    atime,
    mtime,
    ctime
});

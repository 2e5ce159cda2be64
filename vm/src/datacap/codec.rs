//! The serialized form of a data cap.
//!
//! ```text
//! "BCAP", version 1 (one byte)
//! pages (number)
//! entries (number), then for each page that is not zeros, ascending:
//!     pages skipped since the last entry (number)
//!     length (number): 1 to 4096: so many bytes follow, the last of them not zero; zeros fill the page
//!                      0: the page is not contained, its root of 32 bytes follows
//! root of the cap (32 bytes)
//! ```
//! A number is LEB128, little-endian groups of seven bits, without leading zero groups. So each cap has one encoding for each
//! choice of contained pages, and nothing else decodes.

use alloc::vec::Vec;

use thiserror::Error;

use super::make::{new_leaf, tree};
use super::{
    Arc, CapError, DataCap, Digest, Link, MAX_SIZE, OutOfPages, PAGE_SIZE, PageSupply, VmoStore,
};

const MAGIC: &[u8; 4] = b"BCAP";
const VERSION: u8 = 1;

/// Which pages an encoding contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All that are held.
    Pages,
    /// None: only their roots.
    Roots,
}

/// Why bytes are not a data cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes do not begin as they should.
    #[error("not a serialized data cap")]
    NotACap,
    /// A version that this code does not know.
    #[error("version {0} of the serialized form is not known")]
    Version(u8),
    /// The bytes end too early.
    #[error("the serialized data cap is cut off")]
    Truncated,
    /// Bytes follow after the end.
    #[error("{0} bytes follow after the serialized data cap")]
    TrailingBytes(usize),
    /// A number of more than 64 bits, or with leading zero groups.
    #[error("a number at byte {0} is not well-formed")]
    BadNumber(usize),
    /// More pages than [`MAX_SIZE`] holds.
    #[error("a data cap can't have {0} pages")]
    TooLarge(u64),
    /// An entry beyond the last page.
    #[error("an entry names a page beyond the {0} pages of the data cap")]
    OutOfRange(u64),
    /// An entry longer than a page, or with zeros at its end, or a root that says that the page is zeros.
    #[error("the entry of page {0} is not well-formed")]
    BadEntry(u64),
    /// More contained pages than the caller allows.
    #[error("more than {0} pages")]
    TooManyPages(usize),
    /// The pages do not have the root that the encoding claims.
    #[error("the root is {actual}, not {claimed}")]
    WrongRoot {
        /// Root in the encoding.
        claimed: Digest,
        /// Root of the pages.
        actual: Digest,
    },
    /// No memory is left for a page.
    #[error(transparent)]
    OutOfPages(#[from] OutOfPages),
}

impl<S: PageSupply> DataCap<S> {
    /// The serialized form.
    ///
    /// # Errors
    /// [`CapError::Dirty`].
    pub fn encode(&self, form: Form) -> Result<Vec<u8>, CapError> {
        let root = self.root()?;
        let (mut entries, mut count, mut next) = (Vec::new(), 0, 0);
        self.backing
            .root
            .for_each_leaf(self.backing.level(), 0, &mut |index, leaf| {
                let digest = leaf.digest(0, self.store.hasher());
                if digest == Digest::ZERO {
                    return;
                }
                put_number(&mut entries, index - next);
                let mut bytes = [0; PAGE_SIZE as usize];
                if form == Form::Pages && leaf.read(0, 0, &mut bytes).is_ok() {
                    let len = bytes
                        .iter()
                        .rposition(|byte| *byte != 0)
                        .map_or(0, |last| last + 1);
                    put_number(&mut entries, len as u64);
                    entries.extend_from_slice(&bytes[..len]);
                } else {
                    put_number(&mut entries, 0);
                    entries.extend_from_slice(&digest.0);
                }
                (count, next) = (count + 1, index + 1);
            });
        let mut encoded = MAGIC.to_vec();
        encoded.push(VERSION);
        put_number(&mut encoded, self.page_count());
        put_number(&mut encoded, count);
        encoded.append(&mut entries);
        encoded.extend_from_slice(&root.0);
        Ok(encoded)
    }

    /// The cap that was encoded as `encoded`. Its pages are hashed, so that the root is known to be theirs. At most `max_pages`
    /// are taken from the supply: a page may be a single byte in the serialized form.
    ///
    /// # Errors
    /// [`DecodeError`]; whatever the bytes are, nothing worse happens.
    pub fn decode(
        store: &VmoStore<S>,
        encoded: &[u8],
        max_pages: usize,
    ) -> Result<Self, DecodeError> {
        let mut input = Input {
            bytes: encoded,
            at: 0,
        };
        if input.take(MAGIC.len()) != Ok(MAGIC) {
            return Err(DecodeError::NotACap);
        }
        match input.take(1)? {
            [VERSION] => {}
            other => return Err(DecodeError::Version(other[0])),
        }
        let page_count = input.number()?;
        if page_count > MAX_SIZE / PAGE_SIZE {
            return Err(DecodeError::TooLarge(page_count));
        }
        let (mut leaves, mut next, mut pages) = (Vec::new(), 0u64, 0);
        for _ in 0..input.number()? {
            let index = next
                .checked_add(input.number()?)
                .filter(|index| *index < page_count);
            let index = index.ok_or(DecodeError::OutOfRange(page_count))?;
            let leaf = decode_leaf(store, &mut input, index)?;
            pages += usize::from(matches!(leaf, Link::Page(_)));
            if pages > max_pages {
                return Err(DecodeError::TooManyPages(max_pages));
            }
            leaves.push((index, leaf));
            next = index + 1;
        }
        let claimed = input.digest()?;
        if input.at != encoded.len() {
            return Err(DecodeError::TrailingBytes(encoded.len() - input.at));
        }
        let cap = Self::over(store, tree(leaves, page_count), page_count);
        match cap.root() {
            Ok(actual) if actual != claimed => Err(DecodeError::WrongRoot { claimed, actual }),
            _ => Ok(cap),
        }
    }
}

fn decode_leaf<S: PageSupply>(
    store: &VmoStore<S>,
    input: &mut Input<'_>,
    index: u64,
) -> Result<Link<S::Page>, DecodeError> {
    let bad = DecodeError::BadEntry(index);
    match input.number()? {
        0 => {
            let root = input.digest()?;
            let is_zero = store.hasher().is_zero_root(&root);
            if is_zero {
                Err(bad)
            } else {
                Ok(Link::Missing(Arc::new(root)))
            }
        }
        len @ 1..=PAGE_SIZE => {
            let bytes = input.take(len as usize)?;
            if bytes.last() == Some(&0) {
                return Err(bad);
            }
            new_leaf(store, bytes).map_err(|_| DecodeError::OutOfPages(OutOfPages))
        }
        _ => Err(bad),
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// What is left to decode.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..len).ok_or(DecodeError::Truncated)?;
        self.at += len;
        Ok(taken)
    }

    fn digest(&mut self) -> Result<Digest, DecodeError> {
        let bytes = self
            .take(32)?
            .try_into()
            .map_err(|_| DecodeError::Truncated)?;
        Ok(Digest(bytes))
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let (start, mut number) = (self.at, 0u64);
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let group = u64::from(byte & 0x7f);
            if group << shift >> shift != group || (byte == 0 && shift > 0) {
                break;
            }
            number |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::BadNumber(start))
    }
}

//! The rope: which subtrees and parts of pages make up an object, in order.
//!
//! A slice is a split, a joining is a join, a delta is a split around fresh pages: the graph of extents is flattened into a
//! height-balanced tree as it is built, and no chain of operations makes it deep. A piece is a whole subtree, or a part of one
//! page: so a slice keeps alive what it shows, and never the rest of what it was cut from.

use alloc::sync::Arc;

use super::page::{PAGE_SIZE, PageMemory};
use super::tree::{Link, MissingPage, capacity};

/// A run of bytes in one subtree.
///
/// Level 0: any range of the page. Above: the range begins with the subtree, and all bytes of the subtree after it are zero.
/// Zeros have level 0 and any length.
#[derive(Debug)]
pub(crate) struct Piece<M: PageMemory> {
    pub(crate) link: Link<M>,
    pub(crate) level: u8,
    pub(crate) start: u64,
    pub(crate) len: u64,
}

/// A balanced sequence of pieces (height-balanced; the heights of siblings differ by one at most).
#[derive(Debug)]
pub(crate) enum Rope<M: PageMemory> {
    Empty,
    Piece(Piece<M>),
    Join(Arc<Join<M>>),
}

/// Two ropes, one after the other, neither of them empty.
#[derive(Debug)]
pub(crate) struct Join<M: PageMemory> {
    left: Rope<M>,
    right: Rope<M>,
    len: u64,
    height: u8,
}

impl<M: PageMemory> Drop for Join<M> {
    fn drop(&mut self) {
        M::pause();
    }
}

impl<M: PageMemory> Clone for Piece<M> {
    fn clone(&self) -> Self {
        Self {
            link: self.link.clone(),
            level: self.level,
            start: self.start,
            len: self.len,
        }
    }
}

impl<M: PageMemory> Clone for Rope<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Piece(piece) => Self::Piece(piece.clone()),
            Self::Join(join) => Self::Join(Arc::clone(join)),
        }
    }
}

impl<M: PageMemory> Piece<M> {
    /// The first `len` bytes of a subtree whose other bytes are zero.
    pub(crate) fn subtree(link: Link<M>, level: u8, len: u64) -> Self {
        let level = if matches!(link, Link::Zero) { 0 } else { level };
        Self {
            link,
            level,
            start: 0,
            len,
        }
    }

    /// Pieces before and after `at`, which lies inside.
    fn split(&self, at: u64) -> (Rope<M>, Rope<M>) {
        let Link::Branch(branch) = &self.link else {
            let start = if matches!(self.link, Link::Zero) {
                0
            } else {
                self.start
            };
            let second = if matches!(self.link, Link::Zero) {
                0
            } else {
                start + at
            };
            let part = |start, len| {
                Rope::Piece(Self {
                    link: self.link.clone(),
                    level: 0,
                    start,
                    len,
                })
            };
            return (part(start, at), part(second, self.len - at));
        };
        let half = capacity(self.level - 1);
        let (left, right) = branch.halves();
        let left = Self::subtree(left.clone(), self.level - 1, self.len.min(half));
        if self.len <= half {
            return left.split(at);
        }
        let right = Self::subtree(right.clone(), self.level - 1, self.len - half);
        if at < half {
            let (before, after) = left.split(at);
            (before, Rope::join(after, Rope::Piece(right)))
        } else if at > half {
            let (before, after) = right.split(at - half);
            (Rope::join(Rope::Piece(left), before), after)
        } else {
            (Rope::Piece(left), Rope::Piece(right))
        }
    }

    /// Copies bytes from `offset` on of this piece.
    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), MissingPage> {
        self.link.read(self.level, self.start + offset, out)
    }

    /// One piece in place of this one and `next`, if their bytes lie side by side already.
    fn adjoin(&self, next: &Self) -> Option<Self> {
        let both_zero = matches!((&self.link, &next.link), (Link::Zero, Link::Zero));
        let one_page = self.level == 0
            && next.level == 0
            && self.start + self.len == next.start
            && self.link.is_same(&next.link);
        (both_zero || one_page).then(|| Self {
            len: self.len + next.len,
            ..self.clone()
        })
    }
}

impl<M: PageMemory> Rope<M> {
    /// A rope of one piece, or of none if it has no bytes.
    pub(crate) fn of(piece: Piece<M>) -> Self {
        if piece.len == 0 {
            Self::Empty
        } else {
            Self::Piece(piece)
        }
    }

    /// Bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Piece(piece) => piece.len,
            Self::Join(join) => join.len,
        }
    }

    fn height(&self) -> u8 {
        match self {
            Self::Empty | Self::Piece(_) => 0,
            Self::Join(join) => join.height,
        }
    }

    fn node(left: Self, right: Self) -> Self {
        let len = left.len() + right.len();
        let height = left.height().max(right.height()) + 1;
        Self::Join(Arc::new(Join {
            left,
            right,
            len,
            height,
        }))
    }

    /// `left` followed by `right`, balanced.
    pub(crate) fn join(left: Self, right: Self) -> Self {
        match (&left, &right) {
            (Self::Empty, _) => right,
            (_, Self::Empty) => left,
            (Self::Join(join), _) if join.height > right.height() + 1 => {
                Self::balance(join.left.clone(), Self::join(join.right.clone(), right))
            }
            (_, Self::Join(join)) if join.height > left.height() + 1 => {
                Self::balance(Self::join(left, join.left.clone()), join.right.clone())
            }
            _ => Self::node(left, right),
        }
    }

    /// A node of two ropes whose heights differ by two at most.
    fn balance(left: Self, right: Self) -> Self {
        match (&left, &right) {
            (_, Self::Join(join)) if join.height > left.height() + 1 => match &join.left {
                Self::Join(inner) if inner.height > join.right.height() => Self::node(
                    Self::node(left, inner.left.clone()),
                    Self::node(inner.right.clone(), join.right.clone()),
                ),
                _ => Self::node(Self::node(left, join.left.clone()), join.right.clone()),
            },
            (Self::Join(join), _) if join.height > right.height() + 1 => match &join.right {
                Self::Join(inner) if inner.height > join.left.height() => Self::node(
                    Self::node(join.left.clone(), inner.left.clone()),
                    Self::node(inner.right.clone(), right),
                ),
                _ => Self::node(join.left.clone(), Self::node(join.right.clone(), right)),
            },
            _ => Self::node(left, right),
        }
    }

    /// What lies before and after `at`.
    pub(crate) fn split(&self, at: u64) -> (Self, Self) {
        if at == 0 {
            return (Self::Empty, self.clone());
        }
        if at >= self.len() {
            return (self.clone(), Self::Empty);
        }
        match self {
            Self::Empty => (Self::Empty, Self::Empty),
            Self::Piece(piece) => piece.split(at),
            Self::Join(join) if at <= join.left.len() => {
                let (before, after) = join.left.split(at);
                (before, Self::join(after, join.right.clone()))
            }
            Self::Join(join) => {
                let (before, after) = join.right.split(at - join.left.len());
                (Self::join(join.left.clone(), before), after)
            }
        }
    }

    /// The bytes from `start` to `end`.
    pub(crate) fn slice(&self, start: u64, end: u64) -> Self {
        self.split(end).0.split(start).1
    }

    /// `left` followed by `right`, with the pieces at the seam made one where their bytes adjoin or `merge` makes one of them.
    pub(crate) fn concat(
        left: Self,
        right: Self,
        merge: impl FnOnce(&Piece<M>, &Piece<M>) -> Option<Piece<M>>,
    ) -> Self {
        let (Some(last), Some(first)) = (left.last(), right.first()) else {
            return Self::join(left, right);
        };
        let Some(merged) = last.adjoin(first).or_else(|| merge(last, first)) else {
            return Self::join(left, right);
        };
        let before = left.split(left.len() - last.len).0;
        let after = right.split(first.len).1;
        Self::join(Self::join(before, Self::Piece(merged)), after)
    }

    fn first(&self) -> Option<&Piece<M>> {
        match self {
            Self::Empty => None,
            Self::Piece(piece) => Some(piece),
            Self::Join(join) => join.left.first(),
        }
    }

    fn last(&self) -> Option<&Piece<M>> {
        match self {
            Self::Empty => None,
            Self::Piece(piece) => Some(piece),
            Self::Join(join) => join.right.last(),
        }
    }

    /// The piece that holds byte `at`, and the offset at which it begins.
    pub(crate) fn piece_at(&self, at: u64) -> Option<(u64, &Piece<M>)> {
        let (mut rope, mut begin) = (self, 0);
        loop {
            match rope {
                Self::Empty => return None,
                Self::Piece(piece) => return (at - begin < piece.len).then_some((begin, piece)),
                Self::Join(join) if at - begin < join.left.len() => rope = &join.left,
                Self::Join(join) => {
                    begin += join.left.len();
                    rope = &join.right;
                }
            }
        }
    }

    /// Calls `visit` with each piece of the range, the first wanted byte in it and how many are wanted.
    pub(crate) fn visit<E>(
        &self,
        start: u64,
        len: u64,
        visit: &mut impl FnMut(&Piece<M>, u64, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            _ if len == 0 => Ok(()),
            Self::Empty => Ok(()),
            Self::Piece(piece) => visit(piece, start, len),
            Self::Join(join) => {
                let left = join.left.len();
                let in_left = left.saturating_sub(start).min(len);
                join.left.visit(start, in_left, visit)?;
                join.right
                    .visit(start.max(left) - left, len - in_left, visit)
            }
        }
    }

    /// Pages and parts of pages that are not zeros, counted up to `most`.
    pub(crate) fn stored(&self, most: u64) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Piece(piece) => piece.link.stored(most),
            Self::Join(_) if most == 0 => 0,
            Self::Join(join) => {
                M::pause();
                let left = join.left.stored(most);
                left + join.right.stored(most - left.min(most))
            }
        }
    }

    /// Copies bytes from `offset` on; all of them lie in the rope.
    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), MissingPage> {
        let mut rest = &mut *out;
        self.visit(offset, rest.len() as u64, &mut |piece, start, len| {
            let (now, later) = core::mem::take(&mut rest).split_at_mut(len as usize);
            rest = later;
            piece.read(start, now)
        })
    }
}

/// Whether a piece is a part of a page of which the bytes are held.
pub(crate) fn is_fragment<M: PageMemory>(piece: &Piece<M>) -> bool {
    piece.level == 0
        && piece.len < PAGE_SIZE
        && matches!(piece.link, Link::Page(_) | Link::Spliced(_) | Link::Zero)
}

#[cfg(test)]
impl<M: PageMemory> Rope<M> {
    /// Checks balance and lengths, and returns the number of pieces.
    pub(crate) fn check(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Piece(piece) => {
                assert!(piece.len > 0);
                assert!(
                    matches!(piece.link, Link::Zero)
                        || piece.start + piece.len <= capacity(piece.level)
                );
                1
            }
            Self::Join(join) => {
                assert!(
                    join.left.height().abs_diff(join.right.height()) <= 1,
                    "out of balance"
                );
                assert_eq!(join.height, join.left.height().max(join.right.height()) + 1);
                assert_eq!(join.len, join.left.len() + join.right.len());
                assert!(join.left.len() > 0 && join.right.len() > 0);
                join.left.check() + join.right.check()
            }
        }
    }
}

#[cfg(test)]
mod tests;

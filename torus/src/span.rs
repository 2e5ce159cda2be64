//! Up to 64 neighbouring pages in two words.

use core::fmt;

use vm::addr::Page;

/// A set of pages within 64 neighbours: pages `first + i` for each bit `i`
/// of `mask`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The page of bit 0, which need not be in the set.
    pub first: Page,
    /// One bit for each page.
    pub mask: u64,
}

impl Span {
    /// The most pages of a span.
    pub const PAGES: u64 = 64;

    /// The span of one page.
    pub const fn one(page: Page) -> Self {
        Self {
            first: page,
            mask: 1,
        }
    }

    /// Its number of pages.
    pub const fn len(self) -> u64 {
        self.mask.count_ones() as u64
    }

    /// Whether it has no page.
    pub const fn is_empty(self) -> bool {
        self.mask == 0
    }

    /// Whether `page` is in the set.
    pub fn contains(self, page: Page) -> bool {
        self.mask & self.bit(page) != 0
    }

    /// The mask of `page` alone; 0 if it is not one of the 64 pages from `first` on.
    pub const fn bit(self, page: Page) -> u64 {
        match page.0.checked_sub(self.first.0) {
            Some(bit) if bit < Self::PAGES => 1 << bit,
            _ => 0,
        }
    }

    /// Those of its pages that are in `other` too.
    pub fn and(self, other: Self) -> Self {
        Self {
            mask: self.mask & self.aligned(other),
            ..self
        }
    }

    /// Those of its pages that are not in `other`.
    pub fn without(self, other: Self) -> Self {
        Self {
            mask: self.mask & !self.aligned(other),
            ..self
        }
    }

    /// Its pages in ascending order.
    pub fn pages(self) -> impl Iterator<Item = Page> {
        let bits = (0..Self::PAGES).filter(move |bit| self.mask >> bit & 1 == 1);
        bits.map(move |bit| Page(self.first.0.wrapping_add(bit)))
    }

    /// The mask of `other`'s pages counted from this span's first page, cut to 64 pages.
    fn aligned(self, other: Self) -> u64 {
        if other.first >= self.first {
            let up = other.first - self.first;
            if up < Self::PAGES {
                other.mask << up
            } else {
                0
            }
        } else {
            let down = self.first - other.first;
            if down < Self::PAGES {
                other.mask >> down
            } else {
                0
            }
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}+{:#x}", self.first, self.mask)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::{collections::BTreeSet, vec::Vec};

    use super::*;

    fn spans() -> impl Strategy<Value = Span> {
        (0_u64..200, any::<u64>()).prop_map(|(first, mask)| Span {
            first: Page(first),
            mask,
        })
    }

    fn set(span: Span) -> BTreeSet<Page> {
        span.pages().collect()
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_pages(a in spans(), b in spans(), page in (0_u64..300).prop_map(Page)) {
            prop_assert_eq!(set(a).len() as u64, a.len());
            prop_assert_eq!(set(a).is_empty(), a.is_empty());
            prop_assert_eq!(set(a).contains(&page), a.contains(page));
            prop_assert_eq!(set(a.and(b)), &set(a) & &set(b));
            prop_assert_eq!(set(a.without(b)), &set(a) - &set(b));
            prop_assert!(Span::one(page).pages().eq([page]));
            let sorted: Vec<Page> = set(a).into_iter().collect();
            prop_assert!(a.pages().eq(sorted));
        }
    }
}

//! What has become of pages that were to be copied.

use super::Event;
use crate::DepositId;
use crate::span::Span;
use vm::addr::Page;

/// The pages of an [`Effect::Copy`](super::Effect::Copy), while they are copied one by one. A page that has not come by the end stays
/// remote, and its home keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    deposit: DepositId,
    span: Span,
    came: Span,
}

impl Copies {
    /// Of these pages of a deposit, none of which has come yet.
    pub const fn new(deposit: DepositId, span: Span) -> Self {
        Self {
            deposit,
            span,
            came: Span { mask: 0, ..span },
        }
    }

    /// A page has come, or is not wanted any more.
    pub const fn came(&mut self, page: Page) {
        self.came.mask |= self.span.bit(page);
    }

    /// How many pages have come.
    pub const fn len(&self) -> u64 {
        self.came.len()
    }

    /// Whether no page has come.
    pub const fn is_empty(&self) -> bool {
        self.came.is_empty()
    }

    /// What the machine is to be told, in this order.
    pub fn events(self) -> impl Iterator<Item = Event> {
        let Self {
            deposit,
            span,
            came,
        } = self;
        let left = span.without(came);
        let copied = Event::Copied {
            deposit,
            span: came,
        };
        let uncopied = Event::Uncopied {
            deposit,
            span: left,
        };
        [(came, copied), (left, uncopied)]
            .into_iter()
            .filter(|(span, _)| !span.is_empty())
            .map(|(_, event)| event)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn deposit() -> DepositId {
        DepositId::from_word(3).expect("of torus 0")
    }

    proptest! {
        #[test]
        fn each_page_is_told_of_once_as_what_became_of_it(first in 0_u64..200, mask: u64, luck: u64) {
            let span = Span { first: Page(first), mask };
            let mut copies = Copies::new(deposit(), span);
            let lucky = Span { mask: mask & luck, ..span };
            lucky.pages().for_each(|page| copies.came(page));
            prop_assert_eq!(copies.len(), lucky.len());
            prop_assert_eq!(copies.is_empty(), lucky.is_empty());
            let (mut came, mut left) = (Vec::new(), Vec::new());
            for event in copies.events() {
                match event {
                    Event::Copied { deposit: of, span } if of == deposit() && left.is_empty() && !span.is_empty() => {
                        came.extend(span.pages());
                    }
                    Event::Uncopied { deposit: of, span } if of == deposit() && !span.is_empty() => left.extend(span.pages()),
                    event => prop_assert!(false, "{:?}", event),
                }
            }
            prop_assert_eq!(came, lucky.pages().collect::<Vec<_>>());
            prop_assert_eq!(left, span.without(lucky).pages().collect::<Vec<_>>());
        }
    }

    #[test]
    fn pages_that_were_not_to_be_copied_are_nobodys() {
        let span = Span {
            first: Page(10),
            mask: 0b101,
        };
        let mut copies = Copies::new(deposit(), span);
        copies.came(Page(9));
        copies.came(Page(74));
        assert!(copies.is_empty());
        copies.came(Page(12));
        let events: Vec<_> = copies.events().collect();
        assert_eq!(events.len(), 2);
        assert!(matches!(events[0], Event::Copied { span, .. } if span.pages().eq([Page(12)])));
        assert!(matches!(events[1], Event::Uncopied { span, .. } if span.pages().eq([Page(10)])));
    }
}

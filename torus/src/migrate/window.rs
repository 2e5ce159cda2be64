//! How many pages to pull at once.

use vm::addr::{Page, PageRange};

use crate::span::Span;

/// The fault-around window of a process: it doubles with each fault where the last pull ended (upward or downward),
/// and halves with every other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The pages that the last fault asked for.
    last: PageRange,
    /// How many it asked for.
    size: u64,
    /// How many were asked for since that nobody waited for.
    idle: u64,
}

impl Window {
    /// The most pages of one pull. With 512, a walk through 1,000 pages pulls less than a dozen times.
    pub const MAX: u64 = 512;
    const START: u64 = 8;

    /// For a process of which no pattern is known.
    pub const fn new() -> Self {
        Self {
            last: PageRange::new(Page(0), Page(0)),
            size: Self::START,
            idle: 0,
        }
    }

    /// The pages to ask for at a fault on `page`, which is one of them.
    pub fn fault(&mut self, page: Page) -> PageRange {
        self.idle = 0;
        let known = !self.last.is_empty();
        let end = Page(page.0.saturating_add(1));
        let up = known && page == self.last.end;
        let down = known && end == self.last.start;
        if up || down {
            self.size = (self.size * 2).min(Self::MAX);
        } else if known {
            self.size = (self.size / 2).max(1);
        }
        self.last = if down {
            PageRange::new(Page(end.0.saturating_sub(self.size)), end)
        } else {
            PageRange::new(page, Page(page.0.saturating_add(self.size)))
        };
        self.last
    }

    /// Of the pages to ask for, only these were there to be asked for: a walk goes on where they end.
    pub const fn pulled(&mut self, pages: PageRange) {
        self.last = pages;
    }

    /// The pages to ask for from `first` on while nobody waits: twice as many each time, until a fault shows that somebody may.
    pub fn drain(&mut self, first: Page) -> PageRange {
        self.idle = (self.idle * 2).clamp(Span::PAGES, Self::MAX);
        PageRange::new(first, Page(first.0.saturating_add(self.idle)))
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults until all pages of a walk over the first `pages` are pulled.
    fn faults(pages: u64, next: impl Fn(PageRange) -> Option<Page>, start: u64) -> usize {
        let mut window = Window::new();
        let mut at = Some(Page(start));
        let mut count = 0;
        while let Some(page) = at {
            let pulled = window.fault(page);
            assert!(pulled.contains(page));
            assert!(pulled.len() <= Window::MAX);
            count += 1;
            at = next(pulled).filter(|page| page.0 < pages);
        }
        count
    }

    #[test]
    fn sequential_walks_fault_rarely() {
        assert_eq!(faults(1000, |pulled| Some(pulled.end), 0), 7);
        assert!(faults(10_000, |pulled| Some(pulled.end), 0) < 30);
        let down = |pulled: PageRange| pulled.start.0.checked_sub(1).map(Page);
        assert!(faults(10_000, down, 9_999) < 30);
    }

    #[test]
    fn random_touches_shrink_it_to_one_page() {
        let mut window = Window::new();
        let sizes = [5, 500, 50, 5000, 700].map(|page| window.fault(Page(page)).len());
        assert_eq!(sizes, [8, 4, 2, 1, 1]);
    }

    #[test]
    fn a_walk_goes_on_behind_what_was_there() {
        let mut window = Window::new();
        assert_eq!(window.fault(Page(100)).len(), 8);
        window.pulled(PageRange::new(Page(100), Page(103)));
        assert_eq!(window.fault(Page(103)).len(), 16);
    }

    #[test]
    fn it_stays_in_the_address_space() {
        let mut window = Window::new();
        let last = Page(u64::MAX - 1);
        assert_eq!(window.fault(last), PageRange::new(last, Page(u64::MAX)));
        assert!(window.fault(Page(0)).contains(Page(0)));
    }

    #[test]
    fn it_drains_more_and_more_until_somebody_waits() {
        let mut window = Window::new();
        let sizes = [(); 5].map(|()| window.drain(Page(0)).len());
        assert_eq!(sizes, [64, 128, 256, 512, 512]);
        let _ = window.fault(Page(7));
        assert_eq!(window.drain(Page(64)), PageRange::new(Page(64), Page(128)));
    }
}

//! How many neighbours to pull with a page.

use core::ops::Range;

/// The fault-around window of a process: it doubles with each fault where the last pull ended (upward or downward),
/// and halves with every other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The pages that the last fault asked for.
    last: Range<u64>,
    /// How many it asked for.
    size: u64,
}

impl Window {
    /// The most pages of one pull. With 512, a walk through 1,000 pages pulls less than a dozen times.
    pub const MAX: u64 = 512;
    const START: u64 = 8;

    /// For a process of which no pattern is known.
    pub const fn new() -> Self {
        Self {
            last: 0..0,
            size: Self::START,
        }
    }

    /// The pages to ask for at a fault on `page`, which is one of them.
    pub fn fault(&mut self, page: u64) -> Range<u64> {
        let up = page == self.last.end && !self.last.is_empty();
        let down = page.checked_add(1) == Some(self.last.start) && !self.last.is_empty();
        if up || down {
            self.size = (self.size * 2).min(Self::MAX);
        } else if !self.last.is_empty() {
            self.size = (self.size / 2).max(1);
        }
        let end = page.saturating_add(1);
        self.last = if down {
            end.saturating_sub(self.size)..end
        } else {
            page..page.saturating_add(self.size)
        };
        self.last.clone()
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

    /// Faults until all pages of a walk over `0..pages` are pulled.
    fn faults(pages: u64, next: impl Fn(&Range<u64>) -> Option<u64>, start: u64) -> usize {
        let mut window = Window::new();
        let mut at = Some(start);
        let mut count = 0;
        while let Some(page) = at {
            let pulled = window.fault(page);
            assert!(pulled.contains(&page));
            assert!(pulled.end - pulled.start <= Window::MAX);
            count += 1;
            at = next(&pulled).filter(|page| *page < pages);
        }
        count
    }

    #[test]
    fn sequential_walks_fault_rarely() {
        assert_eq!(faults(1000, |pulled| Some(pulled.end), 0), 7);
        assert!(faults(10_000, |pulled| Some(pulled.end), 0) < 30);
        assert!(faults(10_000, |pulled| pulled.start.checked_sub(1), 9_999) < 30);
    }

    #[test]
    fn random_touches_shrink_it_to_one_page() {
        let mut window = Window::new();
        let sizes = [5, 500, 50, 5000, 700].map(|page| {
            let pulled = window.fault(page);
            pulled.end - pulled.start
        });
        assert_eq!(sizes, [8, 4, 2, 1, 1]);
    }

    #[test]
    fn it_stays_in_the_address_space() {
        let mut window = Window::new();
        assert_eq!(window.fault(u64::MAX - 1), u64::MAX - 1..u64::MAX);
        assert!(window.fault(0).contains(&0));
    }
}

//! How often something may happen: what a program makes the kernel say must not drown what others say.

/// So many at once, and one more for each second.
const BURST: u32 = 8;

/// A bucket of permissions, filled by time.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    left: u32,
    /// The second in which it was filled last.
    filled: u64,
    refused: u64,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl RateLimit {
    /// A full bucket.
    pub const fn new() -> Self {
        Self {
            left: BURST,
            filled: 0,
            refused: 0,
        }
    }

    /// Whether it may happen at this second; if so, how often it was refused since it last might.
    pub fn admit(&mut self, second: u64) -> Option<u64> {
        let passed = u32::try_from(second.saturating_sub(self.filled)).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(passed).min(BURST);
        self.filled = self.filled.max(second);
        if self.left == 0 {
            self.refused += 1;
            return None;
        }
        self.left -= 1;
        Some(core::mem::take(&mut self.refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_a_second() {
        let mut limit = RateLimit::new();
        let admitted = (0..100_000).filter(|_| limit.admit(5).is_some()).count();
        assert_eq!(admitted, BURST as usize);
        assert_eq!(limit.admit(6), Some(100_000 - u64::from(BURST)));
        assert_eq!(limit.admit(6), None);
        // A clock that went back admits nothing, and breaks nothing.
        assert_eq!(limit.admit(0), None);
        assert_eq!(limit.admit(1000), Some(2));
        assert_eq!((0..20).filter(|_| limit.admit(1000).is_some()).count(), 7);
    }
}

//! Comparing the time-stamp counters of two cores.

/// One round: the first core sends, the other reads its counter, the answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The first core's counter before it sent.
    pub sent: u64,
    /// The other core's counter.
    pub theirs: u64,
    /// The first core's counter after the answer had come.
    pub back: u64,
}

/// What the other core's counter lacks to the first core's, in ticks (negative when it is ahead): 0 when all rounds agree with
/// counters that run as one, else as the tightest round says, which is wrong by no more than half its length.
#[must_use]
pub fn offset(rounds: &[Round]) -> i64 {
    let agrees = |round: &Round| round.sent <= round.theirs && round.theirs <= round.back;
    if rounds.iter().all(agrees) {
        return 0;
    }
    let tightest = rounds
        .iter()
        .min_by_key(|round| round.back.wrapping_sub(round.sent));
    tightest.map_or(0, |round| {
        let middle = round
            .sent
            .wrapping_add(round.back.wrapping_sub(round.sent) / 2);
        middle.wrapping_sub(round.theirs).cast_signed()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Rounds between counters that differ by `skew`, with these delays on the ways there and back.
    fn rounds(skew: i64, delays: &[(u16, u16)]) -> Vec<Round> {
        let mut now = 1 << 40;
        let mut rounds = Vec::new();
        for &(there, back) in delays {
            let read = now + u64::from(there);
            rounds.push(Round {
                sent: now,
                theirs: read.wrapping_add_signed(skew),
                back: read + u64::from(back),
            });
            now = read + u64::from(back) + 10;
        }
        rounds
    }

    #[test]
    fn counters_that_run_as_one_are_left_alone() {
        assert_eq!(offset(&rounds(0, &[(5, 900), (900, 5), (0, 0)])), 0);
        assert_eq!(offset(&[]), 0);
    }

    proptest! {
        #[test]
        fn the_tightest_round_bounds_the_error(
            skew in -(1i64 << 39)..1 << 39,
            delays in proptest::collection::vec(any::<(u16, u16)>(), 1..9),
        ) {
            let rounds = rounds(skew, &delays);
            let lengths = rounds.iter().map(|round| round.back - round.sent);
            let tightest = lengths.min().unwrap().cast_signed();
            let left = skew + offset(&rounds);
            prop_assert!(left.abs() <= tightest, "{left} of {skew} is left");
        }

        #[test]
        fn no_readings_are_too_much(readings in proptest::collection::vec(any::<(u64, u64, u64)>(), 0..9)) {
            let rounds: Vec<Round> = readings
                .into_iter()
                .map(|(sent, theirs, back)| Round { sent, theirs, back })
                .collect();
            let _ = offset(&rounds);
        }
    }
}

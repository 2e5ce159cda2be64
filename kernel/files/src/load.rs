//! Load averages. Nobody samples the queues while nobody asks: an average is moved on by what the cores have done since the last
//! time it was read.

/// A step of the averages, in nanoseconds.
const STEP: u64 = 5_000_000_000;
/// What one step leaves of the averages over 1, 5 and 15 minutes, in parts of [`ONE`].
const DECAY: [u64; 3] = [1884, 2014, 2037];
const ONE: u64 = 2048;

/// What is remembered of the load.
#[derive(Debug, Default)]
pub struct Load {
    /// When the averages were moved on last, in nanoseconds since boot.
    at: u64,
    /// Nanoseconds that all cores had run programs by then.
    busy: u64,
    /// In parts of `ONE * ONE`.
    averages: [u64; 3],
}

impl Load {
    /// None so far.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            at: 0,
            busy: 0,
            averages: [0; 3],
        }
    }

    /// The averages over 1, 5 and 15 minutes, in hundredths. `now` is nanoseconds since boot, `busy` those that all cores together have
    /// run programs, and `others` the threads that run or wait now besides the one that asks: all there is to say at first.
    pub fn averages(&mut self, now: u64, busy: u64, others: u64) -> [u64; 3] {
        let steps = now.saturating_sub(self.at) / STEP;
        if steps > 0 {
            // How many cores were busy on the average, in parts of ONE; over a short time the cores that are busy now say more.
            let span = now - self.at;
            let ran = busy.saturating_sub(self.busy) / (span / ONE).max(1);
            for (average, decay) in self.averages.iter_mut().zip(DECAY) {
                let left = power(decay, steps);
                *average = (*average * left + ran * ONE * (ONE - left)) / ONE;
            }
            (self.at, self.busy) = (now, busy);
        }
        if now < STEP {
            return [others * 100; 3];
        }
        self.averages.map(|average| average * 100 / (ONE * ONE))
    }
}

/// `part` of [`ONE`], so many times.
fn power(part: u64, mut times: u64) -> u64 {
    let (mut result, mut base) = (ONE, part);
    while times > 0 && result > 0 {
        if times % 2 == 1 {
            result = result * base / ONE;
        }
        base = base * base / ONE;
        times /= 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000_000;

    #[test]
    fn before_the_first_step_the_threads_that_run_are_all_there_is() {
        assert_eq!(Load::new().averages(STEP - 1, 1000, 2), [200; 3]);
    }

    #[test]
    fn three_busy_cores_make_a_load_of_three_and_idle_ones_of_none() {
        let mut load = Load::new();
        for minute in 1..=120 {
            load.averages(minute * MINUTE, 3 * minute * MINUTE, 0);
        }
        let busy = load.averages(120 * MINUTE + STEP, 3 * (120 * MINUTE + STEP), 0);
        assert!(
            busy.iter().all(|average| (290..=300).contains(average)),
            "{busy:?}"
        );
        let idle = load.averages(300 * MINUTE, 3 * (120 * MINUTE + STEP), 0);
        assert_eq!(idle, [0; 3]);
    }

    #[test]
    fn the_average_over_a_minute_moves_first() {
        let mut load = Load::new();
        let [one, five, fifteen] = load.averages(MINUTE, MINUTE, 0);
        assert!(one > five && five > fifteen && fifteen > 0);
    }
}

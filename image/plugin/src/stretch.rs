//! How long a processor keeps interrupts off: stretches of kernel code from the entry, or from `cli`, to `sti` or the program.

use std::collections::BTreeMap;
use std::mem::take;

use braid_bench::counted::Stretch;

use crate::decode::Gate;
use crate::regions::Region;

/// Blocks at the start of a stretch that are kept.
const PATH: usize = 96;
/// Samples that a stretch has at most; then every other one goes, and they are taken half as often.
const SAMPLES: usize = 512;
/// Instructions between the first samples.
const STRIDE: u64 = 32;
/// Rounds of a loop with `pause` that are no longer than this are waiting, in instructions.
const ROUND: u64 = 400;

/// The stretch that a processor is in.
#[derive(Debug, Default)]
pub(crate) struct Running {
    instructions: u64,
    path: Vec<u64>,
    samples: Vec<u64>,
    stride: u64,
    next_sample: u64,
    /// Where the last `pause` was.
    paused: Option<u64>,
}

impl Running {
    /// The processor executes a block of the kernel. Answers a stretch that ends before or with it.
    pub(crate) fn kernel(&mut self, pc: u64, instructions: u64, gate: Gate) -> Option<Stretch> {
        let before = gate.closes.then(|| self.end());
        if self.path.len() < PATH {
            self.path.push(pc);
        }
        self.instructions += instructions;
        if gate.waits {
            self.wait();
        }
        if self.instructions >= self.next_sample {
            self.sample(pc);
        }
        let after = gate.opens.then(|| self.end());
        before.or(after)
    }

    /// The processor is in a program, or about to let interrupts in.
    pub(crate) fn end(&mut self) -> Stretch {
        let ended = take(self);
        let mut found: BTreeMap<u64, u64> = BTreeMap::new();
        for pc in ended.samples {
            *found.entry(pc).or_default() += 1;
        }
        Stretch {
            region: None,
            instructions: ended.instructions,
            times: 1,
            path: ended.path,
            samples: found.into_iter().collect(),
        }
    }

    /// Whether nothing was executed since the last end.
    pub(crate) fn is_empty(&self) -> bool {
        self.instructions == 0
    }

    fn wait(&mut self) {
        if let Some(paused) = self.paused
            && self.instructions - paused < ROUND
        {
            self.instructions = paused;
        }
        self.paused = Some(self.instructions);
    }

    fn sample(&mut self, pc: u64) {
        self.stride = self.stride.max(STRIDE);
        if self.samples.len() == SAMPLES {
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index % 2 == 0
            });
            self.stride *= 2;
        }
        self.samples.push(pc);
        self.next_sample = self.instructions + self.stride;
    }
}

/// The longest stretches, by region and by where most of their instructions were.
#[derive(Debug, Default)]
pub(crate) struct Longest(BTreeMap<(Option<Region>, u64), Stretch>);

impl Longest {
    /// Takes a stretch into account.
    pub(crate) fn add(&mut self, region: Option<Region>, mut stretch: Stretch) {
        let Some(&(most, _)) = stretch.samples.iter().max_by_key(|sample| sample.1) else {
            return;
        };
        stretch.region = region;
        let longest = self.0.entry((region, most)).or_default();
        let times = longest.times + 1;
        if stretch.instructions > longest.instructions {
            *longest = stretch;
        }
        longest.times = times;
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Stretch> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::{Longest, Running};
    use crate::decode::Gate;

    const PLAIN: Gate = Gate {
        opens: false,
        closes: false,
        waits: false,
    };

    #[test]
    fn a_stretch_ends_where_interrupts_come_in() {
        let mut running = Running::default();
        assert_eq!(running.kernel(16, 10, PLAIN), None);
        let opens = Gate {
            opens: true,
            ..PLAIN
        };
        let stretch = running.kernel(32, 30, opens).unwrap();
        assert_eq!((stretch.instructions, &*stretch.path), (40, &[16, 32][..]));
        assert!(running.is_empty());
        // The work of an interrupt meanwhile was a stretch of its own.
        assert_eq!(running.kernel(48, 7, PLAIN), None);
        let closes = Gate {
            closes: true,
            ..PLAIN
        };
        assert_eq!(running.kernel(64, 3, closes).unwrap().instructions, 7);
        assert_eq!(running.end().instructions, 3);
    }

    #[test]
    fn waiting_for_others_does_not_count() {
        let waits = Gate {
            waits: true,
            ..PLAIN
        };
        let mut running = Running::default();
        running.kernel(16, 100, PLAIN);
        for _ in 0..1000 {
            running.kernel(32, 20, waits);
            running.kernel(48, 50, PLAIN);
        }
        assert_eq!(running.end().instructions, 100 + 20 + 50);
    }

    #[test]
    fn samples_stay_few_and_tell_where_the_time_went() {
        let mut running = Running::default();
        for _ in 0..100_000 {
            running.kernel(16, 50, PLAIN);
            running.kernel(32, 5, PLAIN);
        }
        let stretch = running.end();
        let samples: u64 = stretch.samples.iter().map(|sample| sample.1).sum();
        assert!((256..=512).contains(&samples), "{samples}");
        let mut longest = Longest::default();
        longest.add(Some(3), stretch);
        running.kernel(16, 50, PLAIN);
        longest.add(Some(3), running.end());
        let all: Vec<_> = longest.all().collect();
        assert_eq!((all.len(), all[0].times, all[0].region), (1, 2, Some(3)));
        assert_eq!(all[0].instructions, 5_500_000);
    }
}

//! Figures of all boots, pooled.

use std::collections::BTreeMap;

use braid_bench::catalogue::{self, Benchmark};
use braid_bench::record::{Figure, Record};
use braid_bench::stats::Summary;

use super::linux::{self, Huge};
use super::run::Run;

/// A kernel, with its set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// Braid.
    Braid,
    /// Linux without transparent huge pages.
    Linux,
    /// Linux with transparent huge pages as it was built.
    LinuxHuge,
}

impl System {
    /// What it is called in tables and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            System::Braid => "Braid",
            System::Linux => "Linux",
            System::LinuxHuge => "Linux-THP",
        }
    }

    /// What its kernel is told besides the program.
    #[must_use]
    pub const fn words(self) -> Option<&'static str> {
        match self {
            System::Braid => None,
            System::Linux => Some(linux::words(Huge::Never)),
            System::LinuxHuge => Some(linux::words(Huge::Default)),
        }
    }
}

/// A machine's cores and tori (on Linux the tori mean nothing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// Cores.
    pub smp: u32,
    /// Tori.
    pub tori: u32,
}

/// What a figure is of; figures are in the catalogue's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The machine.
    pub shape: Shape,
    place: usize,
    /// Memory that it is about, in bytes; 0 where that means nothing.
    pub bytes: u64,
    /// Processes at once.
    pub processes: u32,
}

impl Key {
    fn new(shape: Shape, figure: &Figure) -> Option<Key> {
        let place = catalogue::ALL
            .iter()
            .position(|benchmark| benchmark.name == figure.name)?;
        Some(Key {
            shape,
            place,
            bytes: figure.bytes,
            processes: figure.processes,
        })
    }

    /// The benchmark.
    #[must_use]
    pub fn benchmark(&self) -> &'static Benchmark {
        &catalogue::ALL[self.place]
    }
}

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Time for one operation by boot, each with its samples.
    figures: BTreeMap<(Key, System), Vec<Vec<f64>>>,
    /// Releases of the kernels.
    pub releases: BTreeMap<System, String>,
    /// What went wrong, or is not there, each once.
    pub remarks: Vec<Remark>,
}

/// Why a figure is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The kernel does not have what the benchmark needs: no failure.
    Absent(String),
    /// A failure.
    Problem(String),
}

impl Results {
    /// Takes over the records of a run.
    pub fn add(&mut self, system: System, shape: Shape, run: &Run) {
        let on = system.name();
        for record in &run.records {
            match record {
                Record::Bench(header) => {
                    self.releases.insert(system, header.release.clone());
                }
                Record::Figure(figure) => match Key::new(shape, figure) {
                    Some(key) => {
                        let boots = self.figures.entry((key, system)).or_default();
                        boots.push(figure.per_operation());
                    }
                    None => self.remark(Remark::Problem(format!(
                        "{on}: a figure of an unknown benchmark {}",
                        figure.name
                    ))),
                },
                Record::Absent { name, why } => {
                    self.remark(Remark::Absent(format!("{on} has no {name}: {why}")));
                }
                Record::Failed { name, why } => {
                    self.remark(Remark::Problem(format!("{on}: {name} failed: {why}")));
                }
                Record::Region { .. } | Record::Symbol { .. } | Record::End { .. } => {}
            }
        }
        if let Some(problem) = &run.problem {
            self.remark(Remark::Problem(format!("{on}: {problem}")));
        }
    }

    fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// What the figures are of, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.figures.keys().map(|&(key, _)| key).collect();
        keys.dedup();
        keys
    }

    /// The systems that have figures.
    #[must_use]
    pub fn systems(&self) -> Vec<System> {
        let mut systems: Vec<System> = self.figures.keys().map(|&(_, system)| system).collect();
        systems.sort_unstable();
        systems.dedup();
        systems
    }

    /// A figure: the samples of all boots.
    #[must_use]
    pub fn summary(&self, key: Key, system: System) -> Option<Summary> {
        Summary::of(&self.figures.get(&(key, system))?.concat())
    }

    /// In how many boots it was measured.
    #[must_use]
    pub fn boots(&self, key: Key, system: System) -> usize {
        self.figures.get(&(key, system)).map_or(0, Vec::len)
    }

    /// How far the medians of the boots lie apart, as a part of their median.
    #[must_use]
    pub fn spread(&self, key: Key, system: System) -> Option<f64> {
        let boots = self.figures.get(&(key, system))?;
        let medians: Vec<f64> = boots
            .iter()
            .filter_map(|samples| Some(Summary::of(samples)?.median))
            .collect();
        Some(Summary::of(&medians)?.spread())
    }

    /// How many times as much is done at once as by one process in the same time: the median over pairs of samples, which were
    /// taken one after the other.
    #[must_use]
    pub fn throughput(&self, key: Key, system: System) -> Option<f64> {
        let one = Key {
            processes: 1,
            ..key
        };
        let alone = self.figures.get(&(one, system))?.iter();
        let together = self.figures.get(&(key, system))?.iter();
        let samples = alone.zip(together);
        let ratios: Vec<f64> = samples
            .flat_map(|(alone, together)| alone.iter().zip(together))
            .map(|(alone, together)| alone / together)
            .collect();
        Some(Summary::of(&ratios)?.median)
    }

    /// How much longer an operation takes on Braid than on `peer`, by medians.
    #[must_use]
    pub fn ratio(&self, key: Key, peer: System) -> Option<f64> {
        let braid = self.summary(key, System::Braid)?.median;
        Some(braid / self.summary(key, peer)?.median)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SHAPE: Shape = Shape { smp: 2, tori: 1 };

    pub(crate) fn run(name: &str, processes: u32, samples: &[u64]) -> Run {
        let figure = Figure {
            name: name.to_owned(),
            processes,
            bytes: 0,
            operations: 2,
            samples: samples.to_vec(),
        };
        Run {
            records: vec![Record::Figure(figure)],
            problem: None,
            log: String::new(),
        }
    }

    #[test]
    fn boots_are_pooled_and_compared() {
        let mut results = Results::default();
        results.add(System::Braid, SHAPE, &run("brk", 1, &[2, 2, 4]));
        results.add(System::Braid, SHAPE, &run("brk", 1, &[4, 4, 4]));
        results.add(System::Linux, SHAPE, &run("brk", 1, &[8]));
        results.add(System::Linux, SHAPE, &run("null-call", 1, &[8]));
        let keys = results.keys();
        let names: Vec<&str> = keys.iter().map(|key| key.benchmark().name).collect();
        assert_eq!(names, ["null-call", "brk"]);
        let brk = keys[1];
        let summary = results.summary(brk, System::Braid).unwrap();
        assert_eq!((summary.n, summary.median), (6, 2.0));
        assert_eq!(results.boots(brk, System::Braid), 2);
        assert_eq!(results.spread(brk, System::Braid), Some(2.0 / 3.0));
        assert_eq!(results.ratio(brk, System::Linux), Some(0.5));
        assert_eq!(results.ratio(keys[0], System::Linux), None);
        assert_eq!(results.systems(), [System::Braid, System::Linux]);
        assert_eq!(results.remarks, []);
    }

    #[test]
    fn throughput_is_that_of_samples_taken_together() {
        let mut results = Results::default();
        results.add(System::Braid, SHAPE, &run("brk", 1, &[200, 400, 800]));
        results.add(System::Braid, SHAPE, &run("brk", 2, &[100, 250, 400]));
        let [one, two] = results.keys()[..] else {
            panic!("two figures");
        };
        assert_eq!(results.throughput(one, System::Braid), Some(1.0));
        assert_eq!(results.throughput(two, System::Braid), Some(2.0));
        assert_eq!(results.throughput(two, System::Linux), None);
    }

    #[test]
    fn what_is_missing_is_told_once() {
        let mut results = Results::default();
        let absent = Record::Absent {
            name: "brk".to_owned(),
            why: "not here".to_owned(),
        };
        let run = |problem: Option<&str>| Run {
            records: vec![absent.clone()],
            problem: problem.map(str::to_owned),
            log: String::new(),
        };
        results.add(System::Linux, SHAPE, &run(None));
        results.add(System::Linux, SHAPE, &run(None));
        assert_eq!(results.remarks.len(), 1);
        results.add(System::Linux, SHAPE, &run(Some("it died")));
        assert!(matches!(results.remarks[1], Remark::Problem(_)));
    }
}

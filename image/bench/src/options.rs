//! The benchmark program's command line.

use thiserror::Error;

use crate::catalogue::{self, Benchmark, Unknown};

/// What time is measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The monotonic clock, in nanoseconds.
    #[default]
    Wall,
    /// The time-stamp counter; where one instruction is one tick, instructions.
    Ticks,
}

impl Clock {
    /// What it is called on the command line and in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Clock::Wall => "wall",
            Clock::Ticks => "ticks",
        }
    }

    pub(crate) fn find(name: &str) -> Option<Clock> {
        [Clock::Wall, Clock::Ticks]
            .into_iter()
            .find(|clock| clock.name() == name)
    }
}

/// What the program is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What time is measured with.
    pub clock: Clock,
    /// Samples of each figure.
    pub samples: u32,
    /// How many processes at once do what scales, one figure for each number.
    pub processes: Vec<u32>,
    /// Smaller amounts of work, to see whether it works at all.
    pub quick: bool,
    /// Marks instead of times: the benchmarks run once, between the marks that QEMU's plug-in looks for.
    pub marks: bool,
    /// The program runs on every torus, and all of them end together.
    pub everywhere: bool,
    /// Print the kernel's symbols first, from `/proc/kallsyms`.
    pub symbols: bool,
    /// The benchmarks.
    pub benchmarks: Vec<&'static Benchmark>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clock: Clock::Wall,
            samples: 10,
            processes: vec![1],
            quick: false,
            marks: false,
            everywhere: false,
            symbols: false,
            benchmarks: catalogue::ALL.iter().collect(),
        }
    }
}

/// Why a command line cannot be understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// Nobody's option.
    #[error("there is no option {0}")]
    Option(String),
    /// An option without the value that it needs, or with another.
    #[error("{option} {value}: {wanted} is wanted")]
    Value {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A benchmark that is not there.
    #[error(transparent)]
    Benchmark(#[from] Unknown),
}

/// The largest number of processes at once.
const MOST_PROCESSES: u32 = 64;
/// The largest number of samples.
const MOST_SAMPLES: u32 = 10_000;

impl Options {
    /// Reads the arguments after argument 0.
    ///
    /// # Errors
    /// [`OptionError`].
    pub fn parse<S: AsRef<str>>(arguments: &[S]) -> Result<Options, OptionError> {
        let mut options = Options::default();
        let mut names = Vec::new();
        let mut rest = arguments.iter().map(AsRef::as_ref);
        while let Some(word) = rest.next() {
            let mut value = || rest.next().unwrap_or_default();
            match word {
                "--clock" => options.clock = clock(value())?,
                "--samples" => {
                    options.samples = number("--samples", value(), MOST_SAMPLES)?;
                }
                "--processes" => {
                    options.processes = value()
                        .split(',')
                        .map(|text| number("--processes", text, MOST_PROCESSES))
                        .collect::<Result<_, _>>()?;
                }
                "--quick" => options.quick = true,
                "--marks" => options.marks = true,
                "--everywhere" => options.everywhere = true,
                "--symbols" => options.symbols = true,
                _ if word.starts_with('-') => return Err(OptionError::Option(word.to_owned())),
                _ => names.push(word),
            }
        }
        options.benchmarks = catalogue::select(&names)?;
        Ok(options)
    }

    /// The arguments that [`Options::parse`] reads as these options.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let processes: Vec<String> = self.processes.iter().map(u32::to_string).collect();
        let mut words = vec![
            "--clock".to_owned(),
            self.clock.name().to_owned(),
            "--samples".to_owned(),
            self.samples.to_string(),
            "--processes".to_owned(),
            processes.join(","),
        ];
        for (is_set, word) in [
            (self.quick, "--quick"),
            (self.marks, "--marks"),
            (self.everywhere, "--everywhere"),
            (self.symbols, "--symbols"),
        ] {
            words.extend(is_set.then(|| word.to_owned()));
        }
        words.extend(self.benchmarks.iter().map(|found| found.name.to_owned()));
        words
    }
}

fn clock(name: &str) -> Result<Clock, OptionError> {
    Clock::find(name).ok_or_else(|| OptionError::Value {
        option: "--clock",
        value: name.to_owned(),
        wanted: "wall or ticks",
    })
}

fn number(option: &'static str, text: &str, most: u32) -> Result<u32, OptionError> {
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    number.ok_or_else(|| OptionError::Value {
        option,
        value: text.to_owned(),
        wanted: "a number above zero, not too large,",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let options = Options {
            clock: Clock::Ticks,
            samples: 3,
            processes: vec![1, 2, 8],
            quick: true,
            marks: true,
            everywhere: true,
            symbols: true,
            benchmarks: catalogue::select(&["brk", "process"]).unwrap(),
        };
        assert_eq!(Options::parse(&options.arguments()), Ok(options));
        assert_eq!(Options::parse::<&str>(&[]), Ok(Options::default()));
    }

    #[test]
    fn nonsense_is_refused() {
        let bad: [&[&str]; 9] = [
            &["--samples"],
            &["--samples", "0"],
            &["--samples", "x"],
            &["--processes", "1,,2"],
            &["--processes", "65"],
            &["--clock", "sun"],
            &["--clock"],
            &["--what"],
            &["no-such-benchmark"],
        ];
        for arguments in bad {
            let error = Options::parse(arguments).unwrap_err().to_string();
            assert!(!error.is_empty(), "{arguments:?}");
        }
    }
}

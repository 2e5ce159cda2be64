//! What the program tells the tool: one record in each line, `KIND KEY=VALUE ..`, values without spaces. The text of the
//! key `why` comes last and goes to the end of the line.
//!
//! ```text
//! bench version=1 system=Linux release=6.1.0-56-cloud-amd64 clock=wall cores=2
//! figure name=fault-write processes=2 bytes=16777216 operations=8192 samples=10542112,10498001
//! region number=3 name=fault-write processes=2
//! absent name=message why=Function not implemented (os error 38)
//! failed name=exec why=..
//! end figures=21 failed=0
//! ```

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use crate::options::Clock;

/// Version of the form of records.
pub const VERSION: u32 = 1;

/// Where a run takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The kernel's name: Braid, or as of uname.
    pub system: String,
    /// Its release.
    pub release: String,
    /// What the samples are measured with.
    pub clock: Clock,
    /// Cores that the program may use.
    pub cores: u32,
}

/// The samples of one figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The benchmark.
    pub name: String,
    /// Processes that did it at once.
    pub processes: u32,
    /// Memory that it is about, in bytes, of each process; 0 where that means nothing.
    pub bytes: u64,
    /// Operations in each sample, of all processes together.
    pub operations: u64,
    /// Time from the first process's start to the last one's end, in nanoseconds or ticks.
    pub samples: Vec<u64>,
}

impl Figure {
    /// Time for one operation, by sample.
    #[must_use]
    pub fn per_operation(&self) -> Vec<f64> {
        let each = |&sample: &u64| sample as f64 / self.operations as f64;
        self.samples.iter().map(each).collect()
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The first.
    Bench(Header),
    /// A figure.
    Figure(Figure),
    /// The program has gone through marks.
    Region {
        /// The number in the marks.
        number: u8,
        /// The benchmark.
        name: String,
        /// Processes that did it at once.
        processes: u32,
    },
    /// This kernel does not have what the benchmark needs.
    Absent {
        /// The benchmark.
        name: String,
        /// What is missing.
        why: String,
    },
    /// The benchmark went wrong.
    Failed {
        /// The benchmark.
        name: String,
        /// How.
        why: String,
    },
    /// A text symbol of the kernel.
    Symbol {
        /// Its address.
        address: u64,
        /// Its name.
        name: String,
    },
    /// The last: the run is complete.
    End {
        /// Figures and regions told.
        figures: u32,
        /// Benchmarks that went wrong.
        failed: u32,
    },
}

impl Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Bench(header) => {
                let Header {
                    system,
                    release,
                    clock,
                    cores,
                } = header;
                let clock = clock.name();
                write!(
                    f,
                    "bench version={VERSION} system={system} release={release} clock={clock} cores={cores}"
                )
            }
            Record::Figure(figure) => {
                let Figure {
                    name,
                    processes,
                    bytes,
                    operations,
                    samples,
                } = figure;
                let samples: Vec<String> = samples.iter().map(u64::to_string).collect();
                write!(
                    f,
                    "figure name={name} processes={processes} bytes={bytes} operations={operations} samples={}",
                    samples.join(",")
                )
            }
            Record::Region {
                number,
                name,
                processes,
            } => write!(
                f,
                "region number={number} name={name} processes={processes}"
            ),
            Record::Absent { name, why } => write!(f, "absent name={name} why={}", line(why)),
            Record::Failed { name, why } => write!(f, "failed name={name} why={}", line(why)),
            Record::Symbol { address, name } => write!(f, "symbol {address:x} {name}"),
            Record::End { figures, failed } => write!(f, "end figures={figures} failed={failed}"),
        }
    }
}

fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Why a line is no record.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// It begins with no kind of record.
    #[error("not a record: {0}")]
    Kind(String),
    /// A value is missing or cannot be read.
    #[error("no {key} in: {line}")]
    Value {
        /// Its key.
        key: &'static str,
        /// The line.
        line: String,
    },
    /// Of another version.
    #[error("records of version {0} instead of {VERSION}")]
    Version(u32),
}

/// A line with its values.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn find(&self, key: &str) -> Option<&'a str> {
        let value = |word: &'a str| word.strip_prefix(key)?.strip_prefix('=');
        self.0.split(' ').find_map(value)
    }

    fn value<T: FromStr>(&self, key: &'static str) -> Result<T, RecordError> {
        let value = self.find(key).and_then(|text| text.parse().ok());
        value.ok_or_else(|| self.missing(key))
    }

    fn why(&self) -> Result<String, RecordError> {
        let text = self.0.split_once(" why=").map(|(_, text)| text.to_owned());
        text.ok_or_else(|| self.missing("why"))
    }

    fn missing(&self, key: &'static str) -> RecordError {
        RecordError::Value {
            key,
            line: self.0.to_owned(),
        }
    }

    fn header(&self) -> Result<Header, RecordError> {
        match self.value("version")? {
            VERSION => {}
            other => return Err(RecordError::Version(other)),
        }
        let clock = self.find("clock").and_then(Clock::find);
        Ok(Header {
            system: self.value("system")?,
            release: self.value("release")?,
            clock: clock.ok_or_else(|| self.missing("clock"))?,
            cores: self.value("cores")?,
        })
    }

    fn figure(&self) -> Result<Figure, RecordError> {
        let text: String = self.value("samples")?;
        let samples: Option<Vec<u64>> = text.split(',').map(|word| word.parse().ok()).collect();
        let operations = self.value("operations")?;
        if operations == 0 {
            return Err(self.missing("operations"));
        }
        Ok(Figure {
            name: self.value("name")?,
            processes: self.value("processes")?,
            bytes: self.value("bytes")?,
            operations,
            samples: samples.ok_or_else(|| self.missing("samples"))?,
        })
    }

    fn symbol(&self) -> Result<Record, RecordError> {
        let mut words = self.0.split(' ').skip(1);
        let address = words
            .next()
            .and_then(|text| u64::from_str_radix(text, 16).ok());
        Ok(Record::Symbol {
            address: address.ok_or_else(|| self.missing("address"))?,
            name: words.next().ok_or_else(|| self.missing("name"))?.to_owned(),
        })
    }
}

impl FromStr for Record {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Record, RecordError> {
        let fields = Fields(text.trim_end());
        Ok(match text.split_whitespace().next().unwrap_or_default() {
            "bench" => Record::Bench(fields.header()?),
            "figure" => Record::Figure(fields.figure()?),
            "region" => Record::Region {
                number: fields.value("number")?,
                name: fields.value("name")?,
                processes: fields.value("processes")?,
            },
            "absent" => Record::Absent {
                name: fields.value("name")?,
                why: fields.why()?,
            },
            "failed" => Record::Failed {
                name: fields.value("name")?,
                why: fields.why()?,
            },
            "symbol" => fields.symbol()?,
            "end" => Record::End {
                figures: fields.value("figures")?,
                failed: fields.value("failed")?,
            },
            _ => return Err(RecordError::Kind(text.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> Figure {
        Figure {
            name: "fault-write".to_owned(),
            processes: 2,
            bytes: 1 << 24,
            operations: 4,
            samples: vec![8, 10],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let name = || "exec".to_owned();
        let records = [
            Record::Bench(Header {
                system: "Braid".to_owned(),
                release: "0.1.0".to_owned(),
                clock: Clock::Ticks,
                cores: 4,
            }),
            Record::Figure(figure()),
            Record::Region {
                number: 255,
                name: name(),
                processes: 8,
            },
            Record::Absent {
                name: name(),
                why: "name=x y".to_owned(),
            },
            Record::Failed {
                name: name(),
                why: String::new(),
            },
            Record::Symbol {
                address: 0xffff_ffff_8100_0000,
                name: "_text".to_owned(),
            },
            Record::End {
                figures: 3,
                failed: 1,
            },
        ];
        for record in records {
            let line = record.to_string();
            assert_eq!(line.parse(), Ok(record.clone()), "{line}");
            assert_eq!(format!("{line}\r\n").parse(), Ok(record), "{line}");
        }
        assert_eq!(figure().per_operation(), [2.0, 2.5]);
    }

    #[test]
    fn a_reason_is_one_line() {
        let record = Record::Failed {
            name: "exec".to_owned(),
            why: "one\ntwo".to_owned(),
        };
        assert_eq!(record.to_string(), "failed name=exec why=one two");
    }

    #[test]
    fn anything_else_is_refused() {
        let bad = [
            "",
            "hello world",
            "bench version=2 system=Braid release=1 clock=wall cores=1",
            "bench version=1 system=Braid release=1 clock=sun cores=1",
            "figure name=x processes=1 bytes=0 operations=0 samples=1",
            "figure name=x processes=1 bytes=0 operations=1 samples=",
            "figure name=x processes=1 bytes=0 operations=1 samples=1,-2",
            "figure name=x processes=1 bytes=0 samples=1",
            "absent name=x",
            "symbol xyz name",
            "end figures=1",
        ];
        for line in bad {
            assert!(line.parse::<Record>().is_err(), "{line}");
        }
    }
}

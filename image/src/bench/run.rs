//! One run of the benchmark program: what it is given, and what came of it.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use braid_bench::options::Options;
use braid_bench::record::Record;

use crate::exec::Parts;
use crate::machine::Engine;

/// What is alike for all kernels.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// What machines are built from.
    pub parts: &'a Parts,
    /// The program, on the host.
    pub program: &'a Path,
    /// Its options.
    pub options: &'a Options,
    /// Cores.
    pub smp: u32,
    /// Memory, in bytes.
    pub memory: u64,
    /// Execution.
    pub engine: Engine,
    /// The longest time that the machine may run.
    pub timeout: Duration,
    /// More arguments for QEMU.
    pub qemu_arguments: &'a [OsString],
}

impl Guest<'_> {
    /// The program's path in the machine.
    pub const PROGRAM: &'static str = "/bin/bench";
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The program's records, up to where the run ended.
    pub records: Vec<Record>,
    /// Why the run is not complete.
    pub problem: Option<String>,
    /// The end of the kernel's log and what was said on stderr.
    pub log: String,
}

impl Run {
    /// Reads what the program wrote. A run without a last record is not complete, nor is one with lines that are no records. A line that
    /// does not end says nothing: half a number is another number.
    #[must_use]
    pub fn new(output: &[u8], problem: Option<String>, log: String) -> Run {
        let end = output.iter().rposition(|byte| *byte == b'\n');
        let text = String::from_utf8_lossy(&output[..end.map_or(0, |end| end + 1)]);
        let mut records = Vec::new();
        let mut bad = None;
        for line in text.lines() {
            match line.parse() {
                Ok(record) => records.push(record),
                Err(error) => bad = bad.or(Some(error)),
            }
        }
        let is_complete = records
            .iter()
            .any(|record| matches!(record, Record::End { .. }));
        let problem = if is_complete {
            problem.or(bad.map(|error| error.to_string()))
        } else {
            problem.or(Some("the machine ended before the program did".to_owned()))
        };
        Run {
            records,
            problem,
            log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURE: &str = "figure name=brk processes=1 bytes=0 operations=1 samples=5\r\n";

    #[test]
    fn a_complete_run_has_no_problem() {
        let text = format!("{FIGURE}end figures=1 failed=0\r\n");
        let run = Run::new(text.as_bytes(), None, String::new());
        assert_eq!((run.records.len(), run.problem), (2, None));
    }

    #[test]
    fn what_came_before_a_death_is_kept() {
        let text = format!("{FIGURE}{}", FIGURE.trim_end());
        let run = Run::new(text.as_bytes(), None, String::new());
        assert_eq!(run.records.len(), 1);
        assert!(run.problem.unwrap().contains("before the program did"));
        let run = Run::new(
            FIGURE.as_bytes(),
            Some("the kernel panicked".to_owned()),
            String::new(),
        );
        assert_eq!(run.problem.as_deref(), Some("the kernel panicked"));
    }

    #[test]
    fn lines_that_are_no_records_are_a_problem() {
        let text = format!("{FIGURE}hello\nend figures=1 failed=0\n");
        let run = Run::new(text.as_bytes(), None, String::new());
        assert_eq!(run.records.len(), 2);
        assert!(run.problem.unwrap().contains("hello"));
    }
}

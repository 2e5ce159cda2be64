//! How long the kernel keeps interrupts off: what QEMU's plug-in has measured, by function.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use braid_bench::counted::{Counted, Stretch};
use tempfile::NamedTempFile;

use crate::bench::counted::symbols::Symbols;
use crate::bench::counted::{self, report};
use crate::ending;
use crate::exec::{self, Parts};
use crate::machine::{Engine, Machine};
use crate::progress::Voice;
use crate::qemu;
use crate::tree::Tree;

/// Instructions that no stretch with interrupts off may exceed.
pub const LIMIT: u64 = 20_000;
/// Stretches are told from so many instructions on.
pub const LEAST: u64 = 1_000;
/// QEMU's words for a processor that counts as the one of `--icount` does.
pub const PROCESSOR: [&str; 2] = ["-cpu", qemu::cpu(Engine::Counted)];
/// Rows of a table.
const ROWS: usize = 40;
/// Functions that are told of a stretch that is too long.
const PLACES: usize = 8;
/// What is not the first function of a call, fault or interrupt: ways to it, and helpers of all.
const DISPATCH: [&str; 17] = [
    "__text_start",
    "braid_",
    "above_",
    "machine::",
    "trap::",
    "syscall::enter",
    "syscall::run",
    "sched::switch",
    "<",
    "memcpy",
    "memset",
    "memcmp",
    "memmove",
    "alloc::",
    "core::",
    "spin::",
    "tori::rings::",
];

/// A machine whose stretches are measured.
#[derive(Debug)]
pub struct Watched {
    plugin: PathBuf,
    report: NamedTempFile,
}

impl Watched {
    /// Builds the plug-in.
    ///
    /// # Errors
    /// It does not compile, or there is no room for its report.
    pub fn new(root: &Path, voice: Voice) -> Result<Watched> {
        Ok(Watched {
            plugin: counted::plugin(root, voice)?,
            report: tempfile::Builder::new().prefix("braid-").tempfile()?,
        })
    }

    /// QEMU's words.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        let mut words = self.plugin.as_os_str().to_owned();
        words.push(",out=");
        words.push(self.report.path());
        words.push(format!(",latency={LEAST}"));
        let [cpu, kind] = PROCESSOR.map(OsString::from);
        vec!["-plugin".into(), words, cpu, kind]
    }

    /// What was measured, when the machine has ended.
    ///
    /// # Errors
    /// The report is not there, or not whole.
    pub fn stretches(&self) -> Result<Vec<Stretch>> {
        let text = std::fs::read_to_string(self.report.path())?;
        let lines = report::lines(&text).context("the plug-in's report cannot be read")?;
        let stretches = lines.into_iter().filter_map(|line| match line {
            Counted::Stretch(stretch) => Some(stretch),
            _ => None,
        });
        Ok(stretches.collect())
    }
}

/// The work of a core before it runs its first program, or after the last one, disturbs nobody.
const WITHOUT_PROGRAMS: [&str; 3] = ["start::", "_start", "linux::process::account::check"];

/// Runs a program as `braid exec` does, and tells its longest stretches. The status is the tool's own for failures when one is too
/// long and the program itself did not fail.
///
/// # Errors
/// The machine cannot be started, or the plug-in not built.
pub fn exec(parts: &Parts, mut machine: Machine, tree: Tree, voice: Voice) -> Result<u8> {
    let watched = Watched::new(&parts.root, voice)?;
    if machine.engine == Engine::Kvm {
        machine.engine = Engine::Tcg;
    }
    machine.qemu.extend(watched.arguments());
    let status = exec::boot(parts, &machine, tree, voice)?;
    let rows = rows(&watched.stretches()?, &Symbols::braid(&parts.boot.kernel));
    eprint!("{}", table(&rows));
    match rows.first() {
        Some(row) if row.instructions > LIMIT && status == 0 => Ok(ending::FAILURE),
        _ => Ok(status),
    }
}

/// The longest stretch of those that began and went on alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its instructions.
    pub instructions: u64,
    /// How many stretches worth telling were of its kind.
    pub times: u64,
    /// The kernel's function that the call, fault or interrupt was for.
    pub entry: String,
    /// The function in which most of its instructions were.
    pub function: String,
    /// The part of the instructions that were there.
    pub part: f64,
    /// The functions in which it was found most often, and how it began: for who looks for the cause.
    pub trace: String,
}

/// The longest stretches by entry and function, the longest first.
#[must_use]
pub fn rows<'a>(stretches: impl IntoIterator<Item = &'a Stretch>, symbols: &Symbols) -> Vec<Row> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for stretch in stretches {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for &(pc, count) in &stretch.samples {
            *found.entry(symbols.function(pc)).or_default() += count;
        }
        let all: u64 = found.values().sum();
        let mut found: Vec<(String, u64)> = found.into_iter().collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.1));
        let Some((function, most)) = found.first().cloned() else {
            continue;
        };
        let entry = entry(&stretch.path, symbols);
        if WITHOUT_PROGRAMS
            .iter()
            .any(|start| short(&entry).starts_with(start))
        {
            continue;
        }
        let row = Row {
            instructions: stretch.instructions,
            times: stretch.times,
            entry: entry.clone(),
            function: function.clone(),
            part: most as f64 / all as f64,
            trace: trace(&found, all, &stretch.path, symbols),
        };
        let known = rows.entry((entry, function)).or_insert_with(|| row.clone());
        if known != &row {
            let times = known.times + row.times;
            if row.instructions > known.instructions {
                *known = row;
            }
            known.times = times;
        }
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.instructions));
    rows
}

/// What is told of a stretch that is too long.
fn trace(found: &[(String, u64)], all: u64, path: &[u64], symbols: &Symbols) -> String {
    let mut text = String::new();
    for (function, count) in found.iter().take(PLACES) {
        let percent = 100.0 * *count as f64 / all as f64;
        text.push_str(&format!(
            "              {percent:>3.0}% {}\n",
            short(function)
        ));
    }
    let mut way: Vec<String> = path.iter().map(|&pc| symbols.function(pc)).collect();
    way.dedup();
    let way: Vec<&str> = way.iter().map(|function| short(function)).collect();
    text.push_str(&format!("              began {}\n", way.join(", ")));
    text
}

/// The first function on a path that is not alike for all.
fn entry(path: &[u64], symbols: &Symbols) -> String {
    let mut last = String::new();
    for &pc in path {
        last = symbols.function(pc);
        if !DISPATCH.iter().any(|part| short(&last).starts_with(part)) {
            break;
        }
    }
    last
}

/// The longest ones as a table.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("instructions   times  entered for -> most of it in\n");
    for row in rows.iter().take(ROWS) {
        text.push_str(&format!(
            "{:>12} {:>7}  {} -> {} ({:.0}%)\n",
            row.instructions,
            row.times,
            short(&row.entry),
            short(&row.function),
            100.0 * row.part
        ));
        if row.instructions > LIMIT {
            text.push_str(&row.trace);
        }
    }
    text
}

/// A function without its crate and the hash at its end.
fn short(function: &str) -> &str {
    let end = function.rfind("::h").filter(|at| function.len() - at == 19);
    let function = &function[..end.unwrap_or(function.len())];
    function.strip_prefix("braid_kernel::").unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::*;
    use braid_bench::record::Record;

    fn stretch(instructions: u64, path: &[u64], samples: &[(u64, u64)]) -> Stretch {
        Stretch {
            region: None,
            instructions,
            times: 1,
            path: path.to_vec(),
            samples: samples.to_vec(),
        }
    }

    #[test]
    fn stretches_of_one_kind_are_one_row() {
        let symbol = |address, name: &str| Record::Symbol {
            address,
            name: name.to_owned(),
        };
        let symbols = Symbols::linux(&[
            symbol(16, "machine::trap::syscall"),
            symbol(32, "braid_kernel::file::poll::h0123456789abcdef"),
            symbol(48, "memset"),
        ]);
        let stretches = [
            stretch(300, &[16, 32], &[(48, 3), (16, 1)]),
            stretch(500, &[17, 33], &[(49, 9), (50, 9), (16, 2)]),
            stretch(400, &[16, 48], &[(16, 1)]),
        ];
        let rows = rows(&stretches, &symbols);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].instructions, rows[0].times), (500, 2));
        assert!(table(&rows).contains("500       2  file::poll -> memset (90%)"));
    }
}

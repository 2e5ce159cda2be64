//! Runs that QEMU's plug-in watches: what happens in a benchmark, whatever the time it takes.

pub mod report;
pub mod symbols;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use braid_bench::catalogue;
use braid_bench::options::Options;
use braid_bench::record::Record;

use super::linux::{self, Huge, Kernel};
use super::results::{Remark, Shape, System};
use super::run::{Guest, Run};
use crate::latency;
use crate::progress::Voice;
use report::{OUTSIDE, Region};
use symbols::Symbols;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Cache lines between processors, interrupts, flushes: on every core a process.
    Sharing,
    /// The kernel's instructions by function: one process.
    Profile,
    /// Stretches with interrupts off, by function: one process.
    Latency,
}

/// A benchmark on a kernel, counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The kernel.
    pub system: System,
    /// The machine.
    pub shape: Shape,
    /// The benchmark.
    pub name: String,
    /// Processes that did it at once, on all tori together.
    pub processes: u32,
    /// What happened.
    pub region: Region,
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// By run, in the order of the benchmarks.
    pub counted: Vec<Counted>,
    /// Functions of the kernels.
    pub symbols: BTreeMap<System, Symbols>,
    /// Releases of the kernels.
    pub releases: BTreeMap<System, String>,
    /// What went wrong, or is not there.
    pub remarks: Vec<Remark>,
}

/// Where the plug-in lies, and the kernels that it watches.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The plug-in.
    pub plugin: &'a Path,
    /// The peer.
    pub kernel: Option<&'a Kernel>,
    /// What is counted.
    pub watch: Watch,
    /// How much is said.
    pub voice: Voice,
}

impl Setting<'_> {
    /// Processors of a team and workers in each, on one kernel.
    fn team(&self, system: System, shape: Shape) -> (u32, u32) {
        match (self.watch, system) {
            (Watch::Profile | Watch::Latency, _) => (shape.smp, 1),
            (Watch::Sharing, System::Braid) => (shape.smp / shape.tori, shape.smp / shape.tori),
            (Watch::Sharing, _) => (shape.smp, shape.smp),
        }
    }
}

/// Boots the kernels once with the plug-in, and adds what it counted.
///
/// # Errors
/// A machine cannot be started. What goes wrong in it is in the remarks.
pub fn watch(
    guest: &Guest<'_>,
    setting: &Setting<'_>,
    shape: Shape,
    counts: &mut Counts,
) -> Result<()> {
    let mut step = setting.voice.step("counting");
    step.detail(&format!("{} cores: Braid", shape.smp));
    let kernel = &guest.parts.boot.kernel;
    counts
        .symbols
        .entry(System::Braid)
        .or_insert_with(|| Symbols::braid(kernel));
    one(guest, setting, System::Braid, shape, counts)?;
    if let Some(kernel) = setting.kernel {
        if let Entry::Vacant(symbols) = counts.symbols.entry(System::Linux) {
            step.detail("Linux's symbols");
            symbols.insert(linux_symbols(guest, kernel)?);
        }
        step.detail(&format!("{} cores: Linux", shape.smp));
        one(guest, setting, System::Linux, shape, counts)?;
    }
    Ok(())
}

fn one(
    guest: &Guest<'_>,
    setting: &Setting<'_>,
    system: System,
    shape: Shape,
    counts: &mut Counts,
) -> Result<()> {
    let report = tempfile::Builder::new().prefix("braid-").tempfile()?;
    let (team, workers) = setting.team(system, shape);
    let options = Options {
        marks: true,
        everywhere: setting.watch == Watch::Sharing && system == System::Braid,
        processes: vec![workers],
        ..guest.options.clone()
    };
    let arguments = plugin_arguments(setting, report.path(), team, workers, shape);
    let guest = Guest {
        options: &options,
        qemu_arguments: &arguments,
        ..*guest
    };
    let run = match (system, setting.kernel) {
        (System::Linux, Some(kernel)) => linux::boot(kernel, Huge::Never, &guest)?,
        _ => super::braid::boot(shape.tori, &guest)?,
    };
    let text = std::fs::read_to_string(report.path())?;
    let regions = report::read(&text).context("the plug-in's report cannot be read")?;
    if let Some(problem) = &run.problem {
        let log = run.log.trim_end();
        setting
            .voice
            .say(&format!("{}: {problem}\n{log}", system.name()));
    }
    counts.add(system, shape, &run, regions);
    Ok(())
}

fn plugin_arguments(
    setting: &Setting<'_>,
    out: &Path,
    team: u32,
    workers: u32,
    shape: Shape,
) -> Vec<OsString> {
    let watch = match setting.watch {
        Watch::Sharing => "sharing=on".to_owned(),
        Watch::Profile => "sharing=off".to_owned(),
        Watch::Latency => format!("latency={}", latency::LEAST),
    };
    let torus = shape.smp / shape.tori;
    let mut words = setting.plugin.as_os_str().to_owned();
    words.push(",out=");
    words.push(out);
    words.push(format!(
        ",{watch},torus={torus},team={team},workers={workers}"
    ));
    let mut arguments = vec!["-plugin".into(), words];
    if setting.watch == Watch::Latency {
        arguments.extend(latency::PROCESSOR.map(OsString::from));
    }
    arguments
}

/// Boots Linux to have it tell its functions: distributions do not ship them with the kernel.
fn linux_symbols(guest: &Guest<'_>, kernel: &Kernel) -> Result<Symbols> {
    let options = Options {
        symbols: true,
        quick: true,
        benchmarks: catalogue::find("null-call").into_iter().collect(),
        ..Options::default()
    };
    let guest = Guest {
        options: &options,
        smp: 1,
        ..*guest
    };
    Ok(Symbols::linux(
        &linux::boot(kernel, Huge::Never, &guest)?.records,
    ))
}

impl Counts {
    fn add(&mut self, system: System, shape: Shape, run: &Run, mut regions: BTreeMap<u8, Region>) {
        let on = system.name();
        let mut named: BTreeMap<u8, (String, u32)> = BTreeMap::new();
        for record in &run.records {
            match record {
                Record::Bench(header) => {
                    self.releases.insert(system, header.release.clone());
                }
                // Each torus tells of its own processes.
                Record::Region {
                    number,
                    name,
                    processes,
                } => named.entry(*number).or_insert_with(|| (name.clone(), 0)).1 += processes,
                Record::Absent { name, why } => {
                    self.remark(Remark::Absent(format!("{on} has no {name}: {why}")));
                }
                Record::Failed { name, why } => {
                    self.remark(Remark::Problem(format!("{on}: {name} failed: {why}")));
                }
                Record::Figure(_) | Record::Symbol { .. } | Record::End { .. } => {}
            }
        }
        if let Some(problem) = &run.problem {
            self.remark(Remark::Problem(format!("{on}: {problem}")));
        }
        if let Some(region) = regions.remove(&OUTSIDE) {
            self.counted.push(Counted {
                system,
                shape,
                name: "(between them)".to_owned(),
                processes: 0,
                region,
            });
        }
        for (number, (name, processes)) in named {
            match regions
                .remove(&number)
                .filter(|region| region.operations > 0)
            {
                Some(region) => self.counted.push(Counted {
                    system,
                    shape,
                    name,
                    processes,
                    region,
                }),
                None => self.remark(Remark::Problem(format!(
                    "{on}, {} cores: nothing was counted of {name}",
                    shape.smp
                ))),
            }
        }
    }

    fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

/// Builds the plug-in.
///
/// # Errors
/// The compiler's messages.
pub fn plugin(root: &Path, voice: Voice) -> Result<PathBuf> {
    let words = ["--release", "-p", "braid-plugin"];
    let mut built = crate::build::cargo(root, &words, "building the plug-in", voice)?;
    built
        .remove("braid_plugin")
        .context("cargo did not say where it put the plug-in")
}

//! `braid bench`: the same program on Braid and on Linux, side by side.

pub mod arguments;
pub mod braid;
pub mod counted;
pub mod facts;
pub mod linux;
pub mod report;
pub mod results;
pub mod run;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::build;
use crate::exec;
use crate::install::Consent;
use crate::latency;
use crate::progress::Voice;
use arguments::{BenchArgs, Peer};
use counted::{Counts, Setting, Watch};
use facts::Facts;
use linux::{Huge, Kernel};
use results::{Remark, Results, Shape, System};
use run::{Guest, Run};

/// Exit status when figures are missing.
const INCOMPLETE: u8 = 1;

/// Boots the kernels in turns, and reports what they did.
///
/// # Errors
/// Bad input, or something that machines are built from is missing. What goes wrong in machines is in the report.
pub fn bench(arguments: &BenchArgs) -> Result<u8> {
    let (options, shapes) = (arguments.options()?, arguments.shapes()?);
    let (peer, voice) = (arguments.peer()?, arguments.voice());
    let consent = Consent::new(arguments.no_install);
    let parts = exec::parts(build::Kernel::Ordinary, consent, voice)?;
    let mut programs = build::programs(&parts.root, voice)?;
    let program = programs
        .remove("bench")
        .context("the programs hold no bench")?;
    let kernel = match peer {
        Peer::Nobody => None,
        Peer::This(kernel) => Some(kernel),
        Peer::Any => Some(linux::find::find(&parts.root, consent, voice)?),
    };
    let engine = arguments.engine(&parts)?;
    let facts = Facts::gather(&parts.root, &parts.qemu, engine, arguments.mem);
    let guest = Guest {
        parts: &parts,
        program: &program,
        options: &options,
        smp: 1,
        memory: arguments.mem,
        engine,
        timeout: arguments.timeout,
        qemu_arguments: &[],
    };
    if let Some(watch) = arguments.watch() {
        let setting = Setting {
            plugin: &counted::plugin(&parts.root, voice)?,
            kernel: kernel.as_ref(),
            watch,
            voice,
        };
        let mut counts = Counts::default();
        for shape in shapes {
            let guest = Guest {
                smp: shape.smp,
                ..guest
            };
            counted::watch(&guest, &setting, shape, &mut counts)?;
        }
        return report_counts(arguments, watch, &facts, &counts);
    }
    let mut results = Results::default();
    for shape in shapes {
        let guest = Guest {
            smp: shape.smp,
            ..guest
        };
        boots(
            &guest,
            shape,
            kernel.as_ref(),
            arguments.boots(),
            voice,
            &mut results,
        )?;
    }
    report(arguments, &facts, &results)
}

/// Boots each kernel so often, in turns: what changes on the host meanwhile meets all of them.
fn boots(
    guest: &Guest<'_>,
    shape: Shape,
    kernel: Option<&Kernel>,
    boots: u32,
    voice: Voice,
    results: &mut Results,
) -> Result<()> {
    let mut step = voice.step("booting machines");
    for number in 1..=boots {
        let mut take = |system: System, run: Run| {
            if let Some(problem) = &run.problem {
                voice.say(&format!(
                    "{}: {problem}\n{}",
                    system.name(),
                    run.log.trim_end()
                ));
            }
            results.add(system, shape, &run);
        };
        let smp = shape.smp;
        step.detail(&format!("{smp} cores, boot {number} of {boots}: Braid"));
        take(System::Braid, braid::boot(shape.tori, guest)?);
        let Some(kernel) = kernel else { continue };
        for (system, huge) in [
            (System::Linux, Huge::Never),
            (System::LinuxHuge, Huge::Default),
        ] {
            step.detail(&format!(
                "{smp} cores, boot {number} of {boots}: {}",
                system.name()
            ));
            take(system, linux::boot(kernel, huge, guest)?);
        }
    }
    Ok(())
}

fn report(arguments: &BenchArgs, facts: &Facts, results: &Results) -> Result<u8> {
    print(&report::table::table(facts, results))?;
    if let Some(path) = &arguments.json {
        write(path, &report::json::lines(facts, results))?;
    }
    if let Some(path) = &arguments.html {
        write(path, &report::html::page(facts, results))?;
    }
    Ok(tell(arguments.voice(), &results.remarks))
}

fn report_counts(
    arguments: &BenchArgs,
    watch: Watch,
    facts: &Facts,
    counts: &Counts,
) -> Result<u8> {
    let (table, lines) = match watch {
        Watch::Sharing => (
            report::sharing::table(counts),
            report::sharing::lines(facts, counts),
        ),
        Watch::Profile => (
            report::profile::table(counts),
            report::profile::lines(facts, counts),
        ),
        Watch::Latency => (
            report::latency::table(counts),
            report::latency::lines(facts, counts),
        ),
    };
    print(&(report::table::heading(facts, &counts.releases) + "\n" + &table))?;
    if let Some(path) = &arguments.json {
        write(path, &lines)?;
    }
    let status = tell(arguments.voice(), &counts.remarks);
    let longest = report::latency::longest(counts);
    if watch == Watch::Latency && longest > latency::LIMIT {
        eprintln!("braid: {longest} instructions with interrupts off are too many");
        return Ok(INCOMPLETE);
    }
    Ok(status)
}

/// Tells what is missing, and gives the exit status.
fn tell(voice: Voice, remarks: &[Remark]) -> u8 {
    let mut status = 0;
    for remark in remarks {
        match remark {
            Remark::Absent(text) => voice.say(text),
            Remark::Problem(text) => {
                eprintln!("braid: {text}");
                status = INCOMPLETE;
            }
        }
    }
    status
}

fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

//! A machine that runs the benchmark program on Braid.

use std::path::PathBuf;

use anyhow::Result;

use super::run::{Guest, Run};
use crate::host_io::{Sink, Source};
use crate::log_lines::LogLines;
use crate::machine::{Machine, Terminal, Volume};
use crate::qemu::{self, Start};
use crate::session::{Host, Port, Session};
use crate::tree::Tree;

/// Log lines that are kept for a failure.
const TAIL: usize = 20;

/// Boots Braid with `tori` tori and the program as its first process, and waits for the end.
///
/// # Errors
/// The machine cannot be started; how it ends is in the answer.
pub fn boot(tori: u32, guest: &Guest<'_>) -> Result<Run> {
    let mut tree = Tree::default();
    tree.add_file(guest.program, Guest::PROGRAM.as_bytes())?;
    let words = std::iter::once(Guest::PROGRAM.to_owned()).chain(guest.options.arguments());
    let machine = Machine {
        smp: guest.smp,
        tori: Some(tori),
        memory: guest.memory,
        engine: guest.engine,
        timeout: Some(guest.timeout),
        every_torus: guest.options.everywhere,
        init: PathBuf::from(Guest::PROGRAM),
        arguments: words.map(Into::into).collect(),
        qemu: guest.qemu_arguments.to_vec(),
        ..Machine::default()
    };
    let parts = guest.parts;
    let line = machine.command_line(&Terminal::default())?;
    let volume = Volume::new(&parts.root, &parts.boot, tree, &line)?;
    machine.check_memory(volume.size)?;
    let running = qemu::start(
        &parts.qemu,
        &machine,
        &parts.boot.loader,
        &volume,
        &Start::Now,
    )?;
    drop(volume);
    let host = Host {
        stdin: Source::Silent,
        stdout: Sink::Memory(Vec::new()),
        stderr: Sink::Memory(Vec::new()),
        log: Sink::Nowhere,
        raw: None,
        signals: None,
        debugger: None,
    };
    let log = LogLines::new(parts.boot.kernel.clone());
    let finished = Session::new(running, Port::Framed, host, log, machine.timeout)?.run()?;
    let said = finished.host.stderr.into_memory();
    let mut log: Vec<String> = finished.log.tail(TAIL).map(str::to_owned).collect();
    log.push(String::from_utf8_lossy(&said).into_owned());
    let problem = finished.ending.message();
    Ok(Run::new(
        &finished.host.stdout.into_memory(),
        problem,
        log.join("\n"),
    ))
}

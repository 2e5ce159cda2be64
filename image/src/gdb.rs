//! `braid gdb`: the same machine, stopped at its first instruction, with gdb attached.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::process::Command;

use anyhow::{Context, Result};

use crate::exec::{Parts, report};
use crate::host_io::{Sink, Source};
use crate::install;
use crate::log_lines::LogLines;
use crate::machine::{Machine, Terminal, Volume};
use crate::progress::Voice;
use crate::qemu::{self, Start};
use crate::session::{Host, Port, Session};
use crate::signals::Signals;
use crate::tree::Tree;

/// Starts the machine and gdb; the program's input stays silent, since the terminal is gdb's.
///
/// # Errors
/// As `exec::boot`.
pub fn gdb(parts: &Parts, machine: &Machine, tree: Tree, voice: Voice) -> Result<u8> {
    let line = machine.command_line(&Terminal::default())?;
    let volume = Volume::new(&parts.root, &parts.boot, tree, &line)?;
    machine.check_memory(volume.size)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let arguments = arguments(parts, listener.local_addr()?.port());
    let start = Start::Debugger(&listener);
    let signals = Signals::catch()?;
    let running = qemu::start(&parts.qemu, machine, &parts.boot.loader, &volume, &start)?;
    drop(listener);
    let debugger = match install::find("gdb") {
        Some(path) => {
            let child = Command::new(path)
                .args(&arguments)
                .spawn()
                .context("could not run gdb")?;
            Some(child)
        }
        None => {
            let quoted: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
            eprintln!(
                "braid: gdb is missing; attach a debugger with: gdb {}",
                quoted.join(" ")
            );
            eprintln!("braid: the machine waits; Ctrl-C ends it");
            None
        }
    };
    let host = Host {
        stdin: Source::Silent,
        stdout: Sink::host(io::stdout().as_fd())?,
        stderr: Sink::host(io::stderr().as_fd())?,
        log: Sink::host(io::stderr().as_fd())?,
        raw: None,
        signals: Some(signals),
        debugger,
    };
    let log = LogLines::new(parts.boot.kernel.clone());
    let finished = Session::new(running, Port::Framed, host, log, machine.timeout)?.run()?;
    Ok(report(&finished, voice))
}

fn arguments(parts: &Parts, port: u16) -> Vec<String> {
    let commands = [
        // Adding symbols asks for confirmation.
        "set confirm off".to_owned(),
        format!("add-symbol-file {}", parts.boot.loader.display()),
        "set confirm on".to_owned(),
        format!("target remote localhost:{port}"),
    ];
    let mut words = vec!["-q".to_owned(), parts.boot.kernel.display().to_string()];
    for command in commands {
        words.extend(["-ex".to_owned(), command]);
    }
    words
}

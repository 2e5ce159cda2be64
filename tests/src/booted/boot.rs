//! Booting a machine, and what came of it.

use std::sync::OnceLock;

use braid::build::{self, Boot, Kernel};
use braid::ending::Ending;
use braid::exec::{self, Parts};
use braid::host_io::{Sink, Source};
use braid::install::Consent;
use braid::log_lines::LogLines;
use braid::machine::{Machine, Volume};
use braid::progress::Voice;
use braid::qemu::{self, Running, Start};
use braid::session::{Host, Port, Session};

use super::slots::Slot;

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// The kernel's log; empty on the host.
    pub log: String,
    /// Its exit status, 128 + signal when it was killed.
    pub status: i32,
}

/// Boots a machine from a boot volume, and answers with how it ended and what it wrote.
///
/// # Errors
/// QEMU cannot be run.
pub fn boot(
    machine: &Machine,
    volume: &Volume,
    stdin: Vec<u8>,
) -> Result<(Ending, Output), Box<dyn std::error::Error>> {
    let parts = parts();
    let _slot = Slot::take();
    let loader = &parts.boot.loader;
    let running = qemu::start(&parts.qemu, machine, loader, volume, &Start::Now)?;
    finish(machine, running, stdin)
}

/// Lives with a machine until it ends, and answers with how it ended and what it wrote.
pub(super) fn finish(
    machine: &Machine,
    running: Running,
    stdin: Vec<u8>,
) -> Result<(Ending, Output), Box<dyn std::error::Error>> {
    let host = Host {
        stdin: Source::Memory(stdin.into()),
        stdout: Sink::Memory(Vec::new()),
        stderr: Sink::Memory(Vec::new()),
        log: Sink::Memory(Vec::new()),
        raw: None,
        signals: None,
        debugger: None,
    };
    let log = LogLines::new(built(machine.kernel).kernel.clone());
    let finished = Session::new(running, Port::Framed, host, log, machine.timeout)?.run()?;
    let Host {
        stdout,
        stderr,
        log,
        ..
    } = finished.host;
    let output = Output {
        stdout: text(stdout.into_memory()),
        stderr: text(stderr.into_memory()),
        log: text(log.into_memory()),
        status: i32::from(finished.ending.exit_status()),
    };
    Ok((finished.ending, output))
}

pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An exit status as shells show it.
pub(crate) fn tool_status(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

/// Kernel, loader and QEMU, built and found once for all tests.
///
/// # Panics
/// They cannot be.
pub fn parts() -> &'static Parts {
    static PARTS: OnceLock<Parts> = OnceLock::new();
    PARTS.get_or_init(|| {
        exec::parts(Kernel::Ordinary, Consent::new(false), Voice::Normal)
            .unwrap_or_else(|error| panic!("the machine cannot be built: {error:#}"))
    })
}

/// A kernel and its loader, built once for all tests.
pub(super) fn built(kernel: Kernel) -> &'static Boot {
    static CHECKED: OnceLock<Boot> = OnceLock::new();
    match kernel {
        Kernel::Ordinary => &parts().boot,
        Kernel::Checked => CHECKED.get_or_init(|| {
            build::boot(&parts().root, kernel, Voice::Normal)
                .unwrap_or_else(|error| panic!("the checked kernel cannot be built: {error:#}"))
        }),
    }
}

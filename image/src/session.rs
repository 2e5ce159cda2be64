//! Lives with a running machine: one loop that carries bytes between it and the host until it ends.
//!
//! Everything that may wait (the machine's two serial ports and its stderr, our input and outputs, signals) is polled
//! together, so that a reader that does not read delays neither a time-out nor a signal.

mod host;
mod machine;

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::PollFlags;

use crate::console::Decoder;
use crate::ending::Ending;
use crate::host_io::{Sink, Source};
use crate::log_lines::LogLines;
use crate::polling::{Who, poll};
use crate::qemu::Running;
use crate::signals::Signals;
use crate::terminal::Raw;

/// What the machine's console port carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Frames of programs' input and output; the log has a port of its own.
    Framed,
    /// Everything, as on a board: shown as it comes.
    Plain,
}

/// The host's side of a machine.
#[derive(Debug)]
pub struct Host {
    /// The program's standard input.
    pub stdin: Source,
    /// The program's standard output.
    pub stdout: Sink,
    /// The program's standard error.
    pub stderr: Sink,
    /// The kernel's log.
    pub log: Sink,
    /// The user's terminal in raw mode, when the program's input comes from it.
    pub raw: Option<Raw>,
    /// Signals to the tool; `None` leaves them alone.
    pub signals: Option<Signals>,
    /// The debugger that holds our terminal: interrupts are its own, and the machine ends with it.
    pub debugger: Option<Child>,
}

/// A machine with its host.
#[derive(Debug)]
pub struct Session {
    machine: Running,
    port: Port,
    diagnostics: ChildStderr,
    said: Vec<u8>,
    host: Host,
    log: LogLines,
    decoder: Decoder,
    outgoing: Vec<u8>,
    ready: bool,
    input_ended: bool,
    escapes: u8,
    exit: Option<u32>,
    console_open: bool,
    log_open: bool,
    deadline: Option<(Instant, Duration)>,
}

/// What is left when a machine has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// The last log lines.
    pub log: LogLines,
    /// The host's side, with the outputs kept in memory.
    pub host: Host,
}

impl Session {
    /// Takes over a machine that was just started.
    ///
    /// # Errors
    /// Its sockets cannot be used.
    pub fn new(
        mut machine: Running,
        port: Port,
        host: Host,
        log: LogLines,
        timeout: Option<Duration>,
    ) -> Result<Session> {
        machine.console.set_nonblocking(true)?;
        machine.log.set_nonblocking(true)?;
        let diagnostics = machine.child.stderr.take().context("QEMU has no stderr")?;
        Ok(Session {
            machine,
            port,
            diagnostics,
            said: Vec::new(),
            host,
            log,
            decoder: Decoder::default(),
            outgoing: Vec::new(),
            ready: port == Port::Plain,
            input_ended: false,
            escapes: 0,
            exit: None,
            console_open: true,
            log_open: true,
            deadline: timeout.map(|limit| (Instant::now() + limit, limit)),
        })
    }

    /// Runs until the machine has ended.
    ///
    /// # Errors
    /// The host's own failures; the machine is then killed.
    pub fn run(mut self) -> Result<Finished> {
        let early = loop {
            if !self.console_open && !self.log_open && self.outputs_are_written() {
                break None;
            }
            match self.turn()? {
                None => {}
                Some(ending) => break Some(ending),
            }
        };
        let ending = match early {
            Some(ending) => ending,
            None => {
                let status = self.machine.child.wait()?;
                // The pipe's other end is closed, so that this reads what is left and no more.
                let _ = self.diagnostics.read_to_end(&mut self.said);
                self.ending(status.code())
            }
        };
        drop(self.machine);
        drop(self.host.raw.take());
        if let Some(mut debugger) = self.host.debugger.take() {
            // It shows that the machine has gone, and stays until its user leaves it.
            debugger.wait()?;
        }
        if let Some(line) = self.log.finish() {
            self.host.log.push(line.as_bytes());
            self.host.log.push(b"\n");
        }
        while self.host.log.waiting().is_some() && self.host.log.write().is_ok() {}
        Ok(Finished {
            ending,
            log: self.log,
            host: self.host,
        })
    }

    fn outputs_are_written(&self) -> bool {
        let Host {
            stdout,
            stderr,
            log,
            ..
        } = &self.host;
        [stdout, stderr, log]
            .iter()
            .all(|sink| sink.waiting().is_none())
    }

    /// Waits for something, and deals with it.
    fn turn(&mut self) -> Result<Option<Ending>> {
        let timeout = match self.deadline {
            None => None,
            Some((at, limit)) => match at.checked_duration_since(Instant::now()) {
                None => return Ok(Some(Ending::TimedOut(limit))),
                Some(left) => Some(left),
            },
        };
        for (who, events) in self.wait(timeout)? {
            let ending = match who {
                Who::Console => self.console(events)?,
                Who::Log => {
                    self.take_log();
                    None
                }
                Who::Diagnostics => {
                    let mut bytes = [0; 4096];
                    let count = self.diagnostics.read(&mut bytes)?;
                    self.said.extend_from_slice(&bytes[..count]);
                    None
                }
                Who::Input => self.input(),
                Who::Signals => self.signals(),
                Who::Stdout => self
                    .host
                    .stdout
                    .write()
                    .err()
                    .map(|error| output_failed(&error)),
                // A lost stderr is no reason to lose the program.
                Who::Stderr => self.host.stderr.write().err().and(None),
                Who::LogOut => self.host.log.write().err().and(None),
            };
            if ending.is_some() {
                return Ok(ending);
            }
        }
        Ok(None)
    }

    /// Polls everything that matters now.
    fn wait(&self, timeout: Option<Duration>) -> Result<Vec<(Who, PollFlags)>> {
        let mut wanted: Vec<(Who, BorrowedFd<'_>, PollFlags)> = Vec::with_capacity(8);
        let Host {
            stdin,
            stdout,
            stderr,
            log,
            signals,
            ..
        } = &self.host;
        let reading = !stdout.is_full() && !stderr.is_full();
        let sending = self.ready && !self.outgoing.is_empty();
        if self.console_open {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, reading);
            flags.set(PollFlags::OUT, sending);
            if !flags.is_empty() {
                wanted.push((Who::Console, self.machine.console.as_fd(), flags));
            }
        }
        if self.log_open && !log.is_full() {
            wanted.push((Who::Log, self.machine.log.as_fd(), PollFlags::IN));
        }
        if self.console_open || self.log_open {
            wanted.push((Who::Diagnostics, self.diagnostics.as_fd(), PollFlags::IN));
        }
        let mut input_is_ready = false;
        if self.ready && !self.input_ended && !sending && self.console_open {
            match stdin {
                Source::Host(fd) => wanted.push((Who::Input, fd.as_fd(), PollFlags::IN)),
                Source::Memory(_) | Source::Ended => input_is_ready = true,
                Source::Silent => {}
            }
        }
        if let Some(signals) = signals {
            wanted.push((Who::Signals, signals.as_fd(), PollFlags::IN));
        }
        for (who, sink) in [
            (Who::Stdout, stdout),
            (Who::Stderr, stderr),
            (Who::LogOut, log),
        ] {
            if let Some(fd) = sink.waiting() {
                wanted.push((who, fd, PollFlags::OUT));
            }
        }
        let timeout = if input_is_ready {
            Some(Duration::ZERO)
        } else {
            timeout
        };
        let mut ready = poll(&wanted, timeout)?;
        if input_is_ready {
            ready.push((Who::Input, PollFlags::IN));
        }
        Ok(ready)
    }
}

fn output_failed(error: &io::Error) -> Ending {
    if error.kind() == ErrorKind::BrokenPipe {
        return Ending::OutputClosed;
    }
    Ending::Lost(format!("standard output: {error}"))
}

//! Lives with a running machine: one loop that carries bytes between it and the host until it ends.
//!
//! Everything that may wait (the machine's two serial ports and its stderr, our input and outputs, signals) is polled
//! together, so that a reader that does not read delays neither a time-out nor a signal.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::PollFlags;
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGINT, SIGTSTP, SIGWINCH};

use crate::console::{self, Decoder, FromGuest};
use crate::ending::Ending;
use crate::host_io::{Input, Sink, Source};
use crate::log_lines::LogLines;
use crate::polling::{Who, is_transient, poll, take};
use crate::qemu::Running;
use crate::signals::Signals;
use crate::terminal::{self, Raw};

/// Time that a machine has to power off after its program has ended.
const POWER_OFF: Duration = Duration::from_secs(20);
/// What the kernel's log says on boards, where no exit status tells how the machine ends.
const POWERED_OFF: &str = "] powering off";
const REBOOTS: &str = "] rebooting";
const HALTED: &str = "] halted";
const PANIC: &str = "PANIC ";
/// The key that, typed twice, ends the machine: Ctrl-].
const ESCAPE: u8 = 0x1d;

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
                match (status.code(), &self.host.debugger) {
                    // The debugger's `kill`.
                    (Some(0), Some(_)) => Ending::Debugged,
                    // QEMU ends instead of starting again.
                    (Some(0), None) if self.log.said(REBOOTS) => Ending::Exited(0),
                    (code, _) if self.port == Port::Plain => self.plain_ending(code),
                    (code, _) => Ending::of(self.exit, code, &String::from_utf8_lossy(&self.said)),
                }
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

    fn console(&mut self, events: PollFlags) -> Result<Option<Ending>> {
        if events.contains(PollFlags::OUT) && !self.outgoing.is_empty() {
            match self.machine.console.write(&self.outgoing) {
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if is_transient(&error) => {}
                // The machine has gone; reading tells.
                Err(_) => self.outgoing.clear(),
            }
        }
        if !events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            return Ok(None);
        }
        let Some(bytes) = take(&mut self.machine.console, &mut self.console_open) else {
            return Ok(None);
        };
        if self.port == Port::Plain {
            self.plain(&bytes);
            return Ok(None);
        }
        self.decoder.push(&bytes);
        loop {
            match self.decoder.next_frame() {
                Ok(None) => return Ok(None),
                Ok(Some(FromGuest::Stdout(bytes))) => self.host.stdout.push(&bytes),
                Ok(Some(FromGuest::Stderr(bytes))) => self.host.stderr.push(&bytes),
                Ok(Some(FromGuest::Ready)) => self.ready = true,
                Ok(Some(FromGuest::Exit(status))) => {
                    self.exit = Some(status);
                    self.input_ended = true;
                    let limit = Instant::now() + POWER_OFF;
                    if self.deadline.is_none_or(|(at, _)| at > limit) {
                        self.deadline = Some((limit, POWER_OFF));
                    }
                }
                Err(bad) => return Ok(Some(Ending::Lost(bad.to_string()))),
            }
        }
    }

    /// Shows what came as it came, and backtraces again with names; a machine that has halted is ended.
    fn plain(&mut self, bytes: &[u8]) {
        self.host.stdout.push(bytes);
        let lines = self.log.push(bytes);
        for line in lines.iter().filter(|line| LogLines::is_place(line)) {
            self.host.log.push(format!("{line}\r\n").as_bytes());
        }
        if lines.iter().any(|line| line.ends_with(HALTED)) {
            // An error means that it has ended already. What it said is still read.
            let _ = self.machine.child.kill();
        }
    }

    /// How a board ended, from its last words.
    fn plain_ending(&self, qemu: Option<i32>) -> Ending {
        if self.log.said(PANIC) {
            Ending::Panicked
        } else if self.log.said(HALTED) {
            Ending::Refused
        } else if qemu == Some(0) && self.log.said(POWERED_OFF) {
            Ending::Exited(0)
        } else {
            Ending::of(None, qemu, &String::from_utf8_lossy(&self.said))
        }
    }

    fn take_log(&mut self) {
        let Some(bytes) = take(&mut self.machine.log, &mut self.log_open) else {
            return;
        };
        let end = if self.host.raw.is_some() {
            "\r\n"
        } else {
            "\n"
        };
        for line in self.log.push(&bytes) {
            self.host.log.push(line.as_bytes());
            self.host.log.push(end.as_bytes());
        }
    }

    fn input(&mut self) -> Option<Ending> {
        match self.host.stdin.read(console::MOST_INPUT) {
            Input::Nothing => None,
            Input::End => {
                self.input_ended = true;
                if self.port == Port::Framed {
                    self.outgoing.extend(console::end_of_input());
                }
                None
            }
            Input::Bytes(bytes) => {
                if self.host.raw.is_some() && self.escaped(&bytes) {
                    return Some(Ending::Escaped);
                }
                match self.port {
                    Port::Framed => self.outgoing.extend(console::input(&bytes)),
                    Port::Plain => self.outgoing.extend(bytes),
                }
                None
            }
        }
    }

    fn escaped(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            self.escapes = if byte == ESCAPE { self.escapes + 1 } else { 0 };
            if self.escapes == 2 {
                return true;
            }
        }
        false
    }

    fn signals(&mut self) -> Option<Ending> {
        let pending = self.host.signals.as_mut()?.pending();
        for signal in pending {
            match signal {
                SIGWINCH => self.window(),
                SIGCHLD => {
                    let left = |child: &mut Child| matches!(child.try_wait(), Ok(Some(_)));
                    if self.host.debugger.as_mut().is_some_and(left) {
                        return Some(Ending::Debugged);
                    }
                }
                SIGINT if self.host.debugger.is_some() => {}
                SIGTSTP => {
                    let was_raw = self.host.raw.take().is_some();
                    // An error would mean that we cannot stop, and go on instead.
                    let _ = rustix::process::kill_process(
                        rustix::process::getpid(),
                        rustix::process::Signal::STOP,
                    );
                    if was_raw {
                        self.host.raw = Raw::enter();
                    }
                }
                SIGCONT => {
                    if self.host.raw.is_some() {
                        self.host.raw = Raw::enter();
                    }
                    self.window();
                }
                other => return Some(Ending::Interrupted(other)),
            }
        }
        None
    }

    fn window(&mut self) {
        if let Some((rows, columns)) = terminal::size()
            && self.port == Port::Framed
        {
            self.outgoing.extend(console::window_size(rows, columns));
        }
    }
}

fn output_failed(error: &io::Error) -> Ending {
    if error.kind() == ErrorKind::BrokenPipe {
        return Ending::OutputClosed;
    }
    Ending::Lost(format!("standard output: {error}"))
}

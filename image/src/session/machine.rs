//! What comes from the machine: its console's frames or plain bytes, and its log.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::event::PollFlags;

use super::{Port, Session};
use crate::console::FromGuest;
use crate::ending::Ending;
use crate::log_lines::LogLines;
use crate::polling::{is_transient, take};

/// Time that a machine has to power off after its program has ended.
const POWER_OFF: Duration = Duration::from_secs(20);
/// What the kernel's log says on boards, where no exit status tells how the machine ends.
const POWERED_OFF: &str = "] powering off";
const REBOOTS: &str = "] rebooting";
const HALTED: &str = "] halted";
const PANIC: &str = "PANIC ";

impl Session {
    pub(super) fn console(&mut self, events: PollFlags) -> Result<Option<Ending>> {
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

    /// How the machine ended, of which QEMU answers this code.
    pub(super) fn ending(&self, qemu: Option<i32>) -> Ending {
        match (qemu, &self.host.debugger) {
            // The debugger's `kill`.
            (Some(0), Some(_)) => Ending::Debugged,
            // QEMU ends instead of starting again.
            (Some(0), None) if self.log.said(REBOOTS) => Ending::Exited(0),
            _ if self.port == Port::Plain => self.plain_ending(qemu),
            _ => Ending::of(self.exit, qemu, &String::from_utf8_lossy(&self.said)),
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

    pub(super) fn take_log(&mut self) {
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
}

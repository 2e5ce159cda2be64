//! What comes from the host: the program's input, and signals.

use std::process::Child;

use signal_hook::consts::{SIGCHLD, SIGCONT, SIGINT, SIGTSTP, SIGWINCH};

use super::{Port, Session};
use crate::console;
use crate::ending::Ending;
use crate::host_io::Input;
use crate::terminal::{self, Raw};

/// The key that, typed twice, ends the machine: Ctrl-].
const ESCAPE: u8 = 0x1d;

impl Session {
    pub(super) fn input(&mut self) -> Option<Ending> {
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

    pub(super) fn signals(&mut self) -> Option<Ending> {
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

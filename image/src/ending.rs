//! How a machine ends, and the exit status that the tool gives for it.

use std::time::Duration;

/// Exit status of the tool's own failures: bad input, set-up, build, QEMU.
pub const FAILURE: u8 = 125;
const TIMED_OUT: u8 = 124;
const PANICKED: u8 = 123;
const REFUSED: u8 = 122;
const LOST: u8 = 121;
/// 128 + SIGPIPE, as a shell shows a program whose reader has gone.
const OUTPUT_CLOSED: u8 = 141;

/// QEMU's exit statuses: (value << 1) | 1 for a value written to its isa-debug-exit device.
const QEMU_CLEAN: i32 = 0x10 << 1 | 1;
const QEMU_PANIC: i32 = 0x11 << 1 | 1;
const QEMU_REFUSED: i32 = 0x12 << 1 | 1;

/// What QEMU says when a signal ends it, with exit status 0.
const SIGNALLED: &str = "terminating on signal";

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The program exited with this code.
    Exited(u8),
    /// The program was killed by this signal.
    Killed(u8),
    /// The kernel panicked.
    Panicked,
    /// The loader or the kernel refused to boot.
    Refused,
    /// The machine stopped without telling the program's status.
    Lost(String),
    /// It ran longer than allowed.
    TimedOut(Duration),
    /// QEMU failed, with this on its stderr.
    QemuFailed(String),
    /// Our own standard output was closed.
    OutputClosed,
    /// The user ended the machine from the terminal.
    Escaped,
    /// The debugger was left.
    Debugged,
    /// This signal ended the tool.
    Interrupted(i32),
}

impl Ending {
    /// From the exit frame, if there was one, and QEMU's exit status (`None`: killed by a signal).
    #[must_use]
    pub fn of(frame: Option<u32>, qemu: Option<i32>, diagnostics: &str) -> Ending {
        match (qemu, frame) {
            (Some(QEMU_PANIC), _) => Ending::Panicked,
            (Some(QEMU_REFUSED), _) => Ending::Refused,
            (Some(QEMU_CLEAN), Some(status)) => Ending::from_wait_status(status),
            (Some(QEMU_CLEAN), None) => {
                Ending::Lost("the machine powered off without telling a status".to_owned())
            }
            // Powered off, as a board is.
            (Some(0), Some(status)) => Ending::from_wait_status(status),
            (Some(0), None) if diagnostics.contains(SIGNALLED) => {
                Ending::QemuFailed(format!("QEMU was ended:\n{}", diagnostics.trim()))
            }
            (Some(0), None) => Ending::Lost(
                "the machine reset itself (a triple fault, or the loader was not started)"
                    .to_owned(),
            ),
            (status, _) => {
                let how = status.map_or("killed".to_owned(), |status| format!("status {status}"));
                let said = diagnostics.trim();
                let colon = if said.is_empty() { "" } else { ":\n" };
                Ending::QemuFailed(format!("QEMU ended ({how}){colon}{said}"))
            }
        }
    }

    /// From a wait status as of Linux' `wait4`.
    #[must_use]
    pub fn from_wait_status(status: u32) -> Ending {
        let [low, code, ..] = status.to_le_bytes();
        match low & 0x7f {
            0 => Ending::Exited(code),
            signal => Ending::Killed(signal),
        }
    }

    /// The tool's exit status.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Ending::Exited(code) => *code,
            Ending::Killed(signal) => 128 + signal,
            Ending::Panicked => PANICKED,
            Ending::Refused => REFUSED,
            Ending::Lost(_) => LOST,
            Ending::TimedOut(_) => TIMED_OUT,
            Ending::QemuFailed(_) => FAILURE,
            Ending::OutputClosed => OUTPUT_CLOSED,
            Ending::Escaped => 130,
            Ending::Debugged => 0,
            Ending::Interrupted(signal) => 128 + (*signal as u8 & 0x7f),
        }
    }

    /// What to tell the user; `None` when the program's own status says it all.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self {
            Ending::Exited(_) | Ending::Killed(_) | Ending::OutputClosed => None,
            Ending::Panicked => Some("the kernel panicked".to_owned()),
            Ending::Refused => Some("the machine refused to boot".to_owned()),
            Ending::Lost(text) | Ending::QemuFailed(text) => Some(text.clone()),
            Ending::TimedOut(limit) => Some(format!(
                "the machine did not end within {} s",
                limit.as_secs_f64()
            )),
            Ending::Escaped => Some("the machine was ended from the terminal".to_owned()),
            Ending::Interrupted(_) | Ending::Debugged => None,
        }
    }

    /// Whether the kernel's last log lines belong to the message.
    #[must_use]
    pub fn wants_log(&self) -> bool {
        use Ending::{Lost, Panicked, QemuFailed, Refused, TimedOut};
        matches!(
            self,
            Panicked | Refused | Lost(_) | TimedOut(_) | QemuFailed(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_the_programs_own() {
        assert_eq!(Ending::of(Some(3 << 8), Some(33), "").exit_status(), 3);
        assert_eq!(Ending::of(Some(11), Some(33), "").exit_status(), 139);
        assert_eq!(Ending::of(Some(3 << 8), Some(0), "").exit_status(), 3);
        assert_eq!(Ending::of(Some(0x88), Some(33), "").exit_status(), 136);
    }

    #[test]
    fn failures_are_told_apart() {
        let endings = [
            Ending::of(None, Some(35), ""),
            Ending::of(None, Some(37), ""),
            Ending::of(None, Some(0), ""),
            Ending::of(None, Some(1), "no such option"),
            Ending::of(None, Some(0), "QEMU: terminating on signal 15 from pid 7"),
            Ending::TimedOut(Duration::from_secs(1)),
        ];
        let mut statuses: Vec<u8> = endings.iter().map(Ending::exit_status).collect();
        statuses.dedup();
        assert_eq!(statuses, [123, 122, 121, 125, 124]);
        assert!(endings.iter().all(|ending| ending.message().is_some()));
    }
}

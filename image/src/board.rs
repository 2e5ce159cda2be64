//! `braid run --image`: an image in QEMU, as a board boots it. The machine's first serial port is our terminal.

use anyhow::Result;

use crate::exec::{Parts, host, report};
use crate::firmware::Firmware;
use crate::log_lines::LogLines;
use crate::machine::Machine;
use crate::medium::Medium;
use crate::progress::Voice;
use crate::qemu;
use crate::session::{Port, Session};
use crate::signals::Signals;

/// Boots the image by UEFI or BIOS on the tool's terminal, and answers with the tool's exit status: 0 when the machine has
/// powered off.
///
/// # Errors
/// The machine cannot be started.
pub fn run(
    parts: &Parts,
    machine: &Machine,
    medium: &Medium<'_>,
    firmware: Option<&Firmware>,
    voice: Voice,
) -> Result<u8> {
    let signals = Signals::catch()?;
    let running = qemu::start_image(&parts.qemu, machine, medium, firmware, Port::Plain)?;
    let host = host(voice, signals)?;
    let log = LogLines::new(parts.boot.kernel.clone());
    let finished = Session::new(running, Port::Plain, host, log, machine.timeout)?.run()?;
    Ok(report(&finished, voice))
}

//! `braid run --image`: an image in QEMU, as a board boots it. The machine's first serial port is our terminal.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::exec::{Parts, host, report};
use crate::firmware::Firmware;
use crate::log_lines::LogLines;
use crate::machine::Machine;
use crate::progress::Voice;
use crate::qemu::{self, Medium, MediumKind};
use crate::session::{Port, Session};
use crate::signals::Signals;

/// How QEMU presents an image.
#[derive(Debug)]
pub struct Board<'a> {
    /// The image.
    pub image: &'a Path,
    /// UEFI; `None` is BIOS.
    pub firmware: Option<Firmware>,
    /// As a USB stick, whatever it is.
    pub usb: bool,
}

impl Board<'_> {
    /// How the image is connected: as what it is, or as a stick.
    ///
    /// # Errors
    /// It is neither an ISO nor a disk, or cannot be read.
    pub fn medium(&self) -> Result<Medium<'_>> {
        let kind = kind(self.image).with_context(|| format!("{}", self.image.display()))?;
        Ok(Medium {
            file: self.image,
            kind: if self.usb { MediumKind::Usb } else { kind },
        })
    }
}

/// Boots the image on the tool's terminal, and answers with the tool's exit status: 0 when the machine has powered off.
///
/// # Errors
/// The machine cannot be started.
pub fn run(parts: &Parts, machine: &Machine, board: &Board<'_>, voice: Voice) -> Result<u8> {
    let medium = board.medium()?;
    let signals = Signals::catch()?;
    let running = qemu::start_image(&parts.qemu, machine, &medium, board.firmware.as_ref())?;
    let host = host(voice, signals)?;
    let log = LogLines::new(parts.boot.kernel.clone());
    let finished = Session::new(running, Port::Plain, host, log, machine.timeout)?.run()?;
    Ok(report(&finished, voice))
}

/// A CD has its volume descriptors at 32 KiB, a disk its GPT in the second sector.
fn kind(image: &Path) -> Result<MediumKind> {
    let mut file = File::open(image)?;
    let mut holds = |at: u64, magic: &[u8]| -> io::Result<bool> {
        let mut bytes = vec![0; magic.len()];
        file.seek(SeekFrom::Start(at))?;
        match file.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| bytes == magic),
        }
    };
    if holds(32769, b"CD001")? {
        return Ok(MediumKind::Cd);
    }
    if holds(512, b"EFI PART")? {
        return Ok(MediumKind::Disk);
    }
    bail!("is neither an ISO nor a disk with a GPT")
}

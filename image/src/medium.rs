//! Images as QEMU sees them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What an image is in the machine.
#[derive(Clone, Copy, Debug)]
pub struct Medium<'a> {
    /// The image.
    pub file: &'a Path,
    /// How it is connected.
    pub kind: MediumKind,
}

/// How an image is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumKind {
    /// In a CD drive.
    Cd,
    /// As a disk.
    Disk,
    /// As a USB stick.
    Usb,
}

impl<'a> Medium<'a> {
    /// An image, connected as what it is.
    ///
    /// # Errors
    /// It is neither an ISO nor a disk, or cannot be read.
    pub fn of(file: &'a Path) -> Result<Medium<'a>> {
        let kind = kind(file).with_context(|| format!("{}", file.display()))?;
        Ok(Medium { file, kind })
    }

    /// Words of QEMU's command line.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        // Writes are forgotten at the end. A comma in a file name is doubled for QEMU.
        let mut file = b"if=none,id=boot,format=raw,snapshot=on,file=".to_vec();
        for &byte in self.file.as_os_str().as_bytes() {
            file.push(byte);
            if byte == b',' {
                file.push(byte);
            }
        }
        let device = match self.kind {
            MediumKind::Cd => "ide-cd",
            MediumKind::Disk => "ide-hd",
            MediumKind::Usb => "usb-storage",
        };
        let mut words: Vec<OsString> = vec!["-drive".into(), OsString::from_vec(file)];
        if self.kind == MediumKind::Usb {
            words.extend(["-device".into(), "qemu-xhci".into()]);
        }
        words.push("-device".into());
        words.push(format!("{device},drive=boot,bootindex=0").into());
        words
    }
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

//! The command lines of images: making one, and booting one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::{MachineArgs, parse_files, values, voice};
use crate::build::{self, Kernel};
use crate::firmware::Firmware;
use crate::image::{Format, Image};
use crate::install::Consent;
use crate::medium::{Medium, MediumKind};
use crate::progress::Voice;
use crate::repo;
use crate::symbolize::Symbols;

#[derive(Debug, Args)]
pub(super) struct BoardArgs {
    /// Boot this image as a board does; its first serial port is the terminal
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tori", "env", "log", "stats", "icount", "cmdline"])]
    pub(super) image: Option<PathBuf>,
    /// By UEFI, not BIOS
    #[arg(long, requires = "image")]
    uefi: bool,
    /// From a USB stick
    #[arg(long, requires = "image")]
    usb: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    /// The image to write; with --format dir a directory
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Directory of Limine's binaries [default: LIMINE_DIR, /usr/share/limine]
    #[arg(long, value_name = "DIR")]
    limine: Option<PathBuf>,
    /// Put a file of the host into the machine
    #[arg(long, value_name = "HOST:GUEST")]
    file: Vec<OsString>,
    /// More words for the kernel, in every entry of the menu
    #[arg(long, value_name = "WORDS")]
    cmdline: Option<String>,
    /// Seconds until the menu boots its first entry [default: as limine.cfg says]
    #[arg(long, value_name = "SECONDS", value_parser = values::number(0..=86_400))]
    menu: Option<u32>,
    /// No remarks on stderr
    #[arg(short, long)]
    quiet: bool,
    /// Install nothing: print the command instead
    #[arg(long)]
    no_install: bool,
}

#[derive(Debug, Args)]
pub(super) struct WhereArgs {
    /// The kernel that ran [default: as the checkout builds it; on an image it is /boot/braid-kernel]
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Addresses, as 0xffffffff80001234
    #[arg(required = true, value_name = "ADDRESS", value_parser = values::address)]
    addresses: Vec<u64>,
}

impl WhereArgs {
    /// Prints each address as a line of a backtrace.
    pub(super) fn tell(&self) -> Result<()> {
        let kernel = match &self.kernel {
            Some(kernel) => kernel.clone(),
            None => build::boot(&repo::root()?, Kernel::Ordinary, Voice::Normal)?.kernel,
        };
        let symbols = Symbols::of(&kernel);
        for address in &self.addresses {
            println!("{}", symbols.annotate(&format!("  at {address:#x}")));
        }
        Ok(())
    }
}

impl BoardArgs {
    /// Boots `image`.
    pub(super) fn run(&self, mut machine: MachineArgs, image: &Path) -> Result<u8> {
        let mut medium = Medium::of(image)?;
        if self.usb {
            medium.kind = MediumKind::Usb;
        }
        machine.timeout = machine.timeout.or(Some(Duration::from_secs(300)));
        let mut shape = machine.shape()?;
        let parts = machine.prepare(&mut shape)?;
        let voice = machine.voice();
        let consent = Consent::new(machine.no_install);
        let firmware = if self.uefi {
            Some(Firmware::new(consent, voice)?)
        } else {
            None
        };
        crate::board::run(&parts, &shape, &medium, firmware.as_ref(), voice)
    }
}

impl ImageArgs {
    /// Makes the image.
    pub(super) fn make(&self) -> Result<()> {
        let image = Image {
            format: self.format,
            limine: self.limine.clone(),
            files: parse_files(&self.file)?,
            words: self.cmdline.clone(),
            timeout: self.menu,
        };
        let consent = Consent::new(self.no_install);
        image.make(&self.output, consent, voice(self.quiet))
    }
}

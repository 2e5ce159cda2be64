//! UEFI firmware for emulated machines: OVMF, as distributions install it.
//!
//! Its code is shared; the variables that it keeps are a fresh copy for every machine.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::MemfdFlags;

use crate::install::{self, Consent};
use crate::progress::Voice;

/// Code and the variables made for it: Debian and Ubuntu (newer, older), Fedora, Arch, openSUSE, Gentoo, QEMU's own.
const USUAL: [(&str, &str); 8] = [
    (
        "/usr/share/OVMF/OVMF_CODE_4M.fd",
        "/usr/share/OVMF/OVMF_VARS_4M.fd",
    ),
    (
        "/usr/share/OVMF/OVMF_CODE.fd",
        "/usr/share/OVMF/OVMF_VARS.fd",
    ),
    (
        "/usr/share/edk2/ovmf/OVMF_CODE.fd",
        "/usr/share/edk2/ovmf/OVMF_VARS.fd",
    ),
    (
        "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
        "/usr/share/edk2/x64/OVMF_VARS.4m.fd",
    ),
    (
        "/usr/share/edk2-ovmf/x64/OVMF_CODE.fd",
        "/usr/share/edk2-ovmf/x64/OVMF_VARS.fd",
    ),
    (
        "/usr/share/qemu/ovmf-x86_64-code.bin",
        "/usr/share/qemu/ovmf-x86_64-vars.bin",
    ),
    (
        "/usr/share/edk2-ovmf/OVMF_CODE.fd",
        "/usr/share/edk2-ovmf/OVMF_VARS.fd",
    ),
    (
        "/usr/share/qemu/edk2-x86_64-code.fd",
        "/usr/share/qemu/edk2-i386-vars.fd",
    ),
];

/// A machine's UEFI.
#[derive(Debug)]
pub struct Firmware {
    /// The code.
    pub code: PathBuf,
    /// The machine's own variables, in a file without a name.
    pub variables: File,
}

impl Firmware {
    /// Finds OVMF, or installs it, and copies its variables.
    ///
    /// # Errors
    /// It is missing and may not or cannot be installed.
    pub fn new(consent: Consent, voice: Voice) -> Result<Firmware> {
        let (code, variables) = match find() {
            Some(found) => found,
            None => {
                install::install(&install::OVMF, consent, voice)?;
                find().context("OVMF is in none of the usual places after its installation")?
            }
        };
        let template = std::fs::read(variables)
            .with_context(|| format!("{} cannot be read", variables.display()))?;
        let file = rustix::fs::memfd_create("variables", MemfdFlags::CLOEXEC)
            .context("no memory for UEFI variables")?;
        let mut file = File::from(file);
        file.write_all(&template)?;
        Ok(Firmware {
            code: code.to_path_buf(),
            variables: file,
        })
    }

    /// Words of QEMU's command line.
    #[must_use]
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut code = OsString::from("if=pflash,unit=0,format=raw,readonly=on,file=");
        code.push(&self.code);
        let variables = format!(
            "if=pflash,unit=1,format=raw,file=/proc/self/fd/{}",
            self.variables.as_raw_fd()
        );
        ["-drive".into(), code, "-drive".into(), variables.into()].into()
    }
}

fn find() -> Option<(&'static Path, &'static Path)> {
    let mut pairs = USUAL
        .iter()
        .map(|(code, variables)| (Path::new(code), Path::new(variables)));
    pairs.find(|(code, variables)| code.is_file() && variables.is_file())
}

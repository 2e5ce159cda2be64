//! Real Limine, for tests that have it.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use braid::ending::Ending;
use braid::firmware::Firmware;
use braid::image::{Content, Limine};
use braid::install::Consent;
use braid::machine::Machine;
use braid::medium::Medium;
use braid::menu;
use braid::progress::Voice;
use braid::qemu;
use braid::session::Port;
use braid::tree::Tree;
use tempfile::NamedTempFile;

use super::boot::{Output, finish, parts};
use super::slots::Slot;

/// The directory of Limine's binaries that `LIMINE_DIR` names; without it, `None`, and a remark that `what` is not tested.
#[must_use]
pub fn limine(what: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("LIMINE_DIR").filter(|value| !value.is_empty());
    if directory.is_none() {
        eprintln!("LIMINE_DIR is not set: not tested with real Limine: {what}");
    }
    directory.map(PathBuf::from)
}

/// A CD whose menu boots at once, with `line` as the kernel's command line.
pub(super) fn image(tree: Tree, line: &str) -> Result<NamedTempFile, Box<dyn Error>> {
    let parts = parts();
    let menu = std::fs::read_to_string(parts.root.join("limine.cfg"))?;
    let menu = menu::with_timeout(&menu::with_line(&menu, line), 0);
    let content = Content::new(&parts.boot.kernel, tree, menu)?;
    let mut file = NamedTempFile::new()?;
    file.write_all(&content.iso(&Limine::find(None)?)?)?;
    Ok(file)
}

/// Boots the CD.
pub(super) fn boot(
    machine: &Machine,
    image: &Path,
    uefi: bool,
    stdin: Vec<u8>,
) -> Result<(Ending, Output), Box<dyn Error>> {
    let qemu = &parts().qemu;
    let firmware = if uefi {
        Some(Firmware::new(Consent::new(false), Voice::Normal)?)
    } else {
        None
    };
    let _slot = Slot::take();
    let medium = Medium::of(image)?;
    let running = qemu::start_image(qemu, machine, &medium, firmware.as_ref(), Port::Framed)?;
    finish(machine, running, stdin)
}

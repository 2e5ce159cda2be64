//! `braid image`: images that Limine boots on boards, and in QEMU with `braid run --image`.
//!
//! All formats hold the same tree: the kernel and its files in `boot`, the menu beside Limine's UEFI program and in
//! `boot/limine`, and there what a BIOS loads.

mod disk;
mod iso;
mod limine;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::build;
use crate::install::Consent;
use crate::menu;
use crate::progress::Voice;
use crate::{repo, run, setup};
use limine::Limine;

/// Where Limine's BIOS looks for its files and its menu.
const BOOT: &str = "boot/limine";
const EFI: &str = "EFI/BOOT";
const MENU: &str = "limine.conf";

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A CD that is a USB stick too, for BIOS and UEFI.
    #[default]
    Iso,
    /// A disk with a GPT, for BIOS and UEFI.
    Disk,
    /// The tree of files, with Limine's where they are found.
    Dir,
}

/// An image to make.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// What is written.
    pub format: Format,
    /// Limine's directory; `None`: the usual ones.
    pub limine: Option<PathBuf>,
    /// `HOST:GUEST` files besides the programs of the image.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// More words for the kernel, in every entry of the menu.
    pub words: Option<String>,
    /// Seconds until the menu boots its first entry, if not as `limine.cfg` says.
    pub timeout: Option<u32>,
}

/// One file of the tree.
#[derive(Clone, Debug)]
struct Item {
    path: String,
    bytes: Vec<u8>,
}

impl Image {
    /// Builds kernel and programs, and writes the image to `output`.
    ///
    /// # Errors
    /// Limine is missing, something does not compile, or a file cannot be read or written.
    pub fn make(&self, output: &Path, consent: Consent, voice: Voice) -> Result<()> {
        let limine = match (Limine::find(self.limine.as_deref()), self.format) {
            (Ok(limine), _) => Some(limine),
            (Err(_), Format::Dir) if self.limine.is_none() => {
                voice.say("Limine is not here: the tree has none of its files");
                None
            }
            (Err(error), _) => return Err(error),
        };
        let stages = match &limine {
            Some(limine) => limine.bios_disk()?,
            None => None,
        };
        let root = repo::root()?;
        setup::rust_targets(&root, consent, voice)?;
        let items = self.items(&root, limine.as_ref(), voice)?;
        let _step = voice.step("writing the image");
        let bytes = match self.format {
            Format::Dir => return write_tree(output, &items),
            Format::Iso => iso::build(items, stages.as_ref())?,
            Format::Disk => disk::build(&items, stages.as_ref())?,
        };
        fs::write(output, bytes).with_context(|| format!("{}", output.display()))?;
        if stages.is_none() {
            voice.say(
                "this Limine has no limine-bios-hdd.h: from disks and USB sticks the image boots by UEFI only; \
                 `limine bios-install IMAGE` adds the BIOS",
            );
        }
        Ok(())
    }

    fn items(&self, root: &Path, limine: Option<&Limine>, voice: Voice) -> Result<Vec<Item>> {
        let boot = build::boot(root, voice)?;
        let mut tree = run::tree(root, voice)?;
        for (host, guest) in &self.files {
            tree.add_file(host, guest.as_os_str().as_encoded_bytes())?;
        }
        let mut archive = Vec::new();
        tree.archive()?.write_to(&mut archive)?;
        let mut items = vec![
            Item::new("boot/braid-kernel", read(&boot.kernel)?),
            Item::new("boot/root.cpio", archive),
        ];
        let menu = self.menu(root)?;
        for directory in [EFI, BOOT] {
            items.push(Item::new(format!("{directory}/{MENU}"), menu.clone()));
        }
        if let Some(limine) = limine {
            items.extend(limine_items(limine)?);
        }
        Ok(items)
    }

    fn menu(&self, root: &Path) -> Result<Vec<u8>> {
        let mut menu = String::from_utf8(read(&root.join("limine.cfg"))?)?;
        if let Some(words) = &self.words {
            menu = menu::with_words(&menu, words);
        }
        if let Some(seconds) = self.timeout {
            menu = menu::with_timeout(&menu, seconds);
        }
        Ok(menu.into_bytes())
    }
}

impl Item {
    fn new(path: impl Into<String>, bytes: Vec<u8>) -> Item {
        Item {
            path: path.into(),
            bytes,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Limine's own files, in their places.
fn limine_items(limine: &Limine) -> Result<Vec<Item>> {
    let program = limine.read(limine::EFI_PROGRAM)?;
    let mut items = vec![Item::new(format!("{EFI}/{}", limine::EFI_PROGRAM), program)];
    for name in [limine::BIOS, limine::BIOS_CD, limine::UEFI_CD] {
        items.push(Item::new(format!("{BOOT}/{name}"), limine.read(name)?));
    }
    Ok(items)
}

fn write_tree(output: &Path, items: &[Item]) -> Result<()> {
    for item in items {
        let path = output.join(&item.path);
        let fail = || format!("{} cannot be written", path.display());
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).with_context(fail)?;
        }
        fs::write(&path, &item.bytes).with_context(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files as an image has them, with a kernel of no use.
    pub(super) fn items(limine: &Limine) -> Vec<Item> {
        let mut items = limine_items(limine).unwrap();
        items.push(Item::new("boot/braid-kernel", vec![0x7f; 100_000]));
        items.push(Item::new("boot/root.cpio", b"archive".to_vec()));
        items.push(Item::new(
            "boot/limine/limine.conf",
            b"timeout: 0\n".to_vec(),
        ));
        items
    }
}

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

use crate::build::{self, Kernel};
use crate::install::Consent;
use crate::menu;
use crate::progress::Voice;
use crate::tree::Tree;
use crate::{repo, run, setup};
pub use limine::Limine;

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

/// What an image boots.
#[derive(Clone, Debug)]
pub struct Content {
    /// The kernel's ELF.
    pub kernel: Vec<u8>,
    /// The archive with the programs' files.
    pub archive: Vec<u8>,
    /// The boot menu.
    pub menu: String,
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
        let root = repo::root()?;
        setup::rust_targets(&root, consent, voice)?;
        let boot = build::boot(&root, Kernel::Ordinary, voice)?;
        let mut tree = run::tree(&root, voice)?;
        for (host, guest) in &self.files {
            tree.add_file(host, guest.as_os_str().as_encoded_bytes())?;
        }
        let menu = std::str::from_utf8(&read(&root.join("limine.cfg"))?)?.to_owned();
        let content = Content::new(&boot.kernel, tree, self.edit(menu))?;
        let _step = voice.step("writing the image");
        let Some(limine) = limine.as_ref().filter(|_| self.format != Format::Dir) else {
            let mut items = items(content, limine.as_ref())?;
            items.extend(limine.iter().filter_map(pxe));
            return write_tree(output, &items);
        };
        if limine.bios_disk()?.is_none() {
            voice.say(
                "this Limine has no limine-bios-hdd.h: from disks and USB sticks the image boots by UEFI only; \
                 `limine bios-install IMAGE` adds the BIOS",
            );
        }
        let bytes = match self.format {
            Format::Disk => content.disk(limine)?,
            _ => content.iso(limine)?,
        };
        fs::write(output, bytes).with_context(|| format!("{}", output.display()))
    }

    fn edit(&self, menu: String) -> String {
        let menu = match &self.words {
            Some(words) => menu::with_words(&menu, words),
            None => menu,
        };
        match self.timeout {
            Some(seconds) => menu::with_timeout(&menu, seconds),
            None => menu,
        }
    }
}

impl Content {
    /// The kernel, files and menu of an image.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn new(kernel: &Path, tree: Tree, menu: String) -> Result<Content> {
        let mut archive = Vec::new();
        tree.archive()?.write_to(&mut archive)?;
        Ok(Content {
            kernel: read(kernel)?,
            archive,
            menu,
        })
    }

    /// A hybrid ISO with this Limine.
    ///
    /// # Errors
    /// A file of Limine's cannot be read, or something is too large.
    pub fn iso(self, limine: &Limine) -> Result<Vec<u8>> {
        iso::build(items(self, Some(limine))?, limine.bios_disk()?.as_ref())
    }

    /// A disk with this Limine.
    ///
    /// # Errors
    /// As [`Content::iso`].
    pub fn disk(self, limine: &Limine) -> Result<Vec<u8>> {
        disk::build(&items(self, Some(limine))?, limine.bios_disk()?.as_ref())
    }
}

/// The files of an image, or of a tree without Limine.
fn items(content: Content, limine: Option<&Limine>) -> Result<Vec<Item>> {
    let mut items = vec![
        Item::new("boot/braid-kernel", content.kernel),
        Item::new("boot/root.cpio", content.archive),
    ];
    for directory in [EFI, BOOT] {
        let menu = content.menu.clone().into_bytes();
        items.push(Item::new(format!("{directory}/{MENU}"), menu));
    }
    if let Some(limine) = limine {
        items.extend(limine_items(limine)?);
    }
    Ok(items)
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

/// What a BIOS loads from a boot server, where this Limine has it.
fn pxe(limine: &Limine) -> Option<Item> {
    let bytes = limine.read(limine::BIOS_PXE).ok()?;
    Some(Item::new(format!("{BOOT}/{}", limine::BIOS_PXE), bytes))
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
        let content = Content {
            kernel: vec![0x7f; 100_000],
            archive: b"archive".to_vec(),
            menu: "timeout: 0\n".to_owned(),
        };
        super::items(content, Some(limine)).unwrap()
    }
}

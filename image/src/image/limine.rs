//! Limine's own files: where they are, and what the BIOS needs at the beginning of a disk.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Where distributions put them.
const USUAL: [&str; 2] = ["/usr/share/limine", "/usr/local/share/limine"];
/// The UEFI program.
pub(super) const EFI_PROGRAM: &str = "BOOTX64.EFI";
/// What the BIOS stages load.
pub(super) const BIOS: &str = "limine-bios.sys";
/// What a BIOS loads from a CD.
pub(super) const BIOS_CD: &str = "limine-bios-cd.bin";
/// What a BIOS loads from a boot server.
pub(super) const BIOS_PXE: &str = "limine-bios-pxe.bin";
/// A FAT image with the UEFI program, for CDs.
pub(super) const UEFI_CD: &str = "limine-uefi-cd.bin";
/// The stages for disks, as a C array: what Limine's own tool is compiled with.
const BIOS_DISK: &str = "limine-bios-hdd.h";

/// Bytes of a boot sector.
const SECTOR: usize = 512;
/// Where the boot sector is told the sizes (16 bits each) and places (64 bits each, in bytes) of the stage's halves.
const STAGE_PLACES: usize = 0x1a4;
/// What belongs to the disk and not to the boot code: a time stamp, and from the disk signature to the partitions.
const KEPT: [std::ops::Range<usize>; 2] = [218..224, 440..510];

/// A directory that holds Limine.
#[derive(Clone, Debug)]
pub struct Limine(PathBuf);

impl Limine {
    /// The directory that is `named`, else that `LIMINE_DIR` names, else where distributions put it.
    ///
    /// # Errors
    /// It is not there; the message says where to get it.
    pub fn find(named: Option<&Path>) -> Result<Limine> {
        let holds = |directory: &Path| directory.join(EFI_PROGRAM).is_file();
        let chosen = named.map(Path::to_path_buf).or_else(|| {
            let variable = std::env::var_os("LIMINE_DIR").filter(|value| !value.is_empty());
            variable.map(PathBuf::from)
        });
        match chosen {
            Some(directory) if holds(&directory) => Ok(Limine(directory)),
            Some(directory) => bail!("{} holds no {EFI_PROGRAM}: {HELP}", directory.display()),
            None => match USUAL.iter().map(Path::new).find(|path| holds(path)) {
                Some(directory) => Ok(Limine(directory.to_path_buf())),
                None => bail!("Limine is not here: {HELP}"),
            },
        }
    }

    /// The content of one of its files.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.0.join(name);
        std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// The stages that a BIOS starts from a disk or a USB stick; `None` when this Limine came without them.
    ///
    /// # Errors
    /// The file is there and is not what it should be.
    pub(super) fn bios_disk(&self) -> Result<Option<BiosDisk>> {
        let path = self.0.join(BIOS_DISK);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let stages = BiosDisk::parse(&text);
        stages
            .map(Some)
            .with_context(|| format!("{} holds no boot sector", path.display()))
    }
}

/// Where Limine comes from.
const HELP: &str = "images for boards need the boot loader Limine (8 or later) as a directory of its binaries.
  Get it:   git clone --depth 1 --branch v8.x-binary https://github.com/limine-bootloader/limine
  Name it:  braid image --limine limine ..   (or LIMINE_DIR=limine; distributions: /usr/share/limine)
  Without it `--format dir` writes the tree of files, for an image or a boot server that you make yourself";

/// Boot sector and second stage for disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BiosDisk(Vec<u8>);

impl BiosDisk {
    /// Out of the C array.
    fn parse(text: &str) -> Option<BiosDisk> {
        let (_, rest) = text.split_once('{')?;
        let (list, _) = rest.split_once('}')?;
        let number = |word: &str| u8::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        let words = list
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let bytes: Vec<u8> = words.map(number).collect::<Option<_>>()?;
        (bytes.len() > SECTOR && bytes[510..SECTOR] == [0x55, 0xaa]).then_some(BiosDisk(bytes))
    }

    /// Makes `disk` start it: the boot sector at the beginning, around what belongs to the disk, and the second stage at
    /// byte `place`, a multiple of 512.
    ///
    /// # Errors
    /// The disk is too small, or the stage too large.
    pub(super) fn install(&self, disk: &mut [u8], place: usize) -> Result<()> {
        let (sector, stage) = self.0.split_at(SECTOR);
        let room = disk.get_mut(place..place + stage.len());
        room.context("Limine's second stage is larger than its place on the image")?
            .copy_from_slice(stage);
        let mut sector = sector.to_vec();
        for kept in KEPT {
            sector[kept.clone()].copy_from_slice(&disk[kept]);
        }
        // The two halves follow each other; the first has the odd sector.
        let sectors = stage.len().div_ceil(SECTOR);
        let (first, second) = (sectors.div_ceil(2) * SECTOR, sectors / 2 * SECTOR);
        let size =
            |bytes: usize| u16::try_from(bytes).context("Limine's second stage is too large");
        let places = [
            &size(first)?.to_le_bytes()[..],
            &size(second)?.to_le_bytes(),
            &(place as u64).to_le_bytes(),
            &((place + first) as u64).to_le_bytes(),
        ]
        .concat();
        sector[STAGE_PLACES..STAGE_PLACES + places.len()].copy_from_slice(&places);
        disk[..SECTOR].copy_from_slice(&sector);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Limine as far as its files' names and sizes matter: nothing boots it.
    pub(in crate::image) fn pretended() -> (tempfile::TempDir, Limine) {
        let directory = tempfile::tempdir().unwrap();
        for (name, size) in [
            (EFI_PROGRAM, 3000),
            (BIOS, 5000),
            (BIOS_CD, 4096),
            (UEFI_CD, 65536),
        ] {
            let bytes: Vec<u8> = (0..size)
                .map(|i| (i % 251) as u8 ^ name.len() as u8)
                .collect();
            std::fs::write(directory.path().join(name), bytes).unwrap();
        }
        std::fs::write(
            directory.path().join(BIOS_DISK),
            array(&stages(2 * SECTOR + 7)),
        )
        .unwrap();
        let limine = Limine::find(Some(directory.path())).unwrap();
        (directory, limine)
    }

    fn stages(second: usize) -> Vec<u8> {
        let mut bytes = vec![0x90; SECTOR];
        bytes[510..].copy_from_slice(&[0x55, 0xaa]);
        bytes.extend((0..second).map(|i| i as u8));
        bytes
    }

    fn array(bytes: &[u8]) -> String {
        let list: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
        format!("const uint8_t data[] = {{\n  {}\n}};\n", list.join(", "))
    }

    #[test]
    fn the_stages_are_read_from_the_array() {
        let bytes = stages(700);
        assert_eq!(BiosDisk::parse(&array(&bytes)), Some(BiosDisk(bytes)));
        for bad in ["", "{}", "{ 0x55, nonsense }", "{ 0x55 "] {
            assert_eq!(BiosDisk::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_boot_sector_knows_where_the_stage_is() {
        let stages = BiosDisk(stages(2 * SECTOR + 7));
        let mut disk = vec![0xee; 8192];
        stages.install(&mut disk, 1024).unwrap();
        assert_eq!(disk[0], 0x90);
        assert_eq!(disk[220], 0xee, "time stamp");
        assert_eq!(disk[446], 0xee, "partitions");
        let word = |at: usize| u64::from_le_bytes(disk[at..at + 8].try_into().unwrap());
        assert_eq!(disk[STAGE_PLACES..STAGE_PLACES + 4], [0, 4, 0, 2]);
        assert_eq!(word(STAGE_PLACES + 4), 1024);
        assert_eq!(word(STAGE_PLACES + 12), 1024 + 2 * SECTOR as u64);
        assert_eq!(disk[1024 + 5], 5);
        assert!(stages.install(&mut disk, 8000).is_err());
    }

    #[test]
    fn without_limine_the_message_says_where_to_get_it() {
        let nowhere = tempfile::tempdir().unwrap();
        let error = Limine::find(Some(nowhere.path())).unwrap_err().to_string();
        assert!(
            error.contains("git clone") && error.contains("--format dir"),
            "{error}"
        );
    }
}

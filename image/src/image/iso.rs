//! The hybrid ISO: a CD for BIOS (El Torito) and for UEFI, and the same bytes as a USB stick for both.
//!
//! As a stick it has an MBR, whose active partition holds the ISO's data and whose EFI partition lies on Limine's FAT image.
//! The first 32 KiB of an ISO are nobody's: there is room for Limine's BIOS stages.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::num::NonZeroU16;
use std::sync::Arc;

use anyhow::{Context, Result};
use hadris_iso::boot::options::{BootEntryOptions, BootOptions, BootSectionOptions};
use hadris_iso::boot::{EmulationType, PlatformId};
use hadris_iso::read::{IsoImage, PathSeparator};
use hadris_iso::rrip::RripOptions;
use hadris_iso::write::options::{BaseIsoLevel, CreationFeatures, IsoFormatOptions};
use hadris_iso::write::{File, InputFiles, IsoImageWriter};

use super::limine::{self, BiosDisk};
use super::{BOOT, Item};

const BLOCK: usize = 2048;
/// Bytes before the ISO's volume descriptors.
const SYSTEM_AREA: usize = 16 * BLOCK;
const SECTOR: usize = 512;
/// MBR partition types: data that no system mounts by itself, and an EFI system partition (UEFI 2.10, 5.2.2).
const TYPE_DATA: u8 = 0x83;
const TYPE_EFI: u8 = 0xef;

/// An image of these files, which include Limine's.
///
/// # Errors
/// A file that firmware starts is missing, or they do not fit.
pub(super) fn build(items: Vec<Item>, stages: Option<&BiosDisk>) -> Result<Vec<u8>> {
    let files = InputFiles {
        path_separator: PathSeparator::ForwardSlash,
        files: Directory::of(items).into_files(),
    };
    let written = IsoImageWriter::create(Cursor::new(Vec::new()), files, options());
    let mut image = written
        .map_err(|error| anyhow::anyhow!("the ISO cannot be made: {error}"))?
        .into_inner();
    partition(&mut image)?;
    if let Some(stages) = stages {
        stages.install(&mut image[..SYSTEM_AREA], SECTOR)?;
    }
    Ok(image)
}

fn options() -> IsoFormatOptions {
    let entry = |name: &str| BootEntryOptions {
        boot_image_path: format!("{BOOT}/{name}"),
        emulation: EmulationType::NoEmulation,
        ..BootEntryOptions::default()
    };
    let boot = BootOptions {
        write_boot_catalog: true,
        default: BootEntryOptions {
            load_size: NonZeroU16::new(4),
            boot_info_table: true,
            ..entry(limine::BIOS_CD)
        },
        entries: vec![(
            BootSectionOptions {
                platform: PlatformId::UEFI,
            },
            entry(limine::UEFI_CD),
        )],
    };
    IsoFormatOptions {
        volume_name: "BRAID".to_owned(),
        system_id: None,
        volume_set_id: None,
        publisher_id: None,
        preparer_id: None,
        application_id: None,
        sector_size: BLOCK,
        path_separator: PathSeparator::ForwardSlash,
        features: CreationFeatures {
            filenames: BaseIsoLevel::Level1 {
                supports_lowercase: false,
                supports_rrip: true,
            },
            rock_ridge: Some(RripOptions::default()),
            el_torito: Some(boot),
            ..CreationFeatures::default()
        },
        strict_charset: false,
    }
}

/// Files by name, directories inside.
#[derive(Default)]
struct Directory {
    files: BTreeMap<String, Vec<u8>>,
    directories: BTreeMap<String, Directory>,
}

impl Directory {
    fn of(items: Vec<Item>) -> Directory {
        let mut root = Directory::default();
        for item in items {
            let mut at = &mut root;
            let mut rest = item.path.as_str();
            while let Some((name, below)) = rest.split_once('/') {
                at = at.directories.entry(name.to_owned()).or_default();
                rest = below;
            }
            at.files.insert(rest.to_owned(), item.bytes);
        }
        root
    }

    fn into_files(self) -> Vec<File> {
        let files = self.files.into_iter().map(|(name, contents)| File::File {
            name: Arc::new(name),
            contents,
        });
        let directories = self.directories.into_iter();
        let directories = directories.map(|(name, inside)| File::Directory {
            name: Arc::new(name),
            children: inside.into_files(),
        });
        files.chain(directories).collect()
    }
}

/// Writes the MBR's partitions: the ISO before Limine's FAT image, that image, and the ISO after it.
fn partition(image: &mut [u8]) -> Result<()> {
    let path = format!("{BOOT}/{}", limine::UEFI_CD);
    let reader = IsoImage::open(Cursor::new(&*image));
    let reader = reader.map_err(|error| anyhow::anyhow!("the ISO is unreadable: {error}"))?;
    let extent = match reader.find_path(&path) {
        Ok(Some(entry)) => entry.extents().next(),
        _ => None,
    };
    let extent = extent.with_context(|| format!("the ISO holds no {path}"))?;
    let start = extent.sector.0 * BLOCK / SECTOR;
    let end = start + (extent.length as usize).div_ceil(SECTOR);
    let (first, last) = (SYSTEM_AREA / SECTOR, image.len() / SECTOR);
    let entries = [
        entry(0x80, TYPE_DATA, first, start)?,
        entry(0, TYPE_EFI, start, end)?,
        entry(0, TYPE_DATA, end, last)?,
    ];
    image[446..446 + 48].copy_from_slice(&entries.concat());
    image[510..SECTOR].copy_from_slice(&[0x55, 0xaa]);
    Ok(())
}

/// One partition of the MBR (UEFI 2.10, 5.2.1), in sectors, the end exclusive; all zero when it is empty. Cylinders and heads
/// say "beyond what can be told".
fn entry(active: u8, kind: u8, start: usize, end: usize) -> Result<[u8; 16]> {
    let mut entry = [0; 16];
    if start >= end {
        return Ok(entry);
    }
    let number = |sectors: usize| u32::try_from(sectors).context("the image is too large");
    entry[..8].copy_from_slice(&[active, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff]);
    entry[8..12].copy_from_slice(&number(start)?.to_le_bytes());
    entry[12..].copy_from_slice(&number(end - start)?.to_le_bytes());
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::items;

    #[test]
    fn every_file_is_where_it_should_be() {
        let (_directory, limine) = limine::tests::pretended();
        let items = items(&limine);
        let stages = limine.bios_disk().unwrap().unwrap();
        let image = build(items.clone(), Some(&stages)).unwrap();
        let reader = IsoImage::open(Cursor::new(&image)).unwrap();
        for item in items {
            let entry = reader.find_path(&item.path).unwrap();
            let extent = entry.expect(&item.path).extents().next().unwrap();
            let start = extent.sector.0 * BLOCK;
            let found = &image[start..start + extent.length as usize];
            // The boot information table is written into the first 64 bytes of what a BIOS loads.
            let skip = if item.path.ends_with(limine::BIOS_CD) {
                64
            } else {
                0
            };
            assert!(found.len() == item.bytes.len() && found[skip..] == item.bytes[skip..]);
        }
    }

    #[test]
    fn as_a_stick_it_has_three_partitions_in_a_row() {
        let (_directory, limine) = limine::tests::pretended();
        let image = build(items(&limine), None).unwrap();
        let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
        let mut at = SYSTEM_AREA / SECTOR;
        for (index, kind) in [TYPE_DATA, TYPE_EFI, TYPE_DATA].into_iter().enumerate() {
            let entry = 446 + 16 * index;
            assert_eq!(image[entry + 4], kind);
            assert_eq!(number(entry + 8), at);
            at += number(entry + 12);
        }
        assert_eq!(at, image.len() / SECTOR);
        assert_eq!(image[446], 0x80, "a BIOS wants an active partition");
        let efi = number(446 + 16 + 8) * SECTOR;
        assert_eq!(
            image[efi..efi + 65536],
            limine.read(limine::UEFI_CD).unwrap()
        );
    }
}

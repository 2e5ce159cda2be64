//! The disk: a GPT with a partition for Limine's BIOS stage, and an EFI system partition that holds everything else.

use std::io::{Cursor, Seek, SeekFrom, Write};

use anyhow::{Context, Result};
use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::{BIOS, EFI, Type};

use super::Item;
use super::limine::BiosDisk;

const SECTOR: usize = 512;
const MIB: usize = 1 << 20;
/// Partitions begin at multiples of this many sectors.
const ALIGNMENT: u64 = (MIB / SECTOR) as u64;
/// The smallest EFI system partition: FAT32 begins at 65525 clusters, of 512 bytes at least.
const SMALLEST: usize = 48 * MIB;

/// An image of these files.
///
/// # Errors
/// They do not fit.
pub(super) fn build(items: &[Item], stages: Option<&BiosDisk>) -> Result<Vec<u8>> {
    let content: usize = items.iter().map(|item| item.bytes.len()).sum();
    // A sixteenth for file allocation tables and half-used clusters.
    let system = (content + content / 16 + 4 * MIB)
        .next_multiple_of(MIB)
        .max(SMALLEST);
    // A mebibyte each before, for the BIOS stage, and for the table's copy at the end.
    let size = system + 3 * MIB;
    let mut disk = Cursor::new(vec![0; size]);
    let last = u32::try_from(size / SECTOR - 1).context("the image is too large")?;
    ProtectiveMBR::with_lb_size(last)
        .overwrite_lba0(&mut disk)
        .context("the protective MBR")?;
    let configuration = gpt::GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512);
    let mut table = configuration.create_from_device(disk, None)?;
    let bios = add(&mut table, "Limine", MIB, BIOS)?;
    let efi = add(&mut table, "Braid", system, EFI)?;
    let mut disk = table.write()?.into_inner();
    fill(&mut disk[efi..efi + system], items).context("the EFI system partition")?;
    if let Some(stages) = stages {
        stages.install(&mut disk, bios)?;
    }
    Ok(disk)
}

/// Adds a partition; answers with its first byte.
fn add(
    table: &mut gpt::GptDisk<Cursor<Vec<u8>>>,
    name: &str,
    size: usize,
    kind: Type,
) -> Result<usize> {
    let number = table.add_partition(name, size as u64, kind, 0, Some(ALIGNMENT))?;
    let partition = table.partitions().get(&number);
    let partition = partition.context("the partition table lost a partition")?;
    Ok(partition.first_lba as usize * SECTOR)
}

/// Formats `partition` as FAT32 and puts the files into it.
fn fill(partition: &mut [u8], items: &[Item]) -> std::io::Result<()> {
    let mut volume = Cursor::new(partition);
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .volume_label(*b"BRAID      ");
    fatfs::format_volume(&mut volume, options)?;
    volume.seek(SeekFrom::Start(0))?;
    let system = FileSystem::new(volume, FsOptions::new())?;
    for item in items {
        let mut directory = system.root_dir();
        let mut rest = item.path.as_str();
        while let Some((name, below)) = rest.split_once('/') {
            directory = directory.create_dir(name)?;
            rest = below;
        }
        directory.create_file(rest)?.write_all(&item.bytes)?;
    }
    system.unmount()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::image::limine;
    use crate::image::tests::items;

    #[test]
    fn every_file_is_on_the_efi_system_partition() {
        let (_directory, limine) = limine::tests::pretended();
        let items = items(&limine);
        let stages = limine.bios_disk().unwrap().unwrap();
        let disk = build(&items, Some(&stages)).unwrap();
        let configuration = gpt::GptConfig::new().only_valid_headers(true);
        let table = configuration
            .open_from_device(Cursor::new(disk.clone()))
            .unwrap();
        let place = |kind: Type| {
            let mut all = table.partitions().values();
            let found = all.find(|partition| partition.part_type_guid == kind);
            found.unwrap().first_lba as usize * SECTOR
        };
        // The second stage: bytes that count up from 0.
        assert_eq!(disk[place(BIOS)..][..4], [0, 1, 2, 3]);
        let mut partition = disk[place(EFI)..].to_vec();
        let system = FileSystem::new(Cursor::new(&mut partition[..]), FsOptions::new()).unwrap();
        assert_eq!(system.fat_type(), FatType::Fat32);
        for item in items {
            let mut content = Vec::new();
            let mut file = system.root_dir().open_file(&item.path).unwrap();
            file.read_to_end(&mut content).unwrap();
            assert!(content == item.bytes, "{}", item.path);
        }
    }

    #[test]
    fn large_files_fit() {
        let item = Item {
            path: "boot/large".to_owned(),
            bytes: vec![7; 100 * MIB],
        };
        assert!(build(&[item], None).unwrap().len() > 100 * MIB);
    }
}

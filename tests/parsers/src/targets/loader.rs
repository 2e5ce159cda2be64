//! What the loader reads: the boot volume, its configuration, the kernel's file, the firmware's memory map.

use braid_loader::archive::Archive;
use braid_loader::executable::Plan;
use braid_loader::map::{Kind, MemoryMap, Region};

/// The menu that the project ships.
const MENU: &str = include_str!("../../../../limine.cfg");

/// The boot volume.
pub(crate) fn archive(bytes: &[u8]) {
    let archive = Archive::new(bytes);
    for path in ["/boot/limine/limine.conf", "bin/a", "", "/"] {
        let _ = archive.find(path);
    }
}

/// The configuration.
pub(crate) fn config(bytes: &[u8]) {
    let _ = braid_loader::config::parse(bytes);
}

/// The menu, whole and shortened.
pub(crate) fn configs() -> Vec<Vec<u8>> {
    let short = "timeout: 0\n/A\nprotocol: limine\nkernel_path: boot():/k\ncmdline: a b\n";
    vec![MENU.as_bytes().to_vec(), short.as_bytes().to_vec()]
}

/// The kernel's file: what is planned lies within the file, in ascending pages.
pub(crate) fn executable(file: &[u8]) {
    let Ok(plan) = Plan::new(file) else {
        return;
    };
    let pages = plan.pages();
    assert!(pages.len() <= file.len());
}

/// A small executable of two segments.
pub(crate) fn executables() -> Vec<Vec<u8>> {
    let mut file = vec![0; 64];
    file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    file[16..24].copy_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]);
    file[24..32].copy_from_slice(&0xffff_ffff_8000_0000_u64.to_le_bytes());
    file[32] = 64;
    file[52] = 64;
    file[54] = 56;
    file[56] = 2;
    let base = 0xffff_ffff_8000_0000_u64;
    for (flags, address) in [(5_u32, base), (6, base + 0x1000)] {
        file.extend(1_u32.to_le_bytes());
        file.extend(flags.to_le_bytes());
        file.extend(
            [0, address, address, 16, 0x1000, 0x1000]
                .map(u64::to_le_bytes)
                .concat(),
        );
    }
    vec![file]
}

/// The firmware's map: regions come out ascending, and apart.
pub(crate) fn memory(bytes: &[u8]) {
    let listed = bytes.chunks_exact(17).map(|entry| {
        let word = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().expect("8 bytes"));
        Region {
            base: word(0),
            end: word(8),
            kind: Kind::from_e820(u32::from(entry[16])),
        }
    });
    let mut map = MemoryMap::new(listed.take(64));
    let apart = |map: &MemoryMap| {
        map.regions()
            .windows(2)
            .all(|pair| pair[0].end <= pair[1].base)
    };
    assert!(apart(&map));
    let _ = map.convert(
        0x10_0000,
        0x20_0000,
        Kind::Usable,
        Kind::BootloaderReclaimable,
    );
    map.add_framebuffer(0xe000_0000, 0x10_0000);
    assert!(apart(&map));
}

/// A map of a small machine.
pub(crate) fn memories() -> Vec<Vec<u8>> {
    let entry = |base: u64, end: u64, kind: u8| {
        [&base.to_le_bytes()[..], &end.to_le_bytes(), &[kind]].concat()
    };
    vec![
        [
            entry(0, 0x9_fc00, 1),
            entry(0x9_fc00, 0xa_0000, 2),
            entry(0x10_0000, 0x2000_0000, 1),
            entry(0x1ffe_0000, 0x2000_0000, 3),
        ]
        .concat(),
    ]
}

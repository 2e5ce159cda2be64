//! Memory objects in programs: shared by content, and known by the id that the host computes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use braid::machine::{Machine, Terminal, Volume};
use braid::tree::Tree;

use braid_tests::booted::{Exec, boot, parts, programs};

const PAGE: usize = 4096;

/// A hundred pages: ten of zeros, ten that are equal to each other, and a last one that is not full.
fn content() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..100 * PAGE)
        .map(|at| (at / PAGE * 7 + at) as u8 | 1)
        .collect();
    bytes[20 * PAGE..30 * PAGE].fill(0);
    bytes[40 * PAGE..50 * PAGE].fill(8);
    bytes.truncate(100 * PAGE - 1000);
    bytes
}

#[test]
fn equal_content_is_in_one_frame() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        std::fs::write(directory.path().join(name), content()).unwrap();
    }
    let output = Exec::new(programs::rust("content"))
        .directory(directory.path())
        .args(["/a", "/b"])
        .run();
    let sum: u64 = content()
        .iter()
        .skip(9)
        .step_by(PAGE)
        .map(|byte| u64::from(*byte))
        .sum();
    let expected = format!(
        "first: sum {sum}\nfirst: made 81\nfirst: found at least one: true\n\
         second: sum {sum}\nsecond: made 0\nsecond: found at least one: true\n\
         again: sum {sum}\nagain: made 0\nagain: found at least one: true\nagain: frames for pages: false\n\
         second process: sum {sum}\nexit status: 0\nsecond process: made 0\n\
         after a write: [33, 1, 1]\n"
    );
    assert_eq!(
        (output.stdout, output.status),
        (expected, 0),
        "{}",
        output.stderr
    );
}

/// Boots busybox from a volume in which `damage` has changed the table of page roots.
fn boot_with_roots(damage: impl FnOnce(&mut Vec<u8>)) -> String {
    let machine = Machine {
        init: "/bin/busybox".into(),
        arguments: ["busybox", "echo", "works"].map(Into::into).to_vec(),
        words: vec!["verify".to_owned()],
        ..Machine::default()
    };
    let mut tree = Tree::default();
    tree.add_file(programs::busybox(), b"/bin/busybox").unwrap();
    let line = machine.command_line(&Terminal::default()).unwrap();
    let volume = Volume::new(&parts().root, &parts().boot, tree, &line).unwrap();
    let mut file: &File = &volume.file;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let magic = b"BRAIDPR1";
    // The kernel and the loader may have the same bytes in them.
    let at = bytes
        .windows(magic.len())
        .rposition(|window| window == magic)
        .unwrap();
    let mut table = bytes.split_off(at);
    damage(&mut table);
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&table).unwrap();
    let (ending, output) = boot(&machine, &volume, Vec::new()).unwrap();
    assert!(!output.log.contains("PANIC"), "{}", output.log);
    format!("{ending:?}\n{}{}", output.stdout, output.log)
}

#[test]
fn page_roots_of_the_boot_archive_are_verified_when_asked() {
    let said = boot_with_roots(|_| ());
    assert!(
        said.contains("works\n") && said.contains("verified the page roots of 1 files"),
        "{said}"
    );
    assert!(!said.contains("other page roots"), "{said}");
    // The first page root, behind the header and one record.
    let said = boot_with_roots(|table| table[16 + 48] ^= 1);
    assert!(
        said.contains("works\n") && said.contains("busybox has other page roots"),
        "{said}"
    );
    let said = boot_with_roots(|table| table[20] ^= 1);
    assert!(said.contains("the page roots at offset"), "{said}");
}

//! Memory objects in programs: shared by content, and known by the id that the host computes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use braid::machine::{Machine, Terminal, Volume};
use braid::tree::Tree;

use braid_test_programs::vmo::noise;
use braid_tests::booted::{Exec, boot, parts, programs};
use vm::hash::Hasher;
use vm::store::VmoStore;
use vm::vmo::page::HeapPages;

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

#[test]
fn mapped_content_makes_way_under_pressure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    let bytes = noise(7, 16 << 20);
    std::fs::write(&path, &bytes).unwrap();
    let sum: u64 = bytes
        .iter()
        .skip(9)
        .step_by(PAGE)
        .map(|byte| u64::from(*byte))
        .sum();
    // One object, which is mapped twice, and two objects, which share every frame.
    for other in ["/large", "/equal"] {
        let program = Exec::new(programs::rust("content")).args(["/large", other, "pressure"]);
        let program = program.file(&path, "/large").file(&path, "/equal");
        // Less than 32 MiB for programs, beside the files in the boot archive.
        let output = program.smp(2).tori(1).mem(80).run();
        let expected = format!("sums: [{sum}, {sum}]\nmemory: true\nagain: true\n");
        assert_eq!(output.stdout, expected, "{output:?}");
    }
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

/// Runs `objects MODE`, which prints what happened.
fn objects(mode: &str) -> String {
    let program = Exec::new(programs::rust("objects")).args([mode]);
    let output = program.smp(2).tori(1).run();
    assert_eq!(output.status, 0, "{output:?}");
    output.stdout
}

/// The id of these bytes, as the host computes it.
fn id(bytes: &[u8]) -> String {
    let store = VmoStore::new(HeapPages::unlimited(), Hasher::host());
    store.from_bytes(bytes).unwrap().id().unwrap().to_string()
}

#[test]
fn objects_have_the_ids_that_the_host_computes() {
    let mut built = noise(1, 300_000);
    built.extend(b"written");
    built[4000..4200].fill(9);
    built[..5].copy_from_slice(b"start");
    let slice = &built[4096..100_000];
    let joined = [slice, &built].concat();
    let mut patched = joined.clone();
    patched[200_000..205_000].fill(7);
    patched[1] = b'x';
    let program = std::fs::read(programs::rust("objects")).unwrap();
    let expected = [
        "nothing appended: 0".to_owned(),
        "written: 7".to_owned(),
        "patched: 0".to_owned(),
        format!("built: {}", id(&built)),
        format!("size: {}", built.len()),
        format!("slice: {}", id(slice)),
        format!("joined: {}", id(&joined)),
        format!("patched: {}", id(&patched)),
        format!("joined still: {}", id(&joined)),
        "equal content, equal id: true".to_owned(),
        "pread: 300".to_owned(),
        "read what was written: true".to_owned(),
        "read at the end: 0".to_owned(),
        "file: 8192".to_owned(),
        "as the file: true".to_owned(),
        "copied, equal id: true".to_owned(),
        format!("file: {}", id(&program)),
        format!("empty: {}", id(&[])),
    ];
    assert_eq!(objects("build").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn mappings_share_frames_and_leave_objects_alone() {
    let expected = "frames made: 10\nframes made of equal content: 0\nframes taken: false\n\
        written: Ok(33) true\nthe object is as it was: true\nshared for writing: EACCES\n\
        made writable: EACCES\nexecutable without the right: EACCES\nwithout the right to map: EACCES\n\
        mapped without reading: true\nopened again: EACCES\nchild: Ok(3)\nshort: true\n";
    assert_eq!(objects("map"), expected);
}

#[test]
fn snapshots_share_pages_and_have_the_ids_that_the_host_computes() {
    const PAGES: usize = 512;
    let mut memory = vec![0; PAGES * PAGE];
    memory[3 * PAGE..9 * PAGE].copy_from_slice(&noise(9, 6 * PAGE));
    let first = id(&memory);
    memory[4 * PAGE] = 77;
    let expected = [
        "copied pages: false".to_owned(),
        format!("snapshot: {first}"),
        "memory goes on: true".to_owned(),
        "mapped as it was: true".to_owned(),
        format!("after writes: {first}"),
        format!("second: {}", id(&memory)),
        format!("its beginning: {}", id(&memory[..6 * PAGE])),
        "after closing: true".to_owned(),
        "file: true".to_owned(),
        "of shared memory: EACCES".to_owned(),
        "of a hole: ENOMEM".to_owned(),
        "unaligned: EINVAL".to_owned(),
        "of nothing: EINVAL".to_owned(),
        "of a part of a page: EINVAL".to_owned(),
        "of what may not be read: EACCES".to_owned(),
    ];
    assert_eq!(objects("snapshot").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn bad_calls_about_objects_are_errors_that_name_themselves() {
    let every = |name: &str, error: &str| format!("{name}: {error}\n").repeat(9);
    let expected = every("not open", "EBADF")
        + &every("another kind", "EINVAL")
        + "object for builder: EINVAL\nobject for builder: EINVAL\nbuilder for object: EINVAL\n\
           over the bound: EFBIG\nas much as fits: 100\none more: EFBIG\npatch beyond the end: ERANGE\n\
           patch at the end of numbers: ERANGE\nrefused patches did nothing: true\n\
           append after commit: EBADFD\nwrite after commit: EBADFD\npatch after commit: EBADFD\n\
           commit after commit: EBADFD\nread a builder: EBADF\nwrite to an object: EBADF\n\
           slice beyond the end: ERANGE\nslice backwards: ERANGE\npatch beyond the end: ERANGE\n\
           patches overlap: EINVAL\ntoo many patches: E2BIG\nbad patches: EFAULT\nbad bytes: EFAULT\n\
           bad buffer: EFAULT\nbad flags: EINVAL\nbad rights: EINVAL\nmore rights: EACCES\nrights: 10\n\
           id without reading: EACCES\nslice without reading: EACCES\nconcat without reading: EACCES\n\
           patch without reading: EACCES\nread without reading: EBADF\ntoo large: EFBIG\n\
           id of more than memory: ENOMEM\nmapped at the end of numbers: EOVERFLOW\n\
           call that is not there: ENOSYS\n";
    assert_eq!(objects("errors"), expected);
}

#[test]
fn seals_of_files_in_memory() {
    let output = Exec::new(programs::rust("seals")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn the_highest_ropes_do_not_overflow_the_kernels_stack() {
    let lines = |name: &str| format!("{name}: true\n").repeat(2);
    assert_eq!(
        objects("deep"),
        lines("bytes") + &lines("pages") + &lines("odd")
    );
}

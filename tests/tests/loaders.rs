//! Our loader and real Limine hand over the same machine.

use std::collections::BTreeSet;

use braid_tests::booted::{Exec, Via, limine};

const PAGE: u64 = 4096;
/// Pages that one loader may have more than the other: what they leave to the firmware at the edges of its memory.
const EDGES: usize = 16;

/// What the kernel learnt.
struct Learnt {
    memory: BTreeSet<u64>,
    cores: String,
    line: String,
    archive: String,
}

fn learn(via: Via, qemu: &str) -> Learnt {
    let exec = Exec::sh("true").smp(3).tori(3).log("debug");
    // Limine wants a screen, whose memory is part of the machine.
    let output = exec.qemu("-vga std").qemu(qemu).via(via).run();
    let said = |key: &str| {
        let mut lines = output.log.lines();
        let found = lines.find_map(|line| line.split_once(&format!("boot::tell] {key}: ")));
        let (_, rest) = found.unwrap_or_else(|| panic!("no {key} in {}", output.log));
        rest.to_owned()
    };
    let ranges = output
        .log
        .lines()
        .filter_map(|line| line.split_once("] memory: "));
    let memory = ranges.filter_map(|(_, range)| pages(range)).flatten();
    Learnt {
        memory: memory.collect(),
        cores: said("cores"),
        line: said("command line"),
        archive: said("archive of files"),
    }
}

/// Pages of a range `0xSTART to 0xEND KIND` that the kernel has in the end.
fn pages(range: &str) -> Option<impl Iterator<Item = u64> + use<>> {
    let mut words = range.split(' ');
    let mut number = || u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok();
    let start = number()?;
    let (_, rest) = range.split_once(" to ")?;
    let (end, kind) = rest.split_once(' ')?;
    let end = u64::from_str_radix(end.trim_start_matches("0x"), 16).ok()?;
    let ours = ["usable", "loader's", "kernel's"].contains(&kind);
    ours.then(|| start.div_ceil(PAGE)..end / PAGE)
}

#[test]
fn both_loaders_give_the_same_machine() {
    if limine("whether both loaders give the same machine").is_none() {
        return;
    }
    for machine in ["-machine q35", "-machine pc -m 5G"] {
        let (ours, theirs) = (learn(Via::Loader, machine), learn(Via::Bios, machine));
        let differ = ours.memory.symmetric_difference(&theirs.memory).count();
        assert!(differ <= EDGES, "{machine}: {differ} pages differ");
        assert!(ours.memory.len() > 100_000, "{}", ours.memory.len());
        assert_eq!(ours.cores, theirs.cores);
        assert_eq!(ours.cores, "0 1 2");
        assert_eq!(ours.archive, theirs.archive);
        assert_eq!(ours.line, theirs.line);
    }
}

#[test]
fn uefi_gives_the_same_cores_files_and_line() {
    if limine("whether UEFI gives the same machine").is_none() {
        return;
    }
    let (ours, theirs) = (learn(Via::Loader, ""), learn(Via::Uefi, ""));
    assert_eq!(ours.cores, theirs.cores);
    assert_eq!(ours.archive, theirs.archive);
    assert_eq!(ours.line, theirs.line);
    // UEFI keeps some mebibytes for its run-time services.
    let missing = ours.memory.difference(&theirs.memory).count() as u64 * PAGE;
    assert!(missing < 16 << 20, "{missing} bytes are missing");
}

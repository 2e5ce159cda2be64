//! What makes a file a program: ELF headers and `#!` lines.

use braid_files::executable::elf::{ENTRY, Header, PAGE, Table, Within};
use braid_files::executable::script::{self, START};

/// The first address that programs do not have.
const CEILING: u64 = 0x7fff_ffff_f000;

/// A program: what is mapped are whole pages below the ceiling, and what is zeroed lies in them.
pub(crate) fn elf(file: &[u8]) {
    let start = &file[..file.len().min(START)];
    let Ok(header) = Header::parse(start) else {
        return;
    };
    let from = usize::try_from(header.table).unwrap_or(usize::MAX);
    let Some(bytes) = file
        .get(from..)
        .and_then(|rest| rest.get(..header.table_bytes()))
    else {
        return;
    };
    let table = Table::new(header, bytes);
    if let Ok(Some(interpreter)) = table.interpreter() {
        assert!((2..=4096).contains(&interpreter.len));
    }
    let within = Within {
        file_len: file.len() as u64,
        base: 0x5555_5555_4000,
        ceiling: CEILING,
    };
    let mut pauses = 0;
    let Ok(plan) = table.plan(&within, || pauses += 1) else {
        return;
    };
    assert!(pauses <= 3 * bytes.len() / ENTRY);
    assert!(plan.entry < CEILING && plan.end <= CEILING);
    for part in &plan.parts {
        assert!(part.address.is_multiple_of(PAGE) && part.len.is_multiple_of(PAGE));
        assert!(part.len > 0 && part.address + part.len <= CEILING);
        assert!(part.offset.is_none_or(|offset| offset.is_multiple_of(PAGE)));
    }
    for tail in &plan.tails {
        let end = tail.address + tail.len;
        assert!(tail.len > 0 && tail.len < PAGE && end.is_multiple_of(PAGE));
        let is_of = |part: &&braid_files::executable::elf::Part| {
            part.offset.is_some() && part.address + part.len == end
        };
        assert!(plan.parts.iter().any(|part| is_of(&part)));
    }
}

/// Programs of three segments, at fixed addresses and anywhere.
pub(crate) fn elves() -> Vec<Vec<u8>> {
    let segments: [[u64; 8]; 4] = [
        [1 | 5 << 32, 0, 0x40_0000, 0, 0x1000, 0x1000, 0x1000, 0],
        [1 | 6 << 32, 0x100, 0x40_2100, 0, 0x80, 0x2000, 0x1000, 0],
        [1 | 4 << 32, 0, 0x40_2000, 0, 0x40, 0x40, 0x1000, 0],
        [0x6474_e551 | 6 << 32, 0, 0, 0, 0, 0, 16, 0],
    ];
    let table: Vec<u8> = segments
        .iter()
        .flat_map(|words| words[..7].iter().flat_map(|word| word.to_le_bytes()))
        .collect();
    let file = |kind: u8| {
        let mut file = vec![0; 64];
        file[..4].copy_from_slice(b"\x7fELF");
        file[16] = kind;
        file[18] = 62;
        file[26] = 0x40;
        file[32] = 64;
        file[54] = 56;
        file[56] = 4;
        file.extend(&table);
        file.resize(0x1000, 0);
        file
    };
    vec![file(2), file(3)]
}

/// A script: interpreter and argument are parts of its first line, without what ends them.
pub(crate) fn line(file: &[u8]) {
    let mut start = [0; START];
    let n = file.len().min(START);
    start[..n].copy_from_slice(&file[..n]);
    if !script::is_script(&start) {
        return;
    }
    let Some(line) = script::parse(&start) else {
        return;
    };
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | 0);
    assert!(!line.interpreter.iter().any(ends));
    let argument = line.argument.unwrap_or_default();
    assert!(!argument.iter().any(|byte| matches!(byte, b'\n' | 0)));
    assert!(argument.first().is_none_or(|byte| !ends(byte)));
    assert!(line.interpreter.len() + argument.len() < START);
}

/// Lines with and without arguments and ends.
pub(crate) fn lines() -> Vec<Vec<u8>> {
    let texts = ["#!/bin/sh\n", "#! /bin/sh  -x y \nrest", "#!/bin/sh", "#!"];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

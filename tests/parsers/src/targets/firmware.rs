//! The kernel's command line, and ACPI's tables.

use std::cell::Cell;

use braid_firmware::acpi::fadt::Fadt;
use braid_firmware::acpi::hpet::Hpet;
use braid_firmware::acpi::madt::Madt;
use braid_firmware::acpi::srat::Srat;
use braid_firmware::acpi::{HEADER, Tables};
use braid_firmware::cmdline::CommandLine;

/// Where the memory that a target reads begins.
const BASE: u64 = 0x1000;
/// Reads of memory in one input: more means that something runs on for ever.
const READS: u32 = 100_000;

/// The command line.
pub(crate) fn command_line(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    let words = line.len();
    let mut complaints = 0;
    let line = CommandLine::parse(line, |_| complaints += 1);
    assert!(complaints <= words);
    let arguments = line.arguments().into_iter().flatten();
    for word in line.environment().chain(arguments) {
        assert!(word.bytes().count() <= words);
    }
}

/// A line with every word.
pub(crate) fn command_lines() -> Vec<Vec<u8>> {
    let lines = [
        "tori=3 init=/bin/a%20b swap=vda log=debug console=com2 tty=02 winsize=24x80 debug-exit=0xf4 cwd=/tmp stats verify",
        "tori=auto cores=2 x2apic=off linger=9 env=A=1 env=B%3D2 swap=0:1.0,vdb -- sh -c tori=9 %e 100%",
    ];
    lines.map(|line| line.as_bytes().to_vec()).to_vec()
}

/// Memory with an RSDP at its start: whatever the tables say, all of them are read.
pub(crate) fn tables(memory: &[u8]) {
    let reads = Cell::new(0);
    let read = |address: u64, len: usize| {
        reads.set(reads.get() + 1);
        assert!(reads.get() < READS, "reads memory for ever");
        let at = usize::try_from(address.checked_sub(BASE)?).ok()?;
        memory.get(at..at.checked_add(len)?)
    };
    let Ok(tables) = Tables::find(BASE, &read) else {
        return;
    };
    for signature in ["APIC", "FACP", "SRAT", "HPET"] {
        for table in tables.all(signature, &read).flatten() {
            content(signature, table);
        }
    }
    if let Ok(fadt) = tables.table("FACP", &read) {
        let _ = tables.dsdt(&Fadt(fadt), &read);
    }
}

/// A table without its seals: the first byte says which.
pub(crate) fn contents(bytes: &[u8]) {
    let Some((kind, table)) = bytes.split_first() else {
        return;
    };
    let signature = ["APIC", "FACP", "SRAT", "HPET"][usize::from(kind % 4)];
    content(signature, table);
}

fn content(signature: &str, table: &[u8]) {
    let most = table.len();
    match signature {
        "APIC" => {
            let madt = Madt(table);
            assert!(madt.io_apics().count() <= most);
            assert!(madt.processors().count() <= most);
            (0..16).for_each(|irq| {
                let _ = madt.isa(irq);
            });
        }
        "FACP" => {
            let fadt = Fadt(table);
            let _ = (fadt.timer(), fadt.reset(), fadt.dsdt());
            if let Some(off) = fadt.off_switch(table) {
                assert!(off.writes().count() <= 4);
                let _ = off.control();
            }
        }
        "SRAT" => {
            let srat = Srat(table);
            assert!(srat.memory().count() + srat.cores().count() <= most);
        }
        _ => {
            let _ = Hpet(table).address();
        }
    }
}

/// A table with a right header.
fn sealed(signature: &str, content: &[u8]) -> Vec<u8> {
    let mut table = signature.as_bytes().to_vec();
    table.resize(HEADER, 0);
    table.extend_from_slice(content);
    let len = table.len() as u32;
    table[4..8].copy_from_slice(&len.to_le_bytes());
    table[9] = sum(&table).wrapping_neg();
    table
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

/// The content of a MADT with a local APIC, an I/O APIC and an override.
fn processors() -> Vec<u8> {
    let mut content = 0xfee0_0000_u32.to_le_bytes().to_vec();
    content.extend([1, 0, 0, 0]);
    content.extend([0, 8, 0, 0, 1, 0, 0, 0]);
    content.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    content.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    content
}

/// An RSDP, an XSDT and a table for each signature, one behind the other.
pub(crate) fn memories() -> Vec<Vec<u8>> {
    let one = |signature: &str, content: &[u8]| {
        let mut memory = vec![0; 0x100];
        memory[..8].copy_from_slice(b"RSD PTR ");
        memory[15] = 2;
        memory[24..32].copy_from_slice(&(BASE + 0x40).to_le_bytes());
        memory[8] = sum(&memory[..20]).wrapping_neg();
        memory[32] = sum(&memory[..36]).wrapping_neg();
        let table = BASE + 0x100;
        let xsdt = sealed("XSDT", &table.to_le_bytes());
        memory[0x40..][..xsdt.len()].copy_from_slice(&xsdt);
        memory.extend(sealed(signature, content));
        memory
    };
    vec![
        one("APIC", &processors()),
        one("FACP", &[0; 240]),
        one("SRAT", &[0; 100]),
        one("HPET", &[0; 20]),
    ]
}

/// The tables alone.
pub(crate) fn tables_alone() -> Vec<Vec<u8>> {
    let alone = |kind: u8, table: Vec<u8>| [&[kind], &table[..]].concat();
    vec![
        alone(0, sealed("APIC", &processors())),
        alone(
            1,
            sealed("FACP", b"\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\x00\x00"),
        ),
        alone(
            2,
            sealed(
                "SRAT",
                &[[0; 12].to_vec(), [1, 40].to_vec(), vec![0; 38]].concat(),
            ),
        ),
        alone(3, sealed("HPET", &[0; 20])),
    ]
}

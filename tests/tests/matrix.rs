//! Firmware x machine x cores x memory x tori: each machine reaches a program in ring 3 on every torus.
//!
//! A selection runs with our loader, and with `LIMINE_DIR` set also with real Limine by BIOS and by UEFI. With
//! `BRAID_MATRIX=full` all combinations run, which takes a while.

use braid_tests::booted::{Exec, Via, limine};

const MACHINES: [&str; 2] = ["q35", "pc"];
const CORES: [u32; 7] = [1, 2, 3, 4, 8, 16, 64];
/// In mebibytes.
const MEMORY: [u64; 3] = [64, 512, 6144];

/// Machine, cores, memory in mebibytes, tori.
type Case = (&'static str, u32, u64, u32);

/// Every value, each with several of the others.
const SELECTION: [Case; 10] = [
    ("q35", 1, 64, 1),
    ("pc", 1, 6144, 1),
    ("pc", 2, 64, 2),
    ("q35", 3, 512, 3),
    ("pc", 4, 6144, 2),
    ("q35", 4, 64, 1),
    ("q35", 8, 6144, 8),
    ("pc", 16, 64, 2),
    ("q35", 64, 512, 8),
    ("pc", 64, 6144, 4),
];

fn is_full() -> bool {
    std::env::var("BRAID_MATRIX").as_deref() == Ok("full")
}

/// All machines whose memory suffices for so many tori: 8 MiB each, and as much for the kernel and its files.
fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for machine in MACHINES {
        for cores in CORES {
            for memory in MEMORY {
                let mut counts = vec![1, 2, 3, 8, cores];
                counts.retain(|tori| *tori <= cores && u64::from(*tori) * 16 <= memory);
                counts.sort_unstable();
                counts.dedup();
                cases.extend(
                    counts
                        .into_iter()
                        .map(|tori| (machine, cores, memory, tori)),
                );
            }
        }
    }
    cases
}

fn run(via: Via, wanted: &str) {
    let cases = if is_full() { all() } else { SELECTION.into() };
    for case in cases.into_iter().filter(|case| case.0 == wanted) {
        let (machine, cores, memory, tori) = case;
        // UEFI itself does not start with less.
        let memory = if via == Via::Uefi {
            memory.max(128)
        } else {
            memory
        };
        let exec = Exec::busybox(["echo", "in ring 3"]).every_torus();
        let exec = exec.smp(cores).tori(tori).mem(memory).via(via);
        let output = exec.qemu(&format!("-machine {machine}")).run();
        assert_eq!(
            output.stdout,
            "in ring 3\n".repeat(tori as usize),
            "{via:?} {case:?}"
        );
        let up = format!("{cores} cores in {tori} tori are up");
        assert!(output.log.contains(&up), "{via:?} {case:?}: {}", output.log);
    }
}

fn run_limine(via: Via, machine: &str) {
    if limine(&format!("machines by {via:?}")).is_some() {
        run(via, machine);
    }
}

#[test]
fn our_loader_on_q35() {
    run(Via::Loader, "q35");
}

#[test]
fn our_loader_on_pc() {
    run(Via::Loader, "pc");
}

#[test]
fn bios_on_q35() {
    run_limine(Via::Bios, "q35");
}

#[test]
fn bios_on_pc() {
    run_limine(Via::Bios, "pc");
}

#[test]
fn uefi_on_q35() {
    run_limine(Via::Uefi, "q35");
}

#[test]
fn uefi_on_pc() {
    run_limine(Via::Uefi, "pc");
}

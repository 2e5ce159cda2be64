//! Processors as machines have them: topologies, APIC ids, registers, one that never comes.

use std::collections::BTreeSet;

use braid_tests::booted::stub::Stub;
use braid_tests::booted::watched::Watched;
use braid_tests::booted::{Exec, Via, limine, parts, programs};

const SCRIPT: &str = "for i in 1 2 3 4; do (seq 1 500 | sort -rn | tail -1) & done; wait";

/// Runs a script on a machine with these processors, and answers with their APIC ids.
fn ids(via: Via, smp: &str) -> String {
    let exec = Exec::sh(SCRIPT).auto_tori().log("debug").via(via);
    let output = exec.qemu(smp).same_as_host();
    let found = output
        .log
        .lines()
        .find_map(|line| line.split_once("] cores: "));
    let (_, ids) = found.expect("the kernel lists its cores");
    let up = format!("{} cores in", ids.split(' ').count());
    assert!(output.log.contains(&up), "{}", output.log);
    ids.to_owned()
}

/// Processors, and the ids that they have.
const TOPOLOGIES: [(&str, &str); 4] = [
    ("-smp 6,sockets=2,cores=3,threads=1", "0 1 2 4 5 6"),
    ("-smp 6,sockets=1,cores=3,threads=2", "0 1 2 3 4 5"),
    ("-smp 5,sockets=5,cores=1,threads=1", "0 1 2 3 4"),
    (
        "-smp 1,sockets=2,cores=100,threads=1,maxcpus=200 -device max-x86_64-cpu,socket-id=1,core-id=99,thread-id=0",
        "0 227",
    ),
];

#[test]
fn sparse_and_high_ids() {
    for (smp, expected) in TOPOLOGIES {
        assert_eq!(ids(Via::Loader, smp), expected, "{smp}");
    }
}

#[test]
fn sparse_and_high_ids_with_limine() {
    if limine("topologies").is_none() {
        return;
    }
    for (smp, expected) in TOPOLOGIES {
        assert_eq!(ids(Via::Bios, smp), expected, "{smp}");
    }
}

/// Places for processors that are empty are not waited for.
#[test]
fn processors_that_could_be_plugged_in_are_not_missed() {
    assert_eq!(ids(Via::Loader, "-smp 2,maxcpus=4"), "0 1");
}

#[test]
fn no_more_cores_than_allowed() {
    let output = Exec::sh(SCRIPT).smp(4).tori(2).words("cores=3").run();
    assert!(output.log.contains("4 cores, of which 3 are used"));
    assert!(output.log.contains("3 cores in 2 tori"), "{}", output.log);
}

/// EFER, CR0 and CR4 of all processors, as QEMU's monitor tells them.
#[test]
fn registers_are_the_same_on_every_core() {
    let busybox = programs::busybox().to_str().unwrap();
    let words = ["exec", "--smp", "4"];
    let mut machine = Watched::start(&words, &[busybox, "sleep", "1000"], false);
    machine.wait_for("are up");
    let said = machine.tell("info registers -a");
    let values = |name: &str| {
        let words = said.split_whitespace();
        let found: Vec<&str> = words.filter_map(|word| word.strip_prefix(name)).collect();
        assert_eq!(found.len(), 4, "{said}");
        found.into_iter().collect::<BTreeSet<_>>()
    };
    for name in ["EFER=", "CR0=", "CR4="] {
        assert_eq!(values(name).len(), 1, "{name} {:?}", values(name));
    }
    // No-execute, write protection, supervisor-mode execution and access prevention.
    let bits = |name: &str| u64::from_str_radix(values(name).first().unwrap(), 16).unwrap();
    assert_eq!(bits("EFER=") >> 11 & 1, 1);
    assert_eq!(bits("CR0=") >> 16 & 1, 1);
    assert_eq!(bits("CR4=") >> 20 & 3, 3);
    // Page tables of four levels, though this processor knows five.
    assert_eq!(bits("CR4=") >> 12 & 1, 0);
    machine.end();
}

/// The kernel's entry, and an endless loop in it that no interrupt ends.
fn places() -> (u64, u64) {
    const LOOP: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfc];
    let kernel = std::fs::read(&parts().boot.kernel).unwrap();
    let number = |at: usize| u64::from_le_bytes(kernel[at..at + 8].try_into().unwrap());
    let at = kernel.windows(4).position(|bytes| bytes == LOOP).unwrap() as u64;
    // The first segment holds the text: offset in the file, address.
    let header = number(32) as usize;
    (number(24), number(header + 16) + at - number(header + 8))
}

/// A core dies between the loader and the kernel: it is named and left out, and its torus goes on without it.
#[test]
fn a_core_that_does_not_come_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("gdb");
    let stub = format!("-S -gdb unix:{},server=on,wait=off", socket.display());
    let exec = Exec::sh(SCRIPT).smp(4).tori(2).qemu(&stub);
    let machine = std::thread::spawn(move || exec.same_as_host());
    let (entry, endless) = places();
    let mut stub = Stub::connect(&socket);
    stub.run_until(entry);
    stub.send_to(2, endless);
    stub.detach();
    let log = machine.join().unwrap().log;
    assert!(
        log.contains("core 2 (APIC id 2) does not answer and is left out"),
        "{log}"
    );
    assert!(log.contains("3 cores in 2 tori are up"), "{log}");
}

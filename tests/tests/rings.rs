//! Message rings between the tori of a booted machine.

use std::time::Duration;

use braid_tests::booted::{Exec, programs};

/// Every torus sends `count` probes to every other one at once: all arrive, in order, with their content.
fn probes(cores: u32, tori: u32, count: u64) {
    let program = Exec::new(programs::rust("rings")).args([count.to_string()]);
    let limit = Duration::from_secs(120 + count / 10_000);
    let machine = program.smp(cores).tori(tori).every_torus().timeout(limit);
    let output = machine.run();
    let mut lines: Vec<&str> = output.stdout.lines().collect();
    lines.sort_unstable();
    let pairs = (0..tori).flat_map(|own| (0..tori).map(move |other| (own, other)));
    let expected: Vec<String> = pairs
        .filter(|(own, other)| own != other)
        .map(|(own, other)| {
            format!("torus {own}: sent {count} to {other}, received {count}, wrong 0")
        })
        .collect();
    assert_eq!(lines, expected, "{}", output.log);
}

#[test]
fn two_tori() {
    probes(2, 2, 100_000);
}

/// Each way between any two of four tori: `BRAID_PROBES`, or ten million.
#[test]
fn four_tori() {
    let count = std::env::var("BRAID_PROBES").ok();
    let count = count.map_or(10_000_000, |count| count.parse().expect("a number"));
    probes(4, 4, count);
}

/// Both tori have no memory left and more to tell each other than their rings hold: nothing is lost, and nobody waits for ever.
#[test]
fn two_tori_that_are_full_of_each_other() {
    let program = Exec::new(programs::rust("brim")).args(["8"]);
    let output = program.smp(2).tori(2).mem(64).run();
    assert_eq!(output.stdout, "18 ended\nOk(0)\nOk(0)\n", "{}", output.log);
    assert!(!output.log.contains("is lost"), "{}", output.log);
}

//! Message rings between the tori of a booted machine.

use braid_tests::booted::{Exec, programs};

/// Every torus sends `count` probes to every other one at once: all arrive, in order, with their content.
fn probes(cores: u32, tori: u32, count: u64) {
    let program = Exec::new(programs::rust("rings")).args([count.to_string()]);
    let output = program.smp(cores).tori(tori).every_torus().run();
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

#[test]
fn four_tori() {
    probes(4, 4, 1_000_000);
}

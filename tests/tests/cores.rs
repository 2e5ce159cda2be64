//! Machines of every size.

use braid_tests::booted::Exec;

const SCRIPT: &str =
    "for i in 1 2 3 4; do (seq 1 2000 | sort -rn | tail -1) & done; wait; echo done";

fn on(cores: u32, tori: u32) {
    let output = Exec::sh(SCRIPT).smp(cores).tori(tori).same_as_host();
    for torus in 0..tori {
        assert!(
            output.log.contains(&format!("torus {torus}")),
            "{}",
            output.log
        );
    }
    let warns = |line: &&str| line.contains(" WARN ") && !line.contains("is not there");
    assert_eq!(output.log.lines().find(warns), None);
}

#[test]
fn one_core() {
    on(1, 1);
}

#[test]
fn two_cores() {
    on(2, 1);
    on(2, 2);
}

#[test]
fn four_cores() {
    on(4, 2);
    on(4, 4);
}

#[test]
fn eight_cores() {
    on(8, 2);
    on(8, 3);
}

#[test]
fn sixty_four_cores() {
    on(64, 8);
}

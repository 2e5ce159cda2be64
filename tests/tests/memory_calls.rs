//! Memory as programs see it: our programs say the same on Braid as on the host.

use braid_tests::booted::{Exec, Output, programs};

#[test]
fn mappings() {
    let output = Exec::new(programs::rust("mappings")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn faults() {
    let output = Exec::new(programs::rust("faults")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn forks() {
    for cores in [1, 4] {
        let program = Exec::new(programs::rust("forks")).smp(cores);
        assert_eq!(program.same_as_host().status, 0);
    }
}

#[test]
fn limits() {
    let output = Exec::new(programs::rust("limits")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

/// Runs what would harm a host.
fn only_here(mode: &str) -> Output {
    let program = Exec::new(programs::rust("limits")).args([mode]);
    let output = program.smp(2).tori(1).mem(96).run();
    assert_eq!(output.status, 0, "{output:?}");
    output
}

#[test]
fn a_hog_ends_and_the_rest_goes_on() {
    let rounds: String = (0..3)
        .map(|round| format!("round {round}: true\nafterwards: Ok(0)\n"))
        .collect();
    let output = only_here("hog");
    assert_eq!(output.stdout, rounds + "own memory: 64\n");
    assert!(output.log.contains("no memory"), "{}", output.log);
}

#[test]
fn a_fork_bomb_ends_and_the_rest_goes_on() {
    let flat = "refused: true\nall killed: true\nmore than the tree: true\n";
    let after = "afterwards: Ok(0)\n";
    assert_eq!(
        only_here("bomb").stdout,
        format!("tree: Ok(0)\n{after}{flat}{after}")
    );
}

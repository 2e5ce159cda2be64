//! Memory as programs see it: our programs say the same on Braid as on the host.

use braid_tests::booted::{Exec, programs};

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

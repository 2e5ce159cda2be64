//! Memory of the kernel that is not there: each allocation of each operation fails once, and programs that use all of it up.

use braid_tests::booted::{Exec, programs};

/// Every allocation of every operation fails once, with memory that may come and with none.
#[test]
fn each_allocation_fails_once() {
    let exec = Exec::new(programs::rust("failing")).smp(2).tori(2);
    let output = exec.words("fail-allocations").run();
    assert_eq!(output.status, 0, "{output:?}");
    let rounds = output.stdout.matches("failures on torus").count();
    // On each of two tori, with failures on it or on the other one.
    assert_eq!(rounds, 4, "{output:?}");
    // A parent that takes itself for its child ends early, with status 0.
    assert!(output.stdout.ends_with("\ndone\n"), "{output:?}");
}

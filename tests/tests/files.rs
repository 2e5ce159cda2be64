//! The file calls: our programs say the same on Braid as on the host.

use braid_tests::booted::{Exec, programs};

#[test]
fn calls_answer_as_on_linux() {
    let output = Exec::new(programs::rust("files")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn wild_pointers_through_every_call() {
    let output = Exec::new(programs::rust("pointers"))
        .args(["really"])
        .stdin("")
        .run();
    assert_eq!(output.status, 42, "{output:?}");
}

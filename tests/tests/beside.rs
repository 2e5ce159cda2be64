//! Faults of one process leave the others as they are: one of them answers all the while.

use braid_tests::booted::{Exec, programs};

fn beside(way: &str) -> Exec {
    Exec::new(programs::rust("beside")).args([way]).tori(1)
}

/// Each round ends as it should, or the process that works in it was killed for want of memory.
fn goes_on(program: &Exec) {
    let output = program.run();
    assert_eq!(output.status, 0, "{output:?}");
    for (round, line) in output.stdout.lines().take(3).enumerate() {
        let ends = [format!("round {round}: 3"), format!("round {round}: -9")];
        assert!(ends.iter().any(|end| end == line), "{output:?}");
    }
    let after: Vec<&str> = output.stdout.lines().skip(3).collect();
    assert_eq!(
        after,
        ["friend: Some(0)", "afterwards: Ok(Some(0))"],
        "{output:?}"
    );
}

#[test]
fn deep_recursion() {
    for cores in [1, 4] {
        let output = beside("deep").smp(cores).same_as_host();
        assert_eq!(output.status, 0, "{output:?}");
    }
}

#[test]
fn copies_with_enough_memory() {
    let output = beside("copies").smp(4).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn copies_with_enough_swap() {
    let program = beside("copies").smp(2).mem(48).swap(80);
    assert_eq!(program.same_as_host().status, 0);
}

#[test]
fn copies_without_enough() {
    goes_on(&beside("copies").smp(2).mem(44));
}

#[test]
fn a_hog() {
    goes_on(&beside("hog").smp(2).mem(64));
}

#[test]
fn a_fork_bomb() {
    goes_on(&beside("bomb").smp(2).mem(64));
}

/// The bomb's limit holds for this user, but not for user 0.
#[test]
fn a_fork_bomb_within_a_limit() {
    goes_on(&beside("bomb").smp(2).mem(64).user(1000, 1000));
}

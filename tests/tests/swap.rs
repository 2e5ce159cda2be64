//! Programs that use more memory than there is.

use braid_tests::booted::{Exec, Output, programs};

/// Runs a way of using so much memory, on cores that share less than 32 MiB.
fn pressure(way: &str, mebibytes: u32, cores: u32) -> Output {
    let program = Exec::new(programs::rust("pressure")).args([way, &mebibytes.to_string()]);
    let output = program.smp(cores).tori(1).mem(44).swap(160).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
    output
}

#[test]
fn twice_the_memory() {
    let output = pressure("pattern", 60, 1);
    assert_eq!(output.stdout, "wrong: 0 0\n");
    assert!(output.log.contains("KiB of swap on vda"), "{}", output.log);
}

#[test]
fn here_and_there() {
    assert_eq!(pressure("random", 60, 2).stdout, "wrong: 0 0\n");
}

#[test]
fn forked_children() {
    let expected = "good children: 3, wrong: 0 0\n";
    assert_eq!(pressure("forks", 30, 1).stdout, expected);
    assert_eq!(pressure("forks", 30, 4).stdout, expected);
}

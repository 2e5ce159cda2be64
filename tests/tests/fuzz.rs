//! Calls at random on a booted machine: no panic, no hang, nobody who cannot be killed, every frame back.
//!
//! `BRAID_CALLS=N` makes each test as many calls as that instead.

use std::time::Duration;

use braid_tests::booted::{Exec, Output, programs};

/// Calls that a machine is sure to make in a second, however busy the host is.
const PACE: u64 = 200;

fn fuzz(mode: &str, calls: u64, seed: u64) -> Exec {
    let calls = std::env::var("BRAID_CALLS").map_or(calls, |calls| {
        calls.parse().expect("BRAID_CALLS is a number")
    });
    Exec::new(programs::fuzzer())
        .args([mode, &calls.to_string(), &seed.to_string()])
        .file(programs::busybox(), "/bin/busybox")
        .mem(512)
        .log("error")
        .timeout(Duration::from_secs(60 + calls / PACE))
}

fn survives(exec: &Exec) {
    let output: Output = exec.run();
    assert_eq!(output.status, 0, "{output:?}");
    // The kernel ends a victim that has the most memory when there is no more, and one that gets none for its own page.
    let ends =
        |line: &str| line.contains("killed: memory is out") || line.contains("killed: no memory");
    let is_wrong = |line: &&str| line.contains("ERROR") && !ends(line);
    let wrong: Vec<&str> = output.log.lines().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "{}", output.log);
}

#[test]
fn all_calls() {
    survives(&fuzz("all", 500_000, 1).smp(4).tori(2));
}

#[test]
fn calls_of_memory_with_swap() {
    survives(
        &fuzz("memory", 250_000, 2)
            .smp(2)
            .tori(2)
            .mem(192)
            .swap(256)
            .checked(),
    );
}

#[test]
fn all_calls_on_three_tori() {
    survives(&fuzz("all", 250_000, 3).smp(3).tori(3));
}

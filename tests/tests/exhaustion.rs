//! Memory that is exhausted: who ends, who goes on, and that all of it comes back, on the kernel's heap too.

use braid_tests::booted::{Exec, cases, programs};

const WAYS: [&str; 5] = ["pages", "tables", "pipes", "memfds", "mapped"];

#[test]
fn who_fills_the_memory_ends_and_bystanders_live() {
    let exec = cases::exec("exhaust").args(WAYS).smp(2).tori(1).mem(80);
    cases::as_on_linux("exhaust", &exec);
}

#[test]
fn who_fills_memory_and_swap_ends_and_bystanders_live() {
    let exec = cases::exec("exhaust")
        .args(["tables", "mapped"])
        .smp(2)
        .tori(1);
    let output = exec.mem(80).swap(48).run();
    assert_eq!(
        output.stdout, "tables: ended, witness fine\nmapped: ended, witness fine\n",
        "{output:?}"
    );
}

#[test]
fn names_leave_room_for_who_removes_them() {
    let exec = cases::exec("names").file(programs::busybox(), "/bin/busybox");
    let output = exec.smp(2).tori(1).mem(64).run();
    assert_eq!(output.stdout, "errno 28\nok\n", "{output:?}");
    assert_eq!(output.status, 0);
}

/// A program that fills the kernel's memory with pipes goes on with less, or ends; the machine does not.
#[test]
fn pipes_fill_the_kernels_memory() {
    let exec = Exec::sh("/case/oom; echo over").file(cases::program("oom"), "/case/oom");
    let output = exec.smp(2).tori(2).mem(100).run();
    assert!(
        output.stdout.starts_with("full\n") || output.stdout == "over\n",
        "{output:?}"
    );
    assert!(output.stdout.ends_with("over\n"), "{output:?}");
}

#[test]
fn high_descriptors_are_copied_by_forks() {
    cases::as_on_linux("bigfd", &cases::exec("bigfd").smp(2).tori(1).mem(100));
}

#[test]
fn zombies_leave_nothing_on_the_heap() {
    let exec: Exec = cases::exec("zombies").smp(2).tori(1).mem(128);
    cases::as_on_linux("zombies", &exec);
}

#[test]
fn a_wait_that_there_is_no_memory_for_fails() {
    let exec = cases::exec("refused_wait").smp(2).tori(2).mem(64);
    let output = exec.run();
    let expected = "second: Cannot allocate memory\nfirst: 0\n";
    assert_eq!(output.stdout, expected, "{output:?}");
    assert_eq!(output.status, 0);
}

/// A torus whose memory is full lends pages of shared memory all the same: one of those who have filled it ends when what is noted of them needs more.
#[test]
fn a_torus_without_memory_lends_what_it_has() {
    let exec = Exec::new(programs::rust("lending")).args(["45000", "360"]);
    let output = exec.smp(2).tori(2).mem(512).run();
    assert_eq!(
        output.stdout, "reader: Ok(0)\nkilled: 1 of 3\n",
        "{output:?}"
    );
}

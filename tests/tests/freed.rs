//! Frames that are freed are out of reach: of who had them mapped on another torus, and of children. The checked kernel panics when one
//! is not.

use braid_tests::booted::{Exec, cases, programs};

#[test]
fn what_a_file_has_lost_is_out_of_reach_on_every_torus() {
    let exec = cases::exec("cut_locked").smp(4).tori(2);
    cases::as_on_linux("cut_locked", &exec);
}

#[test]
fn a_fork_after_a_move_has_what_it_may_have() {
    let exec = cases::exec("fork_moved").smp(2).tori(2);
    cases::as_on_linux("fork_moved", &exec);
}

#[test]
fn files_of_another_torus_are_mapped_shared() {
    let exec = cases::exec("shared_far").smp(4).tori(2).checked();
    cases::as_on_linux("shared_far", &exec);
}

/// Two cores of a torus come to know an object of another one at the same moment.
#[test]
fn a_file_is_mapped_by_two_at_once() {
    let exec = cases::exec("map_twice").smp(4).tori(2);
    cases::as_on_linux("map_twice", &exec);
}

#[test]
fn calls_at_random_change_no_freed_frame() {
    let mut fuzz = Exec::new(programs::fuzzer());
    fuzz = fuzz.args(["memory", "10000", "1", "8"]).smp(4).tori(2);
    fuzz = fuzz.file(programs::busybox(), "/bin/busybox");
    let output = fuzz.checked().log("error").run();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn what_is_cut_again_and_again_is_never_seen_again() {
    let exec = cases::exec("cut_storm").smp(4).tori(2).checked();
    cases::as_on_linux("cut_storm", &exec);
}

#[test]
fn storms_of_moves_change_no_freed_frame() {
    let migrate = || Exec::new(programs::rust("migrate")).checked().log("error");
    let storm = migrate().args(["storm", "5", "60", "9"]).smp(4).tori(3);
    let output = storm.run();
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (0, "5 processes, 60 moves each\n")
    );
    let swapping = migrate().args(["around", "9000"]).smp(2).tori(2);
    let output = swapping.mem(80).swap(240).run();
    assert_eq!(output.status, 0, "{output:?}");
}

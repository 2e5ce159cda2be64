//! Frames that are freed are out of reach: of who had them mapped on another torus, and of children. The checked kernel panics when one
//! is not.

use braid_tests::booted::cases;

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

//! Times at every extreme: calls answer as on Linux, and no timer keeps a core from its work.

use braid_tests::booted::cases;

#[test]
fn extremes_are_answered_as_on_linux() {
    cases::as_on_linux("times", &cases::exec("times").smp(2).tori(1));
}

#[test]
fn no_timer_spins() {
    for cores in [1, 2] {
        cases::as_on_linux("itimer", &cases::exec("itimer").smp(cores).tori(1));
    }
}

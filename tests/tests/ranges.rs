//! Ranges and sums that wrap around the end of all addresses, given to every call that takes one.

use braid_tests::booted::cases;

#[test]
fn sums_beyond_the_end_are_answered_as_on_linux() {
    cases::as_on_linux("wraps", &cases::exec("wraps").smp(1).tori(1));
}

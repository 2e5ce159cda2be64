//! Processor time and shares of it.

use braid_tests::booted::cases;

#[test]
fn nice_values() {
    cases::as_on_linux("nice", &cases::exec("nice"));
    cases::as_on_linux("nice_share", &cases::exec("nice_share").smp(1));
}

#[test]
fn policies() {
    cases::as_on_linux("policies", &cases::exec("policies"));
}

#[test]
fn orders_reach_processes_wherever_they_are() {
    cases::as_on_linux("orders", &cases::exec("orders").smp(2).tori(2));
}

#[test]
fn processor_time() {
    cases::as_on_linux("cputime", &cases::exec("cputime"));
}

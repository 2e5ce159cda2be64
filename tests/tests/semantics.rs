//! Processes: our programs say the same on Braid as on the host.

use braid_tests::booted::{Exec, programs};

#[test]
fn processes_signals_and_timers() {
    for cores in [1, 4] {
        let output = Exec::new(programs::rust("processes"))
            .smp(cores)
            .tori(1)
            .same_as_host();
        assert_eq!(output.status, 0, "{output:?}");
    }
}

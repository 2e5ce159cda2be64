//! `braid=auto`: idle tori take over processes of busy ones.

use braid_tests::booted::{Exec, programs};

#[test]
fn an_idle_torus_takes_over_work() {
    let program = Exec::new(programs::rust("balance")).smp(4).tori(2);
    let output = program.words("braid=auto").run();
    let expected = "taken over: Ok(0)\nall have ended\n";
    assert_eq!(output.stdout, expected, "{}", output.log);
}

//! Processes that the kernel moves: `braid=auto`, by which idle tori take over work, and tori that are drained.

use braid_tests::booted::{Exec, programs};

#[test]
fn an_idle_torus_takes_over_work() {
    let program = Exec::new(programs::rust("balance")).smp(4).tori(2);
    let output = program.words("braid=auto").run();
    let expected = "taken over: Ok(0)\nall have ended\n";
    assert_eq!(output.stdout, expected, "{}", output.log);
}

/// Six processes that never wait, four cores: once no core idles nobody moves any more.
#[test]
fn a_steady_load_comes_to_rest() {
    let program = Exec::new(programs::rust("balance")).args(["steady"]);
    let exec = program.smp(4).tori(2).words("braid=auto").counted().stats();
    let output = exec.run();
    assert_eq!(output.stdout, "all have ended\n", "{}", output.log);
    let moves: u64 = output
        .log
        .lines()
        .filter_map(|line| line.split_once("migrations_out "))
        .map(|(_, count)| count.parse::<u64>().expect("a number"))
        .sum();
    // A process that bounces moves hundreds of times in that time.
    assert!(moves <= 12, "{}", output.log);
}

/// Torus 1 is emptied three times while its processes work, fork and end on all its cores; then one holds it up.
#[test]
fn a_torus_is_drained_under_load() {
    let output = Exec::new(programs::rust("drain")).smp(4).tori(2).run();
    let rounds = (0..3).map(|round| {
        format!("drain {round}: 0\nI go there: EAGAIN\nagain: 0\nprocesses may come again: 0\n")
    });
    let expected = rounds.collect::<String>()
        + "no such torus: EINVAL\nno such flag: EINVAL\n\
           held up: EINTR\nit is still there: true\n\
           no longer held up: 0\nit ends with Ok(9)\nprocesses may come again: 0\n\
           my own torus: 0\nI am on torus 1\n";
    assert_eq!(output.stdout, expected, "{}", output.log);
    let named = output.log.contains("has not left torus 1 yet");
    assert!(named, "{}", output.log);
}

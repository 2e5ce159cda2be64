//! How long cores keep interrupts off, counted by QEMU's plug-in, and what else takes a core's time: deferred writes, the log.

use std::time::Duration;

use braid::latency::{self, LIMIT, Row};
use braid_tests::booted::{Exec, cases, programs};

/// For machines that are watched on a busy host.
const PATIENCE: Duration = Duration::from_secs(300);

/// Checks that no stretch is too long.
fn check(rows: &[Row]) {
    let long: Vec<&Row> = rows.iter().filter(|row| row.instructions > LIMIT).collect();
    assert!(long.is_empty(), "{}", latency::table(rows));
    assert!(!rows.is_empty(), "nothing was counted");
}

#[test]
fn what_programs_size_is_done_in_pieces() {
    let (output, rows) = cases::exec("irqoff").smp(2).tori(1).watched();
    assert_eq!(
        (output.status, output.stdout),
        (0, cases::expected("irqoff"))
    );
    check(&rows);
}

#[test]
fn what_programs_have_much_of_is_done_in_pieces() {
    for (name, tori) in [("much", 1), ("far_much", 2)] {
        let (output, rows) = cases::exec(name).smp(2).tori(tori).watched();
        assert_eq!(
            (output.status, output.stdout),
            (0, cases::expected(name)),
            "{name}"
        );
        check(&rows);
    }
}

#[test]
fn what_programs_have_much_of_makes_nothing_else_dearer() {
    let short = cases::exec("growth").args(["truncated", "evicted"]);
    let roomy = cases::exec("growth").args(["alone", "named", "waited"]);
    let outputs = [short.mem(44).swap(96), roomy]
        .map(|exec| exec.smp(1).tori(1).counted().run())
        .map(|output| output.stdout);
    assert_eq!(outputs.concat(), cases::expected("growth"));
}

/// The call fuzzer's victims, which make about so many calls.
fn fuzz(mode: &str, calls: u32, seed: u32) -> Exec {
    Exec::new(programs::fuzzer())
        .args([mode, &calls.to_string(), &seed.to_string()])
        .file(programs::busybox(), "/bin/busybox")
        .log("error")
        .tori(2)
        .timeout(PATIENCE)
}

#[test]
fn calls_at_random_are_done_in_pieces() {
    let machines = [
        fuzz("all", 6000, 1).smp(2).mem(512),
        fuzz("memory", 3000, 2).smp(4).mem(192).swap(256),
    ];
    for exec in machines {
        let (output, rows) = exec.watched();
        assert_eq!(output.status, 0, "{output:?}");
        check(&rows);
    }
}

#[test]
fn memory_that_runs_out_is_looked_for_in_pieces() {
    let exhaust = cases::exec("exhaust").args(["pages", "pipes", "mapped"]);
    let pressure = Exec::new(programs::rust("pressure")).args(["pattern", "20"]);
    let machines = [exhaust.tori(1).mem(80), pressure.tori(1).mem(44).swap(32)];
    for exec in machines {
        let (output, rows) = exec.smp(2).timeout(PATIENCE).watched();
        assert_eq!(output.status, 0, "{output:?}");
        check(&rows);
    }
}

#[test]
fn a_torus_is_drained_in_pieces() {
    let (output, rows) = Exec::new(programs::rust("drain")).smp(4).tori(2).watched();
    assert_eq!(output.status, 0, "{output:?}");
    check(&rows);
}

#[test]
fn pages_that_are_lent_come_back_in_pieces() {
    // Nobody has to fill the memory.
    let lending = Exec::new(programs::rust("lending")).args(["3000", "1000000"]);
    let (output, rows) = lending.smp(2).tori(2).watched();
    assert_eq!(output.stdout, "reader: Ok(0)\nkilled: 0 of 3\n");
    check(&rows);
}

#[test]
fn calls_write_much_to_pages_that_are_elsewhere() {
    cases::as_on_linux("later", &cases::exec("later").smp(2).tori(2));
    cases::as_on_linux(
        "later",
        &cases::exec("later").smp(2).tori(2).mem(100).swap(64),
    );
}

#[test]
fn the_log_has_what_matters_of_a_program_that_faults() {
    let output = cases::as_on_linux("caught", &cases::exec("caught").smp(2).tori(1));
    let lines = |part: &str| {
        output
            .log
            .lines()
            .filter(|line| line.contains(part))
            .count()
    };
    // Of what the program handles itself there is nothing, of what killed its child one line.
    assert_eq!(lines("refused"), 1, "{}", output.log);
    assert!(
        (1..=100).contains(&lines("not a 64-bit x86 executable")),
        "{}",
        output.log
    );
}

#[test]
fn the_log_is_whole_at_the_end() {
    let output = Exec::busybox(["true"]).smp(2).tori(2).log("debug").run();
    for torus in 0..2 {
        let account = format!("torus {torus}: frames available");
        assert!(output.log.contains(&account), "{}", output.log);
    }
}

//! Calls that signals interrupt: which fail, which are made again, which go on.

use braid_tests::booted::pty::Session;
use braid_tests::booted::{Exec, cases, tool};

/// One machine runs these cases after each other, and prints what Linux prints for each.
fn together(words: &[&str], exec: impl FnOnce(Exec) -> Exec) {
    let name = |line: &str| line.split(' ').next().unwrap_or(line).to_owned();
    let script: String = words.iter().map(|line| format!("/case/{line};")).collect();
    let expected: String = words
        .iter()
        .map(|line| cases::expected(&name(line)))
        .collect();
    let machine = words.iter().fold(Exec::sh(&script), |machine, line| {
        let name = name(line);
        machine.file(cases::program(&name), format!("/case/{name}"))
    });
    let output = exec(machine).run();
    assert_eq!(output.stdout, expected, "{output:?}");
}

#[test]
fn cases_of_interrupted_calls() {
    let cases = [
        "forksig",
        "forksig r",
        "futex_restart",
        "sigw",
        "select_left",
        "ppollmask",
        "sigqueue",
        "sigqueue 1",
    ];
    together(&cases, |exec| exec);
}

/// A wake-up is never spent on a wait that a handler interrupts.
#[test]
fn wake_ups_and_signals_at_once() {
    together(&["futex_spent"], |exec| exec.smp(2));
}

/// Calls that Linux never interrupts go on under a storm of signals: of files of this torus and of another.
#[test]
fn calls_that_nothing_interrupts() {
    together(&["intr 20", "intr 20 1"], |exec| exec);
}

/// Each call that can wait, under signals at random moments: as on Linux, on one torus, while the caller moves, and while its memory
/// comes back from swap, too.
#[test]
fn a_storm_over_every_call_that_waits() {
    together(&["storm 20 1", "storm 20 2 2"], |exec| exec.smp(4).tori(2));
    together(&["storm 10 3 2 30"], |exec| {
        exec.smp(4).tori(2).mem(72).swap(256)
    });
}

/// The same calls, while pages come back from swap.
#[test]
fn calls_that_nothing_interrupts_with_swap() {
    together(&["intr 4", "intr 4 1"], |exec| exec.mem(72).swap(256));
}

/// Several processes poll the same pipes at once, and one uses the terminal, under signals, and while they move.
#[test]
fn pollers_at_once_and_a_terminal() {
    for words in ["60 1", "60 2 2"] {
        let mut command = std::process::Command::new(tool::path());
        command.args(["exec", "-q", "--smp", "4", "--tori", "2"]);
        command.args(["--timeout", "100"]);
        command
            .arg(cases::program("pollers"))
            .args(words.split(' '));
        let mut session = Session::start(command);
        for line in cases::expected("pollers").lines() {
            session.wait_for(&format!("{line}\r\n"));
        }
        assert_eq!(session.end(), 0);
    }
}

//! The framebuffer shows what the serial port says: the log, and a panic with its backtrace.

use braid_tests::booted::picture::expected;
use braid_tests::booted::watched::Watched;
use braid_tests::booted::{limine, programs, tool};

/// Writes some hundred lines to the log, so that the screen scrolls.
const TALK: &str = "for i in $(seq 100); do sh -c 'kill -9 $$'; done 2>/dev/null; sleep 1000";

fn busybox() -> &'static str {
    programs::busybox().to_str().unwrap()
}

/// Lines of the kernel's log, without the names that the tool adds to backtraces.
fn spoken<'a>(log: &[&'a str]) -> Vec<&'a str> {
    let kernel = |line: &&&str| {
        ["[", "PANIC", "  at 0x"]
            .iter()
            .any(|begin| line.starts_with(begin))
    };
    let lines = log.iter().filter(kernel);
    lines
        .map(|line| match line.strip_prefix("  at 0x") {
            Some(rest) => &line[..8 + rest.find(' ').unwrap_or(rest.len())],
            None => line,
        })
        .collect()
}

fn shows_the_log(rows: &[String], log: &[&str]) -> bool {
    let columns = rows[0].len();
    rows == expected(&spoken(log), columns, rows.len())
}

#[test]
fn the_screen_shows_the_log() {
    let words = ["exec", "--log", "debug"];
    let mut machine = Watched::start(&words, &[busybox(), "sh", "-c", TALK], false);
    machine.wait_for("sh[101] ends by signal 9");
    let rows = machine.see(shows_the_log);
    assert_eq!((rows.len(), rows[0].len()), (48, 146));
    machine.end();
}

#[test]
fn a_panic_is_on_the_screen_with_its_backtrace() {
    // The exit device is moved away, so that the machine halts as a board does.
    let words = ["exec", "--smp", "3", "--cmdline", "debug-exit=0x80"];
    let mut machine = Watched::start(&words, &[busybox(), "sleep", "1000"], false);
    machine.wait_for("are up");
    machine.see(shows_the_log);
    // An uncorrected error of the hardware, as the first core reports it (SDM 3, "Machine-Check Architecture").
    machine.tell("mce 0 0 0xbd80000000000000 0x5 0 0");
    machine.wait_for("halted");
    let rows = machine.see(shows_the_log);
    let shown = rows.concat();
    assert!(shown.contains("PANIC machine check"), "{shown}");
    let places = machine
        .log
        .iter()
        .filter(|line| line.starts_with("  at 0x"));
    let places: Vec<&String> = places.collect();
    assert!(places.len() >= 2, "{places:?}");
    assert!(places[0].contains("(kernel/"), "{places:?}");
    machine.end();
}

#[test]
fn the_screen_of_limine_shows_the_log() {
    let Some(limine) = limine("the screen") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("image");
    let image = image.to_str().unwrap();
    let make = ["image", "-q", "-o", image, "--menu", "0"];
    let more = ["--limine", limine.to_str().unwrap(), "--cmdline"];
    let words = ["log=debug linger=1000"];
    let mut made = tool::braid(make.into_iter().chain(more).chain(words));
    assert!(made.status().unwrap().success());
    for firmware in [&[][..], &["--uefi"]] {
        let mut machine = Watched::start(&["run", "--image", image], firmware, true);
        machine.wait_for("powers off in");
        // Before the kernel the loader writes; the program's lines have no form of their own.
        let rows = machine.see(|rows, log| {
            let begin = log.iter().position(|line| line.contains("] Braid 0"));
            let lines: Vec<&str> = log[begin.unwrap()..].to_vec();
            rows == expected(&lines, rows[0].len(), rows.len())
        });
        assert!(rows.concat().contains("primes below"));
        machine.end();
    }
}

//! The tool on the outside: time-outs, signals, closed outputs, many at once.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use braid::symbolize::Symbols;
use braid_tests::booted::{parts, programs, tool};
use rustix::process::{Pid, Signal, kill_process};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn busybox() -> &'static str {
    programs::busybox().to_str().unwrap()
}

#[test]
fn output_and_log_do_not_mix() {
    let output = tool::braid(["exec", busybox(), "echo", "hello"])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "hello\n");
    let log = text(&output.stderr);
    assert!(log.contains("torus 0"), "{log}");
    let output = tool::braid([
        "exec",
        "-q",
        busybox(),
        "sh",
        "-c",
        "echo a; echo b >&2; exit 9",
    ])
    .output()
    .unwrap();
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("a\n".into(), "b\n".into())
    );
    assert_eq!(output.status.code(), Some(9));
}

#[test]
fn argument_zero_is_as_typed() {
    let output = tool::braid(["exec", "-q", busybox(), "sh", "-c", "echo $0", "me"])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "me\n");
}

#[test]
fn a_machine_that_hangs_is_ended() {
    let output = tool::braid(["exec", "--timeout", "6", busybox(), "sleep", "1000"])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(124), "{said}");
    assert!(
        said.contains("did not end within 6 s") && said.contains("last log line"),
        "{said}"
    );
}

#[test]
fn nothing_outlives_the_tool() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let mut child = tool::braid(["exec", "-q", busybox(), "sh", "-c", "echo up; sleep 1000"])
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "up\n");
        let qemu = tool::children(child.id());
        assert_eq!(qemu.len(), 1);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
        let deadline = Instant::now() + Duration::from_secs(10);
        while tool::is_alive(qemu[0]) {
            assert!(Instant::now() < deadline, "QEMU outlived {signal:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_reader_that_leaves_ends_the_machine() {
    let mut child = tool::braid(["exec", "-q", busybox(), "yes"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "y\n");
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(141));
}

#[test]
fn input_flows_both_ways() {
    let mut child = tool::braid([
        "exec",
        "-q",
        busybox(),
        "sh",
        "-c",
        "read a; echo got $a; cat",
    ])
    .stdin(Stdio::piped())
    .spawn()
    .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdin.write_all(b"one\n").unwrap();
    reader.read_line(&mut line).unwrap();
    stdin.write_all(b"two\n").unwrap();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "got one\ntwo\n");
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn many_at_once_do_not_disturb_each_other() {
    let children: Vec<_> = (0..4)
        .map(|i| {
            let script = format!("for n in 1 2 3; do echo {i}-$n; done; exit {i}");
            tool::braid(["exec", "-q", "--smp", "2", busybox(), "sh", "-c", &script])
                .spawn()
                .unwrap()
        })
        .collect();
    for (i, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stdout), format!("{i}-1\n{i}-2\n{i}-3\n"));
        assert_eq!(output.status.code(), i32::try_from(i).ok());
    }
}

#[test]
fn an_unchanged_build_is_not_built_again() {
    let run = || {
        let words = ["exec", "--smp", "1", busybox(), "true"];
        let output = tool::braid(words).output().unwrap();
        assert!(output.status.success());
        text(&output.stderr)
    };
    run();
    let said = run();
    assert!(!said.contains("braid: building"), "{said}");
}

#[test]
fn the_demonstration_runs() {
    let output = tool::braid(["run"]).output().unwrap();
    let (said, log) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{log}");
    assert!(
        said.contains("torus 0") && said.contains("torus 1"),
        "{said}\n{log}"
    );
    let checksums: Vec<_> = said
        .lines()
        .filter(|line| line.contains("checksum"))
        .collect();
    let [before, after] = checksums[..] else {
        panic!("{said}");
    };
    let last = |line: &str| line.split(' ').next_back().map(str::to_owned);
    assert_eq!(last(before), last(after), "{said}");
    assert!(!log.contains(" leaks "), "{log}");
}

#[test]
fn backtraces_get_names() {
    let kernel = &parts().boot.kernel;
    let bytes = std::fs::read(kernel).unwrap();
    // e_entry of the ELF header.
    let entry = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
    let line = Symbols::of(kernel).annotate(&format!("  at {:#x}", entry + 1));
    assert!(line.contains("_start"), "{line}");
    let address = format!("{:#x}", entry + 1);
    let output = tool::braid(["where", &address]).output().unwrap();
    assert_eq!(text(&output.stdout), format!("{line}\n"));
}

/// A tool that is not scheduled for a while gets everything afterwards: output, log, and how the program ended.
#[test]
fn a_tool_that_comes_late_loses_nothing() {
    let script = "echo up; read line; sleep 1; seq 1 400; exit 9";
    let mut child = tool::braid(["exec", busybox(), "sh", "-c", script])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    // The input has to be there before the tool stops.
    std::thread::sleep(Duration::from_millis(500));
    let tool = Pid::from_child(&child);
    kill_process(tool, Signal::STOP).unwrap();
    std::thread::sleep(Duration::from_secs(10));
    kill_process(tool, Signal::CONT).unwrap();
    let numbers: Vec<String> = output.lines().map(Result::unwrap).collect();
    let expected: Vec<String> = (1..=400).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
    let end = child.wait_with_output().unwrap();
    let log = text(&end.stderr);
    assert_eq!(end.status.code(), Some(9), "{log}");
    assert!(log.contains("at start of init"), "{log}");
}

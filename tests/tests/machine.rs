//! Machines out of the ordinary: whose first core is in a later node, whose hardware interrupts without a cause, whose command line
//! is too long.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use braid_tests::booted::{Exec, tool};

/// The tool's exit status when the kernel refuses to start.
const REFUSED: i32 = 122;

#[test]
fn the_first_core_lies_in_a_later_node() {
    let node = |number: u32, core: u32| {
        format!(
            "-object memory-backend-ram,id=m{number},size=256M -numa node,nodeid={number},cpus={core},memdev=m{number} "
        )
    };
    let nodes = node(0, 1) + &node(1, 0);
    let exec = Exec::sh("echo $$ $(sh -c 'echo $PPID'); exit 3");
    let output = exec.smp(2).auto_tori().mem(512).qemu(&nodes).run();
    assert_eq!(
        (output.stdout.as_str(), output.status),
        ("1 1\n", 3),
        "{}",
        output.log
    );
}

/// Non-maskable interrupts that no core has sent, at any moment of a busy machine.
#[test]
fn stray_interrupts_are_survived() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("monitor");
    let monitor = format!("-monitor unix:{},server,nowait", socket.display());
    let script = "echo ready; for i in $(seq 60); do busybox true; done; echo done";
    let machine = ["exec", "--smp", "2", "--tori", "1", "--qemu", &monitor];
    let mut child = tool::braid(machine.into_iter().chain(["busybox", "sh", "-c", script]))
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let mut monitor = UnixStream::connect(&socket).unwrap();
    // The machine may end first.
    while monitor.write_all(b"nmi\n").is_ok() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    output.read_line(&mut line).unwrap();
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(
        (line.as_str(), ended.status.code()),
        ("ready\ndone\n", Some(0)),
        "{log}"
    );
    assert!(
        log.contains("non-maskable interrupts of unknown cause"),
        "{log}"
    );
}

#[test]
fn a_command_line_that_is_too_long_is_refused() {
    let long = "x".repeat(40 << 10);
    let output = tool::braid(["exec", "busybox", "true", &long])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(REFUSED), "{said}");
    assert!(said.contains("the command line has 41"), "{said}");
}

//! Machines out of the ordinary: whose first core is in a later node, whose hardware interrupts without a cause, whose command line
//! is too long.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use braid_tests::booted::{Exec, cases, tool};

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
    let done = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut monitor = loop {
                match UnixStream::connect(&socket) {
                    Ok(monitor) => break monitor,
                    Err(_) if done.load(Ordering::Relaxed) => return,
                    Err(_) => std::thread::sleep(Duration::from_millis(10)),
                }
            };
            // The machine may end first.
            while !done.load(Ordering::Relaxed) && monitor.write_all(b"nmi\n").is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let exec = cases::exec("compat_rsp").smp(2).tori(1).qemu(&monitor);
        let output = cases::as_on_linux("compat_rsp", &exec);
        done.store(true, Ordering::Relaxed);
        output
    });
    let said = "non-maskable interrupts of unknown cause";
    assert!(output.log.contains(said), "{}", output.log);
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

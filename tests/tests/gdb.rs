//! `braid gdb`.

use std::io::{BufRead, BufReader};
use std::path::Path;

use braid::install;
use braid_tests::booted::pty::Session;
use braid_tests::booted::{programs, tool};
use rustix::process::{Pid, Signal, kill_process};

fn words() -> [&'static str; 4] {
    [
        "gdb",
        programs::busybox().to_str().unwrap(),
        "echo",
        "hello",
    ]
}

#[test]
fn the_machine_is_stopped_at_its_first_instruction() {
    if install::find("gdb").is_none() {
        return;
    }
    let mut command = std::process::Command::new(tool::path());
    command.args(words()).env("TERM", "dumb");
    let mut session = Session::start(command);
    session.wait_for("(gdb) ");
    session.type_in("print/x $pc\n");
    session.wait_for("0xfff0");
    session.type_in("kill\n");
    session.wait_for("(y or n)");
    session.type_in("y\n");
    session.wait_for("(gdb) ");
    session.type_in("quit\n");
    assert_eq!(session.end(), 0);
}

#[test]
fn without_gdb_the_command_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["cargo", "rustc"] {
        let found = install::find(name).unwrap();
        std::os::unix::fs::symlink(found, directory.path().join(name)).unwrap();
    }
    let search = std::env::join_paths([directory.path(), Path::new("/usr/lib")]).unwrap();
    if Path::new("/usr/local/bin/gdb").exists() {
        return;
    }
    let qemu = install::find("qemu-system-x86_64").unwrap();
    let mut child = tool::braid(words())
        .env("PATH", search)
        .env("BRAID_QEMU", qemu)
        .spawn()
        .unwrap();
    let said: Vec<String> = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.contains("Ctrl-C ends it"))
        .collect();
    assert!(
        said.iter()
            .any(|line| line.contains("target remote localhost:")),
        "{said:?}"
    );
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait().unwrap();
}

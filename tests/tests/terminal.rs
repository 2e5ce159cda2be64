//! An interactive shell, through a pseudo-terminal.

use braid_tests::booted::pty::Session;
use braid_tests::booted::{programs, tool};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::LocalModes;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const ESCAPE: &str = "\x1d";

fn shell() -> Session {
    let mut command = std::process::Command::new(tool::path());
    let busybox = programs::busybox();
    command.args(["exec", "-q", "--env", "PS1=ready> ", "--timeout", "100"]);
    command.arg(busybox).arg("sh").env("TERM", "xterm");
    let mut session = Session::start(command);
    session.wait_for("ready> ");
    session
}

#[test]
fn a_shell_talks() {
    let mut shell = shell();
    shell.type_in("echo $((6 * 7)) $TERM\r");
    shell.wait_for("42 xterm\r\n");
    shell.wait_for("ready> ");
    shell.type_in("test -t 0 && test -t 1 && echo terminal\r");
    shell.wait_for("\r\nterminal\r\n");
    shell.type_in("exit 5\r");
    assert_eq!(shell.end(), 5);
}

#[test]
fn lines_are_edited_and_ended() {
    let mut shell = shell();
    shell.type_in("cat\r");
    shell.wait_for("cat\r\n");
    // The shell edits lines by itself; the terminal does once cat runs.
    std::thread::sleep(std::time::Duration::from_millis(500));
    shell.type_in("wrongg\x7f\x7f\x7f\x7f\x7f\x7fright\r");
    shell.wait_for("right\r\n");
    shell.wait_for("right\r\n");
    shell.type_in(CTRL_D);
    shell.wait_for("ready> ");
    shell.type_in(CTRL_D);
    assert_eq!(shell.end(), 0);
}

#[test]
fn an_interrupt_reaches_the_program() {
    let mut shell = shell();
    shell.type_in("sleep 1000\r");
    shell.wait_for("sleep 1000\r\n");
    std::thread::sleep(std::time::Duration::from_millis(500));
    shell.type_in(CTRL_C);
    shell.wait_for("ready> ");
    shell.type_in("echo status $?\r");
    shell.wait_for("status 130\r\n");
    shell.type_in("exit\r");
    shell.end();
}

#[test]
fn the_window_size_follows() {
    let mut shell = shell();
    shell.type_in("stty size\r");
    shell.wait_for("24 80\r\n");
    shell.resize(40, 132);
    std::thread::sleep(std::time::Duration::from_millis(500));
    shell.wait_for("ready> ");
    shell.type_in("stty size\r");
    shell.wait_for("40 132\r\n");
    shell.type_in("exit\r");
    assert_eq!(shell.end(), 0);
}

#[test]
fn the_terminal_is_given_back_on_every_way_out() {
    let is_cooked = |session: &Session| session.settings().local_modes.contains(LocalModes::ICANON);
    let mut shell = shell();
    assert!(!is_cooked(&shell));
    shell.type_in("exit\r");
    shell.end();
    assert!(is_cooked(&shell));
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut shell = self::shell();
        kill_process(Pid::from_child(&shell.child), signal).unwrap();
        assert_eq!(shell.end(), 128 + signal.as_raw());
        assert!(is_cooked(&shell), "{signal:?}");
    }
    let mut shell = self::shell();
    shell.type_in(ESCAPE);
    shell.type_in(ESCAPE);
    shell.wait_for("ended from the terminal");
    assert_eq!(shell.end(), 130);
    assert!(is_cooked(&shell));
}

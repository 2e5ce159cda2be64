//! Users and groups are protected from each other, and limits hold, as on Linux. What Linux answers is kept beside the program, so that
//! it is also compared where tests do not run as user 0; where they do, the host has to answer the same.

use braid_tests::booted::{Exec, Output, cases, programs};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PARTS: [&str; 6] = ["files", "names", "ids", "limits", "processes", "programs"];

fn expected(part: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/src/bin/protection");
    directory.join(part).with_extension("expected")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All parts in one machine, in `/tmp` and in the root, on a directory of the archive: the output of each after a line with its name, and a
/// line with its status.
fn all() -> String {
    let mut script = String::from("for BASE in /tmp /bin; do export BASE; for part in");
    for part in PARTS {
        write!(script, " {part}").unwrap();
    }
    script + "; do echo \"== $part\"; /protection $part 2>&1; echo \"== $?\"; done; done"
}

fn compare(output: &Output) {
    let mut lines = output.stdout.lines();
    for base in ["/tmp", "/bin"] {
        for part in PARTS {
            assert_eq!(lines.next(), Some(format!("== {part}").as_str()), "{base}");
            for line in text(&expected(part)).lines() {
                assert_eq!(
                    lines.next(),
                    Some(line),
                    "{base}, {part}: Braid, then Linux"
                );
            }
            assert_eq!(lines.next(), Some("== 0"), "{base}, {part}");
        }
    }
}

fn exec(script: &str) -> Exec {
    Exec::sh(script).file(programs::rust("protection"), "/protection")
}

#[test]
fn users_are_kept_apart_as_on_linux() {
    compare(&exec(&all()).run());
}

#[test]
fn users_are_kept_apart_on_other_tori() {
    let script = format!("[ $$ = 1 ] && exit\n{}\nexit 0", all());
    compare(&exec(&script).every_torus().run());
}

#[test]
fn nobody_moves_processes_of_others() {
    let program = Exec::new(programs::rust("protection"));
    let output = program.args(["moves"]).run();
    assert_eq!(
        output.stdout, "drain: EPERM\nanother user's: EPERM\na child: 0\nas user 0: 0\n",
        "{output:?}"
    );
}

#[test]
fn the_host_answers_what_is_kept() {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        // There is nothing to be compared then: only user 0 can become others.
        return;
    }
    for part in PARTS {
        let mut host = Command::new(programs::rust("protection"));
        let output = host.arg(part).output().unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        assert_eq!(seen, text(&expected(part)), "{part}");
    }
}

#[test]
fn where_a_program_lies_is_not_for_everybody() {
    cases::as_on_linux("stat_places", &cases::exec("stat_places"));
}

#[test]
fn what_others_have_is_theirs() {
    let names = [
        "exe_itself",
        "proc_held",
        "not_yours",
        "bound",
        "survives",
        "whose",
    ];
    cases::together_as_on_linux(&names, |exec| exec.smp(2));
}

/// Descriptor 0 alone is a terminal, of whose session the program is the leader.
#[test]
fn the_terminal_is_its_sessions() {
    let exec = cases::exec("terminal_owner").smp(2).words("tty=100");
    let output = exec.run();
    // What the terminal makes of line feeds depends on where it is.
    let seen = output.stdout.replace('\r', "");
    let right = cases::expected("terminal_owner");
    assert_eq!((output.status, seen), (0, right), "{output:?}");
}

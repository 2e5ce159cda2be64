//! The table of limits in `docs/abi.md`, row by row: kernel objects are made until there may be no more. Who makes them is refused, or
//! ends; a witness and the first process go on and clean up; as many can be made again; and at the end all is accounted for.

use braid_tests::booted::{Exec, cases, programs};

/// How a row may end. Who fills memory ends at a page that it touches, or is told by the call that maps more, whichever comes first.
fn ends(kind: &str) -> &'static [&'static str] {
    match kind {
        "dups" => &["EMFILE"],
        "files" | "opens" | "texts" | "pipes" | "joined" => &["ENFILE"],
        "bytes" | "signals" | "processes" | "zombies" | "sleepers" => &["EAGAIN"],
        "locks" | "ofd" | "unlocks" => &["ENOLCK"],
        "names" | "links" | "deep" | "sparse" | "memfds" => &["ENOSPC"],
        "arguments" => &["E2BIG"],
        "tables" => &["killed"],
        "shared" | "dirty" => &["killed", "ENOMEM"],
        _ => &["ENOMEM"],
    }
}

/// Whether a line tells of this row that it ended as it may, that the others were fine meanwhile, and that as many could be made again.
fn is_right(line: &str, row: &str) -> bool {
    let kind = row.split('/').next().unwrap_or(row);
    let right = |how: &&str| line == format!("{row}: {how}, others fine, again");
    ends(kind).iter().any(right)
}

fn check(rows: &[&str], on: impl FnOnce(Exec) -> Exec) {
    let exec = cases::exec("bounds").args(rows.iter().copied());
    let output = on(exec.file(programs::busybox(), "/bin/busybox")).run();
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!(lines.len(), rows.len(), "{output:?}");
    for (line, row) in lines.iter().zip(rows) {
        assert!(is_right(line, row), "{row}: {line:?} of {output:?}");
    }
    assert_eq!(output.status, 0);
}

#[test]
fn of_one_process() {
    let rows = [
        "dups",
        "files",
        "texts",
        "pipes",
        "bytes",
        "locks",
        "ofd",
        "unlocks",
        "signals",
        "names",
        "links",
        "deep",
        "sparse",
        "memfds",
        "maps",
        "tables",
        "shared",
        "processes",
        "zombies",
        "sleepers",
        "arguments",
        "objects",
        "appends",
    ];
    check(&rows, |exec| exec.smp(2).tori(1).mem(36));
}

#[test]
fn of_several_processes_of_a_user() {
    let rows = [
        "texts/many",
        "pipes/many",
        "bytes/many",
        "locks/many",
        "signals/many",
        "names/many",
        "sparse/many",
        "processes/many",
        "objects/many",
        "appends/many",
    ];
    check(&rows, |exec| exec.smp(2).tori(1).mem(36).user(1000, 1000));
}

#[test]
fn of_who_has_moved() {
    let rows = [
        "opens/there",
        "texts/there",
        "locks/there",
        "unlocks/there",
        "names/there",
        "sparse/there",
        "files/between",
        "bytes/between",
        "signals/between",
        "names/between",
        "memfds/between",
        "objects/between",
        "appends/between",
    ];
    check(&rows, |exec| exec.smp(2).tori(2).mem(64));
}

#[test]
fn with_swap() {
    let rows = ["bytes", "sparse", "memfds", "tables", "names/many"];
    check(&rows, |exec| exec.smp(2).tori(1).mem(36).swap(24));
}

/// The pages of a user's pipes, as an unprivileged one sees them on Linux.
#[test]
fn the_pipes_of_a_user_get_small() {
    let exec = cases::exec("pipe_room").smp(2).tori(2).user(65534, 65534);
    cases::as_on_linux("pipe_room", &exec);
}

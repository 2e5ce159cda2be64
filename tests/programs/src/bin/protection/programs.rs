//! Executing files with set-id bits, and those that one may not read, or not execute.

use super::{User, become_user, forked, letter};
use braid_test_programs::{call, text};
use libc as l;

/// Tells as whom it runs.
pub(crate) fn who() {
    let ids = |number: i64| {
        let mut ids = [0u32; 3];
        let [a, b, c] = &mut ids;
        let places = [
            (&raw mut *a).addr(),
            (&raw mut *b).addr(),
            (&raw mut *c).addr(),
        ];
        call(number, places).expect("ids");
        ids
    };
    let auxiliary = |key: u64| {
        // SAFETY: P1.
        unsafe { l::getauxval(key) }
    };
    println!(
        "users {:?} groups {:?} secure {} auxiliary {}:{} {}:{} dumpable {:?} at parent's end {}",
        ids(l::SYS_getresuid),
        ids(l::SYS_getresgid),
        auxiliary(l::AT_SECURE),
        auxiliary(l::AT_UID),
        auxiliary(l::AT_EUID),
        auxiliary(l::AT_GID),
        auxiliary(l::AT_EGID),
        call(l::SYS_prctl, [l::PR_GET_DUMPABLE as usize, 0, 0, 0, 0]),
        super::told_at_parents_end(),
    );
}

const MODES: [u32; 9] = [
    0o0755, 0o4755, 0o2755, 0o6755, 0o2745, 0o4711, 0o0644, 0o4644, 0o0700,
];

pub(crate) fn run() {
    std::fs::copy("/proc/self/exe", "program").expect("a copy");
    std::fs::write("script", "#!./program who\n").expect("a script");
    for (owner, group) in [(1000, 2000), (0, 0)] {
        for mode in MODES {
            for name in ["program", "script"] {
                let path = text(name);
                let at = path.as_ptr().addr();
                call(l::SYS_chown, [at, owner, group]).expect("chown");
                call(l::SYS_chmod, [at, mode as usize]).expect("chmod");
            }
            for user in [
                User(0, 0, &[]),
                User(1000, 1000, &[]),
                User(1001, 1001, &[]),
            ] {
                forked(|| {
                    println!("{owner}:{group} {mode:04o} by {}", user.0);
                    become_user(user);
                    execute("./program");
                });
            }
        }
    }
    // Of a script the interpreter's bits count.
    let script = text("script");
    call(l::SYS_chmod, [script.as_ptr().addr(), 0o6755]).expect("chmod");
    for mode in [0o755, 0o6755] {
        let program = text("program");
        call(l::SYS_chmod, [program.as_ptr().addr(), mode]).expect("chmod");
        forked(|| {
            println!("script {mode:o}");
            become_user(User(1001, 1001, &[]));
            execute("./script");
        });
    }
    forked(|| {
        println!("without new privileges");
        let set = [l::PR_SET_NO_NEW_PRIVS as usize, 1, 0, 0, 0];
        call(l::SYS_prctl, set).expect("prctl");
        become_user(User(1001, 1001, &[]));
        execute("./program");
    });
    forked(|| {
        println!("with a way back");
        call(l::SYS_setresuid, [1001, 1002, 0]).expect("setresuid");
        let program = text("program");
        // SAFETY: P1.
        unsafe { l::umask(0) };
        println!(
            "chmod {}",
            letter(call(l::SYS_chmod, [program.as_ptr().addr(), 0o755]))
        );
        execute("./program");
    });
}

/// Executes a program, which tells as whom it runs.
fn execute(path: &str) {
    super::flush();
    super::tell_at_parents_end();
    let (path, who) = (text(path), text("who"));
    let arguments = [path.as_ptr(), who.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null::<u8>()];
    let places = [
        path.as_ptr().addr(),
        arguments.as_ptr().addr(),
        environment.as_ptr().addr(),
    ];
    println!("not executed: {}", letter(call(l::SYS_execve, places)));
}

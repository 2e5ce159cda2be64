//! What processes of one user may do to those of another.

use super::{forked, letter};
use braid_test_programs::torus::{DRAIN, MIGRATE};
use braid_test_programs::{call, children, show};
use libc as l;

/// Real, effective and saved.
const STATES: [[u32; 3]; 6] = [
    [0, 0, 0],
    [1000, 1000, 1000],
    [1001, 1001, 1001],
    [1000, 1001, 1001],
    [1001, 1000, 1000],
    [1002, 1002, 1000],
];

pub(crate) fn run() {
    for target in STATES {
        for sender in STATES {
            pair(target, sender);
        }
    }
    crowds();
}

fn become_state(state: [u32; 3]) {
    call(l::SYS_setresgid, state.map(|id| id as usize)).expect("setresgid");
    call(l::SYS_setresuid, state.map(|id| id as usize)).expect("setresuid");
}

/// A child that has become who it is and waits.
fn waiting(become_one: impl FnOnce()) -> usize {
    let mut ends = [0i32; 2];
    call(l::SYS_pipe2, [ends.as_mut_ptr().addr(), 0]).expect("a pipe");
    let [reader, writer] = ends.map(|end| end as usize);
    let child = children::fork(|| {
        become_one();
        call(l::SYS_close, [writer]).expect("to close it");
        loop {
            let _ = call(l::SYS_pause, []);
        }
    });
    call(l::SYS_close, [writer]).expect("to close it");
    let mut byte = 0u8;
    call(l::SYS_read, [reader, (&raw mut byte).addr(), 1]).expect("the end");
    call(l::SYS_close, [reader]).expect("to close it");
    child
}

fn collect(child: usize) {
    call(l::SYS_kill, [child, l::SIGKILL as usize]).expect("to kill it");
    call(l::SYS_wait4, [child, 0, 0, 0]).expect("to wait");
}

fn pair(target: [u32; 3], sender: [u32; 3]) {
    let apart = waiting(|| {
        call(l::SYS_setsid, []).expect("a session");
        become_state(target);
    });
    let beside = waiting(|| become_state(target));
    forked(|| {
        become_state(sender);
        let mut line = format!("{sender:?} to {target:?}: ");
        for (child, signal) in [
            (apart, 0),
            (apart, l::SIGCONT),
            (apart, l::SIGURG),
            (beside, l::SIGCONT),
            (beside, l::SIGURG),
        ] {
            line.push(letter(call(l::SYS_kill, [child, signal as usize])));
        }
        line.push(letter(call(l::SYS_tkill, [apart, l::SIGURG as usize])));
        let mut limit = [0u64; 2];
        let prlimit = |new: usize, old: usize| {
            letter(call(
                l::SYS_prlimit64,
                [apart, l::RLIMIT_CORE as usize, new, old],
            ))
        };
        // User 0 of a host may be without the capability for it.
        if sender[1] != 0 || target == sender {
            line.push(prlimit(0, limit.as_mut_ptr().addr()));
            line.push(prlimit(limit.as_mut_ptr().addr(), 0));
            line.push(letter(call(l::SYS_setpriority, [0, apart, 5])));
        }
        println!("{line}");
    });
    collect(apart);
    collect(beside);
}

/// Groups of several users: whoever is reached is enough.
fn crowds() {
    for members in [[1000, 1001], [1001, 1001], [0, 1001]] {
        forked(|| {
            call(l::SYS_setpgid, [0, 0]).expect("a group");
            let own = call(l::SYS_getpid, []).expect("a number");
            let children = members.map(|user| waiting(|| become_state([user; 3])));
            forked(|| {
                call(l::SYS_setpgid, [0, 0]).expect("a group");
                become_state([1000; 3]);
                let group = own.wrapping_neg();
                let signal = l::SIGURG as usize;
                show(
                    &format!("to {members:?}"),
                    call(l::SYS_kill, [group, signal]),
                );
                show("anybody?", call(l::SYS_kill, [group, 0]));
            });
            children.into_iter().for_each(collect);
        });
    }
}

/// Braid's own calls: nobody moves another user's processes.
pub(crate) fn moves() {
    forked(|| {
        call(l::SYS_setresuid, [1000, 1000, 0]).expect("setresuid");
        let back = || call(l::SYS_setresuid, [usize::MAX, 0, usize::MAX]).expect("setresuid");
        let other = waiting(|| {
            back();
            call(l::SYS_setresuid, [1001; 3]).expect("setresuid");
        });
        let own = waiting(|| {});
        show("drain", call(DRAIN, [1, 0]));
        show("another user's", call(MIGRATE, [other, 1, 0]));
        show("a child", call(MIGRATE, [own, 1, 0]));
        back();
        show("as user 0", call(MIGRATE, [other, 1, 0]));
        collect(other);
        collect(own);
    });
}

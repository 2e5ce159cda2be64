//! Changing users and groups: what every call answers from every state, and what it leaves.

use super::{User, become_user, forked, letter};
use braid_test_programs::{call, show};
use libc as l;

const KEEP: u32 = u32::MAX;
/// Real, effective and saved.
const STATES: [[u32; 3]; 5] = [
    [0, 0, 0],
    [1000, 1000, 1000],
    [1000, 1001, 1001],
    [1000, 1000, 0],
    [0, 1000, 1000],
];
const WANTED: [u32; 4] = [KEEP, 0, 1000, 1001];

pub(crate) fn run() {
    for state in STATES {
        for (name, calls) in [
            (
                "users",
                [
                    l::SYS_setuid,
                    l::SYS_setreuid,
                    l::SYS_setresuid,
                    l::SYS_setfsuid,
                ],
            ),
            (
                "groups",
                [
                    l::SYS_setgid,
                    l::SYS_setregid,
                    l::SYS_setresgid,
                    l::SYS_setfsgid,
                ],
            ),
        ] {
            println!("{name} of {state:?}");
            change(state, name, calls);
        }
    }
    groups();
    capabilities();
    flags();
}

/// One child for each state and call, which begins anew with every argument.
fn change(state: [u32; 3], name: &str, [one, two, three, files]: [i64; 4]) {
    for a in WANTED {
        each(state, name, one, &[a]);
        each(state, name, files, &[a]);
        for b in WANTED {
            each(state, name, two, &[a, b]);
            let c = WANTED[(a ^ b) as usize % 4];
            each(state, name, three, &[a, b, c]);
        }
    }
}

fn each(state: [u32; 3], name: &str, number: i64, ids: &[u32]) {
    forked(|| {
        // Of the groups only user 0 can make any state; the users come last.
        let state = state.map(|id| id as usize);
        call(l::SYS_setresgid, state).expect("setresgid");
        call(l::SYS_setresuid, state).expect("setresuid");
        super::tell_at_parents_end();
        let mut arguments = [0; 3];
        for (argument, id) in arguments.iter_mut().zip(ids) {
            *argument = *id as usize;
        }
        let answer = call(number, arguments);
        let shown: Vec<String> = ids.iter().map(|id| id.cast_signed().to_string()).collect();
        let answered = answer.unwrap_or_default();
        let letter = letter(answer);
        println!(
            "{number} {}: {letter}{answered} {}",
            shown.join(","),
            now(name)
        );
    });
}

/// Real, effective, saved and file-system ids, and whether its parent's end is still told.
fn now(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    let key = if name == "users" { "Uid:" } else { "Gid:" };
    let line = status.lines().find(|line| line.starts_with(key));
    let ids = line.unwrap_or_default().replace('\t', " ");
    format!("{ids}, {}", super::told_at_parents_end())
}

fn groups() {
    forked(|| {
        let mut out = [0u32; 40];
        let at = out.as_mut_ptr().addr();
        let given = [5u32, 3, 9, 3];
        show(
            "setgroups",
            call(l::SYS_setgroups, [4, given.as_ptr().addr()]),
        );
        show("count", call(l::SYS_getgroups, [0, 0]));
        show("too few", call(l::SYS_getgroups, [2, at]));
        show("negative", call(l::SYS_getgroups, [usize::MAX, at]));
        show("getgroups", call(l::SYS_getgroups, [40, at]));
        println!("{:?}", &out[..4]);
        show("nowhere", call(l::SYS_setgroups, [2, 8]));
        show("too many", call(l::SYS_setgroups, [65537, at]));
        become_user(User(1000, 1000, &[7]));
        show("count", call(l::SYS_getgroups, [0, 0]));
        show("not for everybody", call(l::SYS_setgroups, [0, 0]));
    });
}

/// capget(2): all or nothing.
fn capabilities() {
    for state in STATES {
        forked(|| {
            call(l::SYS_setresuid, state.map(|id| id as usize)).expect("setresuid");
            let mut header = [0x2008_0522u32, 0];
            let mut sets = [0u32; 6];
            let (header, sets_at) = (header.as_mut_ptr().addr(), sets.as_mut_ptr().addr());
            let answer = call(l::SYS_capget, [header, sets_at]);
            let has = [sets[0] & 1, sets[1] & 1, sets[2] & 1];
            println!("{state:?} {} {has:?}", letter(answer));
            println!("again {}", letter(call(l::SYS_capset, [header, sets_at])));
            if sets[1] == 0 {
                let more = [0u32, 1, 0, 0, 0, 0];
                let answer = call(l::SYS_capset, [header, more.as_ptr().addr()]);
                println!("more {}", letter(answer));
            }
        });
    }
    let mut header = [7u32, 0];
    let answer = call(l::SYS_capget, [header.as_mut_ptr().addr(), 0]);
    println!("version {} {:#x}", letter(answer), header[0]);
}

/// The flags that say whether a process may be looked into, and whether it gets nothing new.
fn flags() {
    let prctl = |option: i32, value: usize| call(l::SYS_prctl, [option as usize, value, 0, 0, 0]);
    for state in STATES {
        forked(|| {
            show("dumpable", prctl(l::PR_GET_DUMPABLE, 0));
            call(l::SYS_setresuid, state.map(|id| id as usize)).expect("setresuid");
            show(&format!("after {state:?}"), prctl(l::PR_GET_DUMPABLE, 0));
            show("set", prctl(l::PR_SET_DUMPABLE, 1));
            show("dumpable", prctl(l::PR_GET_DUMPABLE, 0));
            show("wrong", prctl(l::PR_SET_DUMPABLE, 3));
        });
    }
    forked(|| {
        show("no new privileges", prctl(l::PR_GET_NO_NEW_PRIVS, 0));
        show("wrong", prctl(l::PR_SET_NO_NEW_PRIVS, 2));
        show("set", prctl(l::PR_SET_NO_NEW_PRIVS, 1));
        show("never back", prctl(l::PR_SET_NO_NEW_PRIVS, 0));
        show("no new privileges", prctl(l::PR_GET_NO_NEW_PRIVS, 0));
    });
}

//! Texts about a process.

use super::maps;
use super::text::Text;
use crate::file::context::HasFiles as _;
use crate::process::Thread;
use crate::process::limits::Limits;
use crate::process::{Name, Pid, Process, RunState, table};
use crate::syscall::errno::Errno;
use ::torus::family::Life;
use braid_files::credentials::Identity;
use braid_signals::Signal;
use braid_signals::action::SIG_IGN;
use core::num::IntErrorKind;
use core::sync::atomic::Ordering;
use tori::counters;

/// The name of a text, and who writes it.
type ProcessText = (&'static [u8], fn(&Process, &mut Text));

/// Nanoseconds of a clock tick of programs.
const TICK: u64 = 10_000_000;

/// The texts.
pub(super) const TEXTS: [ProcessText; 21] = [
    (b"auxv", auxiliary),
    (b"cgroup", |_, text| text.bytes(b"0::/\n")),
    (b"cmdline", arguments),
    (b"comm", comm),
    (b"coredump_filter", |process, text| {
        if process.space().is_some() {
            let filter = process.core_filter.load(Ordering::Relaxed);
            text.put(format_args!("{filter:08x}\n"));
        }
    }),
    (b"environ", environment),
    (b"io", io),
    (b"limits", limits),
    (b"maps", maps::maps),
    (b"mountinfo", mount_info),
    (b"mounts", mounts),
    (b"oom_adj", |process, text| {
        number(text, process.oom.legacy())
    }),
    (b"oom_score", |process, text| {
        number(text, crate::memory::victim::shown_score(process));
    }),
    (b"oom_score_adj", |process, text| {
        number(text, process.oom.adjustment());
    }),
    (b"pagemap", |_, _| {}),
    (b"smaps", maps::smaps),
    (b"smaps_rollup", maps::rollup),
    (b"stat", stat),
    (b"statm", statm),
    (b"status", status),
    (b"wchan", |_, text| text.bytes(b"0")),
];

/// Those of them that are for those alone who may look into the process.
pub(super) const PRIVATE: [&[u8]; 7] = [
    b"auxv",
    b"environ",
    b"io",
    b"maps",
    b"pagemap",
    b"smaps",
    b"smaps_rollup",
];

/// The rights of a text.
pub(super) fn rights(name: &[u8]) -> u32 {
    match name {
        b"auxv" | b"environ" | b"io" | b"pagemap" => 0o400,
        b"comm" | b"coredump_filter" | b"oom_adj" | b"oom_score_adj" => 0o644,
        _ => 0o444,
    }
}

/// What can be chosen of what a core file would have (core(5)).
const CORE_FILTER: u32 = 0x1ff;

/// A number as C writes it: octal after a 0, hexadecimal after 0x. EINVAL for what is none, ERANGE for one that is too large.
fn number_of(bytes: &[u8]) -> Result<u32, Errno> {
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return Err(Errno::EINVAL);
    }
    u32::from_str_radix(digits, radix).map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => Errno::ERANGE,
        _ => Errno::EINVAL,
    })
}

/// Writes to a text; says who writes, and whether that is the process itself. EINVAL for what cannot be written, and for what it
/// cannot be.
pub(super) fn write(
    process: &Process,
    name: &[u8],
    (who, own): (&Identity, bool),
    bytes: &[u8],
) -> Result<(), Errno> {
    let value = || -> Result<i32, Errno> {
        let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
        text.trim().parse().map_err(|_| Errno::EINVAL)
    };
    match name {
        b"comm" if own => {
            *process.name.lock() = Name::of_path(bytes);
            Ok(())
        }
        b"coredump_filter" => {
            let filter = number_of(bytes)? & CORE_FILTER;
            if process.space().is_none() {
                return Err(Errno::ESRCH);
            }
            process.core_filter.store(filter, Ordering::Relaxed);
            Ok(())
        }
        b"oom_score_adj" => process.oom.set(value()?, who.user == 0),
        b"oom_adj" => process.oom.set_legacy(value()?, who.user == 0),
        _ => Err(Errno::EINVAL),
    }
}

fn number(text: &mut Text, value: i32) {
    text.put(format_args!("{value}\n"));
}

/// The auxiliary vector, as the program got it.
fn auxiliary(process: &Process, text: &mut Text) {
    let command = process.command.lock().clone();
    let words = command.as_ref().and_then(|command| command.auxiliary.get());
    for word in words.into_iter().flatten() {
        text.bytes(&word.to_le_bytes());
    }
}

/// The process's name, in which nothing breaks a line.
fn comm(process: &Process, text: &mut Text) {
    name(process, text);
    text.bytes(b"\n");
}

fn name(process: &Process, text: &mut Text) {
    let name = *process.name.lock();
    text.put(format_args!("{}", name.text()));
}

/// The arguments, as the program got them; a zombie has none.
fn arguments(process: &Process, text: &mut Text) {
    let command = process.command.lock().clone();
    if process.space().is_none() {
        return;
    }
    if let Some(command) = command {
        text.bytes(&command.arguments);
    }
}

fn environment(process: &Process, text: &mut Text) {
    let command = process.command.lock().clone();
    if let Some(command) = command {
        text.bytes(&command.environment);
    }
}

fn io(process: &Process, text: &mut Text) {
    let moved = process.counters.faults_moved.get() * 4096;
    text.put(format_args!(
        "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: {moved}\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"
    ));
}

fn limits(process: &Process, text: &mut Text) {
    const NAMES: [(&str, &str); 16] = [
        ("Max cpu time", "seconds"),
        ("Max file size", "bytes"),
        ("Max data size", "bytes"),
        ("Max stack size", "bytes"),
        ("Max core file size", "bytes"),
        ("Max resident set", "bytes"),
        ("Max processes", "processes"),
        ("Max open files", "files"),
        ("Max locked memory", "bytes"),
        ("Max address space", "bytes"),
        ("Max file locks", "locks"),
        ("Max pending signals", "signals"),
        ("Max msgqueue size", "bytes"),
        ("Max nice priority", ""),
        ("Max realtime priority", ""),
        ("Max realtime timeout", "us"),
    ];
    let limits: Limits = *process.limits.lock();
    text.bytes(b"Limit                     Soft Limit           Hard Limit           Units     \n");
    for ((name, unit), pair) in NAMES.iter().zip(limits.words()) {
        let start = text.len();
        text.put(format_args!("{name}"));
        for (column, value) in [26, 47].into_iter().zip(pair) {
            text.column(start, column);
            if value == u64::MAX {
                text.bytes(b"unlimited");
            } else {
                text.put(format_args!("{value}"));
            }
        }
        text.column(start, 68);
        text.put(format_args!("{unit}"));
        text.column(start, 78);
        text.bytes(b"\n");
    }
}

fn mounts(_: &Process, text: &mut Text) {
    text.bytes(b"rootfs / rootfs rw 0 0\ntmpfs /tmp tmpfs rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\n");
}

fn mount_info(_: &Process, text: &mut Text) {
    text.bytes(
        b"1 1 0:1 / / rw - rootfs rootfs rw\n2 1 0:2 / /tmp rw - tmpfs tmpfs rw\n\
          3 1 0:3 / /dev rw - devtmpfs devtmpfs rw\n4 1 0:4 / /proc rw - proc proc rw\n",
    );
}

/// The letter of `ps`, and what it means.
fn state(process: &Process) -> (char, &'static str) {
    if table().life(process.pid) != Some(Life::Live) {
        return ('Z', "zombie");
    }
    if process.is_stopped() {
        return ('T', "stopped");
    }
    match process.thread().map(|thread| thread.state()) {
        Some(RunState::Running | RunState::Woken | RunState::Ready) => ('R', "running"),
        Some(RunState::Blocked | RunState::Frozen) => ('S', "sleeping"),
        Some(RunState::Dead) | None => ('X', "dead"),
    }
}

/// Sets of signals of a process.
struct Signals {
    pending: u64,
    blocked: u64,
    ignored: u64,
    caught: u64,
}

fn signals(process: &Process) -> Signals {
    let (mut ignored, mut caught) = (0, 0);
    let actions = process.actions.lock();
    for number in 1..=64 {
        let Some(signal) = Signal::new(number) else {
            continue;
        };
        match actions.get(signal).handler {
            0 => {}
            SIG_IGN => ignored |= signal.bit(),
            _ => caught |= signal.bit(),
        }
    }
    drop(actions);
    let thread = process.thread();
    let of = |set: fn(&crate::signal::SignalState) -> u64| {
        thread.as_ref().map_or(0, |thread| set(&thread.signals))
    };
    Signals {
        pending: of(crate::signal::SignalState::pending),
        blocked: of(crate::signal::SignalState::mask),
        ignored,
        caught,
    }
}

/// Where a program lies, for those alone who may look into it; for others nothing that would help to guess it, as on Linux.
fn places(process: &Process, memory: &maps::Totals) -> [u64; 4] {
    let subject = *process.credentials.lock();
    let may_inspect = if tori::is_on_behalf() {
        crate::process::payer::served_user() == 0
    } else {
        let own = Thread::current();
        let who = own.process.credentials.lock().identity();
        own.process.pid == process.pid || who.may_inspect(&subject)
    };
    if may_inspect {
        [memory.code.0, memory.code.1, memory.stack, memory.heap]
    } else {
        [1, 1, 0, 0]
    }
}

fn stat(process: &Process, text: &mut Text) {
    let pid = process.pid;
    let group = table().group_of(pid).raw();
    let session = table().session_of(pid).raw();
    let parent = table().parent_of(pid).map_or(0, Pid::raw);
    let (own, children) = (process.times.own(), process.times.children());
    let [user, system, child_user, child_system] =
        [own.user, own.system, children.user, children.system].map(|nanos| nanos / TICK);
    let nice = process.thread().map_or(0, |thread| thread.nice());
    let priority = 20 + nice;
    let memory = maps::totals(process);
    let [code_start, code_end, stack, heap] = places(process, &memory);
    let counts = process.counters.all().take(counters::FAULTS);
    let moved = process.counters.faults_moved.get();
    let faults = counts.map(|(_, count)| count).sum::<u64>() - moved;
    let signals = signals(process);
    let core = process.thread().map_or(0, |thread| thread.last_core());
    text.put(format_args!("{} (", pid.raw()));
    name(process, text);
    text.put(format_args!(
        ") {} {parent} {group} {session} 34816 {group} 4194304 {faults} 0 {moved} 0 {user} {system} {child_user} {child_system} {priority} {nice} 1 0 {} {} {} \
         18446744073709551615 {} {} {} 0 0 {} {} {} {} 0 0 0 17 {core} 0 0 0 0 0 0 0 {} 0 0 0 0 0\n",
        state(process).0,
        process.since() / TICK,
        memory.mapped * 4096,
        memory.resident,
        code_start,
        code_end,
        stack,
        signals.pending,
        signals.blocked,
        signals.ignored,
        signals.caught,
        heap,
    ));
}

fn statm(process: &Process, text: &mut Text) {
    let memory = maps::totals(process);
    text.put(format_args!(
        "{} {} {} {} 0 {} 0\n",
        memory.mapped,
        memory.resident,
        memory.shared,
        memory.executable,
        memory.data + memory.stack_pages,
    ));
}

fn status(process: &Process, text: &mut Text) {
    let pid = process.pid.raw();
    let (letter, word) = state(process);
    text.bytes(b"Name:\t");
    name(process, text);
    text.put(format_args!(
        "\nUmask:\t{:04o}\nState:\t{letter} ({word})\nTgid:\t{pid}\nNgid:\t0\nPid:\t{pid}\nPPid:\t{}\nTracerPid:\t0\n",
        process.files().umask(),
        table().parent_of(process.pid).map_or(0, Pid::raw),
    ));
    let own = *process.credentials.lock();
    for (name, ids) in [("Uid", own.user), ("Gid", own.group)] {
        text.put(format_args!(
            "{name}:\t{}\t{}\t{}\t{}\n",
            ids.real, ids.effective, ids.saved, ids.files
        ));
    }
    text.put(format_args!(
        "FDSize:\t{}\nGroups:\t",
        process.files().size()
    ));
    for group in own.groups.ids() {
        text.put(format_args!("{group} "));
    }
    text.bytes(b"\n");
    status_memory(process, text);
    status_signals(process, text);
    let all: u64 = if own.is_privileged() {
        (1 << 41) - 1
    } else {
        0
    };
    text.put(format_args!(
        "CapInh:\t{:016x}\nCapPrm:\t{all:016x}\nCapEff:\t{all:016x}\nCapBnd:\t{:016x}\nCapAmb:\t{:016x}\nNoNewPrivs:\t{}\nSeccomp:\t0\n",
        0,
        (1u64 << 41) - 1,
        0,
        u8::from(own.no_new_privileges),
    ));
    let cores = tori::here().cores();
    let mask = if cores >= 64 {
        u64::MAX
    } else {
        (1 << cores) - 1
    };
    text.put(format_args!(
        "Cpus_allowed:\t{mask:x}\nCpus_allowed_list:\t0-{}\nMems_allowed:\t1\nMems_allowed_list:\t0\n\
         voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n",
        cores - 1
    ));
}

fn status_memory(process: &Process, text: &mut Text) {
    if process.space().is_none() {
        text.bytes(b"Threads:\t1\n");
        return;
    }
    let memory = maps::totals(process);
    for (name, pages) in [
        ("VmPeak", memory.mapped),
        ("VmSize", memory.mapped),
        ("VmLck", memory.locked),
        ("VmPin", 0),
        ("VmHWM", memory.peak),
        ("VmRSS", memory.resident),
        ("RssAnon", memory.resident),
        ("RssFile", 0),
        ("RssShmem", 0),
        ("VmData", memory.data),
        ("VmStk", memory.stack_pages),
        ("VmExe", memory.executable),
        ("VmLib", 0),
        ("VmPTE", memory.tables),
        ("VmSwap", memory.swapped),
        ("HugetlbPages", 0),
    ] {
        text.put(format_args!("{name}:\t{:8} kB\n", pages * 4));
    }
    text.bytes(b"CoreDumping:\t0\nTHP_enabled:\t1\nThreads:\t1\n");
}

fn status_signals(process: &Process, text: &mut Text) {
    let signals = signals(process);
    let most = process.limits.lock().words()[11][0];
    text.put(format_args!(
        "SigQ:\t{}/{most}\nSigPnd:\t{:016x}\nShdPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\n",
        signals.pending.count_ones(),
        signals.pending,
        0,
        signals.blocked,
        signals.ignored,
        signals.caught,
    ));
}

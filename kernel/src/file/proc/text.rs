//! The texts of `/proc`: tables from name to generator.

use super::super::local::local;
use super::super::machine;
use crate::arch::cpu;
use crate::mem::object::ObjectRef;
use crate::process::{Pid, Process, counters, table};
use core::fmt::{self, Write};
use core::sync::atomic::Ordering;
use fallible::Text;
use vm::space::{Backing, Flags, Mapping};
use vm::table::Rights;

/// The name of a text about the machine, and who writes it.
type MachineText = (&'static [u8], fn(&mut Text) -> fmt::Result);
/// The name of a text about a process, and who writes it.
type ProcessText = (&'static [u8], fn(&Process, &mut Text) -> fmt::Result);

/// Texts about the machine.
pub(super) const MACHINE: [MachineText; 9] = [
    (b"cpuinfo", cpuinfo),
    (b"filesystems", filesystems),
    (b"loadavg", loadavg),
    (b"meminfo", meminfo),
    (b"mounts", mounts),
    (b"stat", stat),
    (b"uptime", uptime),
    (b"version", version),
    (b"vmstat", nothing),
];

/// Texts about a process.
pub(super) const PROCESS: [ProcessText; 6] = [
    (b"cmdline", command_line),
    (b"comm", name),
    (b"maps", maps),
    (b"stat", process_stat),
    (b"statm", memory),
    (b"status", status),
];

/// Those of them that tell where things are in memory.
pub(super) const PRIVATE: [&[u8]; 1] = [b"maps"];

/// The cores of the torus that asks: those its processes run on.
fn cores() -> usize {
    cpu::this().torus().cores()
}

fn cpuinfo(text: &mut Text) -> fmt::Result {
    (0..cores()).try_for_each(|index| {
        writeln!(
            text,
            "processor\t: {index}\nmodel name\t: x86-64\nflags\t\t: fpu sse sse2\n"
        )
    })
}

fn filesystems(text: &mut Text) -> fmt::Result {
    text.write_str("nodev\trootfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n")
}

fn mounts(text: &mut Text) -> fmt::Result {
    text.write_str("rootfs / rootfs ro 0 0\ntmpfs /tmp tmpfs rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\n")
}

fn loadavg(text: &mut Text) -> fmt::Result {
    let processes = table().living().len();
    writeln!(
        text,
        "0.00 0.00 0.00 1/{processes} {}",
        crate::sched::current().process.pid.raw()
    )
}

fn meminfo(text: &mut Text) -> fmt::Result {
    let torus = cpu::this().torus();
    let [_, _, tables, private, cached] = torus.frames_by_use().map(|frames| frames * 4);
    let (total, free) = (local().frames * 4, machine::available_frames() * 4);
    let slots = torus.reclaim.swap().map(|swap| swap.slots());
    let (swap, swap_free) = slots.map_or((0, 0), |slots| {
        (slots.capacity() * 4, slots.available() * 4)
    });
    write!(
        text,
        "MemTotal:       {total:8} kB\nMemFree:        {free:8} kB\nMemAvailable:   {free:8} kB\n\
         Buffers:               0 kB\nCached:         {cached:8} kB\nSwapCached:            0 kB\n\
         AnonPages:      {private:8} kB\nPageTables:     {tables:8} kB\n\
         SwapTotal:      {swap:8} kB\nSwapFree:       {swap_free:8} kB\n"
    )
}

fn stat(text: &mut Text) -> fmt::Result {
    text.write_str("cpu  0 0 0 0 0 0 0 0 0 0\n")?;
    for index in 0..cores() {
        writeln!(text, "cpu{index} 0 0 0 0 0 0 0 0 0 0")?;
    }
    let processes = table().living().len();
    let boot = machine::wall().seconds - machine::now().as_secs();
    writeln!(
        text,
        "btime {boot}\nprocesses {processes}\nprocs_running 1\nprocs_blocked 0"
    )
}

fn uptime(text: &mut Text) -> fmt::Result {
    let hundredths = machine::now().get() / 10_000_000;
    writeln!(text, "{}.{:02} 0.00", hundredths / 100, hundredths % 100)
}

fn version(text: &mut Text) -> fmt::Result {
    text.write_str("Linux version 6.1.0-braid (braid) #1 SMP Braid\n")
}

fn name(process: &Process, text: &mut Text) -> fmt::Result {
    writeln!(text, "{}", process.name.lock().text())
}

fn command_line(process: &Process, text: &mut Text) -> fmt::Result {
    let executable = process.executable.lock().clone();
    let Some(executable) = executable else {
        return Ok(());
    };
    text.write_bytes(executable.path())?;
    text.write_bytes(b"\0")
}

/// Pages of address space and of memory.
fn memory_pages(process: &Process) -> (u64, u64) {
    process.space().map_or((0, 0), |space| {
        space.look(|space| (space.mapped(), space.resident()))
    })
}

fn maps(process: &Process, text: &mut Text) -> fmt::Result {
    let Some(space) = process.space() else {
        return Ok(());
    };
    space.look(|space| {
        space
            .mappings()
            .try_for_each(|mapping| map_line(mapping, text))
    })
}

/// A line of `/proc/PID/maps`: range, rights, offset, device, inode and name, of which files have none here.
fn map_line(mapping: &Mapping<ObjectRef>, text: &mut Text) -> fmt::Result {
    let right = |right, letter| {
        if mapping.rights.contains(right) {
            letter
        } else {
            '-'
        }
    };
    let offset = match &mapping.backing {
        Backing::Object { offset, .. } => offset * 4096,
        Backing::Zero => 0,
    };
    let name = match mapping.flags {
        flags if flags.contains(Flags::GROWS_DOWN) => "[stack]",
        flags if flags.contains(Flags::HEAP) => "[heap]",
        _ => "",
    };
    let start = text.0.len();
    write!(
        text,
        "{:08x}-{:08x} {}{}{}{} {offset:08x} 00:00 0",
        mapping.range.start.start().0,
        mapping.range.end.start().0,
        right(Rights::READ, 'r'),
        right(Rights::WRITE, 'w'),
        right(Rights::EXECUTE, 'x'),
        if mapping.is_private() { 'p' } else { 's' },
    )?;
    if name.is_empty() {
        return text.write_str("\n");
    }
    let wide = 73usize.saturating_sub(text.0.len() - start);
    writeln!(text, "{:wide$}{name}", "")
}

fn memory(process: &Process, text: &mut Text) -> fmt::Result {
    let (size, resident) = memory_pages(process);
    writeln!(text, "{size} {resident} 0 0 0 {size} 0")
}

fn state(process: &Process) -> char {
    if process.is_stopped() {
        'T'
    } else if process.pid == crate::sched::current().process.pid {
        'R'
    } else {
        'S'
    }
}

fn process_stat(process: &Process, text: &mut Text) -> fmt::Result {
    let pid = process.pid;
    let (parent, group, session) = (
        table().parent_of(pid),
        table().group_of(pid),
        table().session_of(pid),
    );
    let (own, children) = (process.times.own(), process.times.children());
    let [user, system, child_user, child_system] =
        [own.user, own.system, children.user, children.system].map(|ns| ns / 10_000_000);
    let nice = process
        .thread()
        .map_or(0, |thread| thread.nice.load(Ordering::Relaxed));
    let priority = 20 + nice;
    let (size, resident) = memory_pages(process);
    let bytes = size * 4096;
    let counts = process.counters.all().take(counters::FAULTS);
    let moved = process.counters.faults_moved.get();
    let faults = counts.map(|(_, count)| count).sum::<u64>() - moved;
    writeln!(
        text,
        "{} ({}) {} {} {} {} 34816 {} 4194304 {faults} 0 {moved} 0 {user} {system} {child_user} {child_system} {priority} {nice} 1 0 0 {bytes} {resident} \
         18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        pid.raw(),
        process.name.lock().text(),
        state(process),
        parent.map_or(0, Pid::raw),
        group.raw(),
        session.raw(),
        group.raw(),
    )
}

fn status(process: &Process, text: &mut Text) -> fmt::Result {
    let pid = process.pid.raw();
    let (size, resident) = memory_pages(process);
    let (size, resident) = (size * 4, resident * 4);
    let (peak, swapped) = process.space().map_or((0, 0), |space| {
        space.look(|space| (space.peak() * 4, space.swapped() * 4))
    });
    let credentials = *process.credentials.lock();
    let (user, group) = (credentials.user, credentials.group);
    write!(
        text,
        "Name:\t{}\nUmask:\t{:04o}\nState:\t{}\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{}\nUid:\t{}\t{}\t{}\t{}\n\
         Gid:\t{}\t{}\t{}\t{}\nGroups:\t{}\nVmSize:\t{size:8} kB\nVmHWM:\t{peak:8} kB\nVmRSS:\t{resident:8} kB\nVmSwap:\t{swapped:8} kB\nThreads:\t1\n",
        process.name.lock().text(),
        process.files.umask(),
        state(process),
        table().parent_of(process.pid).map_or(0, Pid::raw),
        user.real,
        user.effective,
        user.saved,
        user.files,
        group.real,
        group.effective,
        group.saved,
        group.files,
        Ids(credentials.groups.ids()),
    )
}

/// Numbers, each with a space behind it.
struct Ids<'a>(&'a [u32]);

impl fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|id| write!(f, "{id} "))
    }
}

fn nothing(_: &mut Text) -> fmt::Result {
    Ok(())
}

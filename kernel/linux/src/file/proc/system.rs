//! Texts about the machine: numbers of all tori together. They are read where the tori keep them, and only when somebody reads the
//! text, so that what a torus counts stays in its own cache lines.

use super::super::facts;
use super::super::local::local;
use super::text::Text;
use crate::process::thread::Task;
use crate::process::{Pid, Table, table};
use mem::OfTorus as _;
use mem::swap::Swap;
use tori::Torus;

/// The name of a text, and who writes it.
type MachineText = (&'static [u8], fn(&mut Text));

/// Nanoseconds of a clock tick of programs.
const TICK: u64 = 10_000_000;

/// The texts.
pub(super) const TEXTS: [MachineText; 10] = [
    (b"cpuinfo", cpuinfo),
    (b"devices", devices),
    (b"filesystems", filesystems),
    (b"loadavg", loadavg),
    (b"meminfo", meminfo),
    (b"stat", stat),
    (b"swaps", swaps),
    (b"uptime", uptime),
    (b"version", version),
    (b"vmstat", vmstat),
];

/// The sum over all tori.
fn sum(of: impl Fn(&'static Torus) -> u64) -> u64 {
    tori::all().map(of).sum()
}

/// What a counter has come to on all tori.
fn counted(name: &str) -> u64 {
    sum(|torus| {
        let counters = tori::counters::of(torus);
        let found = counters.iter().find(|(other, _)| *other == name);
        found.map_or(0, |(_, count)| *count)
    })
}

/// Cores of the machine.
fn cores() -> u64 {
    sum(|torus| torus.cores() as u64)
}

/// Nanoseconds that a core of a torus has run programs.
fn busy(torus: &Torus, core: usize) -> u64 {
    let busy = &sched::shared::<Task>(torus.core(core)).busy;
    busy.get().min(facts::now().get())
}

/// Threads that run or wait for a core: of other tori those that run, as their queues are theirs.
fn running() -> u64 {
    let run = sum(|torus| (torus.cores() - sched::of(torus).idle_cores()) as u64);
    let own = tori::here();
    let waiting =
        (0..own.cores()).map(|core| sched::shared::<Task>(own.core(core)).waiting() as u64);
    run + waiting.sum::<u64>()
}

fn cpuinfo(text: &mut Text) {
    let (model, stepping) = machine::features::model();
    for index in 0..cores() {
        text.put(format_args!(
            "processor\t: {index}\nmodel\t\t: {model}\nmodel name\t: x86-64\nstepping\t: {stepping}\nsiblings\t: 1\ncpu cores\t: 1\nfpu\t\t: yes\n\
             flags\t\t: fpu tsc msr pae cx8 apic sep pge cmov fxsr sse sse2 syscall nx lm\n\n",
        ));
    }
}

fn devices(text: &mut Text) {
    text.bytes(b"Character devices:\n  1 mem\n  5 /dev/tty\n\nBlock devices:\n");
}

fn filesystems(text: &mut Text) {
    text.bytes(b"nodev\trootfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tpipefs\n");
}

fn loadavg(text: &mut Text) {
    let total = sum(|torus| (0..torus.cores()).map(|core| busy(torus, core)).sum());
    let others = running().saturating_sub(1);
    let [one, five, fifteen] = local()
        .load
        .lock()
        .averages(facts::now().get(), total, others);
    let show = |load: u64| (load / 100, load % 100);
    let ((a, b), (c, d), (e, f)) = (show(one), show(five), show(fifteen));
    text.put(format_args!(
        "{a}.{b:02} {c}.{d:02} {e}.{f:02} {}/{} {}\n",
        running(),
        sum(|torus| torus.part::<Table>().population() as u64),
        table().last_pid().map_or(1, Pid::raw)
    ));
}

/// Memory and processes of all tori, in frames and pages.
pub struct MachineMemory {
    /// Frames.
    pub total: u64,
    /// Those that are free, the kernel's, page tables', private memory's and objects'.
    pub uses: [u64; 5],
    /// Pages that can be in swap.
    pub swap: u64,
    /// Those of them that are not.
    pub free_swap: u64,
    /// Processes, zombies included.
    pub processes: u64,
}

impl MachineMemory {
    /// As it is now; while others work it is a little of each moment.
    pub fn now() -> Self {
        let mut uses = [0; 5];
        for torus in tori::all() {
            let counts = torus.frames_by_use();
            uses.iter_mut()
                .zip(counts)
                .for_each(|(sum, count)| *sum += count);
        }
        let slots = |of: fn(&Swap) -> u64| sum(|torus| torus.kept().swap().map_or(0, of));
        Self {
            total: sum(Torus::total),
            uses,
            swap: slots(|swap| swap.slots().capacity()),
            free_swap: slots(|swap| swap.slots().available()),
            processes: sum(|torus| torus.part::<Table>().population() as u64),
        }
    }
}

fn meminfo(text: &mut Text) {
    let memory = MachineMemory::now();
    let [free, kernel, tables, private, cached] = memory.uses.map(|frames| frames * 4);
    let (total, swap, swap_free) = (memory.total * 4, memory.swap * 4, memory.free_swap * 4);
    for (name, value) in [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free),
        ("Buffers", 0),
        ("Cached", cached),
        ("SwapCached", 0),
        ("Active", private + cached),
        ("Inactive", 0),
        ("SwapTotal", swap),
        ("SwapFree", swap_free),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", private),
        ("Mapped", cached),
        ("Shmem", 0),
        ("Slab", kernel),
        ("SReclaimable", 0),
        ("SUnreclaim", kernel),
        ("PageTables", tables),
        ("CommitLimit", total + swap),
        ("Committed_AS", private),
        ("VmallocTotal", 0),
        ("VmallocUsed", 0),
    ] {
        let start = text.len();
        text.put(format_args!("{name}:"));
        text.column(start, 16);
        text.put(format_args!("{value:8} kB\n"));
    }
    text.bytes(
        b"HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n",
    );
}

fn swaps(text: &mut Text) {
    text.bytes(b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    for torus in tori::all() {
        if let Some(swap) = torus.kept().swap() {
            let slots = swap.slots();
            let (size, free) = (slots.capacity() * 4, slots.available() * 4);
            text.put(format_args!(
                "torus{}\t\t\t\t\tpartition\t{size}\t\t{}\t\t-2\n",
                torus.id.index(),
                size - free
            ));
        }
    }
}

fn stat(text: &mut Text) {
    let up = facts::now().get() / TICK;
    let all = || tori::all().flat_map(|torus| (0..torus.cores()).map(move |core| (torus, core)));
    let total: u64 = all().map(|(torus, core)| busy(torus, core) / TICK).sum();
    let idle = (up * cores()).saturating_sub(total);
    text.put(format_args!("cpu  {total} 0 0 {idle} 0 0 0 0 0 0\n"));
    for (index, (torus, core)) in all().enumerate() {
        let busy = busy(torus, core) / TICK;
        let idle = up.saturating_sub(busy);
        text.put(format_args!("cpu{index} {busy} 0 0 {idle} 0 0 0 0 0 0\n"));
    }
    let boot = facts::wall().seconds - facts::now().get() / 1_000_000_000;
    text.put(format_args!(
        "intr 0\nctxt {}\nbtime {boot}\nprocesses {}\nprocs_running {}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
        counted("switches"),
        counted("forks") + 1,
        running(),
    ));
}

fn uptime(text: &mut Text) {
    let up = facts::now().get();
    let busy: u64 = sum(|torus| (0..torus.cores()).map(|core| busy(torus, core)).sum());
    let idle = (up * cores()).saturating_sub(busy);
    let show = |nanos: u64| (nanos / 1_000_000_000, nanos / TICK % 100);
    let ((a, b), (c, d)) = (show(up), show(idle));
    text.put(format_args!("{a}.{b:02} {c}.{d:02}\n"));
}

fn version(text: &mut Text) {
    let [system, _, release, version, ..] = crate::process::identity::UNAME;
    text.put(format_args!(
        "{system} version {release} (braid) {version}\n"
    ));
}

fn vmstat(text: &mut Text) {
    let [free, _, tables, private, cached] = MachineMemory::now().uses;
    let faults = [
        "faults_zero_read",
        "faults_zero",
        "faults_cached",
        "faults_copy",
        "faults_keep",
        "faults_grow",
        "faults_moved",
    ];
    let faults: u64 = faults.into_iter().map(counted).sum();
    text.put(format_args!(
        "nr_free_pages {free}\nnr_anon_pages {private}\nnr_file_pages {cached}\nnr_page_table_pages {tables}\npswpin {}\npswpout {}\n\
         pgfault {faults}\npgmajfault {}\n",
        counted("swapped_in"),
        counted("swapped_out"),
        counted("faults_moved"),
    ));
}

//! The plug-in itself: what QEMU calls, and what is counted on it.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use braid_bench::counted::Counted;
use braid_bench::mark::Mark;

use crate::api;
use crate::decode::{Gate, Special, special};
use crate::lines::{Access, Lines};
use crate::regions::{Region, Teams};
use crate::report;
use crate::stretch::{Longest, Running};

/// Processors that are told apart: as many as the kernel takes. Those beyond count as the last one.
const CPUS: usize = 256;
const REGIONS: usize = 1 << Region::BITS;
/// Where the command register of the local APIC is (Intel SDM vol. 3A, 11.6.1).
const APIC_COMMAND: u64 = 0xfee0_0300;

/// What one processor did in one region.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counts {
    operations: AtomicU64,
    kernel: AtomicU64,
    user: AtomicU64,
    ipis: AtomicU64,
    tlb_flushes: AtomicU64,
}

/// A translation block. It lives as long as QEMU, whose code refers to it.
#[derive(Debug)]
struct Block {
    pc: u64,
    instructions: u64,
    gate: Gate,
    executed: Mutex<BTreeMap<Region, u64>>,
}

#[derive(Debug)]
struct Plugin {
    out: PathBuf,
    teams: Teams,
    /// A region has been entered: from now on lines are followed.
    started: AtomicBool,
    /// By region and processor.
    counts: Vec<Counts>,
    blocks: Mutex<Vec<&'static Block>>,
    /// None unless sharing is watched.
    lines: Option<Lines>,
    /// None unless stretches with interrupts off are watched.
    latency: Option<Latency>,
}

/// How long processors keep interrupts off, from the first instruction of a program on.
#[derive(Debug)]
struct Latency {
    /// Stretches that are worth telling have so many instructions.
    least: u64,
    /// By processor.
    running: Vec<Mutex<Running>>,
    longest: Mutex<Longest>,
    /// A program has run: the kernel has booted.
    booted: AtomicBool,
}

static PLUGIN: OnceLock<Plugin> = OnceLock::new();

/// The version of the interface, which QEMU looks for.
#[unsafe(no_mangle)]
static qemu_plugin_version: c_int = api::VERSION;

/// QEMU's first call.
///
/// # Safety
/// P1: QEMU passes `argc` strings that end with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn qemu_plugin_install(
    id: api::Id,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let words = (0..usize::try_from(argc).unwrap_or(0)).map(|index| {
        // SAFETY: P1.
        let word = unsafe { CStr::from_ptr(*argv.add(index)) };
        word.to_string_lossy().into_owned()
    });
    let plugin = match configure(words) {
        Ok(plugin) => plugin,
        Err(wrong) => {
            say(&wrong);
            return 1;
        }
    };
    if PLUGIN.set(plugin).is_err() {
        say("the plug-in is loaded twice");
        return 1;
    }
    // SAFETY: P1, the callbacks have the types that the interface asks for.
    unsafe {
        api::qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
        api::qemu_plugin_register_atexit_cb(id, ended, core::ptr::null_mut());
    }
    0
}

fn configure(words: impl Iterator<Item = String>) -> Result<Plugin, String> {
    let (mut out, mut sharing) = (None, false);
    let (mut team, mut torus, mut workers, mut latency) = (CPUS, CPUS, 1, None);
    for word in words {
        let unknown =
            || format!("the word {word:?} is not understood: the plug-in's README has them");
        let (name, value) = word.split_once('=').ok_or_else(unknown)?;
        let number = || {
            value
                .parse()
                .ok()
                .filter(|n| (1..=CPUS).contains(n))
                .ok_or_else(unknown)
        };
        match (name, value) {
            ("out", path) => out = Some(PathBuf::from(path)),
            ("sharing", "on") => sharing = true,
            ("sharing", "off") => sharing = false,
            ("team", _) => team = number()?,
            ("torus", _) => torus = number()?,
            ("workers", _) => workers = number()?,
            ("latency", least) => latency = Some(least.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        }
    }
    Ok(Plugin {
        out: out.ok_or("out=FILE is missing")?,
        teams: Teams::new(CPUS, team, workers as u16),
        started: AtomicBool::new(false),
        counts: (0..REGIONS * CPUS).map(|_| Counts::default()).collect(),
        blocks: Mutex::default(),
        lines: sharing.then(|| Lines::new(torus)),
        latency: latency.map(Latency::new),
    })
}

/// A block is translated: its callbacks go into its code.
extern "C" fn translated(_id: api::Id, block: *mut api::Block) {
    let Some(plugin) = PLUGIN.get() else { return };
    // SAFETY: P1, for the whole function: block and instructions are valid during this call.
    unsafe {
        let count = api::qemu_plugin_tb_n_insns(block);
        let mut gate = Gate::default();
        for index in 0..count {
            gate.add(bytes(api::qemu_plugin_tb_get_insn(block, index)));
        }
        let counted: &'static Block = Box::leak(Box::new(Block {
            pc: api::qemu_plugin_tb_vaddr(block),
            instructions: count as u64,
            gate,
            executed: Mutex::default(),
        }));
        lock(&plugin.blocks).push(counted);
        let data = core::ptr::from_ref(counted).cast_mut().cast();
        api::qemu_plugin_register_vcpu_tb_exec_cb(block, block_executed, api::NO_REGS, data);
        for index in 0..count {
            watch(plugin, api::qemu_plugin_tb_get_insn(block, index));
        }
    }
}

/// Registers what one instruction calls.
///
/// # Safety
/// P1: `insn` belongs to a block that is being translated.
unsafe fn watch(plugin: &Plugin, insn: *mut api::Insn) {
    // SAFETY: P1.
    unsafe {
        let pc = api::qemu_plugin_insn_vaddr(insn);
        if plugin.latency.is_none() && is_kernel(pc) || plugin.lines.is_some() {
            let pc = if is_kernel(pc) { pc } else { 0 };
            api::qemu_plugin_register_vcpu_mem_cb(
                insn,
                accessed,
                api::NO_REGS,
                api::ALL_ACCESSES,
                core::ptr::without_provenance_mut(pc as usize),
            );
        }
        let (callback, value): (api::ExecCallback, u8) = match special(bytes(insn)) {
            None => return,
            Some(Special::TlbFlush) => (flushed, 0),
            Some(Special::Mark(Mark::Begin(region))) => (begun, region),
            Some(Special::Mark(Mark::End)) => (left, 0),
            Some(Special::Mark(Mark::Operation)) => (operated, 0),
        };
        let value = core::ptr::without_provenance_mut(usize::from(value));
        api::qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, api::NO_REGS, value);
    }
}

/// The bytes of an instruction.
///
/// # Safety
/// P1: `insn` belongs to a block that is being translated, and the answer is not used after that.
unsafe fn bytes<'a>(insn: *mut api::Insn) -> &'a [u8] {
    // SAFETY: P1.
    unsafe {
        let size = api::qemu_plugin_insn_size(insn);
        core::slice::from_raw_parts(api::qemu_plugin_insn_data(insn), size)
    }
}

/// Kernels of x86-64 live in the upper half.
const fn is_kernel(pc: u64) -> bool {
    pc >> 63 == 1
}

extern "C" fn block_executed(cpu: c_uint, data: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    // SAFETY: P2, `data` is the leaked block of `translated`.
    let block = unsafe { &*data.cast::<Block>() };
    let region = plugin.teams.region(cpu as usize);
    if let Some(latency) = &plugin.latency {
        latency.executed(cpu as usize, block, region);
    }
    let Some(region) = region else { return };
    let counts = plugin.of(region, cpu);
    if is_kernel(block.pc) {
        counts
            .kernel
            .fetch_add(block.instructions, Ordering::Relaxed);
        *lock(&block.executed).entry(region).or_default() += 1;
    } else {
        counts.user.fetch_add(block.instructions, Ordering::Relaxed);
    }
}

extern "C" fn accessed(cpu: c_uint, info: api::MemInfo, address: u64, data: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let region = plugin.teams.region(cpu as usize);
    let follows = plugin.lines.is_some() && plugin.started.load(Ordering::Relaxed);
    if region.is_none() && !follows {
        return;
    }
    // SAFETY: P1, the access was reported to this processor's thread just now.
    let (physical, io, write) = unsafe {
        let place = api::qemu_plugin_get_hwaddr(info, address);
        if place.is_null() {
            return;
        }
        (
            api::qemu_plugin_hwaddr_phys_addr(place),
            api::qemu_plugin_hwaddr_is_io(place),
            api::qemu_plugin_mem_is_store(info),
        )
    };
    if io {
        if let Some(region) = region
            && write
            && physical == APIC_COMMAND
        {
            plugin.of(region, cpu).ipis.fetch_add(1, Ordering::Relaxed);
        }
    } else if let Some(lines) = &plugin.lines {
        let access = Access {
            cpu: cpu as u16,
            address: physical,
            pc: data.addr() as u64,
            write,
        };
        lines.note(region, access);
    }
}

extern "C" fn flushed(cpu: c_uint, _data: *mut c_void) {
    if let Some((plugin, region)) = now(cpu) {
        let counts = plugin.of(region, cpu);
        counts.tlb_flushes.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C" fn operated(cpu: c_uint, _data: *mut c_void) {
    if let Some((plugin, region)) = now(cpu) {
        let counts = plugin.of(region, cpu);
        counts.operations.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C" fn begun(cpu: c_uint, data: *mut c_void) {
    if let Some(plugin) = PLUGIN.get() {
        plugin.started.store(true, Ordering::Relaxed);
        plugin.teams.enter(cpu as usize, data.addr() as Region);
    }
}

extern "C" fn left(cpu: c_uint, _data: *mut c_void) {
    if let Some(plugin) = PLUGIN.get() {
        plugin.teams.leave(cpu as usize);
    }
}

/// QEMU ends: the report is written.
extern "C" fn ended(_id: api::Id, _data: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let done = File::create(&plugin.out)
        .and_then(|file| report::write(BufWriter::new(file), plugin.records()));
    if let Err(error) = done {
        say(&format!("{}: {error}", plugin.out.display()));
    }
}

/// The plug-in and the region that the processor's instructions count for, if they do.
fn now(cpu: c_uint) -> Option<(&'static Plugin, Region)> {
    let plugin = PLUGIN.get()?;
    Some((plugin, plugin.teams.region(cpu as usize)?))
}

impl Plugin {
    fn of(&self, region: Region, cpu: c_uint) -> &Counts {
        &self.counts[usize::from(region) * CPUS + (cpu as usize).min(CPUS - 1)]
    }

    fn records(&self) -> Vec<Counted> {
        let mut records = Vec::new();
        for (index, counts) in self.counts.iter().enumerate() {
            let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let (kernel, user) = (get(&counts.kernel), get(&counts.user));
            if kernel + user > 0 {
                records.push(Counted::Count {
                    region: (index / CPUS) as Region,
                    cpu: index % CPUS,
                    operations: get(&counts.operations),
                    kernel,
                    user,
                    ipis: get(&counts.ipis),
                    tlb_flushes: get(&counts.tlb_flushes),
                });
            }
        }
        if let Some(latency) = &self.latency {
            let longest = lock(&latency.longest);
            records.extend(longest.all().cloned().map(Counted::Stretch));
            return records;
        }
        records.extend(self.profile());
        let transfers = self.lines.iter().flat_map(Lines::transfers);
        records.extend(transfers.map(|(way, count)| Counted::Transfer { way, count }));
        records
    }

    /// Instructions of the kernel by region and block; a block that was translated anew is the same block.
    fn profile(&self) -> Vec<Counted> {
        let mut sums: BTreeMap<(Region, u64), u64> = BTreeMap::new();
        for block in lock(&self.blocks).iter() {
            for (region, times) in lock(&block.executed).iter() {
                *sums.entry((*region, block.pc)).or_default() += times * block.instructions;
            }
        }
        let record = |((region, pc), instructions)| Counted::Block {
            region,
            pc,
            instructions,
        };
        sums.into_iter().map(record).collect()
    }
}

impl Latency {
    fn new(least: u64) -> Self {
        Self {
            least,
            running: (0..CPUS).map(|_| Mutex::default()).collect(),
            longest: Mutex::default(),
            booted: AtomicBool::new(false),
        }
    }

    fn executed(&self, cpu: usize, block: &Block, region: Option<Region>) {
        let mut running = lock(&self.running[cpu.min(CPUS - 1)]);
        // All stretches up to the first program are booting. A loader, which runs before the kernel, is none.
        let booted = self.booted.load(Ordering::Relaxed);
        let ended = if is_kernel(block.pc) {
            running.kernel(block.pc, block.instructions, block.gate)
        } else if running.is_empty() {
            None
        } else {
            if !booted {
                self.booted.store(true, Ordering::Relaxed);
            }
            Some(running.end())
        };
        if let Some(stretch) = ended
            && booted
            && stretch.instructions >= self.least
        {
            lock(&self.longest).add(region, stretch);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line for whoever started QEMU.
fn say(text: &str) {
    eprintln!("braid plug-in: {text}");
}

//! From the loader's jump to a machine whose cores all run the scheduler.
//!
//! 1. `_start`: a stack of the kernel's own.
//! 2. The log, the loader's answers, the command line.
//! 3. Descriptor tables, processor features, the kernel's page tables.
//! 4. ACPI, interrupts, time.
//! 5. The other cores arrive and sleep.
//! 6. The machine is divided into tori; the cores join them.
//! 7. The loader's memory is reclaimed, the first program is started.

use braid_firmware::acpi::Tables;
use braid_firmware::acpi::fadt::{self, Register};
use braid_firmware::acpi::hpet::Hpet;
use braid_firmware::acpi::madt::Madt;
use braid_firmware::acpi::srat::Srat;
use core::arch::global_asm;
use core::cell::{RefCell, UnsafeCell};
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;
use heapless::Vec;
use linux::Task;
use machine::boot::early::EarlyFrames;
use machine::boot::{self, BootInfo};
use machine::console;
use machine::cpu::{self, Cpu, Maker};
use machine::paging::{self, KernelTables, Kind, NoFrame};
use machine::power::{self, refuse};
use machine::smp::{self, Coming, Parked};
use machine::{Clocks, CoreStacks, apic, features, ioapic, time};
use machine::{CoreIndex, MAX_CORES};
use tori::Early;
use vm::addr::{PAGE_SIZE, PhysAddr};

/// Bytes of the first core's stacks while the machine is not divided.
const STACK_SIZE: usize = 96 * 1024;

/// What layers above the tori keep of each core.
static CORE_PARTS: [Maker; 2] = [
    Maker::of::<sched::Kept<Task>>(),
    Maker::of::<cpu::OwnPart<linux::PerCore>>(),
];
/// What they keep of each torus.
static TORUS_PARTS: [tori::Maker; 8] = [
    tori::Maker::of::<mem::Kept>(),
    tori::Maker::of::<mem::object::Objects>(),
    tori::Maker::of::<mem::spaces::Spaces>(),
    tori::Maker::of::<mem::reclaim::Reclaim>(),
    tori::Maker::of::<travel::PerTorus>(),
    tori::Maker::of::<linux::PerTorus>(),
    tori::Maker::of::<crate::swap::Waiting>(),
    tori::Maker::of::<sched::RunQueues>(),
];

/// The first core's stacks and block for that time.
#[repr(C, align(4096))]
struct First {
    /// Not mapped by the kernel's tables: an overflow faults.
    guard: UnsafeCell<[u8; PAGE_SIZE]>,
    stacks: UnsafeCell<[u8; STACK_SIZE]>,
    block: UnsafeCell<MaybeUninit<Cpu>>,
}

// SAFETY: K3, the first core alone uses it.
unsafe impl Sync for First {}

static FIRST: First = First {
    guard: UnsafeCell::new([0; PAGE_SIZE]),
    stacks: UnsafeCell::new([0; STACK_SIZE]),
    block: UnsafeCell::new(MaybeUninit::uninit()),
};

// The interrupt stacks are the upper part of the memory; see CoreStacks::stacked.
global_asm!(
    ".global _start",
    "_start:",
    "cli",
    "cld",
    "lea rsp, [rip + {first} + {main}]",
    "xor ebp, ebp",
    "call {start}",
    "ud2",
    first = sym FIRST,
    main = const PAGE_SIZE + STACK_SIZE - 3 * 8192,
    start = sym start,
);

extern "C" fn start() -> ! {
    raise();
    crate::swap::start();
    linux::start();
    static LEFT: AtomicU32 = AtomicU32::new(0);
    machine::enter_user(&LEFT, 1)
}

/// All up to a machine whose cores run the scheduler. What this has on the stack is gone when processes start.
#[inline(never)]
fn raise() {
    time::begin();
    console::start();
    if let Some(screen) = boot::screen() {
        console::screen::start(screen);
    }
    let info = boot::read().unwrap_or_else(|error| refuse(error));
    console::set_level(info.command_line.log);
    log::info!(
        "Braid {} started by {} (Limine base revision {})",
        env!("CARGO_PKG_VERSION"),
        info.loader,
        info.revision
    );
    info.tell();
    let mut early = own_tables(info);
    let firmware = Firmware::read(info, &mut early);
    let wide = info.cores.iter().any(|core| core.lapic_id > 254);
    if machine::start_interrupts(!info.command_line.no_x2apic, wide).is_err() {
        refuse("x2apic=off: this processor cannot leave x2APIC mode");
    }
    let rates = time::init(firmware.clocks, info.date);
    log::debug!("{}", features::get());
    log::info!(
        "speculative execution: {} (SECURITY.md)",
        features::speculation()
    );
    match rates.against {
        Some(clock) => log::debug!(
            "counter {} kHz, timer {} kHz by the {clock}; {}",
            rates.tsc / 1000,
            rates.apic / 1000,
            apic::mode_name()
        ),
        None => log::warn!("no clock runs that time could be measured by: it is guessed"),
    }
    let (cores, parked) = call_cores(info, &mut early);
    let divided = tori::divide(Early {
        info,
        frames: &mut early,
        cores: &cores,
        parts: &CORE_PARTS,
        torus_parts: &TORUS_PARTS,
        most_processes: linux::most_processes,
        srat: firmware.srat,
        cache_bits: features::cache_bits(),
    });
    let reclaim = divided.unwrap_or_else(|error| refuse(error));
    join(&cores, &parked);
    tori::begin_reservations();
    route_console(firmware.madt, cores[0].1);
    // A core that was left out may still be parked in the loader's memory: then nothing is reclaimed.
    let reclaimed = if cores.len() == info.cores.len() {
        // SAFETY: K11, every core has left the loader's memory and its interim block.
        unsafe { reclaim.run() }
    } else {
        0
    };
    log::info!(
        "{} cores in {} tori are up; {} KiB reclaimed, kernel image {} KiB",
        cores.len(),
        tori::count(),
        reclaimed * 4,
        boot::tables::image_size() / 1024
    );
}

/// Descriptor tables, processor features and page tables of the kernel's own.
fn own_tables(info: &BootInfo) -> EarlyFrames {
    paging::set_direct_map(info.hhdm);
    if !features::get().nx {
        refuse("this processor has no no-execute bit");
    }
    if machine::has_five_levels() {
        refuse(
            "the loader has left the processor with page tables of five levels, and four were asked for",
        );
    }
    if !info.hhdm.is_multiple_of(1 << 30) || info.hhdm >> 39 & 511 >= paging::TORUS_SLOTS as u64 {
        refuse("the loader's direct map is at an address that the kernel uses");
    }
    let base = FIRST.stacks.get() as u64;
    let block = FIRST.block.get().cast::<Cpu>();
    // SAFETY: K3, the first core's own block.
    unsafe {
        let stacks = CoreStacks::stacked(base, STACK_SIZE as u64);
        block.write(Cpu::new(CoreIndex(0), info.first_apic_id, stacks));
        machine::start_first_core(block);
    }
    let Ok(mut early) = EarlyFrames::new(info) else {
        refuse("there is no usable memory")
    };
    let Ok(tables) = boot::tables::build(info, &mut early, FIRST.guard.get() as u64) else {
        refuse("too little memory for page tables")
    };
    // SAFETY: K10, they map the kernel's image and all memory.
    unsafe { tables.adopt() };
    early
}

/// What the firmware's tables say.
struct Firmware {
    madt: Option<Madt<'static>>,
    srat: Option<Srat<'static>>,
    clocks: Clocks,
}

impl Firmware {
    fn read(info: &BootInfo, early: &mut EarlyFrames) -> Self {
        let early = RefCell::new(early);
        let map = |address: u64, len: usize, kind| {
            let mut early = early.borrow_mut();
            map_direct(info, &mut early, PhysAddr(address), len as u64, kind)
        };
        let memory = |address: u64, len: usize| -> Option<&'static [u8]> {
            map(address, len, Kind::ReadOnly).ok()?;
            // SAFETY: K11, mapped just now; the firmware does not change its tables.
            Some(unsafe {
                core::slice::from_raw_parts(paging::phys_to_virt(PhysAddr(address)), len)
            })
        };
        let tables = info
            .rsdp
            .and_then(|rsdp| match Tables::find(rsdp.0, &memory) {
                Ok(tables) => Some(tables),
                Err(error) => {
                    log::warn!("{error}");
                    None
                }
            });
        let table = |name| tables.and_then(|tables| tables.table(name, &memory).ok());
        let madt = table("APIC").map(Madt);
        let devices = madt
            .iter()
            .flat_map(Madt::io_apics)
            .map(|apic| apic.address);
        let hpet = table("HPET").and_then(|table| Hpet(table).address());
        for address in devices.chain([apic::physical_base()]).chain(hpet) {
            if map(address, PAGE_SIZE, Kind::Device).is_err() {
                refuse("too little memory for page tables");
            }
        }
        let fadt = table("FACP").map(fadt::Fadt);
        let off_switch = tables.zip(fadt).and_then(|(tables, fadt)| {
            let main = tables.dsdt(&fadt, &memory).into_iter();
            let more = tables.all("SSDT", &memory).flatten();
            main.chain(more).find_map(|code| fadt.off_switch(code))
        });
        let reset = fadt.and_then(|fadt| fadt.reset());
        if let Some(Register::Memory(address)) = reset.map(|reset| reset.register) {
            // Without a mapping the reset is tried in other ways.
            let _ = map(address, 1, Kind::Device);
        }
        power::set_ways(off_switch, reset);
        Self {
            madt,
            srat: table("SRAT").map(Srat),
            clocks: Clocks {
                hpet,
                acpi_timer: fadt.and_then(|fadt| fadt.timer()),
            },
        }
    }
}

/// Extends the direct map by what is no memory: whole pages around the range.
fn map_direct(
    info: &BootInfo,
    early: &mut EarlyFrames,
    at: PhysAddr,
    len: u64,
    kind: Kind,
) -> Result<(), NoFrame> {
    let page = PAGE_SIZE as u64;
    let end =
        at.0.checked_add(len)
            .filter(|end| *end < paging::DIRECT_MAP_END)
            .ok_or(NoFrame)?;
    let (start, end) = (at.0 / page * page, end.next_multiple_of(page));
    let mut frames = || early.take(1);
    KernelTables::current().map(info.hhdm + start, start, end - start, kind, &mut frames)
}

type Cores = Vec<(CoreIndex, u32), MAX_CORES>;
type ParkedCores = Vec<Parked, MAX_CORES>;

/// Starts the other cores; answers all that run, the first one first.
fn call_cores(info: &'static BootInfo, early: &mut EarlyFrames) -> (Cores, ParkedCores) {
    // Some firmware lists a core twice.
    let known = |end: usize, id: u32| info.cores[..end].iter().any(|core| core.lapic_id == id);
    let others = || {
        let all = info.cores.iter().enumerate();
        let others = all
            .filter(|(at, core)| core.lapic_id != info.first_apic_id && !known(*at, core.lapic_id));
        others.map(|(_, core)| core)
    };
    let pages = smp::ARRIVAL_SIZE / PAGE_SIZE as u64;
    let most = info.command_line.cores.unwrap_or(MAX_CORES).min(MAX_CORES);
    let count = others().count().min(most - 1);
    if others().count() > count {
        log::info!("{} cores, of which {most} are used", 1 + others().count());
    }
    let mut called = ParkedCores::new();
    if let Some(memory) = early.take_temporary(count as u64 * pages) {
        let called_cores = others().take(count).zip(1..).map(|(record, index)| Parked {
            index: CoreIndex(index),
            apic_id: record.lapic_id,
            record,
            memory: memory + u64::from(index - 1) * smp::ARRIVAL_SIZE,
        });
        called.extend(called_cores);
    } else {
        log::warn!("too little memory to start other cores");
    }
    let mut cores = Cores::new();
    let mut parked = ParkedCores::new();
    // As many as there is room for, by `count`.
    let _ = cores.push((CoreIndex(0), info.first_apic_id));
    smp::call(&called, |core, coming| {
        let why = match coming {
            Coming::Here => {
                let _ = cores.push((core.index, core.apic_id));
                let _ = parked.push(*core);
                return;
            }
            Coming::Silent => "does not answer",
            Coming::Unlike => "lacks what core 0 has",
        };
        let (index, id) = (core.index, core.apic_id);
        log::warn!("core {index} (APIC id {id}) {why} and is left out");
    });
    (cores, parked)
}

/// Gives every core its place in its torus, this one too; waits until all have taken it.
fn join(cores: &Cores, parked: &ParkedCores) {
    for torus in tori::all() {
        for index in 0..torus.cores() {
            let block = core::ptr::from_ref(torus.core(index)).cast_mut();
            let number = torus.core(index).index;
            match parked.iter().find(|core| core.index == number) {
                // SAFETY: K3, the block is this core's and nobody has used it.
                Some(core) => unsafe { smp::release(core, block) },
                // SAFETY: K3, as above: it is the first core's.
                None => unsafe {
                    machine::install(block);
                },
            }
        }
    }
    while !parked.iter().all(smp::has_joined) {
        core::hint::spin_loop();
    }
    debug_assert_eq!(cpu::count(), cores.len());
}

/// Lets the console's input interrupt the first core.
fn route_console(madt: Option<Madt<'_>>, apic_id: u32) {
    let line = linux::start_console();
    let routed = madt.is_some_and(|madt| {
        ioapic::mask_all(&madt);
        ioapic::route(&madt, line, apic::vector::CONSOLE, apic_id)
    });
    if !routed {
        log::warn!("no I/O APIC takes interrupt {line}: the console has no input");
    }
}

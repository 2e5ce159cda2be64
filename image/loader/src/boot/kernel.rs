//! From boot archive to a kernel that is ready to run.

use super::{
    HHDM, LoadError, REACH, acpi, apic, clock, cpu, departure::Departure, files, memory,
    processors, pvh::BootInfo, screen,
};
use alloc::{string::String, vec::Vec};
use braid_firmware::acpi::madt::Madt;
use braid_loader::{
    archive::{Archive, File},
    config::{self, Entry, Module},
    executable::Plan,
    map::{Kind, MemoryMap, PAGE},
    paging::Mapper,
    protocol::Feature,
    requests::Requests,
    respond::{Facts, LoadedFile, respond},
    space,
};

/// Smallest stack (Limine protocol, Machine state at entry), bytes.
const MIN_STACK: u64 = 64 << 10;

/// Largest configuration file, bytes.
const MAX_CONFIG: usize = 256 << 10;

unsafe extern "C" {
    static __loader_start: u8;
    static __loader_end: u8;
    /// In `entry.s`: the loader's own root table.
    static mut boot_root: [u64; 512];
}

/// Loads the kernel of the default entry and answers its requests.
///
/// # Errors
/// For whatever is wrong with archive, configuration, kernel or machine.
pub(super) fn load(boot: &BootInfo) -> Result<Departure, LoadError> {
    let mut map = memory_map(boot)?;
    let archive = Archive::new(boot.archive);
    let entry = configuration(&archive)?;
    let file = files::find(&archive, &entry.kernel)?;
    let plan = Plan::new(file.data)?;
    let image = place(&mut map, &plan)?;
    let physical = memory::physical(image);
    let requests = Requests::find(image)?;
    check_paging_mode(&requests, image)?;

    let kernel_path = entry.kernel.clone();
    let cmdline = join(&entry.cmdline, &boot.cmdline);
    let wanted = files::modules(&archive, entry, &requests, image, plan.base)?;
    let modules = keep_modules(&mut map, &archive, &wanted)?;
    let kept = match requests.has(Feature::ExecutableFile) {
        true => Some(keep(&mut map, &file, &kernel_path, &cmdline)?),
        false => None,
    };

    let stack_size = stack_size(&requests, image);
    let stack = map.allocate(stack_size, PAGE, REACH, Kind::BootloaderReclaimable)?;
    let madt = boot.rsdp.and_then(acpi::madt).unwrap_or(Madt(&[]));
    let processors = match requests.field(image, Feature::Mp, 0) {
        Some(flags) => processors::Plan::new(&mut map, madt, flags & 1 != 0, stack_size)?,
        None => None,
    };
    let framebuffer = match requests.has(Feature::Framebuffer) {
        true => screen::start().filter(|screen| map.add_framebuffer(screen.base, screen.size())),
        false => None,
    };
    let root = address_space(&mut map, &plan, physical, requests.base_revision)?;
    apic::mask_interrupts(madt.io_apics());
    let facts = Facts {
        hhdm: HHDM,
        image: (physical, plan.base),
        file: kept,
        cmdline: &cmdline,
        modules,
        rsdp: boot.rsdp,
        date: clock::date(),
        processors: processors.map(|processors| processors.start(root)),
        framebuffer,
        regions: map.regions(),
    };
    let entry = requests
        .field(image, Feature::EntryPoint, 0)
        .unwrap_or(plan.entry);
    respond(&requests, image, &facts);
    Ok(Departure {
        entry,
        stack: HHDM + stack + stack_size,
        root,
        argument: 0,
    })
}

/// The firmware's map, with the loader and the archive in it.
fn memory_map(boot: &BootInfo) -> Result<MemoryMap, LoadError> {
    let mut map = MemoryMap::new(boot.memory.iter().copied());
    let (start, end) = (&raw const __loader_start, &raw const __loader_end);
    map.claim(
        start.addr() as u64,
        end.addr() as u64,
        Kind::BootloaderReclaimable,
        "loader",
    )?;
    let archive = memory::physical(boot.archive);
    map.claim(
        archive,
        archive + boot.archive.len() as u64,
        Kind::BootloaderReclaimable,
        "boot archive",
    )?;
    Ok(map)
}

fn configuration(archive: &Archive<'_>) -> Result<Entry, LoadError> {
    let file = files::find(archive, "/limine.cfg")?;
    if file.data.len() > MAX_CONFIG {
        return Err(LoadError::LargeConfig(file.data.len(), MAX_CONFIG));
    }
    Ok(config::parse(file.data)?)
}

/// Copies the segments to where they run; gives the image.
fn place(map: &mut MemoryMap, plan: &Plan<'_>) -> Result<&'static mut [u64], LoadError> {
    let bytes = memory::take(map, plan.size, plan.align, Kind::ExecutableAndModules)?;
    for segment in &plan.segments {
        let from = (segment.address - plan.base) as usize;
        bytes[from..from + segment.data.len()].copy_from_slice(segment.data);
    }
    let at = core::ptr::with_exposed_provenance_mut(memory::physical(bytes) as usize);
    // SAFETY: L3, the pages are ours; they are aligned, `bytes` is not used again, and all words are valid.
    Ok(unsafe { core::slice::from_raw_parts_mut(at, bytes.len() / 8) })
}

/// There are four levels (mode 0) and no more: refuses a kernel whose request of revision 1 has a higher minimum.
fn check_paging_mode(requests: &Requests, image: &[u64]) -> Result<(), LoadError> {
    let minimum = match requests.revision(image, Feature::PagingMode) {
        Some(1..) => requests.field(image, Feature::PagingMode, 2).unwrap_or(0),
        _ => 0,
    };
    if minimum == 0 {
        Ok(())
    } else {
        Err(LoadError::FiveLevel)
    }
}

fn stack_size(requests: &Requests, image: &[u64]) -> u64 {
    let asked = requests.field(image, Feature::StackSize, 0).unwrap_or(0);
    // Beyond the loader's reach there is no memory, and the allocation says so.
    asked.clamp(MIN_STACK, REACH).next_multiple_of(PAGE)
}

fn join(first: &str, second: &str) -> String {
    let words: Vec<&str> = [first, second]
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect();
    words.join(" ")
}

fn keep<'a>(
    map: &mut MemoryMap,
    file: &File<'_>,
    path: &'a str,
    cmdline: &'a str,
) -> Result<LoadedFile<'a>, LoadError> {
    let physical = files::keep(map, file)?;
    Ok(LoadedFile {
        physical,
        size: file.data.len() as u64,
        path,
        cmdline,
    })
}

fn keep_modules<'a>(
    map: &mut MemoryMap,
    archive: &Archive<'_>,
    modules: &'a [Module],
) -> Result<Vec<LoadedFile<'a>>, LoadError> {
    let mut kept = Vec::new();
    for module in modules {
        let file = files::find(archive, &module.path)?;
        kept.push(keep(map, &file, &module.path, &module.cmdline)?);
    }
    Ok(kept)
}

/// Makes the kernel's tables, and gives the loader's own tables the same upper half, so that the loader can go on at
/// `HHDM` when it leaves its own.
fn address_space(
    map: &mut MemoryMap,
    plan: &Plan<'_>,
    physical: u64,
    revision: u64,
) -> Result<u64, LoadError> {
    let regions = map.regions().to_vec();
    let mut tables = memory::MappedTables(map);
    let mut mapper = Mapper::new(&mut tables, cpu::paging_features())?;
    let root = mapper.root();
    space::build(&mut mapper, plan, physical, HHDM, &regions, revision)?;
    // SAFETY: L4, both roots are tables in the identity map, and entries that were not present need no flush.
    unsafe {
        let from = core::ptr::with_exposed_provenance::<u64>(root as usize).add(256);
        (&raw mut boot_root)
            .cast::<u64>()
            .add(256)
            .copy_from_nonoverlapping(from, 256);
    }
    Ok(root)
}

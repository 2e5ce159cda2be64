//! The kernel's own page tables, made from the memory map and the kernel's linker symbols.

use super::BootInfo;
use super::early::EarlyFrames;
use crate::paging::{KernelTables, Kind, NoFrame};
use braid_firmware::memory::MemoryKind;
use core::ops::Range;
use vm::addr::PAGE_SIZE;

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __rodata_start: u8;
    static __rodata_end: u8;
    static __data_start: u8;
    static __data_end: u8;
}

const PAGE: u64 = PAGE_SIZE as u64;

/// Bytes of the kernel in memory.
pub fn image_size() -> u64 {
    ((&raw const __data_end).addr() - (&raw const __text_start).addr()) as u64
}

/// Makes tables that map the kernel, but for the page at `guard` among its data, and all memory, and nothing else.
///
/// # Errors
/// [`NoFrame`].
pub fn build(
    info: &BootInfo,
    early: &mut EarlyFrames,
    guard: u64,
) -> Result<KernelTables, NoFrame> {
    let frames = &mut || early.take(1);
    let tables = KernelTables::new(frames)?;
    let address = |symbol: *const u8| symbol.addr() as u64;
    let sections = [
        (
            address(&raw const __text_start),
            address(&raw const __text_end),
            Kind::Text,
        ),
        (
            address(&raw const __rodata_start),
            address(&raw const __rodata_end),
            Kind::ReadOnly,
        ),
        (address(&raw const __data_start), guard, Kind::Data),
        (guard + PAGE, address(&raw const __data_end), Kind::Data),
    ];
    for (start, end, kind) in sections {
        let phys = start - info.kernel_base + info.kernel_start.0;
        tables.map(start, phys, end - start, kind, frames)?;
    }
    // The memory map should name the framebuffer; the log must not fault where it does not.
    if let Some(screen) = &info.screen {
        let start = screen.address as u64 / PAGE * PAGE;
        let end = (screen.address + screen.height * screen.pitch) as u64;
        let len = end.next_multiple_of(PAGE) - start;
        tables.map(start, start - info.hhdm, len, Kind::Framebuffer, frames)?;
    }
    // Neighbours of one kind are mapped together, so that large pages fit across them. Memory first: pages that two
    // ranges share belong to the first.
    for kind in [Kind::Data, Kind::ReadOnly, Kind::Framebuffer] {
        let mut run: Range<u64> = 0..0;
        for range in info
            .memory
            .iter()
            .filter(|range| kind_of(range.kind) == Some(kind))
        {
            let start = range.start / PAGE * PAGE;
            let end = range.end().next_multiple_of(PAGE);
            if start > run.end {
                map_direct(&tables, info, &run, kind, frames)?;
                run = start..end;
            } else {
                run.end = run.end.max(end);
            }
        }
        map_direct(&tables, info, &run, kind, frames)?;
    }
    Ok(tables)
}

fn map_direct(
    tables: &KernelTables,
    info: &BootInfo,
    run: &Range<u64>,
    kind: Kind,
    frames: &mut dyn FnMut() -> Option<vm::addr::PhysAddr>,
) -> Result<(), NoFrame> {
    tables.map(
        info.hhdm + run.start,
        run.start,
        run.end - run.start,
        kind,
        frames,
    )
}

fn kind_of(kind: MemoryKind) -> Option<Kind> {
    match kind {
        MemoryKind::Usable | MemoryKind::Loader => Some(Kind::Data),
        // The kernel writes its own data through its image's mapping, modules not at all.
        MemoryKind::Kernel | MemoryKind::Acpi => Some(Kind::ReadOnly),
        MemoryKind::Framebuffer => Some(Kind::Framebuffer),
        MemoryKind::Reserved => None,
    }
}

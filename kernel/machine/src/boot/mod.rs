//! What the loader says of the machine, checked and copied once.
//!
//! [`read`] runs first of all, on the loader's page tables; what it answers does not point into memory that is reclaimed
//! later, but for [`BootInfo::cores`], which are used until the last core has started.

pub mod early;
mod requests;
pub mod tables;
mod tell;

use crate::console::screen::Screen;
use braid_firmware::cmdline::CommandLine;
use braid_firmware::memory::{self, MemoryKind, MemoryRange};
use core::fmt::{self, Write};
use limine::memory_map::EntryType;
use limine::mp::Cpu;
use spin::{Mutex, MutexGuard, Once};
use vm::addr::PhysAddr;

/// The most ranges that a memory map may have.
const MAX_RANGES: usize = 1024;
/// The longest command line, in bytes.
const MAX_LINE: usize = 32 * 1024;
/// The name of the module with the programs' files.
const ROOT_ARCHIVE: &[u8] = b"root.cpio";

/// Why the kernel can't start with what the loader answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The loader does not answer this request.
    Missing(&'static str),
    /// The memory map has more ranges than fit.
    MemoryMap(usize),
    /// The command line is longer than fits.
    CommandLineLength(usize),
    /// The command line is not UTF-8.
    CommandLineText,
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(
                f,
                "the boot loader does not answer the {what} request: a loader of the Limine boot protocol is needed"
            ),
            Self::MemoryMap(ranges) => {
                write!(
                    f,
                    "the memory map has {ranges} ranges, at most {MAX_RANGES} are understood"
                )
            }
            Self::CommandLineLength(len) => {
                write!(
                    f,
                    "the command line has {len} bytes, at most {MAX_LINE} fit"
                )
            }
            Self::CommandLineText => write!(f, "the command line is not UTF-8"),
        }
    }
}

/// The machine as the loader hands it over.
pub struct BootInfo {
    /// Name and version of the loader.
    pub loader: Text<64>,
    /// Base revision of the protocol that the loader followed.
    pub revision: u64,
    /// Virtual address at which physical address 0 is mapped.
    pub hhdm: u64,
    /// Physical address of the kernel's first byte.
    pub kernel_start: PhysAddr,
    /// Virtual address of the kernel's first byte.
    pub kernel_base: u64,
    /// Physical address of the RSDP.
    pub rsdp: Option<PhysAddr>,
    /// APIC id of the core that starts.
    pub first_apic_id: u32,
    /// All cores, in memory that is the loader's.
    pub cores: &'static [&'static Cpu],
    /// The framebuffer, where there is one that the kernel can use.
    pub screen: Option<Screen>,
    /// The archive with the programs' files.
    pub root_archive: Option<&'static [u8]>,
    /// Seconds since 1970 when the machine was started.
    pub date: u64,
    /// The command line, understood.
    pub command_line: CommandLine<'static>,
    /// The memory map, ascending; free ranges overlap nothing.
    pub memory: &'static [MemoryRange],
}

// SAFETY: K11, the only pointers are to the loader's core descriptions, whose shared fields are atomics.
unsafe impl Sync for BootInfo {}
// SAFETY: K11, as above.
unsafe impl Send for BootInfo {}

/// Where the copies go: static, since the loader's stack is small.
struct Storage {
    ranges: [MemoryRange; MAX_RANGES],
    line: [u8; MAX_LINE],
}

static STORAGE: Mutex<Storage> = Mutex::new(Storage {
    ranges: [MemoryRange::EMPTY; MAX_RANGES],
    line: [0; MAX_LINE],
});

static INFO: Once<BootInfo> = Once::new();
static EXIT: Once<Option<u16>> = Once::new();

/// What [`read`] found.
///
/// # Panics
/// Before [`read`] has succeeded.
pub fn info() -> &'static BootInfo {
    INFO.get().expect("boot::read comes first")
}

/// The I/O port of QEMU's exit device (`debug-exit=`), once the command line has been read.
pub fn debug_exit() -> Option<u16> {
    EXIT.get().copied().flatten()
}

/// Reads the loader's answers; to be called once.
///
/// # Errors
/// What is missing or does not fit.
pub fn read() -> Result<&'static BootInfo, BootError> {
    // The command line comes first: it says how to end when something else is wrong, be it its own end.
    let Storage { ranges, line } = MutexGuard::leak(STORAGE.lock());
    let (line, whole) = command_line(line);
    let command_line = CommandLine::parse(line, |error| log::warn!("{error}"));
    EXIT.call_once(|| command_line.debug_exit);
    whole?;
    let hhdm = requests::HHDM
        .get_response()
        .ok_or(BootError::Missing("HHDM"))?
        .offset();
    let address = requests::ADDRESS
        .get_response()
        .ok_or(BootError::Missing("executable address"))?;
    let cores = requests::CORES
        .get_response()
        .ok_or(BootError::Missing("MP"))?;
    let map = requests::MEMORY
        .get_response()
        .ok_or(BootError::Missing("memory map"))?
        .entries();
    if map.len() > MAX_RANGES {
        return Err(BootError::MemoryMap(map.len()));
    }
    for (range, entry) in ranges.iter_mut().zip(map) {
        *range = MemoryRange {
            start: entry.base,
            len: entry.length,
            kind: kind(entry.entry_type),
        };
    }
    let count = memory::clean(&mut ranges[..map.len()]);
    // Before revision 3 addresses of firmware tables are virtual.
    let physical = |address: u64| {
        if address >= hhdm {
            address - hhdm
        } else {
            address
        }
    };
    Ok(INFO.call_once(|| BootInfo {
        loader: loader(),
        revision: requests::REVISION.loaded_revision().unwrap_or(0),
        hhdm,
        kernel_start: PhysAddr(address.physical_base()),
        kernel_base: address.virtual_base(),
        rsdp: requests::RSDP
            .get_response()
            .map(|rsdp| PhysAddr(physical(rsdp.address() as u64))),
        first_apic_id: cores.bsp_lapic_id(),
        cores: cores.cpus(),
        screen: screen(),
        root_archive: root_archive(),
        date: requests::DATE
            .get_response()
            .map_or(0, |date| date.timestamp().as_secs()),
        command_line,
        memory: &ranges[..count],
    }))
}

fn kind(entry: EntryType) -> MemoryKind {
    match entry {
        EntryType::USABLE => MemoryKind::Usable,
        EntryType::BOOTLOADER_RECLAIMABLE => MemoryKind::Loader,
        EntryType::EXECUTABLE_AND_MODULES => MemoryKind::Kernel,
        EntryType::ACPI_RECLAIMABLE | EntryType::ACPI_NVS => MemoryKind::Acpi,
        EntryType::FRAMEBUFFER => MemoryKind::Framebuffer,
        _ => MemoryKind::Reserved,
    }
}

fn loader() -> Text<64> {
    let mut name = Text::new();
    if let Some(loader) = requests::LOADER.get_response() {
        // A longer name is cut.
        let _ = write!(name, "{} {}", loader.name(), loader.version());
    }
    name
}

/// The command line, copied out of the loader's memory: as much of it as fits and is text, and what is wrong with the rest. Limine
/// 8.2 gives it with the kernel's file only.
fn command_line(storage: &'static mut [u8]) -> (&'static str, Result<(), BootError>) {
    let response = requests::COMMAND_LINE.get_response();
    let file = requests::FILE.get_response();
    let line = response
        .map(|response| response.cmdline())
        .or(file.map(|file| file.file().string()));
    let line = line.unwrap_or_default().to_bytes();
    let copy = &mut storage[..line.len().min(MAX_LINE)];
    copy.copy_from_slice(&line[..copy.len()]);
    match core::str::from_utf8(copy) {
        Ok(text) if text.len() == line.len() => (text, Ok(())),
        Ok(text) => (text, Err(BootError::CommandLineLength(line.len()))),
        Err(error) => {
            let text = core::str::from_utf8(&copy[..error.valid_up_to()]);
            (text.unwrap_or_default(), Err(BootError::CommandLineText))
        }
    }
}

/// The first framebuffer that has 32 bits per pixel, 8 of them for each color.
pub fn screen() -> Option<Screen> {
    let mut all = requests::FRAMEBUFFER.get_response()?.framebuffers();
    let found = all.find(|framebuffer| {
        let sizes = [
            framebuffer.red_mask_size(),
            framebuffer.green_mask_size(),
            framebuffer.blue_mask_size(),
        ];
        let shifts = [
            framebuffer.red_mask_shift(),
            framebuffer.green_mask_shift(),
            framebuffer.blue_mask_shift(),
        ];
        framebuffer.bpp() == 32 && sizes == [8; 3] && shifts.iter().all(|shift| *shift <= 24)
    })?;
    Some(Screen {
        address: found.addr().addr(),
        width: usize::try_from(found.width()).ok()?,
        height: usize::try_from(found.height()).ok()?,
        pitch: usize::try_from(found.pitch()).ok()?,
        shifts: [
            found.red_mask_shift(),
            found.green_mask_shift(),
            found.blue_mask_shift(),
        ],
    })
}

/// The module whose path ends in `root.cpio`. Modules stay where they are: their memory is never reclaimed.
fn root_archive() -> Option<&'static [u8]> {
    let modules = requests::MODULES.get_response()?.modules();
    let file = modules
        .iter()
        .find(|file| file.path().to_bytes().ends_with(ROOT_ARCHIVE))?;
    // SAFETY: K11, a module is that many bytes of memory, and never changes.
    Some(unsafe { core::slice::from_raw_parts(file.addr(), file.size() as usize) })
}

/// A short text that owns its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let width = character.len_utf8();
            if self.len + width > N {
                return Err(fmt::Error);
            }
            character.encode_utf8(&mut self.bytes[self.len..]);
            self.len += width;
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("?"))
    }
}

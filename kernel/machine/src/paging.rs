//! Address translation: the kernel's own tables, made at boot, and switching between address spaces.
//!
//! The kernel's half, the same in every address space:
//!
//! | from | what | rights |
//! | --- | --- | --- |
//! | HHDM offset | direct map of all memory; devices and firmware tables where needed | RW, devices uncached; modules and kernel image R |
//! | [`TORUS_SLOTS`] | per torus: what the heap holds in several pages, and from the middle on its cores' stacks | RW |
//! | 0xffffffff80000000 | kernel image | text RX, rodata R, data RW |
//!
//! Nothing but text is executable. All entries are global, with accessed and dirty bits set, so that the processor
//! never writes to these tables.

use super::cpu;
use super::features;
use core::sync::atomic::{AtomicU64, Ordering};
pub use vm::addr::PhysAddr;
use vm::addr::{Frame, PageRange};
use vm::table::Table;
use x86_64::instructions::tlb;
use x86_64::registers::control::{Cr3, Cr3Flags, Cr4, Cr4Flags};
use x86_64::structures::paging::PhysFrame;

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3;
const UNCACHED: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// First top-level entry of the tori's own areas, one entry (512 GiB) each.
pub const TORUS_SLOTS: usize = 384;
/// Bytes of a top-level entry.
pub const SLOT_SIZE: u64 = 1 << 39;
/// End of the physical addresses that the direct map can have.
pub const DIRECT_MAP_END: u64 = 1 << 46;
/// Where the kernel is linked.
const IMAGE: u64 = 0xffff_ffff_8000_0000;
/// First top-level entry of the kernel's half.
const KERNEL_HALF: usize = 256;

/// What the kernel may do with a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Kernel code.
    Text,
    /// Constants, modules, firmware tables.
    ReadOnly,
    /// Memory.
    Data,
    /// Device registers.
    Device,
    /// A framebuffer: write-combining.
    Framebuffer,
}

impl Kind {
    fn bits(self) -> u64 {
        let common = PRESENT | ACCESSED | DIRTY | GLOBAL;
        common
            | match self {
                Self::Text => 0,
                Self::ReadOnly => NO_EXECUTE,
                Self::Data => WRITABLE | NO_EXECUTE,
                Self::Device => WRITABLE | NO_EXECUTE | UNCACHED | WRITE_THROUGH,
                Self::Framebuffer => WRITABLE | NO_EXECUTE | WRITE_THROUGH,
            }
    }
}

/// No frame was left for a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFrame;

/// Offset of the direct map. Written once at boot.
static DIRECT_MAP: AtomicU64 = AtomicU64::new(0);
/// The kernel's root table. Written once at boot.
static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// The direct map's address of a physical address.
#[inline]
pub fn phys_to_virt(address: PhysAddr) -> *mut u8 {
    (address.0 + DIRECT_MAP.load(Ordering::Relaxed)) as *mut u8
}

/// The physical address of something that the direct map's address leads to.
#[inline]
pub fn direct_to_phys(address: *const u8) -> PhysAddr {
    PhysAddr(address as u64 - DIRECT_MAP.load(Ordering::Relaxed))
}

/// Extends the direct map by device registers: whole pages around the range, uncached.
///
/// # Errors
/// [`NoFrame`]: no frame for a table, or the range is none that the direct map can have.
pub fn map_device(
    at: PhysAddr,
    len: u64,
    frames: &mut dyn FnMut() -> Option<PhysAddr>,
) -> Result<(), NoFrame> {
    let end =
        at.0.checked_add(len)
            .filter(|end| *end < DIRECT_MAP_END)
            .ok_or(NoFrame)?;
    let start = at.0 & !0xfff;
    let virt = DIRECT_MAP.load(Ordering::Relaxed) + start;
    let len = end.next_multiple_of(4096) - start;
    KernelTables::current().map(virt, start, len, Kind::Device, frames)
}

/// Says where the direct map is; first of all.
pub fn set_direct_map(offset: u64) {
    DIRECT_MAP.store(offset, Ordering::Relaxed);
}

fn table(frame: PhysAddr) -> &'static Table {
    // SAFETY: K10, tables of the kernel's half are never freed, and their words are atomic.
    unsafe { &*phys_to_virt(frame).cast::<Table>() }
}

/// The kernel's tables while they are being extended: at boot by the first core, later by a torus in its own slot.
#[derive(Clone, Copy, Debug)]
pub struct KernelTables {
    root: PhysAddr,
}

impl KernelTables {
    /// Tables that map nothing.
    ///
    /// # Errors
    /// [`NoFrame`].
    pub fn new(frames: &mut dyn FnMut() -> Option<PhysAddr>) -> Result<Self, NoFrame> {
        Ok(Self {
            root: frames().ok_or(NoFrame)?,
        })
    }

    /// The tables in use.
    pub fn current() -> Self {
        Self {
            root: PhysAddr(KERNEL_ROOT.load(Ordering::Relaxed)),
        }
    }

    /// Maps `len` bytes, with the largest pages that fit. What is mapped already stays. All three are multiples of
    /// the page size. `frames` gives zeroed frames for tables.
    ///
    /// # Errors
    /// [`NoFrame`]; a part may have been mapped.
    pub fn map(
        &self,
        virt: u64,
        phys: u64,
        len: u64,
        kind: Kind,
        frames: &mut dyn FnMut() -> Option<PhysAddr>,
    ) -> Result<(), NoFrame> {
        let mut done = 0;
        while done < len {
            done += self.map_one(virt + done, phys + done, len - done, kind, frames)?;
        }
        Ok(())
    }

    /// Maps one page at the largest size; answers its size.
    fn map_one(
        &self,
        virt: u64,
        phys: u64,
        len: u64,
        kind: Kind,
        frames: &mut dyn FnMut() -> Option<PhysAddr>,
    ) -> Result<u64, NoFrame> {
        let mut at = self.root;
        for level in (1..4).rev() {
            let size = 1u64 << (12 + 9 * level);
            let entry = &table(at)[(virt >> (12 + 9 * level) & 511) as usize];
            let word = entry.load(Ordering::Relaxed);
            let allowed = level == 1 || level == 2 && features::get().gigabyte_pages;
            if word & PRESENT == 0 && allowed && len >= size && (virt | phys) & (size - 1) == 0 {
                entry.store(phys | kind.bits() | LARGE, Ordering::Relaxed);
                return Ok(size);
            }
            if word & PRESENT != 0 && word & LARGE != 0 && level < 3 {
                return Ok(size - (virt & (size - 1)));
            }
            at = if word & PRESENT == 0 {
                let frame = frames().ok_or(NoFrame)?;
                entry.store(frame.0 | PRESENT | WRITABLE | ACCESSED, Ordering::Release);
                frame
            } else {
                PhysAddr(word & ADDRESS)
            };
        }
        let entry = &table(at)[(virt >> 12 & 511) as usize];
        if entry.load(Ordering::Relaxed) & PRESENT == 0 {
            entry.store(phys | kind.bits(), Ordering::Relaxed);
        }
        Ok(4096)
    }

    /// The word of the lowest table for a page that is not part of a larger one, tables for it made where they are missing.
    ///
    /// # Errors
    /// [`NoFrame`]; some tables may have been made.
    pub fn leaf(
        &self,
        virt: u64,
        frames: &mut dyn FnMut() -> Option<PhysAddr>,
    ) -> Result<Leaf, NoFrame> {
        let mut at = self.root;
        for level in (1..4).rev() {
            let entry = &table(at)[(virt >> (12 + 9 * level) & 511) as usize];
            let word = entry.load(Ordering::Relaxed);
            at = if word & PRESENT == 0 {
                let frame = frames().ok_or(NoFrame)?;
                entry.store(frame.0 | PRESENT | WRITABLE | ACCESSED, Ordering::Release);
                frame
            } else {
                PhysAddr(word & ADDRESS)
            };
        }
        Ok(Leaf(&table(at)[(virt >> 12 & 511) as usize]))
    }

    /// Whether an address of the kernel's half can be read. Before the kernel has tables of its own, its image can.
    pub fn is_mapped(&self, virt: u64) -> bool {
        if self.root.0 == 0 || virt >> 47 != 0x1_ffff {
            return self.root.0 == 0 && virt >= IMAGE;
        }
        let mut at = self.root;
        for level in (0..4).rev() {
            let word = table(at)[(virt >> (12 + 9 * level) & 511) as usize].load(Ordering::Relaxed);
            if word & PRESENT == 0 || level == 0 || word & LARGE != 0 {
                return word & PRESENT != 0;
            }
            at = PhysAddr(word & ADDRESS);
        }
        false
    }

    /// Makes these the kernel's tables and loads them into this core.
    ///
    /// # Safety
    /// They map the running code, its stack and all that the kernel uses.
    pub unsafe fn adopt(&self) {
        KERNEL_ROOT.store(self.root.0, Ordering::Relaxed);
        // SAFETY: K10, by the caller's promise.
        unsafe { load_root(self.root.0) };
        flush_everything();
    }
}

/// The lowest table's word for a page of the kernel's half. While it maps nothing, it can keep a number.
#[derive(Clone, Copy)]
pub struct Leaf(&'static AtomicU64);

impl Leaf {
    /// Maps a frame of memory.
    pub fn map(self, frame: Frame) {
        self.0
            .store(frame.start().0 | Kind::Data.bits(), Ordering::Relaxed);
    }

    /// The frame that it maps.
    pub fn frame(self) -> Option<Frame> {
        let word = self.0.load(Ordering::Relaxed);
        (word & PRESENT != 0).then(|| Frame::containing(PhysAddr(word & ADDRESS)))
    }

    /// Maps nothing, and keeps a number below 2^63. Cores may remember what was mapped.
    pub fn keep(self, number: u64) {
        self.0.store(number << 1, Ordering::Relaxed);
    }

    /// The number that was kept; 0 where nothing ever was.
    pub fn kept(self) -> u64 {
        self.0.load(Ordering::Relaxed) >> 1
    }
}

/// The root table that maps the kernel and no program.
pub fn kernel_root() -> PhysAddr {
    PhysAddr(KERNEL_ROOT.load(Ordering::Relaxed))
}

/// Enters the kernel's half in a new address space's root.
pub fn share_kernel_half(root: &Table) {
    let kernel = table(kernel_root());
    for index in KERNEL_HALF..512 {
        root[index].store(kernel[index].load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Loads CR3.
///
/// # Safety
/// The table maps the kernel's half.
unsafe fn load_root(value: u64) {
    // SAFETY: K10, by the caller's promise.
    unsafe {
        let table = PhysFrame::from_start_address_unchecked(x86_64::PhysAddr::new_unsafe(value));
        Cr3::write(table, Cr3Flags::empty());
    }
}

/// Physical address of the root table that is loaded.
pub fn root() -> u64 {
    Cr3::read().0.start_address().as_u64()
}

/// Loads an address space's root into this core, unless it is loaded.
///
/// # Safety
/// `root` holds the kernel's half (made by [`share_kernel_half`]) and stays until another space is loaded here.
pub unsafe fn activate(root: Frame) {
    let root = root.start().0;
    if cpu::this().root.swap(root, Ordering::Relaxed) != root {
        // SAFETY: K10, by the caller's promise.
        unsafe { load_root(root) };
    }
}

/// Loads the tables that map no program.
pub fn activate_kernel() {
    // SAFETY: K10, the kernel's own root.
    unsafe { activate(Frame::containing(kernel_root())) };
}

/// This core forgets the loaded space's translations (not the kernel's).
pub fn flush_all() {
    // SAFETY: K10, the same root again.
    unsafe { load_root(root()) };
}

/// This core forgets translations of these pages of the loaded space.
pub fn flush_pages(pages: PageRange) {
    for page in pages.start.0..pages.end.0 {
        tlb::flush(x86_64::VirtAddr::new_truncate(page << 12));
    }
}

/// This core forgets everything, the kernel's global translations too.
pub fn flush_everything() {
    // SAFETY: K2, clearing and setting CR4.PGE (SDM vol. 3A, 4.10.4.1).
    unsafe {
        Cr4::update(|flags| flags.remove(Cr4Flags::PAGE_GLOBAL));
        Cr4::update(|flags| flags.insert(Cr4Flags::PAGE_GLOBAL));
    }
}

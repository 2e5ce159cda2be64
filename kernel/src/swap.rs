//! Taking the swap disks at boot: the first core finds and prepares them, each torus takes its own into its own memory.

use core::sync::atomic::{AtomicU16, AtomicU32};
use disk::{Disk, DiskError, Wired, block_devices, prepare};
use machine::boot;
use machine::{cpu, paging};
use mem::OfTorus as _;
use mem::swap::{HEADER, Swap};
use sync::Lock;
use thiserror::Error;
use tori::rings;
use tori::{Make, Torus};
use torus::TorusId;
use torus::machine::Message;
use vm::addr::PAGE_SIZE;
use vm::frames::Use;
use vm::swap::{BLOCK, SlotTable};

/// Where mkswap(8) leaves [`SIGNATURE`] in the header.
const SIGNATURE_AT: usize = PAGE_SIZE - SIGNATURE.len();
const SIGNATURE: &[u8] = b"SWAPSPACE2";
/// Slots for each frame of the torus at most: their counts and checksums take a twentieth of its memory then.
const SLOTS_PER_FRAME: u64 = 32;

/// Why a torus has no swap although a disk is named for it.
#[derive(Debug, Error)]
enum OpenError {
    #[error("{0}")]
    Name(braid_firmware::disk::DiskError),
    #[error("{0}")]
    Disk(DiskError),
    #[error("it has {0} pages, too few for a header and a slot")]
    Small(u64),
    #[error("it holds something: only blank disks and those that mkswap has prepared are used")]
    InUse,
    #[error("no memory to keep account of its slots")]
    NoMemory,
}

/// Has every torus take the disk that the command line names for it; returns when all have, or have said why not. Called once, by the
/// first core, when all others idle.
pub fn start() {
    let disks = &boot::info().command_line.swap;
    if disks.is_empty() {
        return;
    }
    let found = block_devices();
    for torus in tori::all() {
        let number = torus.id.index();
        let (Some(name), Some(address)) = (disks.name(number), disks.of(number, &found)) else {
            log::info!("torus {}: no swap disk is named for it", torus.id);
            continue;
        };
        let prepared = address.map_err(OpenError::Name).and_then(|address| {
            let disk = prepare(address, torus.core(0)).map_err(OpenError::Disk)?;
            Ok(Prepared { name, disk })
        });
        match prepared {
            Ok(prepared) => hand_over(torus, prepared),
            Err(error) => log::error!("torus {}: no swap on {name}: {error}", torus.id),
        }
    }
    for torus in tori::count()..disks.len() {
        if let Some(name) = disks.name(torus) {
            log::warn!("swap disk {name} is not used: there is no torus {torus}");
        }
    }
}

/// At boot, the disk that is to become a torus's swap.
pub struct Waiting(Lock<Option<Prepared>>);

tori::part!(Waiting, 9);

impl Make for Waiting {
    fn new(_: TorusId, _: usize) -> Self {
        Self(Lock::new(None))
    }
}

/// A disk that its torus has not taken yet.
struct Prepared {
    name: &'static str,
    disk: Wired,
}

/// Has a torus take a disk, in its own memory.
fn hand_over(torus: &'static Torus, prepared: Prepared) {
    *torus.part::<Waiting>().0.lock() = Some(prepared);
    if torus.id == tori::here().id {
        return open();
    }
    rings::send(torus.id, Message::OpenSwap {});
    while torus.part::<Waiting>().0.lock().is_some() {
        core::hint::spin_loop();
    }
}

/// Takes the disk that was prepared for this core's torus.
pub fn open() {
    let torus = tori::here();
    // Another torus that waits for this one sees the disk taken only when all is done.
    let mut prepared = torus.part::<Waiting>().0.lock();
    let Some(Prepared { name, disk }) = prepared.take() else {
        return;
    };
    match take(torus, name, disk) {
        Ok(swap) => {
            let kib = swap.slots().capacity() * PAGE_SIZE as u64 / 1024;
            log::info!("torus {}: {kib} KiB of swap on {name}", torus.id);
            torus.kept().set_swap(swap);
        }
        Err(error) => log::error!("torus {}: no swap on {name}: {error}", torus.id),
    }
    // The plug-in that measures stretches begins a new one here: the threads that wait for swap do not count as booting.
    cpu::let_interrupts_in();
}

fn take(torus: &Torus, name: &'static str, disk: Wired) -> Result<Swap, OpenError> {
    let disk = Disk::new(disk).map_err(OpenError::Disk)?;
    let mut disk = fallible::boxed(disk).map_err(|_| OpenError::NoMemory)?;
    let pages = disk.pages();
    if pages <= HEADER {
        return Err(OpenError::Small(pages));
    }
    check_header(torus, &mut disk)?;
    let most = torus.total() * SLOTS_PER_FRAME;
    if pages - HEADER > most {
        log::warn!(
            "torus {}: {name} has {pages} pages, of which {most} are used",
            torus.id
        );
    }
    let count = usize::try_from((pages - HEADER).min(most)).map_err(|_| OpenError::NoMemory)?;
    let counts = fallible::collect((0..count).map(|_| AtomicU16::new(0)));
    let counts = counts.map_err(|_| OpenError::NoMemory)?;
    let sums = fallible::collect((0..count).map(|_| AtomicU32::new(0)));
    let sums = sums.map_err(|_| OpenError::NoMemory)?;
    let blocks = fallible::collect((0..count.div_ceil(BLOCK)).map(|_| AtomicU16::new(0)));
    let blocks = blocks.map_err(|_| OpenError::NoMemory)?;
    let mut key = [0; 8];
    linux::fill_random(&mut key);
    let key = u64::from_le_bytes(key);
    let slots = SlotTable::new(counts.leak(), sums.leak(), blocks.leak(), key);
    Swap::new(name, disk, slots, mem::restore::USERS).ok_or(OpenError::NoMemory)
}

/// Reads the header: a disk with somebody's data is left alone.
fn check_header(torus: &Torus, disk: &mut Disk) -> Result<(), OpenError> {
    let frame = torus.alloc_frame(Use::Kernel).ok_or(OpenError::NoMemory)?;
    // SAFETY: K22, the frame is new, and is kept for ever when the disk does not answer.
    unsafe { disk.read_now(0, frame) }.map_err(OpenError::Disk)?;
    let usable = {
        // SAFETY: K13, the frame is ours, and the disk has finished with it.
        let header: &[u8; PAGE_SIZE] = unsafe { &*paging::phys_to_virt(frame.start()).cast() };
        header.iter().all(|&byte| byte == 0) || &header[SIGNATURE_AT..] == SIGNATURE
    };
    torus.free_frame(frame);
    usable.then_some(()).ok_or(OpenError::InUse)
}

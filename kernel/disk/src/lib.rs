#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod dma;
mod pci;
mod wired;

pub use pci::{block_devices, prepare};
pub use wired::Wired;

use dma::{Headers, Memory, QUEUE};
use machine::paging;
use machine::time::{self, Nanos};
use mem::swap::{Direction, SwapDevice, Ticket};
use thiserror::Error;
use virtio_drivers::device::blk::{SECTOR_SIZE, VirtIOBlk};
use virtio_drivers::transport::pci::VirtioPciError;
use vm::addr::{Frame, PAGE_SIZE};

/// Requests that can be under way at once: each takes three descriptors of the queue.
const REQUESTS: usize = QUEUE / 3;
const SECTORS: usize = PAGE_SIZE / SECTOR_SIZE;
/// How long the disk may take for the page that is read at boot, in nanoseconds.
const PATIENCE: Nanos = Nanos::from_secs(5);

/// Why a disk is not used.
#[derive(Clone, Debug, Error)]
pub enum DiskError {
    /// The device is not what virtio's standard describes.
    #[error("{0}")]
    Transport(VirtioPciError),
    /// The device's registers lie where they cannot be mapped.
    #[error("its registers lie at {0:#x}, which cannot be mapped")]
    Registers(u64),
    /// The device has no MSI-X capability, or too few vectors.
    #[error("it has no MSI-X interrupts")]
    NoInterrupt,
    /// The torus has no memory for the queue.
    #[error("no memory for its queue")]
    NoMemory,
    /// The device refused to be set up.
    #[error("it refuses to be set up: {0}")]
    Refused(virtio_drivers::Error),
    /// It may not be written.
    #[error("it is read-only")]
    ReadOnly,
    /// It answers a request with an error.
    #[error("it cannot be read")]
    Unreadable,
    /// It does not answer.
    #[error("it does not answer")]
    Silent,
}

/// What a request needs to be completed.
#[derive(Clone, Copy)]
struct Request {
    token: u16,
    frame: Frame,
    direction: Direction,
}

/// A disk of pages.
pub struct Disk {
    device: VirtIOBlk<Memory, Wired>,
    headers: &'static mut Headers,
    requests: [Option<Request>; REQUESTS],
}

impl Disk {
    /// Takes a prepared device over.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn new(transport: Wired) -> Result<Self, DiskError> {
        let interrupt = transport.interrupt();
        let headers = dma::headers().ok_or(DiskError::NoMemory)?;
        let device = VirtIOBlk::new(transport).map_err(|error| match error {
            virtio_drivers::Error::DmaError => DiskError::NoMemory,
            error => DiskError::Refused(error),
        })?;
        if !interrupt.is_set() {
            return Err(DiskError::NoInterrupt);
        }
        if device.readonly() {
            return Err(DiskError::ReadOnly);
        }
        Ok(Self {
            device,
            headers,
            requests: [None; REQUESTS],
        })
    }

    /// How many whole pages it has.
    pub fn pages(&self) -> u64 {
        self.device.capacity() / SECTORS as u64
    }

    /// Reads a page and waits for it: at boot, when nothing else is under way.
    ///
    /// # Errors
    /// [`DiskError::Unreadable`]; [`DiskError::Silent`], and then the disk may write to the frame at any later time.
    ///
    /// # Safety
    /// The frame is nobody else's, and stays so for ever after [`DiskError::Silent`].
    pub unsafe fn read_now(&mut self, page: u64, frame: Frame) -> Result<(), DiskError> {
        // SAFETY: K22, by the caller's promise.
        let started = unsafe { self.start(Direction::Read, page, frame) };
        started.ok_or(DiskError::Unreadable)?;
        let end = time::now() + PATIENCE;
        while time::now() < end {
            if let Some((_, good)) = self.finished() {
                return good.then_some(()).ok_or(DiskError::Unreadable);
            }
            core::hint::spin_loop();
        }
        Err(DiskError::Silent)
    }
}

impl SwapDevice for Disk {
    fn requests(&self) -> usize {
        REQUESTS
    }

    unsafe fn start(&mut self, direction: Direction, page: u64, frame: Frame) -> Option<Ticket> {
        let index = self.requests.iter().position(Option::is_none)?;
        let (request, response) = self.headers.at(index);
        let sector = usize::try_from(page).ok()?.checked_mul(SECTORS)?;
        // SAFETY: K22, the frame by the caller's promise; the header is this request's until it is finished.
        let started = unsafe {
            let page = content(frame);
            match direction {
                Direction::Read => self.device.read_blocks_nb(sector, request, page, response),
                Direction::Write => self.device.write_blocks_nb(sector, request, page, response),
            }
        };
        self.requests[index] = Some(Request {
            token: started.ok()?,
            frame,
            direction,
        });
        Some(Ticket(index))
    }

    fn finished(&mut self) -> Option<(Ticket, bool)> {
        let token = self.device.peek_used()?;
        let same = |request: &Option<Request>| request.is_some_and(|r| r.token == token);
        // A device that answers what was not asked is not listened to any more.
        let index = self.requests.iter().position(same)?;
        let Request {
            frame, direction, ..
        } = self.requests[index].take()?;
        let (request, response) = self.headers.at(index);
        // SAFETY: K22, the same buffers as in `start`, and the device has finished with them.
        let result = unsafe {
            let page = content(frame);
            match direction {
                Direction::Read => self
                    .device
                    .complete_read_blocks(token, request, page, response),
                Direction::Write => self
                    .device
                    .complete_write_blocks(token, request, page, response),
            }
        };
        Some((Ticket(index), result.is_ok()))
    }
}

/// The bytes of a frame.
///
/// # Safety
/// Nobody else uses the frame meanwhile.
unsafe fn content(frame: Frame) -> &'static mut [u8; PAGE_SIZE] {
    // SAFETY: K22, by the caller's promise.
    unsafe { &mut *paging::phys_to_virt(frame.start()).cast() }
}

//! Memory as a device sees it: frames of the torus, by their physical addresses.

use core::ptr::NonNull;
use machine::paging;
use virtio_drivers::device::blk::{BlkReq, BlkResp};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};
use vm::frames::Use;

/// Descriptors of a block device's queue (`VirtIOBlk::virt_queue_size`).
pub(super) const QUEUE: usize = 16;

/// What is sent before a page and comes back after it, for each request under way.
pub(super) struct Headers([(BlkReq, BlkResp); super::REQUESTS]);

const _: () = assert!(size_of::<Headers>() <= PAGE_SIZE);

impl Headers {
    /// Those of request `index`.
    pub(super) fn at(&mut self, index: usize) -> (&mut BlkReq, &mut BlkResp) {
        let (request, response) = &mut self.0[index];
        (request, response)
    }
}

/// Headers in a frame of their own, which is never freed: the device knows its address.
pub(super) fn headers() -> Option<&'static mut Headers> {
    let frame = tori::here().alloc_zeroed_frame(Use::Kernel)?;
    let place = paging::phys_to_virt(frame.start()).cast::<Headers>();
    // SAFETY: K13, the frame is large enough, ours, and for ever.
    unsafe {
        place.write(Headers(core::array::from_fn(|_| Default::default())));
        Some(&mut *place)
    }
}

/// The driver's door to memory: everything it shares with a device lies in the direct map.
pub(super) struct Memory;

// SAFETY: K22, what is handed out is a fresh frame of this core's torus; what is shared lies in the direct map.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        const NONE: (PhysAddr, NonNull<u8>) = (0, NonNull::dangling());
        // A queue as short as a block device's takes single pages.
        if pages != 1 {
            return NONE;
        }
        let Some(frame) = tori::here().alloc_zeroed_frame(Use::Kernel) else {
            return NONE;
        };
        match NonNull::new(paging::phys_to_virt(frame.start())) {
            Some(memory) => (frame.start().0, memory),
            None => NONE,
        }
    }

    unsafe fn dma_dealloc(address: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        // Only a device that was refused gives its queue back, on the core that took it.
        let frame = vm::addr::Frame::containing(paging::PhysAddr(address));
        tori::here().free_frame(frame);
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        // `pci::prepare` has mapped the registers.
        let memory = paging::phys_to_virt(paging::PhysAddr(address));
        NonNull::new(memory).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        paging::direct_to_phys(buffer.cast().as_ptr()).0
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

//! A device's transport that also gives the queue its interrupt, which the driver's own does not.

use core::ptr::NonNull;
use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Notifications by index (virtio 1.2, 2.7.10): not offered to the driver, as plain ones are as good for a short queue.
const EVENT_INDEX: u64 = 1 << 29;

/// Where a device is told which MSI-X vector its queue raises: `queue_select` and `queue_msix_vector` of the common
/// configuration (virtio 1.2, 4.1.4.3).
#[derive(Clone, Copy)]
pub(super) struct Interrupt {
    common: NonNull<u8>,
}

// SAFETY: K23, device registers, which the core that sets the device up alone uses.
unsafe impl Send for Interrupt {}
// SAFETY: K23, as above.
unsafe impl Sync for Interrupt {}

const QUEUE_SELECT: usize = 22;
const QUEUE_VECTOR: usize = 26;

impl Interrupt {
    /// Of the device whose common configuration is mapped at `common`.
    pub(super) fn new(common: NonNull<u8>) -> Self {
        Self { common }
    }

    fn word(self, offset: usize) -> *mut u16 {
        // SAFETY: K23, the common configuration has 56 bytes.
        unsafe { self.common.as_ptr().add(offset).cast() }
    }

    /// Has queue `queue` raise vector 0.
    fn set(self, queue: u16) {
        // SAFETY: K23, as the standard describes it.
        unsafe {
            self.word(QUEUE_SELECT).write_volatile(queue);
            self.word(QUEUE_VECTOR).write_volatile(0);
        }
    }

    /// Whether queue 0 raises vector 0: a device without room for it says another.
    pub(super) fn is_set(self) -> bool {
        // SAFETY: K23, as above.
        unsafe {
            self.word(QUEUE_SELECT).write_volatile(0);
            self.word(QUEUE_VECTOR).read_volatile() == 0
        }
    }
}

/// A PCI transport with an interrupt.
pub struct Wired {
    inner: PciTransport,
    interrupt: Interrupt,
}

impl Wired {
    pub(super) fn new(inner: PciTransport, interrupt: Interrupt) -> Self {
        Self { inner, interrupt }
    }

    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt
    }
}

impl Transport for Wired {
    fn device_type(&self) -> DeviceType {
        self.inner.device_type()
    }

    fn read_device_features(&mut self) -> u64 {
        self.inner.read_device_features() & !EVENT_INDEX
    }

    fn write_driver_features(&mut self, features: u64) {
        self.inner.write_driver_features(features);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.inner.max_queue_size(queue)
    }

    fn notify(&mut self, queue: u16) {
        self.inner.notify(queue);
    }

    fn get_status(&self) -> DeviceStatus {
        self.inner.get_status()
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.inner.set_status(status);
    }

    fn set_guest_page_size(&mut self, size: u32) {
        self.inner.set_guest_page_size(size);
    }

    fn requires_legacy_layout(&self) -> bool {
        self.inner.requires_legacy_layout()
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        // The vector comes before the queue is enabled (virtio 1.2, 4.1.5.1.3).
        self.interrupt.set(queue);
        self.inner
            .queue_set(queue, size, descriptors, driver_area, device_area);
    }

    fn queue_unset(&mut self, queue: u16) {
        self.inner.queue_unset(queue);
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.inner.queue_used(queue)
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        self.inner.ack_interrupt()
    }

    fn read_config_generation(&self) -> u32 {
        self.inner.read_config_generation()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        self.inner.read_config_space(offset)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        offset: usize,
        value: T,
    ) -> Result<()> {
        self.inner.write_config_space(offset, value)
    }
}

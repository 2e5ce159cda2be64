//! Block devices on PCI: finding them, mapping their registers, routing their interrupts.
//!
//! Configuration space is reached through ports 0xcf8 and 0xcfc (PCI Local Bus 3.0, 3.2.2.3.2), which every PC has: 256 bytes of
//! each function, where all that is needed lies. Used at boot only, by the first core.

use super::DiskError;
use super::dma::Memory;
use super::wired::{Interrupt, Wired};
use braid_firmware::disk::PciAddress;
use core::ptr::NonNull;
use heapless::Vec;
use machine::apic;
use machine::cpu::Cpu;
use machine::paging::{self, PhysAddr};
use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::pci::bus::{
    Command, ConfigurationAccess, DeviceFunction, HeaderType, PciRoot,
};
use virtio_drivers::transport::pci::{
    PciTransport, VIRTIO_PCI_CAP_COMMON_CFG, VirtioPciError, virtio_device_type,
};
use vm::frames::Use;
use x86_64::instructions::port::Port;

/// Disks of a machine that are told apart.
const MOST: usize = 64;
const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
/// Buses of a bridge: bits 8 to 15 are the one behind it.
const BRIDGE_BUSES: u8 = 0x18;
const CAPABILITY_VENDOR: u8 = 0x09;
const CAPABILITY_MSIX: u8 = 0x11;
/// In the upper half of an MSI-X capability's first word.
const MSIX_ENABLE: u16 = 1 << 15;
const MSIX_MASK_ALL: u16 = 1 << 14;

/// The two ports.
struct Ports;

fn select(at: DeviceFunction, register: u8) {
    let place = u32::from(at.bus) << 16 | u32::from(at.device) << 11 | u32::from(at.function) << 8;
    // SAFETY: K23, the documented way to configuration space, at boot by the first core.
    unsafe { Port::<u32>::new(ADDRESS).write(1 << 31 | place | u32::from(register & !3)) };
}

impl ConfigurationAccess for Ports {
    fn read_word(&self, at: DeviceFunction, register: u8) -> u32 {
        select(at, register);
        // SAFETY: K23, as above.
        unsafe { Port::new(DATA).read() }
    }

    fn write_word(&mut self, at: DeviceFunction, register: u8, value: u32) {
        select(at, register);
        // SAFETY: K23, as above.
        unsafe { Port::new(DATA).write(value) };
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Self
    }
}

/// The virtio block devices of the machine in the order of their addresses, bridges followed where they stand.
pub fn block_devices() -> Vec<PciAddress, MOST> {
    let mut found = Vec::new();
    // Firmware numbers the bus behind a bridge higher than the bridge's own; what does not is not followed, so this ends.
    let mut waiting: Vec<u8, 256> = Vec::new();
    let _ = waiting.push(0);
    while let Some(bus) = waiting.pop() {
        for (at, info) in PciRoot::new(Ports).enumerate_bus(bus) {
            if virtio_device_type(&info) == Some(DeviceType::Block) {
                // More than fit have no names.
                let _ = found.push(PciAddress {
                    bus: at.bus,
                    device: at.device,
                    function: at.function,
                });
            }
            if info.header_type == HeaderType::PciPciBridge {
                let behind = (Ports.read_word(at, BRIDGE_BUSES) >> 8) as u8;
                if behind > bus {
                    let _ = waiting.push(behind);
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// Maps a device's registers and lets it interrupt a core. At boot, by the first core.
///
/// # Errors
/// [`DiskError`].
pub fn prepare(address: PciAddress, core: &Cpu) -> Result<Wired, DiskError> {
    let at = DeviceFunction {
        bus: address.bus,
        device: address.device,
        function: address.function,
    };
    let mut root = PciRoot::new(Ports);
    map_registers(&mut root, at)?;
    root.set_command(
        at,
        Command::MEMORY_SPACE | Command::BUS_MASTER | Command::INTERRUPT_DISABLE,
    );
    let transport = PciTransport::new::<Memory, _>(&mut root, at).map_err(DiskError::Transport)?;
    let common = common_configuration(&mut root, at)?;
    enable_msix(&mut root, at, core)?;
    Ok(Wired::new(transport, Interrupt::new(common)))
}

/// Extends the direct map by the device's memory windows.
fn map_registers(root: &mut PciRoot<Ports>, at: DeviceFunction) -> Result<(), DiskError> {
    let transport = |error| DiskError::Transport(VirtioPciError::Pci(error));
    let torus = tori::here();
    for bar in root.bars(at).map_err(transport)?.iter().flatten() {
        let Some((start, size)) = bar.memory_address_size().filter(|(_, size)| *size > 0) else {
            continue;
        };
        let mut frames = || torus.alloc_zeroed_frame(Use::Kernel).map(|f| f.start());
        if start == 0 {
            return Err(DiskError::Registers(start));
        }
        paging::map_device(PhysAddr(start), size, &mut frames)
            .map_err(|_| DiskError::Registers(start))?;
    }
    Ok(())
}

/// Where the registers of window `bar` are mapped from `offset` on.
fn window(
    root: &mut PciRoot<Ports>,
    at: DeviceFunction,
    bar: u8,
    offset: u64,
    len: u64,
) -> Result<NonNull<u8>, DiskError> {
    let none = DiskError::Transport(VirtioPciError::BarNotAllocated(bar));
    let info = if bar < 6 {
        root.bar_info(at, bar)
    } else {
        Ok(None)
    };
    let (start, size) = info
        .ok()
        .flatten()
        .and_then(|info| info.memory_address_size())
        .ok_or(none)?;
    if offset.saturating_add(len) > size {
        return Err(DiskError::Transport(VirtioPciError::BarOffsetOutOfRange));
    }
    NonNull::new(paging::phys_to_virt(PhysAddr(start + offset))).ok_or(DiskError::Registers(start))
}

/// The device's common configuration: `struct virtio_pci_cap` (virtio 1.2, 4.1.4).
fn common_configuration(
    root: &mut PciRoot<Ports>,
    at: DeviceFunction,
) -> Result<NonNull<u8>, DiskError> {
    const LEN: u64 = 56;
    let capability = root
        .capabilities(at)
        .find(|capability| {
            capability.id == CAPABILITY_VENDOR
                && (capability.private_header >> 8) as u8 == VIRTIO_PCI_CAP_COMMON_CFG
        })
        .ok_or(DiskError::Transport(VirtioPciError::MissingCommonConfig))?;
    let bar = Ports.read_word(at, capability.offset + 4) as u8;
    let offset = Ports.read_word(at, capability.offset + 8);
    window(root, at, bar, u64::from(offset), LEN)
}

/// Sends the device's first vector to a core (PCI Local Bus 3.0, 6.8.2; SDM vol. 3A, 10.11: fixed, edge-triggered).
fn enable_msix(root: &mut PciRoot<Ports>, at: DeviceFunction, core: &Cpu) -> Result<(), DiskError> {
    let capability = root
        .capabilities(at)
        .find(|capability| capability.id == CAPABILITY_MSIX)
        .ok_or(DiskError::NoInterrupt)?;
    let place = Ports.read_word(at, capability.offset + 4);
    let (bar, offset) = ((place & 7) as u8, u64::from(place & !7));
    let entry = window(root, at, bar, offset, 16)?.cast::<u32>();
    // The message's address has eight bits for the core.
    let core = u8::try_from(core.apic_id).map_err(|_| DiskError::NoInterrupt)?;
    let words = [
        0xfee0_0000 | u32::from(core) << 12,
        0,
        u32::from(apic::vector::DISK),
        0,
    ];
    for (index, word) in words.into_iter().enumerate() {
        // SAFETY: K23, an entry has four words, and is not in use yet.
        unsafe { entry.add(index).write_volatile(word) };
    }
    let control = capability.private_header & !MSIX_MASK_ALL | MSIX_ENABLE;
    let first = u32::from(capability.id) | Ports.read_word(at, capability.offset) & 0xff00;
    Ports.write_word(at, capability.offset, u32::from(control) << 16 | first);
    Ok(())
}

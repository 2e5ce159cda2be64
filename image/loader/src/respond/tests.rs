//! Crate `limine` reads the responses: what a kernel asks for is what it gets.

use super::*;
use crate::map::{Kind, Region};
use alloc::vec;
use core::sync::atomic::AtomicU64;
use limine::{BaseRevision, request as ask};

/// The requests of a kernel as crate `limine` makes them.
#[repr(C)]
struct Kernel {
    start: ask::RequestsStartMarker,
    revision: BaseRevision,
    info: ask::BootloaderInfoRequest,
    firmware: ask::FirmwareTypeRequest,
    stack: ask::StackSizeRequest,
    hhdm: ask::HhdmRequest,
    paging: ask::PagingModeRequest,
    mp: ask::MpRequest,
    map: ask::MemoryMapRequest,
    file: ask::ExecutableFileRequest,
    modules: ask::ModuleRequest,
    rsdp: ask::RsdpRequest,
    date: ask::DateAtBootRequest,
    address: ask::ExecutableAddressRequest,
    cmdline: ask::ExecutableCmdlineRequest,
    framebuffer: ask::FramebufferRequest,
    end: ask::RequestsEndMarker,
}

impl Kernel {
    fn new(revision: u64) -> Self {
        Self {
            start: ask::RequestsStartMarker::new(),
            revision: BaseRevision::with_revision(revision),
            info: ask::BootloaderInfoRequest::new(),
            firmware: ask::FirmwareTypeRequest::new(),
            stack: ask::StackSizeRequest::new().with_size(1 << 20),
            hhdm: ask::HhdmRequest::new(),
            paging: ask::PagingModeRequest::new(),
            mp: ask::MpRequest::new(),
            map: ask::MemoryMapRequest::new(),
            file: ask::ExecutableFileRequest::new(),
            modules: ask::ModuleRequest::new(),
            rsdp: ask::RsdpRequest::new(),
            date: ask::DateAtBootRequest::new(),
            address: ask::ExecutableAddressRequest::new(),
            cmdline: ask::ExecutableCmdlineRequest::new(),
            framebuffer: ask::FramebufferRequest::new(),
            end: ask::RequestsEndMarker::new(),
        }
    }

    /// Answers the requests, with an HHDM offset of 0 so that addresses are good here.
    fn answer(&mut self, facts: &Facts<'_>) {
        let words = size_of::<Self>() / 8;
        // SAFETY: L13, the structure is words throughout, and not used in between.
        let image = unsafe { core::slice::from_raw_parts_mut((&raw mut *self).cast(), words) };
        let requests = Requests::find(image).unwrap();
        assert_eq!(requests.field(image, Feature::StackSize, 0), Some(1 << 20));
        respond(&requests, image, facts);
    }
}

fn facts<'a>(regions: &'a [Region], contents: &'a [u8], infos: &'a [MpInfo]) -> Facts<'a> {
    let physical = contents.as_ptr().addr() as u64;
    let file = LoadedFile {
        physical,
        size: contents.len() as u64,
        path: "/k",
        cmdline: "a b",
    };
    Facts {
        hhdm: 0,
        image: (0x20_0000, 0xffff_ffff_8000_0000),
        file: Some(file),
        cmdline: "a b",
        modules: vec![LoadedFile {
            path: "/m",
            cmdline: "",
            ..file
        }],
        rsdp: Some(0xf_59d0),
        date: 1_800_000_000,
        processors: Some(Processors {
            x2apic: true,
            bsp_apic_id: 4,
            infos: infos.iter().collect(),
        }),
        framebuffer: Some(Framebuffer {
            base: 0xfd00_0000,
            width: 1024,
            height: 768,
        }),
        regions,
    }
}

#[test]
fn crate_limine_reads_the_responses() {
    let regions = [
        Region {
            base: 0x1000,
            end: 0x9_f000,
            kind: Kind::Usable,
        },
        Region {
            base: 0x10_0000,
            end: 0x20_0000,
            kind: Kind::BootloaderReclaimable,
        },
    ];
    let infos = [4, 6].map(|apic_id| MpInfo {
        processor_id: apic_id / 2,
        apic_id,
        reserved: 0,
        goto_address: AtomicU64::new(0),
        extra: 0,
    });
    let mut kernel = Kernel::new(3);
    kernel.answer(&facts(&regions, b"contents", &infos));
    assert!(kernel.revision.is_supported());
    assert_eq!(kernel.revision.loaded_revision(), Some(3));
    assert_eq!(kernel.info.get_response().unwrap().name(), "braid-loader");
    assert!(kernel.firmware.get_response().is_some() && kernel.stack.get_response().is_some());
    assert_eq!(kernel.hhdm.get_response().unwrap().offset(), 0);
    assert!(kernel.paging.get_response().unwrap().mode() == limine::paging::Mode::FOUR_LEVEL);
    let mut screens = kernel.framebuffer.get_response().unwrap().framebuffers();
    let screen = screens.next().unwrap();
    assert!(screens.next().is_none());
    assert_eq!(screen.addr().addr(), 0xfd00_0000);
    assert_eq!(
        (
            screen.width(),
            screen.height(),
            screen.pitch(),
            screen.bpp()
        ),
        (1024, 768, 4096, 32)
    );
    let masks = [
        (screen.red_mask_size(), screen.red_mask_shift()),
        (screen.green_mask_size(), screen.green_mask_shift()),
        (screen.blue_mask_size(), screen.blue_mask_shift()),
    ];
    assert_eq!(masks, [(8, 16), (8, 8), (8, 0)]);

    let mp = kernel.mp.get_response().unwrap();
    assert_eq!((mp.bsp_lapic_id(), mp.flags().bits()), (4, 1));
    let processors: Vec<_> = mp.cpus().iter().map(|cpu| (cpu.id, cpu.lapic_id)).collect();
    assert_eq!(processors, [(2, 4), (3, 6)]);

    let map = kernel.map.get_response().unwrap().entries();
    assert_eq!((map[0].base, map[0].length), (0x1000, 0x9_e000));
    assert!(map[0].entry_type == limine::memory_map::EntryType::USABLE);
    assert!(map[1].entry_type == limine::memory_map::EntryType::BOOTLOADER_RECLAIMABLE);

    let file = kernel.file.get_response().unwrap().file();
    assert_eq!(
        (file.path(), file.string(), file.size()),
        (c"/k", c"a b", 8)
    );
    let modules = kernel.modules.get_response().unwrap().modules();
    assert_eq!(
        (modules.len(), modules[0].path(), modules[0].string()),
        (1, c"/m", c"")
    );
    // SAFETY: L13, with an HHDM offset of 0 the file is where its contents were given.
    assert_eq!(unsafe { *modules[0].addr() }, b'c');

    assert_eq!(kernel.rsdp.get_response().unwrap().address(), 0xf_59d0);
    assert_eq!(
        kernel.date.get_response().unwrap().timestamp().as_secs(),
        1_800_000_000
    );
    let address = kernel.address.get_response().unwrap();
    assert_eq!(
        (address.physical_base(), address.virtual_base()),
        (0x20_0000, 0xffff_ffff_8000_0000)
    );
    assert_eq!(kernel.cmdline.get_response().unwrap().cmdline(), c"a b");
}

#[test]
fn what_is_not_there_is_not_answered() {
    let mut kernel = Kernel::new(2);
    let mut facts = facts(&[], b"", &[]);
    (facts.file, facts.rsdp, facts.processors) = (None, None, None);
    facts.framebuffer = None;
    kernel.answer(&facts);
    assert!(kernel.framebuffer.get_response().is_none());
    assert!(kernel.file.get_response().is_none());
    assert!(kernel.rsdp.get_response().is_none());
    assert!(kernel.mp.get_response().is_none());
    assert_eq!(kernel.revision.loaded_revision(), Some(2));
}

#[test]
fn the_root_pointer_is_physical_in_base_revision_3_only() {
    for (revision, hhdm) in [(0, 1 << 40), (1, 1 << 40), (2, 1 << 40), (3, 0)] {
        let mut image = [
            &crate::protocol::BASE_REVISION_TAG[..],
            &[revision],
            &crate::protocol::COMMON_MAGIC,
        ]
        .concat();
        image.extend([0xc5e7_7b6b_397e_7b43, 0x2763_7845_accd_cf3c, 0, 0]);
        let mut facts = facts(&[], b"", &[]);
        facts.hhdm = 1 << 40;
        respond(&Requests::find(&image).unwrap(), &mut image, &facts);
        let response =
            core::ptr::with_exposed_provenance::<[u64; 2]>((image[8] - facts.hhdm) as usize);
        // SAFETY: L13, the request has just been answered with this address, less the offset.
        assert_eq!(unsafe { *response }, [0, 0xf_59d0 + hhdm]);
    }
}

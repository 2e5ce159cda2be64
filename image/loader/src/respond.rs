//! Writing the responses.
//!
//! Responses lie on the loader's heap, which the memory map calls bootloader-reclaimable, and are never freed. The
//! loader runs identity mapped, so the kernel's address of each is the loader's plus the HHDM offset.

use crate::{
    map::Region,
    protocol::{self, Feature, File, MapEntry, MpInfo, MpResponse, Response},
    requests::Requests,
};
use alloc::{boxed::Box, vec::Vec};

/// A file in memory.
#[derive(Debug, Clone, Copy)]
pub struct LoadedFile<'a> {
    /// Physical address of the contents, page aligned.
    pub physical: u64,
    /// Bytes.
    pub size: u64,
    /// Path on the boot volume.
    pub path: &'a str,
    /// The string of the configuration that goes with it.
    pub cmdline: &'a str,
}

/// The processors, as far as they answered.
#[derive(Debug)]
pub struct Processors<'a> {
    /// Whether the local APICs are in x2APIC mode.
    pub x2apic: bool,
    /// APIC ID of the bootstrap processor.
    pub bsp_apic_id: u32,
    /// One for each processor.
    pub infos: Vec<&'a MpInfo>,
}

/// Video memory of 32 bits a pixel: blue, green, red, unused.
#[derive(Debug, Clone, Copy)]
pub struct Framebuffer {
    /// Physical address.
    pub base: u64,
    /// Pixels in a row, which follow each other without gaps.
    pub width: u64,
    /// Rows.
    pub height: u64,
}

impl Framebuffer {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.width * self.height * 4
    }
}

/// What the responses say.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Virtual address at which physical address 0 is mapped.
    pub hhdm: u64,
    /// Where the kernel image is: physical and virtual address.
    pub image: (u64, u64),
    /// The kernel's file, if it was asked for.
    pub file: Option<LoadedFile<'a>>,
    /// The kernel's command line.
    pub cmdline: &'a str,
    /// Modules: internal ones first, then those of the configuration.
    pub modules: Vec<LoadedFile<'a>>,
    /// Physical address of the ACPI root pointer, if there is one.
    pub rsdp: Option<u64>,
    /// Seconds since 1970.
    pub date: i64,
    /// `None` when the processors were not started.
    pub processors: Option<Processors<'a>>,
    /// Video memory, if there is some.
    pub framebuffer: Option<Framebuffer>,
    /// The final memory map.
    pub regions: &'a [Region],
}

/// Answers every request that is answered: no memory may be allocated from the memory map after this.
pub fn respond(requests: &Requests, image: &mut [u64], facts: &Facts<'_>) {
    let place = Placer { hhdm: facts.hhdm };
    requests.answer_base_revision(image);
    let mut answer = |feature, response| {
        if let Some(response) = response {
            requests.answer(image, feature, response);
        }
    };
    answer(
        Feature::BootloaderInfo,
        Some(place.words([
            place.text("braid-loader"),
            place.text(env!("CARGO_PKG_VERSION")),
        ])),
    );
    // The firmware is SeaBIOS (type 0), whatever it left of itself.
    answer(Feature::FirmwareType, Some(place.words([0])));
    answer(Feature::StackSize, Some(place.words([])));
    answer(Feature::Hhdm, Some(place.words([facts.hhdm])));
    // Four levels (mode 0): the only ones that this loader makes.
    answer(Feature::PagingMode, Some(place.words([0])));
    answer(Feature::EntryPoint, Some(place.words([])));
    answer(
        Feature::DateAtBoot,
        Some(place.words([facts.date.cast_unsigned()])),
    );
    answer(
        Feature::ExecutableAddress,
        Some(place.words([facts.image.0, facts.image.1])),
    );
    answer(
        Feature::ExecutableCmdline,
        Some(place.words([place.text(facts.cmdline)])),
    );
    answer(
        Feature::ExecutableFile,
        facts
            .file
            .map(|file| place.words([place.address(place.file(file))])),
    );
    answer(Feature::Modules, Some(place.modules(&facts.modules)));
    // The address is physical in base revision 3, virtual before.
    let rsdp = facts.rsdp.map(|at| {
        if requests.base_revision == 3 {
            at
        } else {
            at + facts.hhdm
        }
    });
    answer(Feature::Rsdp, rsdp.map(|at| place.words([at])));
    answer(
        Feature::Mp,
        facts
            .processors
            .as_ref()
            .map(|processors| place.processors(processors)),
    );
    answer(
        Feature::Framebuffer,
        facts.framebuffer.map(|screen| place.framebuffers(screen)),
    );
    answer(Feature::MemoryMap, Some(place.memory_map(facts.regions)));
}

/// Puts values where the kernel finds them, and gives their addresses there.
struct Placer {
    hhdm: u64,
}

impl Placer {
    fn address<T: ?Sized>(&self, object: &T) -> u64 {
        core::ptr::from_ref(object).cast::<u8>().expose_provenance() as u64 + self.hhdm
    }

    fn place<T: 'static>(&self, object: T) -> u64 {
        self.address(Box::leak(Box::new(object)))
    }

    fn words<const WORDS: usize>(&self, words: [u64; WORDS]) -> u64 {
        self.place(Response { revision: 0, words })
    }

    fn text(&self, text: &str) -> u64 {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend(text.bytes().filter(|&byte| byte != 0));
        bytes.push(0);
        self.address(bytes.leak())
    }

    fn list(&self, addresses: Vec<u64>) -> u64 {
        self.address(addresses.leak())
    }

    fn file(&self, file: LoadedFile<'_>) -> &'static File {
        Box::leak(Box::new(File {
            address: file.physical + self.hhdm,
            size: file.size,
            path: self.text(file.path),
            cmdline: self.text(file.cmdline),
            ..File::default()
        }))
    }

    /// Revision 1 of the response: internal modules are honoured, compressed ones are not.
    fn modules(&self, modules: &[LoadedFile<'_>]) -> u64 {
        let list: Vec<u64> = modules
            .iter()
            .map(|&file| self.address(self.file(file)))
            .collect();
        let count = list.len() as u64;
        self.place(Response {
            revision: 1,
            words: [count, self.list(list)],
        })
    }

    fn processors(&self, processors: &Processors<'_>) -> u64 {
        let list: Vec<u64> = processors
            .infos
            .iter()
            .map(|&info| self.address(info))
            .collect();
        self.place(MpResponse {
            revision: 0,
            flags: processors.x2apic.into(),
            bsp_apic_id: processors.bsp_apic_id,
            count: list.len() as u64,
            processors: self.list(list),
        })
    }

    fn framebuffers(&self, screen: Framebuffer) -> u64 {
        let only = self.place(protocol::Framebuffer {
            address: screen.base + self.hhdm,
            width: screen.width,
            height: screen.height,
            pitch: screen.width * 4,
            depth: 32,
            model: 1,
            masks: [8, 16, 8, 8, 8, 0],
            ..protocol::Framebuffer::default()
        });
        self.words([1, self.list(Vec::from([only]))])
    }

    fn memory_map(&self, regions: &[Region]) -> u64 {
        let entry = |r: &Region| MapEntry {
            base: r.base,
            length: r.end - r.base,
            kind: r.kind as u64,
        };
        let list: Vec<u64> = regions
            .iter()
            .map(|region| self.place(entry(region)))
            .collect();
        self.words([list.len() as u64, self.list(list)])
    }
}

#[cfg(test)]
#[expect(
    unsafe_code,
    reason = "a kernel's image is looked at as words, and responses by their addresses"
)]
mod tests {
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
            // SAFETY: the structure is words throughout, and not used in between.
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
        // SAFETY: with an HHDM offset of 0 the file is where its contents were given.
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
            // SAFETY: the request has just been answered with this address, less the offset.
            assert_eq!(unsafe { *response }, [0, 0xf_59d0 + hhdm]);
        }
    }
}

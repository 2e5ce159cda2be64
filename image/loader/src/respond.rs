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
mod tests;

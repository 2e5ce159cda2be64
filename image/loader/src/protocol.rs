//! Numbers and layouts of the Limine boot protocol, after its published specification (PROTOCOL.md).
//!
//! Addresses in responses are numbers here: they mean something in the kernel's address space only.

use core::sync::atomic::AtomicU64;

/// The highest base revision this loader implements.
pub const BASE_REVISION: u64 = 3;

/// First two words of the base revision tag; the third is the revision.
pub const BASE_REVISION_TAG: [u64; 2] = [0xf956_2b2d_5c95_a6c8, 0x6a7b_3849_4453_6bdc];

/// Marks where requests begin.
pub const START_MARKER: [u64; 4] = [
    0xf6b8_f4b3_9de7_d1ae,
    0xfab9_1a69_40fc_b9cf,
    0x785c_6ed0_15d3_e316,
    0x181e_920a_7852_b9d9,
];

/// Marks where requests end.
pub const END_MARKER: [u64; 2] = [0xadc0_e053_1bb1_0d03, 0x9572_709f_3176_4c62];

/// First two words of the ID of every request.
pub const COMMON_MAGIC: [u64; 2] = [0xc7b1_dd30_df4c_8b88, 0x0a82_e883_a194_f07b];

/// A request that this loader answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Name and version of the loader.
    BootloaderInfo,
    /// BIOS or UEFI.
    FirmwareType,
    /// Size of each stack.
    StackSize,
    /// Where physical memory is mapped.
    Hhdm,
    /// Four or five levels.
    PagingMode,
    /// The other processors.
    Mp,
    /// The memory map.
    MemoryMap,
    /// Another entry point.
    EntryPoint,
    /// The kernel's file.
    ExecutableFile,
    /// Modules.
    Modules,
    /// The ACPI root pointer.
    Rsdp,
    /// The date.
    DateAtBoot,
    /// Where the kernel is.
    ExecutableAddress,
    /// The kernel's command line.
    ExecutableCmdline,
    /// Video memory.
    Framebuffer,
}

/// The last two words of the ID of each feature.
pub const FEATURES: [(Feature, [u64; 2]); 15] = [
    (
        Feature::BootloaderInfo,
        [0xf550_38d8_e2a1_202f, 0x2794_26fc_f5f5_9740],
    ),
    (
        Feature::FirmwareType,
        [0x8c2f_75d9_0bef_28a8, 0x7045_a468_8eac_00c3],
    ),
    (
        Feature::StackSize,
        [0x224e_f046_0a8e_8926, 0xe1cb_0fc2_5f46_ea3d],
    ),
    (
        Feature::Hhdm,
        [0x48dc_f1cb_8ad2_b852, 0x6398_4e95_9a98_244b],
    ),
    (
        Feature::PagingMode,
        [0x95c1_a0ed_ab09_44cb, 0xa4e5_cb38_42f7_488a],
    ),
    (Feature::Mp, [0x95a6_7b81_9a1b_857e, 0xa0b6_1b72_3b6a_73e0]),
    (
        Feature::MemoryMap,
        [0x67cf_3d9d_378a_806f, 0xe304_acdf_c50c_3c62],
    ),
    (
        Feature::EntryPoint,
        [0x13d8_6c03_5a1c_d3e1, 0x2b0c_aa89_d8f3_026a],
    ),
    (
        Feature::ExecutableFile,
        [0xad97_e90e_83f1_ed67, 0x31eb_5d1c_5ff2_3b69],
    ),
    (
        Feature::Modules,
        [0x3e7e_2797_02be_32af, 0xca1c_4f3b_d128_0cee],
    ),
    (
        Feature::Rsdp,
        [0xc5e7_7b6b_397e_7b43, 0x2763_7845_accd_cf3c],
    ),
    (
        Feature::DateAtBoot,
        [0x5027_46e1_84c0_88aa, 0xfbc5_ec83_e632_7893],
    ),
    (
        Feature::ExecutableAddress,
        [0x71ba_7686_3cc5_5f63, 0xb264_4a48_c516_a487],
    ),
    (
        Feature::ExecutableCmdline,
        [0x4b16_1536_e598_651e, 0xb390_ad4a_2f1f_303a],
    ),
    (
        Feature::Framebuffer,
        [0x9d58_27dc_d881_dd75, 0xa314_8604_f6fa_b11b],
    ),
];

/// A response that is a revision and words, of which each may be an address or a number.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Response<const WORDS: usize> {
    /// Revision of the response.
    pub revision: u64,
    /// What follows.
    pub words: [u64; WORDS],
}

/// Response to the MP request.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct MpResponse {
    /// Revision of the response.
    pub revision: u64,
    /// Bit 0: the local APICs are in x2APIC mode.
    pub flags: u32,
    /// APIC ID of the bootstrap processor.
    pub bsp_apic_id: u32,
    /// How many processors follow.
    pub count: u64,
    /// Address of that many addresses of `MpInfo`.
    pub processors: u64,
}

/// One processor (`limine_smp_info`).
#[derive(Debug)]
#[repr(C)]
pub struct MpInfo {
    /// ACPI processor UID.
    pub processor_id: u32,
    /// Local APIC ID.
    pub apic_id: u32,
    /// Not used.
    pub reserved: u64,
    /// Where the parked processor goes once this is not 0.
    pub goto_address: AtomicU64,
    /// For the kernel.
    pub extra: u64,
}

/// An entry of the memory map response.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct MapEntry {
    /// Physical address.
    pub base: u64,
    /// Bytes.
    pub length: u64,
    /// A `map::Kind`.
    pub kind: u64,
}

/// A file (`limine_file`). The media type is "generic", and there is no partition.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct File {
    /// Revision of the structure.
    pub revision: u64,
    /// Address of the contents.
    pub address: u64,
    /// Bytes.
    pub size: u64,
    /// Address of the path, NUL-terminated.
    pub path: u64,
    /// Address of the command line, NUL-terminated.
    pub cmdline: u64,
    /// Media type, network and partition: all zero.
    pub media: [u32; 6],
    /// Disk, partition and file system identifiers: all zero.
    pub identifiers: [[u32; 4]; 3],
}

/// A framebuffer (`limine_framebuffer`) of revision 0, without EDID.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct Framebuffer {
    /// Address of the upper left pixel.
    pub address: u64,
    /// Pixels in a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// Bytes from row to row.
    pub pitch: u64,
    /// Bits of a pixel.
    pub depth: u16,
    /// 1: RGB.
    pub model: u8,
    /// Size and shift of red, green and blue, in bits.
    pub masks: [u8; 6],
    /// Not used.
    pub unused: [u8; 7],
    /// Size and address of the EDID.
    pub edid: [u64; 2],
}

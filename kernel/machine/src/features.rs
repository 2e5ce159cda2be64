//! What this processor can do (CPUID), read once by the first core.

use super::msr;
use braid_firmware::speculation::Facts;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::fmt;
use spin::Once;

/// The features that the kernel uses where they exist, by their names in CPUID (SDM vol. 2A, table 3-8).
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the manual's names")]
pub struct Features {
    pub xsave: bool,
    pub mce: bool,
    pub x2apic: bool,
    pub tsc_deadline: bool,
    pub pcid: bool,
    pub invpcid: bool,
    pub nx: bool,
    pub gigabyte_pages: bool,
    pub smep: bool,
    pub smap: bool,
    pub umip: bool,
    pub fsgsbase: bool,
    pub erms: bool,
    pub invariant_tsc: bool,
    pub sha: bool,
}

static FEATURES: Once<Features> = Once::new();

/// The features of the first core, which every other core must share.
pub fn get() -> &'static Features {
    FEATURES.call_once(read)
}

fn read() -> Features {
    let bit = |word: u32, index: u32| word >> index & 1 != 0;
    let max = __cpuid(0).eax;
    let extended = __cpuid(0x8000_0000).eax;
    let one = __cpuid(1);
    let mut features = Features {
        xsave: bit(one.ecx, 26) && max >= 0xd,
        mce: bit(one.edx, 7),
        x2apic: bit(one.ecx, 21),
        tsc_deadline: bit(one.ecx, 24),
        pcid: bit(one.ecx, 17),
        ..Features::default()
    };
    if max >= 7 {
        let seven = __cpuid_count(7, 0);
        features.fsgsbase = bit(seven.ebx, 0);
        features.smep = bit(seven.ebx, 7);
        features.erms = bit(seven.ebx, 9);
        features.invpcid = bit(seven.ebx, 10);
        features.smap = bit(seven.ebx, 20);
        features.umip = bit(seven.ecx, 2);
        // Its code also uses SSSE3 and SSE4.1.
        features.sha = bit(seven.ebx, 29) && bit(one.ecx, 9) && bit(one.ecx, 19);
    }
    if extended >= 0x8000_0001 {
        let leaf = __cpuid(0x8000_0001);
        features.nx = bit(leaf.edx, 20);
        features.gigabyte_pages = bit(leaf.edx, 26);
    }
    if extended >= 0x8000_0007 {
        features.invariant_tsc = bit(__cpuid(0x8000_0007).edx, 8);
    }
    features
}

impl Features {
    fn list(&self) -> [(bool, &'static str); 14] {
        [
            (self.nx, "nx"),
            (self.smep, "smep"),
            (self.smap, "smap"),
            (self.umip, "umip"),
            (self.fsgsbase, "fsgsbase"),
            (self.pcid, "pcid"),
            (self.xsave, "xsave"),
            (self.x2apic, "x2apic"),
            (self.tsc_deadline, "tsc-deadline"),
            (self.invariant_tsc, "invariant-tsc"),
            (self.gigabyte_pages, "1g-pages"),
            (self.erms, "erms"),
            (self.mce, "mce"),
            (self.sha, "sha"),
        ]
    }
}

/// Whether this core has everything that the first one has.
pub(super) fn suffice() -> bool {
    let (first, own) = (get().list(), read().list());
    first
        .iter()
        .zip(own)
        .all(|((first, _), (own, _))| own || !first)
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (_, name) in self.list().iter().filter(|(has, _)| *has) {
            write!(f, "{}{name}", if first { "" } else { " " })?;
            first = false;
        }
        Ok(())
    }
}

/// What this core says of attacks on speculative execution.
pub fn speculation() -> Facts {
    let bit = |word: u32, index: u32| word >> index & 1 != 0;
    let vendor = __cpuid(0);
    // "Auth enti cAMD" and "Hygo nGen uine".
    let amd = matches!(vendor.ebx, 0x6874_7541 | 0x6f67_7948);
    let seven = (vendor.eax >= 7).then(|| __cpuid_count(7, 0));
    let words = seven.map_or((0, 0), |seven| (seven.ebx, seven.edx));
    let extended = (__cpuid(0x8000_0000).eax >= 0x8000_0008).then(|| __cpuid(0x8000_0008).ebx);
    let amds = extended.unwrap_or(0);
    let capabilities = if bit(words.1, 29) {
        // SAFETY: K2, CPUID reports the register.
        unsafe { msr::read(msr::ARCH_CAPABILITIES) }
    } else {
        0
    };
    Facts {
        amd,
        capabilities,
        transactions: bit(words.0, 11),
        controls: [
            bit(words.1, 26) || bit(amds, 14),
            bit(words.1, 26) || bit(amds, 12),
            bit(words.1, 27) || bit(amds, 15),
            bit(words.1, 31) || bit(amds, 24),
        ],
    }
}

/// Whether x2APIC mode, once entered, cannot be left (SDM vol. 4, IA32_XAPIC_DISABLE_STATUS).
pub(super) fn is_x2apic_locked() -> bool {
    let has_capabilities = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx >> 29 & 1 != 0;
    // SAFETY: K2, each register exists where the one before says so.
    unsafe {
        has_capabilities
            && msr::read(msr::ARCH_CAPABILITIES) >> 21 & 1 != 0
            && msr::read(msr::XAPIC_DISABLE_STATUS) & 1 != 0
    }
}

/// How many low bits of an APIC id tell the cores apart that share the last-level cache; `None` when CPUID does not say
/// or the cache is private to a core (SDM vol. 2A, CPUID leaf 4).
pub fn cache_bits() -> Option<u32> {
    if __cpuid(0).eax < 4 {
        return None;
    }
    let caches = (0..16)
        .map(|index| __cpuid_count(4, index))
        .take_while(|leaf| leaf.eax & 31 != 0);
    let last = caches.max_by_key(|leaf| leaf.eax >> 5 & 7)?;
    let sharers = (last.eax >> 14 & 0xfff) + 1;
    (last.eax >> 5 & 7 >= 3).then(|| sharers.next_power_of_two().trailing_zeros())
}

//! What this processor can do (CPUID), read once by the first core.

use super::msr;
use braid_firmware::speculation::Facts;
use core::fmt;
use raw_cpuid::{CpuId, CpuIdResult, cpuid};
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
    let cpu = CpuId::new();
    let mut features = Features::default();
    let one = cpu.get_feature_info();
    if let Some(one) = &one {
        features.xsave = one.has_xsave() && cpu.get_extended_state_info().is_some();
        features.mce = one.has_mce();
        features.x2apic = one.has_x2apic();
        features.tsc_deadline = one.has_tsc_deadline();
        features.pcid = one.has_pcid();
    }
    if let Some(seven) = cpu.get_extended_feature_info() {
        features.fsgsbase = seven.has_fsgsbase();
        features.smep = seven.has_smep();
        features.erms = seven.has_rep_movsb_stosb();
        features.invpcid = seven.has_invpcid();
        features.smap = seven.has_smap();
        features.umip = seven.has_umip();
        // Its code also uses SSSE3 and SSE4.1.
        features.sha = seven.has_sha() && one.is_some_and(|one| one.has_ssse3() && one.has_sse41());
    }
    if let Some(extended) = cpu.get_extended_processor_and_feature_identifiers() {
        features.nx = extended.has_execute_disable();
        features.gigabyte_pages = extended.has_1gib_pages();
    }
    if let Some(power) = cpu.get_advanced_power_mgmt_info() {
        features.invariant_tsc = power.has_invariant_tsc();
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

/// A leaf of CPUID as it is, for what `raw-cpuid` has no name for; zeros where the processor has no such leaf.
fn leaf(number: u32) -> CpuIdResult {
    // The highest leaf of the number's range, basic or extended.
    if number <= cpuid!(number & 0x8000_0000).eax {
        cpuid!(number)
    } else {
        const {
            CpuIdResult {
                eax: 0,
                ebx: 0,
                ecx: 0,
                edx: 0,
            }
        }
    }
}

fn bit(word: u32, index: u32) -> bool {
    word >> index & 1 != 0
}

/// Whether IA32_ARCH_CAPABILITIES exists.
fn has_capabilities() -> bool {
    bit(leaf(7).edx, 29)
}

/// What this core says of attacks on speculative execution, whose bits `raw-cpuid` does not name.
pub fn speculation() -> Facts {
    let vendor = CpuId::new().get_vendor_info();
    let (seven, amds) = (leaf(7), leaf(0x8000_0008).ebx);
    let capabilities = if has_capabilities() {
        // SAFETY: K2, CPUID reports the register.
        unsafe { msr::read(msr::ARCH_CAPABILITIES) }
    } else {
        0
    };
    Facts {
        amd: vendor.is_some_and(|name| matches!(name.as_str(), "AuthenticAMD" | "HygonGenuine")),
        capabilities,
        transactions: bit(seven.ebx, 11),
        controls: [
            bit(seven.edx, 26) || bit(amds, 14),
            bit(seven.edx, 26) || bit(amds, 12),
            bit(seven.edx, 27) || bit(amds, 15),
            bit(seven.edx, 31) || bit(amds, 24),
        ],
    }
}

/// Whether x2APIC mode, once entered, cannot be left (SDM vol. 4, IA32_XAPIC_DISABLE_STATUS).
pub(super) fn is_x2apic_locked() -> bool {
    // SAFETY: K2, each register exists where the one before says so.
    unsafe {
        has_capabilities()
            && msr::read(msr::ARCH_CAPABILITIES) >> 21 & 1 != 0
            && msr::read(msr::XAPIC_DISABLE_STATUS) & 1 != 0
    }
}

/// The basic features as a program's AT_HWCAP has them: CPUID leaf 1, EDX.
pub fn hwcap() -> u32 {
    cpuid!(1).edx
}

/// This core's model and stepping.
pub fn model() -> (u8, u8) {
    let one = CpuId::new().get_feature_info();
    one.map_or((0, 0), |one| (one.base_model_id(), one.stepping_id()))
}

/// How many low bits of an APIC id tell the cores apart that share the last-level cache; `None` when CPUID does not say
/// or the cache is private to a core (SDM vol. 2A, CPUID leaf 4).
///
/// The leaf is read as it is: `raw-cpuid` hides it on processors that call themselves AMD's, and QEMU's own processor
/// does so and has it.
pub fn cache_bits() -> Option<u32> {
    leaf(0).eax.checked_sub(4)?;
    let caches = (0..16)
        .map(|index| cpuid!(4, index))
        .take_while(|leaf| leaf.eax & 31 != 0);
    let last = caches.max_by_key(|leaf| leaf.eax >> 5 & 7)?;
    let sharers = (last.eax >> 14 & 0xfff) + 1;
    (last.eax >> 5 & 7 >= 3).then(|| sharers.next_power_of_two().trailing_zeros())
}

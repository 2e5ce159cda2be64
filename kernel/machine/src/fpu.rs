//! Floating-point and vector state (XSAVE where there is it, else FXSAVE). SDM vol. 1, chapter 13.

use super::features;
use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::arch::asm;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use raw_cpuid::cpuid;
use x86_64::registers::xcontrol::XCr0;

/// x87, SSE, AVX and AVX-512 (opmask, upper halves, upper registers): what a program's vectors may use. Not PKRU, as CR4 leaves
/// protection keys off.
const WANTED: u64 = 0b1110_0111;
/// The enabled state components (XCR0); 0 without XSAVE. Written once at boot.
static COMPONENTS: AtomicU64 = AtomicU64::new(0);
/// Bytes of a state image. Written once at boot.
static SIZE: AtomicUsize = AtomicUsize::new(512);

/// The bits of MXCSR that this processor has; another one that is set faults when it is loaded. Written once at boot.
static MXCSR_MASK: AtomicU32 = AtomicU32::new(0xffbf);

/// Offsets in an image: x87 control word, MXCSR and its mask, the XSAVE header, the extended area.
const FCW: usize = 0;
const MXCSR: usize = 24;
const HEADER: usize = 512;
/// Bytes of the legacy area and the XSAVE header: the least that an image in XSAVE format has.
pub const EXTENDED: usize = 576;
/// The components of the legacy area: x87 and SSE.
const LEGACY: u64 = 0b11;
/// Those that MXCSR belongs to: SSE and AVX.
const WITH_MXCSR: u64 = 0b110;
/// MXCSR with every exception masked.
const MXCSR_RESET: u32 = 0x1f80;

/// The saved vector state of a thread, on the torus's heap.
#[derive(Debug)]
pub struct FpuState(NonNull<u8>);

// SAFETY: K9, it owns its memory.
unsafe impl Send for FpuState {}
// SAFETY: K9, a shared reference only reads.
unsafe impl Sync for FpuState {}

/// The components that this processor has and programs may use.
fn supported() -> u64 {
    if !features::get().xsave {
        return 0;
    }
    // As a word: the components are a mask here, and `raw-cpuid` has a method for each.
    let leaf = cpuid!(0xd);
    let components = (u64::from(leaf.eax) | u64::from(leaf.edx) << 32) & WANTED;
    // AVX-512 needs its three components and AVX together (SDM vol. 1, 13.3).
    if components & 0xe4 == 0xe4 {
        components
    } else {
        components & !0xe0
    }
}

/// Whether this core has what the first one has enabled.
pub(super) fn suffices() -> bool {
    let components = components();
    supported() & components == components
}

/// Enables the components on this core, whose control registers are set; the first core decides which ones.
pub(super) fn enable(first: bool) {
    if first {
        COMPONENTS.store(supported(), Ordering::Relaxed);
        MXCSR_MASK.store(mxcsr_mask(), Ordering::Relaxed);
    }
    let components = components();
    if components == 0 {
        return;
    }
    // SAFETY: K2, OSXSAVE is on and the components are supported.
    unsafe { XCr0::write_raw(components) };
    if first {
        SIZE.store(cpuid!(0xd).ebx as usize, Ordering::Relaxed);
    }
}

/// The bits that MXCSR has (SDM vol. 1, 11.6.6).
fn mxcsr_mask() -> u32 {
    #[repr(align(16))]
    struct Area([u32; 128]);
    let mut area = Area([0; 128]);
    // SAFETY: K9, 512 bytes, aligned to 16.
    unsafe { asm!("fxsave64 [{}]", in(reg) &mut area, options(nostack)) };
    match area.0[7] {
        0 => 0xffbf,
        mask => mask,
    }
}

/// The x87 exceptions that are pending and not masked, as in the status word; of the running program.
pub fn x87_exceptions() -> u32 {
    let (mut status, mut control) = (0u16, 0u16);
    // SAFETY: K26, both are read without effect.
    unsafe {
        asm!("fnstsw [{}]", "fnstcw [{}]", in(reg) &mut status, in(reg) &mut control, options(nostack))
    };
    u32::from(status & !control) & 0x3f
}

/// The SSE exceptions that have been seen and are not masked, as in MXCSR; of the running program.
pub fn sse_exceptions() -> u32 {
    let mut mxcsr = 0u32;
    // SAFETY: K26, it is read without effect.
    unsafe { asm!("stmxcsr [{}]", in(reg) &mut mxcsr, options(nostack)) };
    mxcsr & !(mxcsr >> 7) & 0x3f
}

/// AT_HWCAP2 and kin do not need it, signal frames do: bytes of a state image.
pub fn size() -> usize {
    SIZE.load(Ordering::Relaxed)
}

/// The enabled components (XCR0); 0 without XSAVE.
pub fn components() -> u64 {
    COMPONENTS.load(Ordering::Relaxed)
}

impl FpuState {
    /// The state of a new program: everything at its reset value, exceptions masked. `None` without memory.
    pub fn initial() -> Option<Self> {
        // SAFETY: K9, the layout is not of size zero.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout()) })?;
        let mut state = Self(memory);
        state.reset();
        Some(state)
    }

    /// A copy, for fork. `None` without memory.
    pub fn duplicate(&self) -> Option<Self> {
        let mut copy = Self::initial()?;
        copy.bytes_mut().copy_from_slice(self.bytes());
        Some(copy)
    }

    /// The image: the legacy area, the XSAVE header, then the extended area (standard format).
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: K9.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr(), size()) }
    }

    /// The image, to change it. What a program supplies has to go through [`FpuState::replace`].
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: K9.
        unsafe { core::slice::from_raw_parts_mut(self.0.as_ptr(), size()) }
    }

    /// Everything at its reset value, exceptions masked.
    pub fn reset(&mut self) {
        let bytes = self.bytes_mut();
        let header = bytes.len().min(EXTENDED);
        // XSTATE_BV 0 has XRSTOR reset every component; MXCSR it takes from memory all the same.
        bytes[..header].fill(0);
        bytes[FCW..FCW + 2].copy_from_slice(&0x37fu16.to_le_bytes());
        bytes[MXCSR..MXCSR + 4].copy_from_slice(&MXCSR_RESET.to_le_bytes());
    }

    /// Takes over an image that `read` supplies; [`Image`] says how much of it counts. The state is what it was after
    /// [`FpuState::reset`] when the image does not restore without a fault, or `read` fails.
    ///
    /// # Errors
    /// Those of `read`, or its kind of error for an image that XRSTOR would refuse.
    pub fn replace<E>(
        &mut self,
        image: Image,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
        refused: E,
    ) -> Result<(), E> {
        let components = components();
        let bytes = self.bytes_mut();
        let (len, kept) = match image {
            Image::Legacy => (HEADER, components & LEGACY),
            Image::Extended { len, components: c } => (len.min(bytes.len()), components & c),
        };
        let outcome = read(&mut bytes[..len]).and_then(|()| {
            let restores = is_restorable(&bytes[..len], components);
            restores.then_some(()).ok_or(refused)
        });
        if outcome.is_err() {
            self.reset();
            return outcome;
        }
        if components != 0 {
            let present = match image {
                Image::Legacy => LEGACY,
                Image::Extended { .. } => word(bytes, HEADER),
            };
            bytes[len..].fill(0);
            bytes[HEADER..EXTENDED].fill(0);
            bytes[HEADER..HEADER + 8].copy_from_slice(&(present & kept).to_le_bytes());
            // XRSTOR takes MXCSR from memory also where it resets the registers that it goes with.
            if kept & WITH_MXCSR == 0 {
                bytes[MXCSR..MXCSR + 4].copy_from_slice(&MXCSR_RESET.to_le_bytes());
            }
        }
        Ok(())
    }
}

/// How much of an image counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// The legacy area alone: x87 and SSE. All else is reset.
    Legacy,
    /// So many bytes, at least the XSAVE header with what is before it, and of the components in them these.
    Extended {
        /// Bytes.
        len: usize,
        /// A bit for each, as in XCR0.
        components: u64,
    },
}

/// Whether XRSTOR or FXRSTOR takes an image without a fault (SDM vol. 1, 13.8.1 and 10.5.1.2).
fn is_restorable(image: &[u8], components: u64) -> bool {
    let mxcsr = word(image, MXCSR) as u32;
    let header = image.len() <= HEADER
        || word(image, HEADER) & !components == 0
            && word(image, HEADER + 8) == 0
            && word(image, HEADER + 16) == 0;
    header && mxcsr & !MXCSR_MASK.load(Ordering::Relaxed) == 0
}

/// The word at an offset; 0 beyond the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

impl Drop for FpuState {
    fn drop(&mut self) {
        // SAFETY: K9, allocated with the same layout.
        unsafe { dealloc(self.0.as_ptr(), layout()) }
    }
}

fn layout() -> Layout {
    // The size is at most some KiB (CPUID), 64 is a power of two.
    Layout::from_size_align(size(), 64).unwrap_or(Layout::new::<[u64; 8]>())
}

/// Saves this core's vector registers.
pub fn save(state: &mut FpuState) {
    let to = state.0.as_ptr();
    let components = components();
    // SAFETY: K9, the image is 64-aligned and large enough for the enabled components.
    unsafe {
        if components != 0 {
            asm!("xsave64 [{}]", in(reg) to, in("eax") components as u32, in("edx") (components >> 32) as u32, options(nostack));
        } else {
            asm!("fxsave64 [{}]", in(reg) to, options(nostack));
        }
    }
}

/// Loads this core's vector registers.
pub fn restore(state: &FpuState) {
    let from = state.0.as_ptr();
    let components = components();
    // SAFETY: K9, the image was made by `initial`, `save` or `replace`, none of which faults.
    unsafe {
        if components != 0 {
            asm!("xrstor64 [{}]", in(reg) from, in("eax") components as u32, in("edx") (components >> 32) as u32, options(nostack, readonly));
        } else {
            asm!("fxrstor64 [{}]", in(reg) from, options(nostack, readonly));
        }
    }
}

/// Lets `work` overwrite the vector registers xmm0 to xmm15 with instructions of the legacy encoding, which leave the upper parts of
/// the registers alone. The program's registers are live in the kernel: they are kept meanwhile.
pub fn with_vectors<R>(work: impl FnOnce() -> R) -> R {
    let mut kept = [0u128; 16];
    // SAFETY: K26, the array has room for sixteen registers, and is aligned for them.
    unsafe {
        asm!(
            "movaps [{0} + 0], xmm0",
            "movaps [{0} + 16], xmm1",
            "movaps [{0} + 32], xmm2",
            "movaps [{0} + 48], xmm3",
            "movaps [{0} + 64], xmm4",
            "movaps [{0} + 80], xmm5",
            "movaps [{0} + 96], xmm6",
            "movaps [{0} + 112], xmm7",
            "movaps [{0} + 128], xmm8",
            "movaps [{0} + 144], xmm9",
            "movaps [{0} + 160], xmm10",
            "movaps [{0} + 176], xmm11",
            "movaps [{0} + 192], xmm12",
            "movaps [{0} + 208], xmm13",
            "movaps [{0} + 224], xmm14",
            "movaps [{0} + 240], xmm15",
            in(reg) kept.as_mut_ptr(), options(nostack, preserves_flags)
        );
    }
    let result = work();
    // SAFETY: K26, as above; interrupts are off, so nobody has looked at the registers meanwhile.
    unsafe {
        asm!(
            "movaps xmm0, [{0} + 0]",
            "movaps xmm1, [{0} + 16]",
            "movaps xmm2, [{0} + 32]",
            "movaps xmm3, [{0} + 48]",
            "movaps xmm4, [{0} + 64]",
            "movaps xmm5, [{0} + 80]",
            "movaps xmm6, [{0} + 96]",
            "movaps xmm7, [{0} + 112]",
            "movaps xmm8, [{0} + 128]",
            "movaps xmm9, [{0} + 144]",
            "movaps xmm10, [{0} + 160]",
            "movaps xmm11, [{0} + 176]",
            "movaps xmm12, [{0} + 192]",
            "movaps xmm13, [{0} + 208]",
            "movaps xmm14, [{0} + 224]",
            "movaps xmm15, [{0} + 240]",
            in(reg) kept.as_ptr(), options(nostack, preserves_flags, readonly)
        );
    }
    result
}

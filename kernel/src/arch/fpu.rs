//! Floating-point and vector state (XSAVE where there is it, else FXSAVE). SDM vol. 1, chapter 13.

use super::features;
use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::arch::asm;
use core::arch::x86_64::__cpuid_count;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// x87, SSE, AVX, AVX-512 (opmask, upper halves, upper registers) and PKRU: what a program's vectors may use.
const WANTED: u64 = 0b10_1110_0111;
/// The enabled state components (XCR0); 0 without XSAVE. Written once at boot.
static COMPONENTS: AtomicU64 = AtomicU64::new(0);
/// Bytes of a state image. Written once at boot.
static SIZE: AtomicUsize = AtomicUsize::new(512);

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
    let leaf = __cpuid_count(0xd, 0);
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
    }
    let components = components();
    if components == 0 {
        return;
    }
    // SAFETY: K2, OSXSAVE is on and the components are supported.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") components as u32, in("edx") (components >> 32) as u32, options(nomem, nostack));
    }
    if first {
        SIZE.store(__cpuid_count(0xd, 0).ebx as usize, Ordering::Relaxed);
    }
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
        let bytes = state.bytes_mut();
        // FCW 0x37f at 0, MXCSR 0x1f80 at 24; XSTATE_BV 0 would ignore MXCSR only under XRSTOR's init rule.
        bytes[..2].copy_from_slice(&0x37fu16.to_le_bytes());
        bytes[24..28].copy_from_slice(&0x1f80u32.to_le_bytes());
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

    /// The image, to change it. What a program supplies has to go through [`FpuState::load_image`].
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: K9.
        unsafe { core::slice::from_raw_parts_mut(self.0.as_ptr(), size()) }
    }

    /// Takes over an image that a program supplied (sigreturn): only what cannot fault when it is restored.
    /// Bytes beyond `image` stay as they are.
    pub fn load_image(&mut self, image: &[u8]) {
        let len = image.len().min(size());
        self.bytes_mut()[..len].copy_from_slice(&image[..len]);
        let components = components();
        let bytes = self.bytes_mut();
        // Reserved MXCSR bits raise #GP (SDM vol. 1, 10.2.3); only the classic sixteen are kept.
        let mxcsr = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]) & 0xffff;
        bytes[24..28].copy_from_slice(&mxcsr.to_le_bytes());
        if components != 0 {
            let mut bv = [0; 8];
            bv.copy_from_slice(&bytes[512..520]);
            let bv = u64::from_le_bytes(bv) & components;
            bytes[512..520].copy_from_slice(&bv.to_le_bytes());
            // XCOMP_BV and the reserved words must be zero for the standard format.
            bytes[520..576].fill(0);
        }
    }
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
    // SAFETY: K9, the image was made by `initial`, `save` or `load_image`, none of which faults.
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

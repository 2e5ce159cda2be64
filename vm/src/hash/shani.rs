//! The backend for processors with the SHA extensions (Intel SDM volume 1, "Intel SHA Extensions").
//!
//! Written as assembly with explicit registers, because the kernel's target has no vector types. Two messages are hashed at a
//! time: `sha256rnds2` waits for its own result, and a second message fills the gaps.
#![expect(unsafe_code, reason = "SHA instructions; see invariants V20 and V21")]

use core::arch::asm;

use super::portable::{INITIAL, PADDING};
use super::{Pair, PairHash};

/// SHA-256 by the SHA extensions. A value of this type is proof of V20.
#[derive(Debug)]
pub struct ShaNi(());

impl ShaNi {
    /// # Safety
    /// The processor has SHA, SSSE3 and SSE4.1, the operating environment has enabled SSE, and whoever calls `hash_pairs` may
    /// overwrite the vector registers xmm0 to xmm14 (in the kernel: inside the FPU guard). This is invariant V20.
    pub const unsafe fn assume_supported() -> Self {
        Self(())
    }

    /// Asks CPUID. Only where compiled code uses vector registers itself, so that they need no guard.
    #[cfg(target_feature = "sse2")]
    pub fn detect() -> Option<&'static Self> {
        use core::arch::x86_64::{__cpuid, __cpuid_count};
        static SUPPORTED: ShaNi = ShaNi(());
        const SSSE3_AND_SSE4_1: u32 = 1 << 9 | 1 << 19;
        const SHA: u32 = 1 << 29;
        let supported = __cpuid(0).eax >= 7
            && __cpuid(1).ecx & SSSE3_AND_SSE4_1 == SSSE3_AND_SSE4_1
            && __cpuid_count(7, 0).ebx & SHA != 0;
        supported.then_some(&SUPPORTED)
    }
}

impl PairHash for ShaNi {
    fn hash_pairs(&self, pairs: &[Pair], out: &mut [[u8; 32]]) {
        let (twos, odd) = pairs.as_chunks::<2>();
        let (out_twos, out_odd) = out.as_chunks_mut::<2>();
        for (two, digests) in twos.iter().zip(out_twos) {
            hash_two(self, two, digests);
        }
        for (one, digest) in odd.iter().zip(out_odd) {
            let mut digests = [[0; 32]; 2];
            hash_two(self, &[*one, *one], &mut digests);
            *digest = digests[0];
        }
    }

    fn name(&self) -> &'static str {
        "sha-ni"
    }
}

/// Round constants (FIPS 180-4, 4.2.2).
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// Everything constant that the assembly reads, in the order of its offsets.
#[repr(C, align(16))]
struct Constants {
    /// Offset 0.
    k: [u32; 64],
    /// Offset 256: round constants plus message schedule of the padding block.
    padding: [u32; 64],
    /// Offset 512: initial state as the instructions hold it, words F E B A, then H G D C (lowest first).
    initial: [u32; 8],
    /// Offset 544: `pshufb` mask that swaps the bytes of each word.
    swap: [u8; 16],
}

static CONSTANTS: Constants = Constants {
    k: K,
    padding: padding_schedule(),
    initial: [
        INITIAL[5], INITIAL[4], INITIAL[1], INITIAL[0], INITIAL[7], INITIAL[6], INITIAL[3],
        INITIAL[2],
    ],
    swap: [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12],
};

/// K plus the message schedule of [`PADDING`] (FIPS 180-4, 6.2.2 step 1).
const fn padding_schedule() -> [u32; 64] {
    let mut words = [0u32; 64];
    words[0] = (PADDING[0] as u32) << 24;
    words[15] = (PADDING[62] as u32) << 8 | PADDING[63] as u32;
    let mut t = 16;
    while t < 64 {
        let (x, y) = (words[t - 15], words[t - 2]);
        let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
        let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
        words[t] = s1
            .wrapping_add(words[t - 7])
            .wrapping_add(s0)
            .wrapping_add(words[t - 16]);
        t += 1;
    }
    let mut t = 0;
    while t < 64 {
        words[t] = words[t].wrapping_add(K[t]);
        t += 1;
    }
    words
}

/// Loads 16 message bytes as big-endian words.
macro_rules! load {
    ($message:literal, $offset:literal, $m:literal) => {
        concat!(
            "movdqu xmm",
            $m,
            ", [",
            $message,
            " + ",
            $offset,
            "]\n",
            "pshufb xmm",
            $m,
            ", xmm14\n",
        )
    };
}

/// Four rounds with the four sums already in xmm0.
macro_rules! rounds {
    ($abef:literal, $cdgh:literal) => {
        concat!(
            "sha256rnds2 xmm",
            $cdgh,
            ", xmm",
            $abef,
            "\n",
            "pshufd xmm0, xmm0, 0x0e\n",
            "sha256rnds2 xmm",
            $abef,
            ", xmm",
            $cdgh,
            "\n",
        )
    };
}

/// Four rounds on the message words in `$m`.
macro_rules! quad {
    ($k:literal, $abef:literal, $cdgh:literal, $m:literal) => {
        concat!(
            "movdqa xmm0, xmm",
            $m,
            "\n",
            "paddd xmm0, [{constants} + ",
            $k,
            "]\n",
            rounds!($abef, $cdgh),
        )
    };
}

/// Turns the oldest four message words `$m0` into the next four of the schedule.
macro_rules! schedule {
    ($m0:literal, $m1:literal, $m2:literal, $m3:literal) => {
        concat!(
            "sha256msg1 xmm",
            $m0,
            ", xmm",
            $m1,
            "\n",
            "movdqa xmm1, xmm",
            $m3,
            "\n",
            "palignr xmm1, xmm",
            $m2,
            ", 4\n",
            "paddd xmm",
            $m0,
            ", xmm1\n",
            "sha256msg2 xmm",
            $m0,
            ", xmm",
            $m3,
            "\n",
        )
    };
}

/// Four rounds of both messages, then the next words of the schedule in place of those used.
macro_rules! step {
    ($k:literal, $a0:literal $a1:literal $a2:literal $a3:literal, $b0:literal $b1:literal $b2:literal $b3:literal) => {
        concat!(
            quad!($k, "2", "3", $a0),
            quad!($k, "8", "9", $b0),
            schedule!($a0, $a1, $a2, $a3),
            schedule!($b0, $b1, $b2, $b3),
        )
    };
}

/// Sixteen rounds, starting at byte offset `$k..` of the constants, with all four groups of words renewed.
macro_rules! sixteen {
    ($k0:literal, $k1:literal, $k2:literal, $k3:literal) => {
        concat!(
            step!($k0, "4" "5" "6" "7", "10" "11" "12" "13"),
            step!($k1, "5" "6" "7" "4", "11" "12" "13" "10"),
            step!($k2, "6" "7" "4" "5", "12" "13" "10" "11"),
            step!($k3, "7" "4" "5" "6", "13" "10" "11" "12"),
        )
    };
}

/// Four rounds of both messages on the padding block.
macro_rules! padding_quad {
    ($k:literal) => {
        concat!(
            "movdqa xmm0, [{constants} + ",
            $k,
            "]\n",
            rounds!("2", "3"),
            "movdqa xmm0, [{constants} + ",
            $k,
            "]\n",
            rounds!("8", "9"),
        )
    };
}

/// From the order of the instructions (ABEF, CDGH) to eight big-endian words in memory.
macro_rules! store {
    ($abef:literal, $cdgh:literal, $out:literal) => {
        concat!(
            "pshufd xmm",
            $abef,
            ", xmm",
            $abef,
            ", 0x1b\n", // A B E F, lowest first
            "pshufd xmm",
            $cdgh,
            ", xmm",
            $cdgh,
            ", 0x1b\n", // C D G H
            "movdqa xmm0, xmm",
            $abef,
            "\n",
            "punpcklqdq xmm0, xmm",
            $cdgh,
            "\n", // A B C D
            "punpckhqdq xmm",
            $abef,
            ", xmm",
            $cdgh,
            "\n", // E F G H
            "pshufb xmm0, xmm14\n",
            "pshufb xmm",
            $abef,
            ", xmm14\n",
            "movdqu [{out} + ",
            $out,
            "], xmm0\n",
            "movdqu [{out} + ",
            $out,
            " + 16], xmm",
            $abef,
            "\n",
        )
    };
}

/// Digests of two messages. xmm2/3 and xmm8/9 hold the states, xmm4-7 and xmm10-13 the message words, xmm14 the byte swap.
#[rustfmt::skip]
fn hash_two(_supported: &ShaNi, messages: &[Pair; 2], digests: &mut [[u8; 32]; 2]) {
    let mut saved = [[0u32; 4]; 4];
    // SAFETY: V20 (the processor has the instructions and xmm0-14 are ours, shown by `_supported`) and V21 (reads 128 bytes of
    // `messages` and the constants, writes 64 bytes of `digests` and of `saved`, and touches no other memory, stack or flag).
    unsafe {
        asm!(
            "movdqa xmm14, [{constants} + 544]",
            "movdqa xmm2, [{constants} + 512]",
            "movdqa xmm3, [{constants} + 528]",
            "movdqa xmm8, xmm2",
            "movdqa xmm9, xmm3",
            load!("{messages}", "0", "4"), load!("{messages}", "64", "10"),
            load!("{messages}", "16", "5"), load!("{messages}", "80", "11"),
            load!("{messages}", "32", "6"), load!("{messages}", "96", "12"),
            load!("{messages}", "48", "7"), load!("{messages}", "112", "13"),
            sixteen!("0", "16", "32", "48"),
            sixteen!("64", "80", "96", "112"),
            sixteen!("128", "144", "160", "176"),
            quad!("192", "2", "3", "4"), quad!("192", "8", "9", "10"),
            quad!("208", "2", "3", "5"), quad!("208", "8", "9", "11"),
            quad!("224", "2", "3", "6"), quad!("224", "8", "9", "12"),
            quad!("240", "2", "3", "7"), quad!("240", "8", "9", "13"),
            "paddd xmm2, [{constants} + 512]",
            "paddd xmm3, [{constants} + 528]",
            "paddd xmm8, [{constants} + 512]",
            "paddd xmm9, [{constants} + 528]",
            "movdqu [{saved}], xmm2",
            "movdqu [{saved} + 16], xmm3",
            "movdqu [{saved} + 32], xmm8",
            "movdqu [{saved} + 48], xmm9",
            padding_quad!("256"), padding_quad!("272"), padding_quad!("288"), padding_quad!("304"),
            padding_quad!("320"), padding_quad!("336"), padding_quad!("352"), padding_quad!("368"),
            padding_quad!("384"), padding_quad!("400"), padding_quad!("416"), padding_quad!("432"),
            padding_quad!("448"), padding_quad!("464"), padding_quad!("480"), padding_quad!("496"),
            "movdqu xmm4, [{saved}]",
            "movdqu xmm5, [{saved} + 16]",
            "movdqu xmm6, [{saved} + 32]",
            "movdqu xmm7, [{saved} + 48]",
            "paddd xmm2, xmm4",
            "paddd xmm3, xmm5",
            "paddd xmm8, xmm6",
            "paddd xmm9, xmm7",
            store!("2", "3", "0"),
            store!("8", "9", "32"),
            constants = in(reg) &CONSTANTS,
            messages = in(reg) messages,
            out = in(reg) digests,
            saved = in(reg) &mut saved,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
            out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _,
            out("xmm10") _, out("xmm11") _, out("xmm12") _, out("xmm13") _, out("xmm14") _,
            options(nostack, preserves_flags),
        );
    }
}

//! Copies between the kernel and the running program, which survive a fault.
//!
//! All accesses to user addresses are the instructions between `braid_copy_start` and `braid_copy_end`. A page fault
//! there is turned into a jump to the fix-up with the fault's address and error code (K6). One of the two pointers
//! is a user address; SMAP is suspended only around these instructions.

use super::features;
use core::arch::{asm, global_asm};

/// Where a copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultAt {
    /// The user address that was not accessible.
    pub address: usize,
    /// Whether it was being written.
    pub write: bool,
}

// rdi = to, rsi = from, rdx = length, rcx = 1 when `rep movsb` is fast. Result in rax (0 or 1), address in rdx.
global_asm!(
    ".global braid_copy",
    ".global braid_copy_start",
    ".global braid_copy_end",
    ".global braid_copy_fixup",
    "braid_copy:",
    "test ecx, ecx",
    "jz 2f",
    "cmp rdx, 512",
    "jb 2f",
    "mov rcx, rdx",
    "braid_copy_start:",
    "rep movsb",
    "jmp 9f",
    // 64 bytes a round, two registers at a time.
    "2: sub rdx, 64",
    "jb 4f",
    "3: mov rax, [rsi]",
    "mov r8, [rsi + 8]",
    "mov [rdi], rax",
    "mov [rdi + 8], r8",
    "mov rax, [rsi + 16]",
    "mov r8, [rsi + 24]",
    "mov [rdi + 16], rax",
    "mov [rdi + 24], r8",
    "mov rax, [rsi + 32]",
    "mov r8, [rsi + 40]",
    "mov [rdi + 32], rax",
    "mov [rdi + 40], r8",
    "mov rax, [rsi + 48]",
    "mov r8, [rsi + 56]",
    "mov [rdi + 48], rax",
    "mov [rdi + 56], r8",
    "add rsi, 64",
    "add rdi, 64",
    "sub rdx, 64",
    "jae 3b",
    // The rest: whole words, then bytes.
    "4: add rdx, 64",
    "5: cmp rdx, 8",
    "jb 6f",
    "mov rax, [rsi]",
    "mov [rdi], rax",
    "add rsi, 8",
    "add rdi, 8",
    "sub rdx, 8",
    "jmp 5b",
    "6: test rdx, rdx",
    "jz 9f",
    "7: mov al, [rsi]",
    "mov [rdi], al",
    "inc rsi",
    "inc rdi",
    "dec rdx",
    "jnz 7b",
    "braid_copy_end:",
    "9: xor eax, eax",
    "ret",
    // The fault handler has put the address into rdx.
    "braid_copy_fixup:",
    "mov eax, 1",
    "ret",
);

unsafe extern "C" {
    static braid_copy_start: u8;
    static braid_copy_end: u8;
    static braid_copy_fixup: u8;
}

/// The address to continue at after a page fault at kernel instruction `rip`, if it is part of a copy.
pub(super) fn fixup(rip: u64) -> Option<u64> {
    let start = (&raw const braid_copy_start).addr() as u64;
    let end = (&raw const braid_copy_end).addr() as u64;
    (start..end)
        .contains(&rip)
        .then(|| (&raw const braid_copy_fixup).addr() as u64)
}

/// Copies from user address `src` to the kernel.
///
/// # Errors
/// Where the copy stopped; `dst` then holds an unspecified part. Repeating the whole copy is harmless.
///
/// # Safety
/// `dst` is valid for `len` bytes; `src..src + len` lies in the user half.
pub unsafe fn copy_in(dst: *mut u8, src: usize, len: usize) -> Result<(), FaultAt> {
    // SAFETY: K6, by the caller's promise.
    unsafe { copy(dst, src as *const u8, len) }.map_err(|address| FaultAt {
        address,
        write: false,
    })
}

/// Copies from the kernel to user address `dst`.
///
/// # Errors
/// Where the copy stopped; part of it may have been written.
///
/// # Safety
/// `src` is valid for `len` bytes; `dst..dst + len` lies in the user half.
pub unsafe fn copy_out(dst: usize, src: *const u8, len: usize) -> Result<(), FaultAt> {
    // SAFETY: K6, by the caller's promise.
    unsafe { copy(dst as *mut u8, src, len) }.map_err(|address| FaultAt {
        address,
        write: true,
    })
}

/// # Safety
/// The kernel side of the two is valid for `len` bytes, the other lies in the user half.
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) -> Result<(), usize> {
    let (failed, address): (u64, usize);
    let features = features::get();
    // SAFETY: K6; only the user side can fault, and the fault comes back as a result.
    unsafe {
        if features.smap {
            asm!("stac", options(nomem, nostack));
        }
        asm!(
            "call braid_copy",
            inout("rdi") to => _,
            inout("rsi") from => _,
            inout("rdx") len => address,
            inout("rcx") u64::from(features.erms) => _,
            out("rax") failed,
            out("r8") _,
        );
        if features.smap {
            asm!("clac", options(nomem, nostack));
        }
    }
    if failed == 0 { Ok(()) } else { Err(address) }
}

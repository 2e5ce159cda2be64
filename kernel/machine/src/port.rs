//! I/O ports.

use core::arch::asm;

/// Reads a byte.
///
/// # Safety
/// Reading this port has no effect that breaks an invariant.
pub unsafe fn read_u8(port: u16) -> u8 {
    let value;
    // SAFETY: K2, by the caller's promise.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nostack, preserves_flags)) };
    value
}

/// Writes a byte.
///
/// # Safety
/// Writing this port breaks no invariant.
pub unsafe fn write_u8(port: u16, value: u8) {
    // SAFETY: K2, by the caller's promise.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nostack, preserves_flags)) };
}

/// Reads a 32-bit word.
///
/// # Safety
/// Reading this port has no effect that breaks an invariant.
pub unsafe fn read_u32(port: u16) -> u32 {
    let value;
    // SAFETY: K2, by the caller's promise.
    unsafe {
        asm!("in eax, dx", in("dx") port, out("eax") value, options(nostack, preserves_flags))
    };
    value
}

/// Writes a 16-bit word.
///
/// # Safety
/// Writing this port breaks no invariant.
pub unsafe fn write_u16(port: u16, value: u16) {
    // SAFETY: K2, by the caller's promise.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nostack, preserves_flags));
    };
}

/// Writes a 32-bit word.
///
/// # Safety
/// Writing this port breaks no invariant.
pub unsafe fn write_u32(port: u16, value: u32) {
    // SAFETY: K2, by the caller's promise.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags));
    };
}

/// Reads 16 bits.
///
/// # Safety
/// Reading this port has no effect that breaks an invariant.
pub unsafe fn read_u16(port: u16) -> u16 {
    let value;
    // SAFETY: K2, by the caller's promise.
    unsafe { asm!("in ax, dx", in("dx") port, out("ax") value, options(nostack, preserves_flags)) };
    value
}

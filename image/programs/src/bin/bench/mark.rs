//! Executes marks.

use std::arch::{asm, global_asm};

use braid_bench::mark::Mark;

// A function for each region: its mark, and a return; eight bytes, so that they form a table.
global_asm!(
    ".pushsection .text.bench_marks, \"ax\"",
    ".balign 8",
    ".globl bench_marks",
    "bench_marks:",
    ".set bench_region, 0",
    ".rept 256",
    ".byte 0x0f, 0x1f, 0x80",
    ".long {first} + bench_region",
    "ret",
    ".set bench_region, bench_region + 1",
    ".endr",
    ".popsection",
    first = const Mark::Begin(0).number(),
);

/// The process begins its part of a region.
pub(crate) fn begin(region: u8) {
    // SAFETY: G5, the function of the table only returns.
    unsafe {
        asm!(
            "lea {table}, [rip + bench_marks]",
            "lea {table}, [{table} + 8 * {region}]",
            "call {table}",
            table = out(reg) _,
            region = in(reg) u64::from(region),
        );
    }
}

/// It has ended it.
pub(crate) fn end() {
    // SAFETY: G5, the instruction does nothing.
    unsafe { asm!(".byte 0x0f, 0x1f, 0x80", ".long {mark}", mark = const Mark::End.number()) }
}

/// It has done one operation.
#[inline]
pub(crate) fn operation() {
    // SAFETY: G5, the instruction does nothing.
    unsafe {
        asm!(
            ".byte 0x0f, 0x1f, 0x80",
            ".long {mark}",
            mark = const Mark::Operation.number(),
            options(nomem, nostack, preserves_flags)
        );
    }
}
